"""What validation found of a model version, and what can be drawn of it."""

from __future__ import annotations

from dataclasses import dataclass

from serinus.domain.model_version import ModelVersion
from serinus.domain.policy import Policy
from serinus.domain.quality import ScoreTable
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.registry import ModelVersions, References


@dataclass(frozen=True)
class DescribedValidation:
    """A version with its findings, and its held-out rows by score and label.

    Attributes:
        policy: as it is now; the findings tell the limits that they were judged by.
        held_out: `None` where the model came not so far as to score them, or its scores are no chances of a class.
    """

    version: ModelVersion
    policy: Policy
    held_out: ScoreTable | None


@dataclass(frozen=True)
class Recalling:
    """What describing a validation needs of the world."""

    policies: Policies
    versions: ModelVersions
    references: References


def describe_validation(endpoint: str, number: int | None, *, recalling: Recalling) -> DescribedValidation | None:
    """Return what validation found; `None` where the latest version is asked for and there is none.

    Args:
        endpoint: whose version.
        number: the version's; `None` for the latest.
        recalling: what it needs of the world.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
        ModelVersionNotFound: there is no such version.
    """
    policy = recalling.policies.get(endpoint)
    if number is None:
        known = recalling.versions.list(endpoint)
        if not known:
            return None
        version = known[-1]
    else:
        version = recalling.versions.get(endpoint, number)
    held_out = recalling.references.held_out(endpoint, version.content_digest)
    return DescribedValidation(version, policy, held_out if held_out and held_out.holds_chances else None)
