"""Where a model comes from, as far as the machine that pushes it can tell."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("scikit-learn", "skl2onnx", "onnx")
_GIT_SECONDS = 10


def lineage_of(folder: Path, *, converted: bool) -> dict[str, str]:
    """Return the git commit that `folder` is at, if any, and, where the model was converted here, by what.

    Versions are only told of a conversion: a finished ONNX file was made by who knows what.
    """
    versions = {"python": platform.python_version(), **_versions(_PACKAGES)} if converted else {}
    return {"serinus": version("serinus"), **_commit(folder), **versions}


def _versions(packages: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _commit(folder: Path) -> dict[str, str]:
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return {}
    changed = bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))
    return {"git_commit": commit, "git_uncommitted_changes": "yes" if changed else "no"}


def _git(folder: Path, *arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    try:
        done = subprocess.run(
            [git, "-C", str(folder), *arguments], capture_output=True, text=True, timeout=_GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
