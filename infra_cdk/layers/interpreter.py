"""A Python of the functions' version: it compiles what layers hold, for bytecode is of no use to another version."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra_cdk.layers import debian
from infra_cdk.layers.commands import run
from infra_cdk.layers.errors import BuildFailed, PythonNotAtHand
from infra_cdk.layers.rules import PYTHON_VERSION

_MOUNTED = "/opt"  # where Lambda lays layers out; tracebacks name files as they lie there


@dataclass(frozen=True)
class Interpreter:
    """How to run a Python."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """Its version, with the patch."""
        return self._run("-c", "import platform; print(platform.python_version())").strip()

    def compile(self, layer: Path, *, sources: bool) -> None:
        """Compile every module of a layer; without sources, leave only what is compiled.

        The same modules give the same bytes: the order is fixed, and what is compiled carries the hash of its source,
        which Lambda need not check, instead of its time.
        """
        arguments = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(layer), "-p", _MOUNTED]
        self._run("-m", "compileall", *arguments, *(() if sources else ("-b",)), str(layer))
        if not sources:
            for source in layer.rglob("*.py"):
                source.unlink()

    def _run(self, *arguments: str) -> str:
        # -I and -S: nothing of this machine's environment or site-packages takes part.
        return run([*self.command, "-I", "-S", *arguments], self.environment)


def at_hand(version: str = PYTHON_VERSION) -> Interpreter | None:
    """Return a Python of this version that is here already: the one running, one installed, or the one fetched."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Interpreter([sys.executable])
    installed = shutil.which(f"python{version}")
    if installed and _answers(Interpreter([installed])):
        return Interpreter([installed])
    if version == PYTHON_VERSION and debian.ROOT.is_dir():
        return _in_root(debian.ROOT)
    return None


def fetched(version: str = PYTHON_VERSION) -> Interpreter:
    """Return a Python of this version, from Debian's packages where there is none here.

    Raises:
        PythonNotAtHand: there is none, and this machine cannot get one.
    """
    here = at_hand(version)
    if here is not None:
        return here
    if version != PYTHON_VERSION:
        raise PythonNotAtHand(version, f"install python{version}")
    return _in_root(debian.unpacked())


def _answers(python: Interpreter) -> bool:
    """Whether it runs: a name on the path may be a version manager's stand-in for what is not installed."""
    try:
        return bool(python.version)
    except BuildFailed:
        return False


def _in_root(root: Path) -> Interpreter:
    """Run the root's Python with the root's own libraries; that takes no rights, as entering the root would."""
    loader = root / "usr/lib64/ld-linux-x86-64.so.2"
    libraries = root / "usr/lib/x86_64-linux-gnu"
    command = [str(loader), "--library-path", str(libraries), str(root / f"usr/bin/python{PYTHON_VERSION}")]
    return Interpreter(command, {"PYTHONHOME": str(root / "usr")})
