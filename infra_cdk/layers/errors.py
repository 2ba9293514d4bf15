"""What can go wrong with layers.

SerinusError
├── LayerNotBuilt
├── LayersTooLarge
├── BuildFailed
└── PythonNotAtHand
"""

from __future__ import annotations

from serinus.errors import SerinusError


class LayerNotBuilt(SerinusError):
    """A layer that a function needs has not been built."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"layer {name!r} has not been built: run `make layers`, then synthesise again")


class LayersTooLarge(SerinusError):
    """A function's layers unzip to more than Lambda takes."""

    def __init__(self, function: str, sizes: dict[str, int], limit: int) -> None:
        self.function = function
        self.sizes = sizes
        parts = ", ".join(f"{name} {size / 1024**2:.1f}" for name, size in sizes.items())
        super().__init__(
            f"the layers of {function} unzip to {sum(sizes.values()) / 1024**2:.1f} MB ({parts}), "
            f"but Lambda takes {limit / 1024**2:.0f}: shorten a layers/<name>/requirements.txt, or drop more of what "
            "it installs in infra_cdk/layers/rules.py"
        )


class BuildFailed(SerinusError):
    """A layer could not be built."""


class PythonNotAtHand(SerinusError):
    """This machine has no Python of the functions' version, and cannot get one."""

    def __init__(self, version: str, reason: str) -> None:
        self.version = version
        super().__init__(f"no Python {version} at hand: {reason}")
