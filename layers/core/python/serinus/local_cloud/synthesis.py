"""Running the CDK app, when anything that it reads has changed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from serinus.local_cloud.errors import NodeMissing, SynthesisFailed

LOCAL_CONTEXT = {"serinus:local": True}

_SOURCES = ("infra_cdk", "functions", "layers")
_DIGEST_FILE = ".serinus-digest"
_CHUNK_BYTES = 1 << 20


def repository_root() -> Path:
    """The checkout that this package is part of: the CDK app and the handlers are not in the wheel."""
    return Path(__file__).resolve().parents[5]


def synthesise(out_dir: Path, *, local: bool = True, root: Path | None = None) -> Path:
    """Write the cloud assembly to a directory, unless the one there was made from the same files.

    Args:
        out_dir: where the assembly goes; it is replaced as a whole.
        local: whether to leave out what the local cloud cannot do.
        root: the checkout; None means the one this package is part of.

    Returns:
        The directory, for :func:`serinus.local_cloud.deploy.deploy`.

    Raises:
        NodeMissing: there is no ``node`` on the path, and the app would have to run.
        SynthesisFailed: the app ended with an error; carries what it wrote.
    """
    root = root or repository_root()
    context = LOCAL_CONTEXT if local else {}
    digest = _digest(root, context)
    written = out_dir / _DIGEST_FILE
    if written.is_file() and written.read_text() == digest:
        return out_dir
    if shutil.which("node") is None:
        raise NodeMissing
    shutil.rmtree(out_dir, ignore_errors=True)
    out_dir.mkdir(parents=True)
    _run_app(root, out_dir, context)
    written.write_text(digest)
    return out_dir


def _run_app(root: Path, out_dir: Path, context: dict[str, bool]) -> None:
    told = {
        "CDK_OUTDIR": str(out_dir.resolve()),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",  # its banner drowns what the app has to say
    }
    ran = subprocess.run(
        [sys.executable, "-m", "infra_cdk.app"],
        cwd=root,
        env=os.environ | told,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ran.returncode != 0 or not (out_dir / "manifest.json").is_file():
        raise SynthesisFailed(ran.stdout)


def _digest(root: Path, context: dict[str, bool]) -> str:
    """A digest over everything the app may read, by name and content."""
    total = hashlib.sha256(json.dumps(context, sort_keys=True).encode())
    for source in _SOURCES:
        for path in sorted((root / source).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                total.update(path.relative_to(root).as_posix().encode() + b"\0")
                total.update(_file_digest(path))
    return total.hexdigest()


def _file_digest(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.digest()
