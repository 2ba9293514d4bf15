"""Fold label files into a file a day, so that a join reads a handful of files, however labels were sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from serinus.domain.label_files import FoldedLabels
from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.watching import Labels

_SETTLING = timedelta(minutes=15)  # a store tells of a long upload when it began; repetitions come soon


@dataclass(frozen=True)
class CompactingLabels:
    """What compacting needs of the world."""

    policies: Policies
    labels: Labels
    clock: Clock


def compact_labels(endpoint: str, *, compacting: CompactingLabels) -> FoldedLabels:
    """Fold the endpoint's label files that came a while ago.

    Which label counts does not depend on when this runs, how often, or whether it finishes; only the number of files
    does.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
    """
    policy = compacting.policies.get(endpoint)
    return compacting.labels.fold(
        endpoint, compacting.clock() - _SETTLING, task=policy.task, id_column=policy.labels.id_column
    )
