"""`Deployments`: what serves besides the model, and which deploy brought it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from serinus.errors import EndpointNotFound
from tests.contract.clouds import Cloud


def test_a_deploy_is_read_as_it_was_written(cloud: Cloud) -> None:
    """Every field comes back."""
    runtime = replace(cloud.deployments.current("fraud").runtime, memory_mb=2048, environment={"SERINUS_X": "[]"})
    cloud.deploy_runtime(runtime)
    assert cloud.deployments.current("fraud").runtime == runtime


def test_each_deploy_has_an_id_of_its_own(cloud: Cloud) -> None:
    """Reading gives the same id; going back to an earlier runtime is another deploy."""
    first = cloud.deployments.current("fraud")
    assert cloud.deployments.current("fraud") == first
    cloud.deploy_runtime(replace(first.runtime, memory_mb=2048))
    second = cloud.deployments.current("fraud")
    cloud.deploy_runtime(first.runtime)
    third = cloud.deployments.current("fraud")
    assert third.runtime == first.runtime
    assert len({first.id, second.id, third.id}) == 3


@pytest.mark.parametrize("name", ["churn", "no name"])
def test_an_endpoint_that_is_not_deployed_has_no_deploy(cloud: Cloud, name: str) -> None:
    """Whatever it is called."""
    with pytest.raises(EndpointNotFound):
        cloud.deployments.current(name)
