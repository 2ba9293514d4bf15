"""Deploys in a dictionary."""

from __future__ import annotations

from collections.abc import Mapping

from serinus.domain.composition import Deployment, Runtime
from serinus.errors import EndpointNotFound


class MemoryDeployments:
    """`Deployments` for tests and benchmarks; `deploy` is what deploying an endpoint's stack is on AWS."""

    def __init__(self, runtimes: Mapping[str, Runtime]) -> None:
        self._deployed = {endpoint: Deployment("deploy 1", runtime) for endpoint, runtime in runtimes.items()}
        self._deploys = 1

    def deploy(self, endpoint: str, runtime: Runtime) -> None:
        """Deploy a runtime, be it the one that is there or another."""
        self._deploys += 1
        self._deployed[endpoint] = Deployment(f"deploy {self._deploys}", runtime)

    def current(self, endpoint: str) -> Deployment:
        """Return the latest deploy.

        Raises:
            EndpointNotFound: no such endpoint is deployed.
        """
        try:
            return self._deployed[endpoint]
        except KeyError as error:
            raise EndpointNotFound(endpoint, tuple(sorted(self._deployed))) from error
