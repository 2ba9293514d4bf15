"""Builds a layer: install, keep what the rule keeps, strip, compile. Built of the same, it is the same bytes."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from infra_cdk.layers import interpreter
from infra_cdk.layers.commands import run
from infra_cdk.layers.errors import BuildFailed
from infra_cdk.layers.files import files, remove_empty_folders
from infra_cdk.layers.rules import CORE, EVERYWHERE, PLATFORM, PYTHON_VERSION, RULES, Rule

_ROOT = Path(__file__).parents[2]
SOURCES = _ROOT / "layers"
BUILT = _ROOT / "build" / "layers"
_CORE_PACKAGE = SOURCES / CORE / "python"
_LOCK = SOURCES / "requirements.lock"


def third_party() -> tuple[str, ...]:
    """Return the names of the layers of third-party packages."""
    return tuple(sorted(path.parent.name for path in SOURCES.glob("*/requirements.txt")))


def build(name: str, *, into: Path = BUILT, python_version: str = PYTHON_VERSION) -> bool:
    """Build one layer, unless it is there already; return whether there was anything to do.

    Without a Python of that version at hand it is shipped as source: it works, and imports take three times as long.

    Raises:
        BuildFailed: no such layer, or a tool failed or is missing.
    """
    if name not in RULES:
        raise BuildFailed(f"there is no layer {name!r}; there are: {', '.join(RULES)}")
    python = interpreter.at_hand(python_version)
    compiled_by = python.version if python else "nothing"
    target, stamp = into / name, into / f"{name}.sha256"
    wanted = _recipe(name, python_version, compiled_by)
    if target.is_dir() and stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return False
    stamp.unlink(missing_ok=True)
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=into) as making:
        layer = Path(making) / name
        _fill(name, layer / "python", python_version)
        _trim(layer / "python", RULES[name])
        if python:
            python.compile(layer, sources=RULES[name].sources)
        _settle_permissions(layer)
        shutil.rmtree(target, ignore_errors=True)
        layer.rename(target)
    stamp.write_text(wanted, encoding="utf-8")
    return True


def is_compiled(layer: Path) -> bool:
    """Whether a Python of the functions' version was at hand when the layer was built."""
    return any(layer.rglob("*.pyc")) or not any(layer.rglob("*.py"))


def _recipe(name: str, python_version: str, compiled_by: str) -> str:
    """Return a digest of everything that decides what the layer holds."""
    builders = (Path(__file__), Path(interpreter.__file__))
    made_of = [python_version, PLATFORM, compiled_by, repr(RULES[name]), repr(EVERYWHERE)]
    made_of += [path.read_text(encoding="utf-8") for path in builders]
    if name == CORE:
        kept = _kept(_CORE_PACKAGE, RULES[CORE])
        made_of += [f"{path}\0{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in kept]
    else:
        made_of += [path.read_text(encoding="utf-8") for path in (SOURCES / name / "requirements.txt", _LOCK)]
    return hashlib.sha256("\0".join(made_of).encode()).hexdigest()


def _fill(name: str, target: Path, python_version: str) -> None:
    if name == CORE:
        for source in _kept(_CORE_PACKAGE, RULES[CORE]):
            copy = target / source.relative_to(_CORE_PACKAGE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
        return
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--link-mode", "copy"]
    command += ["--only-binary", ":all:", "--python-platform", PLATFORM, "--python-version", python_version]
    command += ["--constraints", str(_LOCK), "--requirements", str(SOURCES / name / "requirements.txt")]
    run([*command, "--target", str(target)])


def _kept(folder: Path, rule: Rule) -> list[Path]:
    return [path for path in files(folder) if rule.keeps(path.relative_to(folder).as_posix())]


def _trim(target: Path, rule: Rule) -> None:
    """Delete what the rule does not keep, and the symbol tables of the libraries it strips."""
    kept = set(_kept(target, rule))
    for path in list(files(target)):
        if path not in kept:
            path.unlink()
    remove_empty_folders(target)
    libraries = [str(path) for path in kept if rule.strips(path.relative_to(target).as_posix())]
    if libraries:
        run(["strip", "--strip-unneeded", *libraries])


def _settle_permissions(target: Path) -> None:
    """Give every file the same permissions, whatever the umask and the wheels say: Lambda's user must read it."""
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
