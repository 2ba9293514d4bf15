"""One local cloud with all stacks and two endpoints of the tests' own, for the whole session."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import urllib3

from infra_cdk import app
from serinus import wiring
from serinus.cli.client import push
from serinus.domain.policy import Policy
from serinus.domain.serving import Serving
from serinus.local_cloud.deploy import deploy
from serinus.local_cloud.server import LocalCloud
from serinus.local_cloud.synthesis import LOCAL_CONTEXT
from serinus.use_cases.push_model import Stage
from tests.e2e.callers import PROTOCOLS, a_holdout, an_estimator

_ENDPOINTS = Path(__file__).parent / "endpoints"


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A running local cloud to which the stacks are deployed; the AWS configuration points at it."""
    assembly = _synthesised(tmp_path_factory, _policies())
    with LocalCloud() as running, pytest.MonkeyPatch.context() as environment:
        for name, value in running.environment().items():
            environment.setenv(name, value)
        assert os.environ["AWS_ENDPOINT_URL"] == running.endpoint_url
        deploy(assembly, running.endpoint_url)
        yield running


def _policies() -> tuple[Policy, ...]:
    return (*app.read_policies(app.ENDPOINTS), *app.read_policies(_ENDPOINTS))


def _synthesised(factory: pytest.TempPathFactory, policies: tuple[Policy, ...]) -> Path:
    assembly = factory.mktemp("assembly")
    app.build(policies=policies, context=LOCAL_CONTEXT, outdir=assembly).synth()
    return assembly


@pytest.fixture(scope="session")
def redeploy(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Serving], None]:
    """Deploy everything once more, with other serving fields of one endpoint's policy."""

    def deploy_with(endpoint: str, serving: Serving) -> None:
        policies = [
            replace(policy, serving=serving) if policy.endpoint == endpoint else policy for policy in _policies()
        ]
        deploy(_synthesised(tmp_path_factory, tuple(policies)), cloud.endpoint_url)

    return deploy_with


@pytest.fixture(scope="session")
def client(cloud: LocalCloud) -> wiring.Client:
    """What the command line works with."""
    assert cloud.endpoint_url
    return wiring.client()


@pytest.fixture(scope="session")
def served(client: wiring.Client) -> wiring.Client:
    """A deployment whose endpoint `protocols`, open to all, serves a model."""
    pushed = push(PROTOCOLS, an_estimator(), a_holdout(), target="target", client=client, timeout_minutes=1.5)
    assert pushed.stage is Stage.PROMOTED, pushed.reason
    return client


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    """A plain HTTP client, which knows nothing of Serinus."""
    with urllib3.PoolManager(retries=False, timeout=20) as pool:
        yield pool
