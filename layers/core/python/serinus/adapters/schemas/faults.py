"""Pydantic's validation errors as one sentence a person can act on."""

from __future__ import annotations

from pydantic import ValidationError


def described(error: ValidationError, *, whole: str = "the file") -> str:
    """Name every field that is wrong, and why; `whole` stands for a fault of no single field."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or whole}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors(include_url=False)
    )
