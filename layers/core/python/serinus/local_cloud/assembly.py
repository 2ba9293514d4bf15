"""Reading a CDK cloud assembly: which stacks it holds, in which order, and what they need uploaded."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serinus.local_cloud.errors import AssemblyUnreadable
from serinus.local_cloud.process import ACCOUNT_ID, REGION

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_PLACEHOLDERS = {
    "${AWS::AccountId}": ACCOUNT_ID,
    "${AWS::Region}": REGION,
    "${AWS::Partition}": "aws",
}


@dataclass(frozen=True)
class Asset:
    """A file, or a directory to be zipped, and where in S3 the templates expect it."""

    source: Path
    zipped: bool
    bucket: str
    key: str

    def body(self) -> bytes:
        """The bytes to upload: the same bytes for the same content, whoever zips it, and when."""
        return zip_directory(self.source) if self.zipped else self.source.read_bytes()


@dataclass(frozen=True)
class Stack:
    """A stack of the assembly, with the names of those that must be there before it."""

    name: str
    template_path: Path
    after: tuple[str, ...]
    assets: tuple[Asset, ...]


def read_assembly(directory: Path) -> list[Stack]:
    """The assembly's stacks, every one after those it depends on.

    Raises:
        AssemblyUnreadable: there is no manifest, or the stacks depend on each other in a circle.
    """
    try:
        artifacts: dict[str, Any] = json.loads((directory / "manifest.json").read_text())["artifacts"]
    except (OSError, ValueError, KeyError) as error:
        raise AssemblyUnreadable(directory, f"its manifest.json is missing or broken ({error})") from error
    stacks = {
        identifier: _stack(directory, identifier, artifacts)
        for identifier, artifact in artifacts.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    return _in_dependency_order(directory, stacks)


def _stack(directory: Path, identifier: str, artifacts: dict[str, Any]) -> Stack:
    artifact = artifacts[identifier]
    properties = artifact["properties"]
    needed = artifact.get("dependencies", [])
    manifests = [
        artifacts[name]["properties"]["file"]
        for name in needed
        if artifacts.get(name, {}).get("type") == "cdk:asset-manifest"
    ]
    return Stack(
        name=properties.get("stackName", identifier),
        template_path=directory / properties["templateFile"],
        after=tuple(name for name in needed if artifacts.get(name, {}).get("type") == "aws:cloudformation:stack"),
        assets=tuple(asset for file in manifests for asset in _assets(directory, directory / file)),
    )


def _assets(directory: Path, manifest: Path) -> list[Asset]:
    files: dict[str, Any] = json.loads(manifest.read_text()).get("files", {})
    return [
        Asset(
            source=directory / file["source"]["path"],
            zipped=file["source"].get("packaging") == "zip",
            bucket=_resolved(destination["bucketName"]),
            key=_resolved(destination["objectKey"]),
        )
        for file in files.values()
        for destination in file["destinations"].values()
    ]


def _resolved(name: str) -> str:
    for placeholder, value in _PLACEHOLDERS.items():
        name = name.replace(placeholder, value)
    return name


def _in_dependency_order(directory: Path, stacks: dict[str, Stack]) -> list[Stack]:
    ordered: dict[str, Stack] = {}
    while len(ordered) < len(stacks):
        ready = [
            name
            for name, stack in stacks.items()
            if name not in ordered and all(needed in ordered for needed in stack.after)
        ]
        if not ready:
            raise AssemblyUnreadable(directory, "its stacks depend on each other in a circle")
        ordered |= {name: stacks[name] for name in ready}
    return list(ordered.values())


def zip_directory(directory: Path) -> bytes:
    """Zip a directory's files, in order of their names and without their times, leaving bytecode out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(directory.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                entry = zipfile.ZipInfo(path.relative_to(directory).as_posix(), _ZIP_EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                executable = path.stat().st_mode & stat.S_IXUSR
                entry.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
                archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()
