"""How large layers are, and whether a function can be deployed with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from infra_cdk.layers.building import BUILT
from infra_cdk.layers.errors import LayerNotBuilt, LayersTooLarge
from infra_cdk.layers.files import size

LIMIT_BYTES = 250 * 1024 * 1024  # what a function and its layers may unzip to (Lambda quotas)


def folder(name: str, built: Path = BUILT) -> Path:
    """Return the folder a layer is zipped from.

    Raises:
        LayerNotBuilt: nobody has run `make layers`.
    """
    path = built / name
    if not (path / "python").is_dir():
        raise LayerNotBuilt(name)
    return path


def check_fits(function: str, names: Sequence[str], built: Path = BUILT) -> None:
    """Check that a function can be deployed with these layers.

    Raises:
        LayerNotBuilt: a layer is not there.
        LayersTooLarge: together they exceed the limit.
    """
    sizes = {name: size(folder(name, built)) for name in names}
    if sum(sizes.values()) > LIMIT_BYTES:
        raise LayersTooLarge(function, sizes, LIMIT_BYTES)
