"""What a folder holds: its files in one order, their size, and one digest of all of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path


def files(root: Path) -> Iterator[Path]:
    """Yield the files below a folder, in the order of their paths."""
    return (path for path in sorted(root.rglob("*")) if path.is_file())


def size(root: Path) -> int:
    """Return how many bytes a folder's files take unzipped."""
    return sum(path.stat().st_size for path in files(root))


def digest(root: Path) -> str:
    """Return a SHA-256 of paths, permissions and contents: everything of a folder that a layer's zip carries."""
    found = hashlib.sha256()
    for path in files(root):
        found.update(f"{path.relative_to(root).as_posix()}\0{path.stat().st_mode & 0o777:o}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def remove_empty_folders(root: Path) -> None:
    """Delete folders that hold no file, at any depth."""
    for parent, _, _ in os.walk(root, topdown=False):
        if not any(Path(parent).iterdir()):
            Path(parent).rmdir()
