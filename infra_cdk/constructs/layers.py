"""The layers that functions import from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aws_cdk import RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra_cdk.layers import CORE, SOURCES, build, check_fits, folder
from infra_cdk.layers.rules import RULES
from infra_cdk.local import departures

_LEFT_OUT_OF_SOURCES = (
    "**/__pycache__",
    "**/*.pyc",
    *(f"python/{dropped.removesuffix('/*')}" for dropped in RULES[CORE].drop),
)


class Layers(Construct):
    """A stack's layer versions, made when a function first asks for them.

    Every stack owns the versions it uses: a version's ARN changes whenever its content does, and an ARN that another
    stack imports cannot change.
    """

    def __init__(self, scope: Construct, construct_id: str, *, prefix: str, built: Path) -> None:
        super().__init__(scope, construct_id)
        self._prefix = prefix
        self._third_party = not departures(self).third_party_layers
        self._built = built if self._third_party else SOURCES  # a laptop's interpreter reads the core as it stands
        self._versions: dict[str, lambda_.LayerVersion] = {}
        if self._third_party:
            build(CORE, into=built)

    def of(self, function: str, names: Sequence[str]) -> list[lambda_.ILayerVersion]:
        """Return the layer versions of that name.

        Raises:
            LayerNotBuilt: a layer of third-party packages is not there.
            LayersTooLarge: together they unzip to more than Lambda takes.
        """
        shipped = [name for name in names if self._third_party or name == CORE]
        check_fits(function, shipped, self._built)
        return [self._version(name) for name in shipped]

    def _version(self, name: str) -> lambda_.LayerVersion:
        if name not in self._versions:
            self._versions[name] = lambda_.LayerVersion(
                self,
                name.capitalize(),
                layer_version_name=f"{self._prefix}-{name}",
                code=lambda_.Code.from_asset(
                    str(folder(name, self._built)), exclude=None if self._third_party else list(_LEFT_OUT_OF_SOURCES)
                ),
                compatible_architectures=[lambda_.Architecture.X86_64],
                compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
                # A rollout that has read the ARN must still be able to attach it after a deploy made a newer one.
                removal_policy=RemovalPolicy.RETAIN,
            )
        return self._versions[name]
