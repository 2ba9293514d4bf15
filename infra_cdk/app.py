"""The CDK app: `python -m infra_cdk.app` writes the cloud assembly to CDK_OUTDIR, with or without the CDK CLI."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra_cdk.layers import BUILT
from infra_cdk.stacks.control_plane import ControlPlane
from infra_cdk.stacks.endpoint import Endpoint
from infra_cdk.stacks.foundation import Foundation
from serinus.adapters.schemas.policy import read_policy
from serinus.domain.policy import Policy
from serinus.errors import SerinusError
from serinus.settings import STACK_PREFIX

ENDPOINTS = Path(__file__).parent / "endpoints"
_CDK_JSON = Path(__file__).parent / "cdk.json"


def build(
    *,
    policies: tuple[Policy, ...],
    layers: Path = BUILT,
    context: Mapping[str, object] | None = None,
    outdir: Path | None = None,
) -> App:
    """Build the app.

    The feature flags of `cdk.json` are set here too, so that a synth without the CDK CLI gives the same templates.

    Args:
        policies: the endpoints.
        layers: where `python -m infra_cdk.layers` has put the layers of third-party packages.
        context: context values beyond those of `cdk.json` and of the environment.
        outdir: where the assembly goes; None leaves it to CDK_OUTDIR.

    Raises:
        LayerNotBuilt: a layer is not there.
        LayersTooLarge: a function's layers unzip to more than Lambda takes.
    """
    flags = json.loads(_CDK_JSON.read_text(encoding="utf-8"))["context"]
    app = App(context={**flags, **(context or {})}, outdir=str(outdir) if outdir else None)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    foundation = Foundation(app, f"{STACK_PREFIX}Foundation")
    control_plane = ControlPlane(app, f"{STACK_PREFIX}ControlPlane", foundation=foundation, layers=layers)
    for policy in policies:
        Endpoint(
            app,
            f"{STACK_PREFIX}Endpoint-{policy.endpoint}",
            policy=policy,
            control_plane=control_plane,
            layers=layers,
        )
    return app


def read_policies(endpoints: Path) -> tuple[Policy, ...]:
    """Read every policy of a folder, in the order of names.

    Raises:
        PolicyRefused: naming the file and the field.
    """
    return tuple(read_policy(path) for path in sorted(endpoints.glob("*.toml")))


def main(endpoints: Path = ENDPOINTS, layers: Path = BUILT) -> int:
    """Synthesise; return 2 after one sentence on standard error where an input is at fault."""
    try:
        build(policies=read_policies(endpoints), layers=layers).synth()
    except SerinusError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
