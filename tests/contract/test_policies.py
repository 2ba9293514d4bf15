"""`Policies`: what the endpoints' stacks deployed."""

from __future__ import annotations

import pytest

from serinus.errors import EndpointNotFound
from tests.contract.builders import a_policy
from tests.contract.clouds import Cloud


def test_a_deployed_policy_is_read_back(cloud: Cloud) -> None:
    """Every field survives being stored."""
    cloud.deploy(a_policy())
    assert cloud.policies.get("fraud") == a_policy()


def test_a_changed_policy_takes_effect_at_once(cloud: Cloud) -> None:
    """Nothing is cached."""
    cloud.deploy(a_policy())
    cloud.policies.get("fraud")
    cloud.deploy(a_policy(owner="new@example.com"))
    assert cloud.policies.get("fraud").owners == ("new@example.com",)


def test_an_unknown_endpoint_is_told_the_known_ones(cloud: Cloud) -> None:
    """The error helps whoever mistyped the name."""
    cloud.deploy(a_policy("fraud"))
    cloud.deploy(a_policy("churn"))
    with pytest.raises(EndpointNotFound) as caught:
        cloud.policies.get("frued")
    assert caught.value.known == ("churn", "fraud")


def test_a_name_that_no_endpoint_can_have_is_not_found(cloud: Cloud) -> None:
    """Names come from people and from keys of objects."""
    with pytest.raises(EndpointNotFound):
        cloud.policies.get("no such name!")


def test_names_are_sorted_over_pages(cloud: Cloud) -> None:
    """The parameter store gives ten parameters a page."""
    names = [f"endpoint-{number:02d}" for number in range(23)]
    for name in reversed(names):
        cloud.deploy(a_policy(name))
    assert cloud.policies.names() == names
