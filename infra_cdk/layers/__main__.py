"""`python -m infra_cdk.layers [name …]`: builds the layers named, or all of them, and says how large they are."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from infra_cdk.layers import interpreter
from infra_cdk.layers.building import BUILT, build, is_compiled
from infra_cdk.layers.errors import PythonNotAtHand
from infra_cdk.layers.files import digest, files, size
from infra_cdk.layers.rules import PYTHON_VERSION, RULES
from infra_cdk.layers.sizes import LIMIT_BYTES
from serinus.errors import SerinusError

_MB = 1024**2


def main(names: Sequence[str]) -> int:
    """Build the layers, print a table, and return the exit code."""
    try:
        sys.stdout.write(f"{_who_compiles()}\n\n{'layer':<12}{'MB':>8}{'files':>8}  {'modules':<9}  digest\n")
        for name in names or RULES:
            done = "built" if build(name) else "up to date"
            sys.stdout.write(f"{_row(name)}  {done}\n")
    except SerinusError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{'limit':<12}{LIMIT_BYTES / _MB:>8.1f}  for a function, its layers and its model together\n")
    return 0


def _who_compiles() -> str:
    try:
        return f"compiling with Python {interpreter.fetched().version}"
    except PythonNotAtHand as absent:
        return (
            f"{absent}\nSo the layers hold sources only. They work, but every cold start compiles them anew: imports "
            f"take three times as long. Build with Python {PYTHON_VERSION} what you deploy."
        )


def _row(name: str) -> str:
    layer = BUILT / name
    modules = "compiled" if is_compiled(layer) else "sources"
    return f"{name:<12}{size(layer) / _MB:>8.1f}{sum(1 for _ in files(layer)):>8}  {modules:<9}  {digest(layer)[:12]}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
