"""What is declared and deployed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from serinus.domain.composition import Deployment
from serinus.domain.policy import EndpointName, Policy


class Policies(Protocol):
    """The policies of the deployed endpoints."""

    def get(self, endpoint: str) -> Policy:
        """Return the endpoint's policy as it is now.

        Raises:
            EndpointNotFound: no such endpoint is deployed.
        """

    def names(self) -> Sequence[EndpointName]:
        """Return the deployed endpoints, sorted."""


class Deployments(Protocol):
    """What the endpoints' stacks have deployed of what serves."""

    def current(self, endpoint: str) -> Deployment:
        """Return the latest deploy.

        Raises:
            EndpointNotFound: no such endpoint is deployed.
        """
