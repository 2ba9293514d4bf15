"""One local cloud with all stacks and two endpoints of the tests' own, for the whole session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra_cdk import app
from serinus import wiring
from serinus.local_cloud.deploy import deploy
from serinus.local_cloud.server import LocalCloud
from serinus.local_cloud.synthesis import LOCAL_CONTEXT

_ENDPOINTS = Path(__file__).parent / "endpoints"


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A running local cloud to which the stacks are deployed; the AWS configuration points at it."""
    assembly = tmp_path_factory.mktemp("assembly")
    policies = (*app.read_policies(app.ENDPOINTS), *app.read_policies(_ENDPOINTS))
    app.build(policies=policies, context=LOCAL_CONTEXT, outdir=assembly).synth()
    with LocalCloud() as running, pytest.MonkeyPatch.context() as environment:
        for name, value in running.environment().items():
            environment.setenv(name, value)
        assert os.environ["AWS_ENDPOINT_URL"] == running.endpoint_url
        deploy(assembly, running.endpoint_url)
        yield running


@pytest.fixture(scope="session")
def client(cloud: LocalCloud) -> wiring.Client:
    """What the command line works with."""
    assert cloud.endpoint_url
    return wiring.client()
