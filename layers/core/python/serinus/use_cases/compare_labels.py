"""Compare the releases of a rollout by the labels that have come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from serinus.domain.guard import RolloutMetric
from serinus.domain.label_counts import LabelledStratum, Serving, by_stratum
from serinus.domain.label_files import labelled
from serinus.domain.rollout import Rollout
from serinus.use_cases.ports.watching import Labels

_COLUMNS = ("_request", "_row", "_at", "_score")
_SETTLING = timedelta(minutes=1)  # a store tells whole seconds, and of a long upload when it began


@dataclass(frozen=True)
class Comparing:
    """What comparing by labels needs of the world."""

    labels: Labels


@dataclass(frozen=True)
class LabelsCompared:
    """What is known by labels, and what somebody should look at of the label files."""

    strata: tuple[LabelledStratum, ...]
    findings: tuple[str, ...] = ()


def compare_labels(rollout: Rollout, until: datetime, *, comparing: Comparing) -> LabelsCompared:
    """Count the labelled predictions of both releases, of all steps so far.

    Args:
        rollout: at a step that has begun.
        until: labels and requests after this are left for later.
        comparing: what it needs of the world.

    Returns:
        Everything counted so far; what was known already where labels are not guarded, or none have come since.
    """
    if not rollout.plan.guards_metric(RolloutMetric.LABELS):
        return LabelsCompared(rollout.labelled)
    came = comparing.labels.last_arrival(rollout.endpoint, before=until)
    if came is None or (rollout.labelled_until is not None and came < rollout.labelled_until - _SETTLING):
        return LabelsCompared(rollout.labelled)
    policy = rollout.policy
    joined = comparing.labels.join(
        rollout.endpoint,
        [rollout.stable or 0, rollout.candidate or 0],
        rollout.steps_begun[0],
        until,
        columns=_COLUMNS,
        id_column=policy.labels.id_column,
        before=until,
    )
    stable, candidate = (labelled(joined.by_release[number or 0]) for number in (rollout.stable, rollout.candidate))
    settling = timedelta(seconds=policy.rollout.tick_seconds)
    begins = [begun + settling for begun in rollout.steps_begun]
    serving = Serving(rollout.started_at, begins, policy.operating_threshold, policy.rollout.wrong_label)
    return LabelsCompared(by_stratum(stable, candidate, serving), joined.read.findings)
