"""Policies in a dictionary."""

from __future__ import annotations

from collections.abc import Sequence

from serinus.domain.policy import EndpointName, Policy
from serinus.errors import EndpointNotFound


class MemoryPolicies:
    """`Policies` for tests and benchmarks; `deploy` is what deploying an endpoint's stack is on AWS."""

    def __init__(self, *policies: Policy) -> None:
        self._policies = {policy.endpoint: policy for policy in policies}

    def deploy(self, policy: Policy) -> None:
        """Add an endpoint, or change its policy."""
        self._policies[policy.endpoint] = policy

    def get(self, endpoint: str) -> Policy:
        """Return the endpoint's policy as it is now.

        Raises:
            EndpointNotFound: no such endpoint is deployed.
        """
        try:
            return self._policies[EndpointName(endpoint)]
        except KeyError as error:
            raise EndpointNotFound(endpoint, tuple(self.names())) from error

    def names(self) -> Sequence[EndpointName]:
        """Return the deployed endpoints, sorted."""
        return sorted(self._policies)
