"""Take a snapshot of recent labelled traffic to train on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np

from serinus.domain.label_files import LABEL, LabelsRead, labelled
from serinus.domain.ledger import Action, Detail, LedgerEntry, what_was_live
from serinus.domain.model_version import digest_of
from serinus.domain.policy import EndpointName, Policy, Retraining
from serinus.domain.snapshot import Snapshot
from serinus.domain.table import Table, concatenated
from serinus.domain.target_values import late_labels
from serinus.domain.task import Task
from serinus.errors import DataRefused, PolicyRefused
from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.ledger import Events, Ledger
from serinus.use_cases.ports.rollouts import Rollouts
from serinus.use_cases.ports.watching import Labels, Snapshots

_SHOWN_FINDINGS = 3
_MAXIMUM_LOOKS = 2_000  # one execution's history holds 25,000 events; a look costs nine


class SnapshotStatus(StrEnum):
    """Whether there is something to train on."""

    READY = "ready"
    WAITING = "waiting"
    GIVEN_UP = "given_up"


@dataclass(frozen=True)
class SnapshotTaken:
    """The result; while waiting for labels, `wait_seconds` is when to look again."""

    endpoint: str
    status: SnapshotStatus
    snapshot: str | None
    wait_seconds: int
    reason: str


@dataclass(frozen=True)
class Snapshotting:
    """What taking a snapshot needs of the world."""

    policies: Policies
    rollouts: Rollouts
    labels: Labels
    snapshots: Snapshots
    ledger: Ledger
    events: Events
    clock: Clock


def snapshot_data(endpoint: str, *, started_at: datetime, reason: str, snapshotting: Snapshotting) -> SnapshotTaken:
    """Join logged predictions with the labels that have come, and keep them, split by time.

    The most recent rows validate, the earlier ones train: a random split would let the model be judged on the past it
    has seen. What made the endpoint retrain is in its most recent traffic, so the labels of that must have come.

    Args:
        endpoint: whose traffic.
        started_at: when retraining was asked for.
        reason: why it was, for the record.
        snapshotting: what it needs of the world.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
        PolicyRefused: its policy does not retrain.
    """
    policy = snapshotting.policies.get(endpoint)
    plan = policy.retraining
    if plan is None:
        raise PolicyRefused(f"the policy of {endpoint!r} has no [retraining]: add it and deploy the endpoint")
    now = snapshotting.clock()
    found = _labelled(policy, plan, started_at, now, snapshotting)
    if isinstance(found, Table):
        return _take(policy.endpoint, found, plan, reason, now, snapshotting)
    if now < started_at + timedelta(minutes=plan.labels_wait_minutes):
        return SnapshotTaken(endpoint, SnapshotStatus.WAITING, None, _pause_seconds(plan), found)
    return _give_up(policy.endpoint, found, started_at, now, snapshotting)


def _labelled(
    policy: Policy, plan: Retraining, started_at: datetime, now: datetime, snapshotting: Snapshotting
) -> Table | str:
    """Return the records that have labels, or what is missing of a snapshot worth training on.

    What is wrong with label files is told where labels are missing: somebody may mend them while there is time.
    """
    endpoint, start = policy.endpoint, now - timedelta(minutes=plan.window_minutes)
    releases = [release.number for release in snapshotting.rollouts.releases(endpoint)]
    try:
        joined = snapshotting.labels.join(
            endpoint, releases, start, now, task=policy.task, id_column=policy.labels.id_column
        )
    except DataRefused as refusal:
        return str(refusal)
    records = _of_known_classes(_comparable(endpoint, joined.by_release, snapshotting), policy)
    missing = _missing(records, policy, plan, started_at)
    return labelled(records) if missing is None else _with_findings(missing, joined.read)


def _of_known_classes(records: Table, policy: Policy) -> Table:
    """Take a label that names none of the policy's classes for none: one typing error must not stop a retraining."""
    if policy.task is not Task.MULTICLASS:
        return records
    unknown = np.isnan(late_labels(records.columns[LABEL], policy.target))
    labels = records.columns[LABEL].astype(object)
    labels[unknown] = None
    return Table({**records.columns, LABEL: labels})


def _with_findings(missing: str, read: LabelsRead) -> str:
    return "; ".join([missing, *read.findings[:_SHOWN_FINDINGS]])


def _comparable(endpoint: str, by_release: Mapping[int, Table], snapshotting: Snapshotting) -> Table:
    tables = {number: _with_inputs(table) for number, table in by_release.items()}
    served = {number: table for number, table in tables.items() if table.rows}
    if not served:
        return Table({"_at": np.array([]), LABEL: np.array([])})
    lived = what_was_live(snapshotting.ledger.entries(endpoint))
    live = served.get(lived[-1].stable) if lived else None
    return _alike(list(served.values()), _latest(served.values()) if live is None else live)


