"""Builds the layers of third-party packages: `python -m infra_cdk.layers [name …]` fills `build/layers/<name>`.

A layer holds exactly the packages that `layers/<name>/requirements.txt` lists, at the versions of the lock file, for
the interpreter and the processor of the functions, less what nothing imports at run time. The core layer is not
built: it is our own package, and is taken from the sources at every synth, so that it cannot be stale.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from serinus.errors import SerinusError

CORE = "core"
LEFT_OUT_OF_CORE = (
    "**/__pycache__",
    "**/*.pyc",
    "python/serinus/cli",
    "python/serinus/local_cloud",
)

_ROOT = Path(__file__).parents[1]
SOURCES = _ROOT / "layers"
BUILT = _ROOT / "build" / "layers"
PYTHON_VERSION = "3.13"
PLATFORM = "x86_64-manylinux_2_28"
LIMIT_BYTES = 250 * 1024 * 1024  # what a function and its layers may unzip to (Lambda quotas)

_NOT_IMPORTED = re.compile(
    r"""
      /(tests?|include|_pyinstaller|onnx/backend/test|onnx/bin)/
    | ^[^/]*/bin/
    | \.(pyi|pyx|pxd|pxi|hpp|h|cc|cmake|a|lib|proto|tp)$
    | ^python/pyarrow/.*(flight|gcsfs|azurefs|hdfs|orc|cuda)        # clients and formats we have no use for
    | ^python/sklearn/datasets/(data|images|descr)/                 # other people's data sets
    | ^python/pyarrow/(_s3fs|libarrow_s3)                           # objects are read through boto3
    | ^python/pyarrow/libarrow_python\.so(\.\d+\.\d+\.\d+)?$        # copies of the one that is linked to
    """,
    re.VERBOSE,
)
_STRIPPED = ("numpy", "pyarrow", "scipy", "sklearn")


class LayerNotBuilt(SerinusError):
    """A layer that a function needs has not been built."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"layer {name!r} has not been built: run `make layers`, then synthesise again")


class LayersTooLarge(SerinusError):
    """A function's layers unzip to more than Lambda takes."""

    def __init__(self, function: str, sizes: dict[str, int]) -> None:
        self.function = function
        self.sizes = sizes
        parts = ", ".join(f"{name} {size / 1024**2:.1f}" for name, size in sizes.items())
        super().__init__(
            f"the layers of {function} unzip to {sum(sizes.values()) / 1024**2:.1f} MB ({parts}), "
            f"but Lambda takes {LIMIT_BYTES / 1024**2:.0f}: shorten a layers/<name>/requirements.txt"
        )


class BuildFailed(SerinusError):
    """A layer could not be built."""


def third_party() -> tuple[str, ...]:
    """Return the names of the layers that have to be built."""
    return tuple(sorted(path.parent.name for path in SOURCES.glob("*/requirements.txt")))


def folder(name: str, built: Path = BUILT) -> Path:
    """Return the folder a layer is zipped from.

    Raises:
        LayerNotBuilt: nobody has run `make layers`.
    """
    path = SOURCES / CORE if name == CORE else built / name
    if not (path / "python").is_dir():
        raise LayerNotBuilt(name)
    return path


def check_fits(function: str, names: Sequence[str], built: Path = BUILT) -> None:
    """Check that a function can be deployed with these layers.

    Raises:
        LayerNotBuilt: a layer is not there.
        LayersTooLarge: together they exceed the limit.
    """
    sizes = {name: _size(folder(name, built)) for name in names}
    if sum(sizes.values()) > LIMIT_BYTES:
        raise LayersTooLarge(function, sizes)


def build(name: str, *, into: Path = BUILT, python_version: str = PYTHON_VERSION) -> bool:
    """Build one layer, unless it is there already; return whether there was anything to do.

    Raises:
        BuildFailed: no such layer, or a tool failed or is missing.
    """
    requirements = SOURCES / name / "requirements.txt"
    if not requirements.is_file():
        raise BuildFailed(f"there is no layer {name!r}; there are: {', '.join(third_party())}")
    target, stamp = into / name, into / f"{name}.sha256"
    wanted = _recipe(requirements, python_version)
    if target.is_dir() and stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return False
    stamp.unlink(missing_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    _install(requirements, target / "python", python_version)
    _trim(target)
    stamp.write_text(wanted, encoding="utf-8")
    return True


def main(names: Sequence[str]) -> int:
    """Build the layers named, or all of them, and say how large they are."""
    try:
        for name in names or third_party():
            done = "built" if build(name) else "up to date"
            sys.stdout.write(f"{name:<12}{_size(BUILT / name) / 1024**2:>8.1f} MB  {done}\n")
    except SerinusError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _recipe(requirements: Path, python_version: str) -> str:
    """Return a digest of everything that decides what the layer holds."""
    parts = (requirements, SOURCES / "requirements.lock", Path(__file__))
    digest = hashlib.sha256(f"{python_version} {PLATFORM}".encode())
    for part in parts:
        digest.update(part.read_bytes())
    return digest.hexdigest()


def _install(requirements: Path, target: Path, python_version: str) -> None:
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--link-mode", "copy"]
    command += ["--only-binary", ":all:", "--python-platform", PLATFORM, "--python-version", python_version]
    command += ["--constraints", str(SOURCES / "requirements.lock"), "--requirements", str(requirements)]
    _run([*command, "--target", str(target)])


def _trim(target: Path) -> None:
    """Delete what nothing imports, and the symbol tables of the largest libraries."""
    for path in list(_files(target)):
        if _NOT_IMPORTED.search(path.relative_to(target).as_posix()):
            path.unlink()
    for parent, _, _ in os.walk(target, topdown=False):
        if not any(Path(parent).iterdir()):
            Path(parent).rmdir()
    libraries = [str(path) for name in _STRIPPED for path in (target / "python" / name).rglob("*.so*")]
    if libraries:
        _run(["strip", "--strip-unneeded", *libraries])


def _run(command: Sequence[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise BuildFailed(f"{command[0]} is not installed; it comes with GNU binutils") from error
    except subprocess.CalledProcessError as error:
        raise BuildFailed(f"{Path(command[0]).name} failed: {error.stderr.strip()}") from error


def _files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file())


def _size(root: Path) -> int:
    return sum(path.stat().st_size for path in _files(root) if "__pycache__" not in path.parts)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
