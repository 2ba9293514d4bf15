"""A folder that looks to a process inside as Lambda looks to a function: `/opt`, `/var/task`, and Python 3.13."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from infra_cdk.layers import PYTHON_VERSION

_OF_THE_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
_SEARCHED = ("/var/task", f"/opt/python/lib/python{PYTHON_VERSION}/site-packages", "/opt/python", "/var/runtime")


@dataclass(frozen=True)
class LambdaMachine:
    """One function's machine.

    Attributes:
        root: the folder that is its whole disk.
        environment: what the function is told.
    """

    root: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
        """Run Python inside, tell it something on its standard input, and wait for it to end."""
        told = {
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_LAMBDA_FUNCTION_VERSION": "7",
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": ":".join(_SEARCHED),
        }
        return subprocess.run(
            [*entering(), str(self.root), f"/usr/bin/python{PYTHON_VERSION}", *arguments],
            env=told | dict(self.environment),
            input=said,
            capture_output=True,
            text=True,
            check=False,
        )

    def deploy(self, task: Path) -> None:
        """Put a function's code where it belongs; what the one before left goes, its model too."""
        for name in ("var/task", "tmp", "opt/python/serinus_release"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        (self.root / "tmp").mkdir()
        _merge(task, self.root / "var" / "task")

    def has(self, path: str) -> Path:
        """Return where a path of the inside lies outside, its folder made."""
        outside = self.root / path.lstrip("/")
        outside.parent.mkdir(parents=True, exist_ok=True)
        return outside


def entering() -> Sequence[str]:
    """Return the command that enters a folder as root; who is not root becomes it in a namespace of their own."""
    chroot = shutil.which("chroot", path=f"{os.defpath}:/usr/sbin:/sbin") or "chroot"
    return (chroot,) if os.geteuid() == 0 else ("unshare", "--map-root-user", chroot)


def lay_out(root: Path, *, python: Path, layers: Sequence[Path]) -> None:
    """Lay out a machine: where layers hold the same file the later layer's is there, as on Lambda.

    Files are links to the originals. That is safe: Python writes what it compiles, here that of the runtime's own
    packages, to new files, and finds what the layers bring already compiled.
    """
    _merge(python, root)
    for layer in layers:
        _merge(layer, root / "opt")
    for package in map(_installed, _OF_THE_RUNTIME):
        _merge(package, root / "var" / "runtime" / package.name)
    (root / "dev").mkdir(exist_ok=True)
    (root / "dev" / "null").touch()


def _installed(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin


def _merge(source: Path, target: Path) -> None:
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(str(source), str(target))
        return
    ignored = shutil.ignore_patterns("*.cpython-311*", "*.cpython-312*", "*.cpython-314*")
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=_link, ignore=ignored)


def _link(source: str, target: str) -> None:
    Path(target).unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # on another disk
        shutil.copy2(source, target)
