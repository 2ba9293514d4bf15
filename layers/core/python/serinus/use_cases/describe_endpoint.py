"""How an endpoint stands: what is live, and what is on its way."""

from __future__ import annotations

from dataclasses import dataclass

from serinus.domain.composition import differences
from serinus.domain.model_version import ModelVersion
from serinus.domain.policy import Policy
from serinus.domain.rollout import Release, Rollout, Split
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.registry import ModelVersions
from serinus.use_cases.ports.releases import Traffic
from serinus.use_cases.ports.rollouts import Rollouts


@dataclass(frozen=True)
class EndpointStatus:
    """How an endpoint stands now."""

    policy: Policy
    split: Split
    releases: tuple[Release, ...]
    versions: tuple[ModelVersion, ...]
    rollout: Rollout | None

    @property
    def changes(self) -> tuple[str, ...]:
        """What the candidate of the rollout under way is made of that stable is not, in words."""
        stable = next((known for known in self.releases if known.number == self.split.stable), None)
        if self.rollout is None or self.rollout.composition is None or stable is None:
            return ()
        return differences(stable.composition, self.rollout.composition)

    def model_version_of(self, release: int | None) -> int | None:
        """Return the model version that a release serves; `None` where it is no release."""
        return next((known.model_version for known in self.releases if known.number == release), None)


@dataclass(frozen=True)
class Describing:
    """What describing needs of the world."""

    policies: Policies
    versions: ModelVersions
    rollouts: Rollouts
    traffic: Traffic


def describe_endpoint(endpoint: str, *, describing: Describing) -> EndpointStatus:
    """Return how the endpoint stands.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
    """
    return EndpointStatus(
        policy=describing.policies.get(endpoint),
        split=describing.traffic.current(endpoint),
        releases=tuple(describing.rollouts.releases(endpoint)),
        versions=tuple(describing.versions.list(endpoint)),
        rollout=describing.rollouts.active(endpoint),
    )
