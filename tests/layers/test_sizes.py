"""What Lambda takes, and what is left for the model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra_cdk.constructs.function import FUNCTIONS
from infra_cdk.layers import LIMIT_BYTES, build
from infra_cdk.layers.building import is_compiled
from infra_cdk.layers.files import digest, size
from infra_cdk.layers.rules import RULES
from tests.layers.conftest import Deployed

_MB = 1024**2
_INFERENCE_BYTES = 40 * _MB  # of the 250 MB; the rest is the model's
_SMALL = ("core", "handlers")


def test_every_function_fits(functions: dict[str, Deployed], built: Path) -> None:
    """A function, its code and its layers unzip to 250 MB at most; the figures are named."""
    sizes = {
        name: size(FUNCTIONS / name) + sum(size(built / layer) for layer in function.layers)
        for name, function in functions.items()
    }

    figures = ", ".join(f"{name} {value / _MB:.1f}" for name, value in sorted(sizes.items()))
    assert max(sizes.values()) <= LIMIT_BYTES, figures


def test_inference_leaves_room_for_the_model(functions: dict[str, Deployed], built: Path) -> None:
    """Its layers unzip to 40 MB at most."""
    assert sum(size(built / layer) for layer in functions["infer"].layers) <= _INFERENCE_BYTES


@pytest.mark.usefixtures("built")  # by then a Python that compiles is at hand, where there can be one
@pytest.mark.parametrize("name", _SMALL)
def test_a_layer_built_again_is_the_same(name: str, tmp_path: Path) -> None:
    """To the last byte and permission, elsewhere and by somebody else: a deploy of the same is then no release."""
    for folder, umask in (("here", 0o022), ("there", 0o077)):
        before = os.umask(umask)
        try:
            assert build(name, into=tmp_path / folder)
        finally:
            os.umask(before)

    assert digest(tmp_path / "here" / name) == digest(tmp_path / "there" / name)


@pytest.mark.usefixtures("python")
@pytest.mark.parametrize("name", RULES)
def test_layers_are_compiled(name: str, built: Path) -> None:
    """Every module: what Lambda compiles at import it cannot keep, and every cold start would do it again."""
    sources = {(path.parent, path.stem) for path in (built / name).rglob("*.py")}
    compiled = {(path.parent.parent, path.name.split(".")[0]) for path in (built / name).rglob("__pycache__/*.pyc")}

    assert sources == compiled
    assert is_compiled(built / name)
