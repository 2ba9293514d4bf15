"""How a mend replaces part of ministack: only what is there, and only once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from serinus.local_cloud.errors import MendRefused


def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:  # noqa: ANN401 - ministack is untyped
    """Replace an attribute of a module or class by what ``make`` returns for the original.

    Raises:
        MendRefused: there is no such attribute, or it has been replaced by the same mend before.
    """
    where = getattr(owner, "__name__", repr(owner))
    original = getattr(owner, name, None)
    if original is None:
        raise MendRefused(f"{where}.{name} is missing")
    replacement = make(original)
    origin = getattr(replacement, "__module__", None)
    if origin is not None and getattr(original, "__module__", None) == origin:
        raise MendRefused(f"{where}.{name} was mended by {origin} already")
    setattr(owner, name, replacement)


def substitute(text: str, old: str, new: str) -> str:
    """Replace the one occurrence of a piece of source text.

    Raises:
        MendRefused: it occurs not at all, or more than once.
    """
    if text.count(old) != 1:
        raise MendRefused(f"expected one occurrence of {old.strip().splitlines()[0]!r}, found {text.count(old)}")
    return text.replace(old, new)