def _with_inputs(records: Table) -> Table:
    """Return the rows whose inputs were logged; the policy may let the log hold a sample only."""
    if not records.rows:
        return records
    return records.take(np.flatnonzero(np.asarray(records.columns["_inputs"], dtype=np.float64) == 1))


def _latest(tables: Iterable[Table]) -> Table:
    return max(tables, key=lambda table: float(np.max(table.columns["_at"])))


def _alike(tables: Sequence[Table], model: Table) -> Table:
    """Stack what has the features of the release that is live: what is trained is to take its place.

    A release that lacks one of them, or holds texts where they are numbers or the reverse, cannot train with it.
    """
    texts = {name: column.dtype == object for name, column in model.columns.items()}
    alike = [table.select(list(texts)) for table in tables if table.columns.keys() >= texts.keys()]
    same = [
        table
        for table in alike
        if all((column.dtype == object) == texts[name] for name, column in table.columns.items())
    ]
    return concatenated(same)


def _pause_seconds(plan: Retraining) -> int:
    """Look sixty times while waiting, or every quarter of an hour, but not more often than a history can hold."""
    return max(1, min(plan.labels_wait_minutes, 900), 60 * plan.labels_wait_minutes // _MAXIMUM_LOOKS)


def _missing(records: Table, policy: Policy, plan: Retraining, started_at: datetime) -> str | None:
    """Say what is missing of a snapshot worth training on; `None` where nothing is."""
    answered = labelled(records)
    if answered.rows < plan.minimum_rows:
        return f"{answered.rows} of {plan.minimum_rows} labelled rows have come"
    start, end = started_at.timestamp() - 60 * policy.drift.window_minutes, started_at.timestamp()
    asked, known = (
        int(np.sum((table.columns["_at"] >= start) & (table.columns["_at"] < end))) for table in (records, answered)
    )
    if known < plan.labelled_share * asked:
        needed = f"{plan.labelled_share:.0%} are needed"
        return f"labels of {known} of the {asked} rows of the drifted window have come: {needed}"
    return None


def _take(
    endpoint: EndpointName, labelled: Table, plan: Retraining, reason: str, now: datetime, snapshotting: Snapshotting
) -> SnapshotTaken:
    ordered = labelled.take(np.argsort(labelled.columns["_at"], kind="stable"))
    times = ordered.columns["_at"]
    data = _features_of(ordered)
    cut = data.rows - min(max(1, round(data.rows * plan.holdout_share)), data.rows - 1)
    train, holdout = data.slice(0, cut), data.slice(cut, data.rows)
    snapshot = Snapshot(
        endpoint=endpoint,
        digest=digest_of({name: column.tolist() for name, column in data.columns.items()} | {"cut": cut}),
        target=LABEL,
        train_rows=train.rows,
        holdout_rows=holdout.rows,
        start=datetime.fromtimestamp(float(times[0]), UTC),
        end=datetime.fromtimestamp(float(times[-1]), UTC),
        taken_at=now,
        reason=reason,
    )
    snapshotting.snapshots.put(snapshot, train, holdout)
    found = f"{train.rows} rows to train on and {holdout.rows} held out"
    details: dict[str, Detail] = {
        "snapshot": snapshot.digest,
        "train_rows": train.rows,
        "holdout_rows": holdout.rows,
        "reason": reason,
    }
    entry = LedgerEntry(endpoint, f"snapshot:{snapshot.digest}", Action.SNAPSHOT_TAKEN, "snapshot_data", now, details)
    snapshotting.ledger.append(entry)
    snapshotting.events.publish("SnapshotTaken", entry)
    return SnapshotTaken(endpoint, SnapshotStatus.READY, snapshot.digest, 0, found)


def _features_of(records: Table) -> Table:
    """Return the logged features and the label, without our own columns."""
    features = {name: column for name, column in records.columns.items() if not name.startswith("_")}
    return Table(features | {LABEL: records.columns[LABEL]})


def _give_up(
    endpoint: EndpointName, missing: str, started_at: datetime, now: datetime, snapshotting: Snapshotting
) -> SnapshotTaken:
    details: dict[str, Detail] = {"reason": missing}
    deed = f"given_up:{started_at.isoformat()}"
    entry = LedgerEntry(endpoint, deed, Action.RETRAINING_GIVEN_UP, "snapshot_data", now, details)
    snapshotting.ledger.append(entry)
    snapshotting.events.publish("RetrainingGivenUp", entry)
    return SnapshotTaken(endpoint, SnapshotStatus.GIVEN_UP, None, 0, missing)
