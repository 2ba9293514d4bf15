"""Compare the releases of a rollout by the labels that have come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from serinus.domain.guard import RolloutMetric
from serinus.domain.label_counts import LabelledStratum, Serving, by_stratum
from serinus.domain.rollout import Rollout
from serinus.use_cases.join_labels import joined
from serinus.use_cases.ports import Labels, Records

_SETTLING = timedelta(minutes=1)  # a store tells whole seconds, and of a long upload when it began


@dataclass(frozen=True)
class Comparing:
    """What comparing by labels needs of the world."""

    records: Records
    labels: Labels


def compare_labels(rollout: Rollout, until: datetime, *, comparing: Comparing) -> tuple[LabelledStratum, ...]:
    """Count the labelled predictions of both releases, of all steps so far.

    Args:
        rollout: at a step that has begun.
        until: labels and requests after this are left for later.
        comparing: what it needs of the world.

    Returns:
        Everything counted so far; what was known already where labels are not guarded, or none have come since.

    Raises:
        DataRefused: a label file is damaged.
    """
    if not rollout.plan.guards_metric(RolloutMetric.LABELS):
        return rollout.labelled
    came = comparing.labels.last_arrival(rollout.endpoint, before=until)
    if came is None or (rollout.labelled_until is not None and came < rollout.labelled_until - _SETTLING):
        return rollout.labelled
    policy = rollout.policy
    labels = comparing.labels.read(rollout.endpoint, policy.labels.id_column, before=until)
    start = rollout.steps_begun[0]
    stable, candidate = (
        joined(comparing.records.read(rollout.endpoint, number or 0, start, until), labels)
        for number in (rollout.stable, rollout.candidate)
    )
    settling = timedelta(seconds=policy.rollout.tick_seconds)
    begins = [begun + settling for begun in rollout.steps_begun]
    serving = Serving(rollout.started_at, begins, policy.operating_threshold, policy.rollout.wrong_label)
    return by_stratum(stable, candidate, serving)
