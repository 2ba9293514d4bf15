"""Take a snapshot of recent labelled traffic to train on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np

from serinus.domain.ledger import Action, Detail, LedgerEntry, what_was_live
from serinus.domain.model_version import digest_of
from serinus.domain.policy import EndpointName, Policy, Retraining
from serinus.domain.snapshot import Snapshot
from serinus.domain.table import Table, concatenated
from serinus.errors import DataRefused, PolicyRefused
from serinus.use_cases.join_labels import LABEL, features_of, joined
from serinus.use_cases.ports import Clock, Events, Labels, Ledger, Policies, Records, Rollouts, Snapshots

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
    records: Records
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
    records = _records(endpoint, now - timedelta(minutes=plan.window_minutes), now, snapshotting)
    found = _labelled(records, policy, plan, started_at, snapshotting)
    if isinstance(found, Table):
        return _take(policy.endpoint, found, plan, reason, now, snapshotting)
    if now < started_at + timedelta(minutes=plan.labels_wait_minutes):
        return SnapshotTaken(endpoint, SnapshotStatus.WAITING, None, _pause_seconds(plan), found)
    return _give_up(policy.endpoint, found, started_at, now, snapshotting)


def _labelled(
    records: Table, policy: Policy, plan: Retraining, started_at: datetime, snapshotting: Snapshotting
) -> Table | str:
    """Return the records that have labels, or what is missing of a snapshot worth training on.

    A label file that cannot be read is waited for too: somebody may mend it while there is time.
    """
    try:
        labelled = joined(records, snapshotting.labels.read(policy.endpoint, policy.labels.id_column))
    except DataRefused as damaged:
        return f"the labels cannot be read: {damaged}"
    return _missing(records, labelled, policy, plan, started_at) or labelled


def _records(endpoint: str, start: datetime, end: datetime, snapshotting: Snapshotting) -> Table:
    tables = {
        release.number: _with_inputs(snapshotting.records.read(endpoint, release.number, start, end))
        for release in snapshotting.rollouts.releases(endpoint)
    }
    served = {number: table for number, table in tables.items() if table.rows}
    if not served:
        return Table({})
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


def _missing(records: Table, labelled: Table, policy: Policy, plan: Retraining, started_at: datetime) -> str | None:
    """Say what is missing of a snapshot worth training on; `None` where nothing is."""
    if labelled.rows < plan.minimum_rows:
        return f"{labelled.rows} of {plan.minimum_rows} labelled rows have come"
    start, end = started_at.timestamp() - 60 * policy.drift.window_minutes, started_at.timestamp()
    asked, answered = (
        int(np.sum((table.columns["_at"] >= start) & (table.columns["_at"] < end))) for table in (records, labelled)
    )
    if answered < plan.labelled_share * asked:
        needed = f"{plan.labelled_share:.0%} are needed"
        return f"labels of {answered} of the {asked} rows of the drifted window have come: {needed}"
    return None


def _take(
    endpoint: EndpointName, labelled: Table, plan: Retraining, reason: str, now: datetime, snapshotting: Snapshotting
) -> SnapshotTaken:
    ordered = labelled.take(np.argsort(labelled.columns["_at"], kind="stable"))
    times = ordered.columns["_at"]
    data = features_of(ordered)
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


def _give_up(
    endpoint: EndpointName, missing: str, started_at: datetime, now: datetime, snapshotting: Snapshotting
) -> SnapshotTaken:
    details: dict[str, Detail] = {"reason": missing}
    deed = f"given_up:{started_at.isoformat()}"
    entry = LedgerEntry(endpoint, deed, Action.RETRAINING_GIVEN_UP, "snapshot_data", now, details)
    snapshotting.ledger.append(entry)
    snapshotting.events.publish("RetrainingGivenUp", entry)
    return SnapshotTaken(endpoint, SnapshotStatus.GIVEN_UP, None, 0, missing)
