"""The layers as `make layers` builds them, and machines laid out of them as Lambda does."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra_cdk.constructs.function import FUNCTIONS
from infra_cdk.layers import BUILT, build, debian, interpreter, third_party
from infra_cdk.layers.errors import PythonNotAtHand
from infra_cdk.layers.rules import RULES
from tests.infra.assembly import Assembly, Resource, a_policy, synthesise
from tests.layers.lambda_machine import LambdaMachine, entering, lay_out


@dataclass(frozen=True)
class Deployed:
    """A function as the stacks declare it.

    Attributes:
        verb_noun: its folder under `functions/`.
        layers: the names of its layers, in order.
        environment: what it is told; made up where only a deploy knows.
    """

    verb_noun: str
    layers: tuple[str, ...]
    environment: Mapping[str, str]


Machines = Callable[[Deployed], LambdaMachine]


@pytest.fixture(scope="session")
def python() -> Path:
    """A folder with Lambda's Python, that this machine can enter."""
    try:
        root = debian.unpacked()
    except PythonNotAtHand as absent:
        pytest.skip(str(absent))
    try:
        entered = subprocess.run(
            [*entering(), str(root), "/usr/bin/python3.13", "-V"], capture_output=True, check=False
        )
    except FileNotFoundError as error:
        pytest.skip(f"no folder can be entered here: {error}")
    if entered.returncode:
        pytest.skip(f"no folder can be entered here: {entered.stderr.decode().strip()}")
    return root


@pytest.fixture(scope="session")
def built() -> Path:
    """Every layer, up to date; compiled, where this machine has or can get a Python that does."""
    with contextlib.suppress(PythonNotAtHand):
        interpreter.fetched()
    for name in RULES:
        build(name)
    return BUILT


@pytest.fixture(scope="session")
def functions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Deployed]:
    """Every function of a synth for AWS, by its folder."""
    stubs = tmp_path_factory.mktemp("stubs")
    for name in third_party():
        (stubs / name / "python").mkdir(parents=True)
    aws = synthesise(tmp_path_factory.mktemp("aws"), layers=stubs, policies=[a_policy("fraud")])
    return {
        function.verb_noun: function
        for function in (_deployed(aws, resource) for resource in aws.resources("AWS::Lambda::Function"))
    }


def _deployed(aws: Assembly, function: Resource) -> Deployed:
    resources = aws.templates[function.stack]["Resources"]
    code = (aws.directory / f"asset.{Path(function.properties['Code']['S3Key']).stem}" / "handler.py").read_bytes()
    layers = [resources[layer["Ref"]]["Properties"]["LayerName"] for layer in function.properties["Layers"]]
    told = function.properties.get("Environment", {}).get("Variables", {})
    return Deployed(
        verb_noun=next(path.parent.name for path in FUNCTIONS.glob("*/handler.py") if path.read_bytes() == code),
        layers=tuple(layer.rsplit("-", 1)[1] for layer in layers),
        environment={name: value if isinstance(value, str) else "told" for name, value in told.items()},
    )


@pytest.fixture(scope="session")
def machine(python: Path, built: Path) -> Iterator[Machines]:
    """Give a function its machine, its code deployed afresh; functions of the same layers take turns on one.

    They are laid out beside the layers, where links do instead of copies.
    """
    folder = Path(tempfile.mkdtemp(prefix="lambda-", dir=built.parent))
    laid: dict[tuple[str, ...], Path] = {}

    def deployed(function: Deployed) -> LambdaMachine:
        if function.layers not in laid:
            laid[function.layers] = folder / str(len(laid))
            lay_out(laid[function.layers], python=python, layers=[built / name for name in function.layers])
        inside = LambdaMachine(laid[function.layers], function.environment)
        inside.deploy(FUNCTIONS / function.verb_noun)
        return inside

    yield deployed
    shutil.rmtree(folder)
