"""Snapshots: recent labelled traffic, the last part held out; and training on them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from serinus.adapters.schemas.manifest import read_manifest
from serinus.domain.ledger import Action, Detail, LedgerEntry
from serinus.domain.policy import LabelJoin, Retraining
from serinus.domain.table import Column, Table
from serinus.errors import EndpointNotFound, ObjectNotFound, PolicyRefused
from serinus.use_cases.measure_performance import measure_performance
from serinus.use_cases.snapshot_data import SnapshotStatus, SnapshotTaken, snapshot_data
from serinus.use_cases.train_model import train_model
from tests.builders import (
    DRIFT,
    FRAUD,
    NOON,
    Died,
    World,
    a_policy,
    a_prediction,
    a_release,
    a_table,
    an_object_column,
    scores_of,
)

PLAN = Retraining(window_minutes=600, minimum_rows=100, holdout_share=0.25, labels_wait_minutes=120)


def take(world: World, started_at: datetime | None = None) -> SnapshotTaken:
    """Take a snapshot."""
    return snapshot_data(FRAUD, started_at=started_at or world.now, reason="drift", snapshotting=world.snapshotting)


def a_served_world(rows: int = 200, plan: Retraining = PLAN) -> World:
    """Return a world whose release 2 has served that many requests, none labelled yet."""
    world = World(a_policy(retraining=plan, drift=replace(DRIFT, minimum_rows=150)))
    world.published()
    world.serve(2, features=a_table(rows, seed=5))
    world.later(300)
    return world


def label_all(world: World, count: int | None = None) -> None:
    """Let labels of the first requests come, or of all."""
    records = world.records.read(FRAUD, 2, NOON - timedelta(days=1), NOON + timedelta(days=1))
    ids = records.columns["_id"].tolist()[:count]
    world.label({str(identity): float(index % 2) for index, identity in enumerate(ids)})


def test_labelled_traffic_becomes_a_snapshot_split_by_time() -> None:
    """The most recent quarter is held out; target and features are there, our own columns are not."""
    world = a_served_world()
    label_all(world)
    taken = take(world)
    assert (taken.status, taken.wait_seconds) == (SnapshotStatus.READY, 0)
    snapshot, train, holdout = world.snapshots.get(FRAUD, str(taken.snapshot))
    assert (train.rows, holdout.rows) == (snapshot.train_rows, snapshot.holdout_rows) == (150, 50)
    assert set(train.columns) == {"amount", "age", "colour", snapshot.target}
    asked = a_table(200, seed=5).columns["amount"].tolist()
    assert train.columns["amount"].tolist() + holdout.columns["amount"].tolist() == asked
    assert world.deeds()[-1] == f"snapshot:{taken.snapshot}"
    assert world.event_names()[-1] == "SnapshotTaken"


def test_the_same_rows_are_the_same_snapshot() -> None:
    """Taken again, later, it has the same digest and is recorded once."""
    world = a_served_world()
    label_all(world)
    first = take(world)
    world.later(60)
    assert take(world).snapshot == first.snapshot
    assert world.deeds().count(f"snapshot:{first.snapshot}") == 1


def test_while_labels_are_missing_it_waits() -> None:
    """It says how many have come, and looks again in a while; the wait fits into an execution's history."""
    world = a_served_world()
    waiting = take(world)
    assert (waiting.status, waiting.snapshot) == (SnapshotStatus.WAITING, None)
    assert waiting.reason == "0 of 100 labelled rows have come"
    assert waiting.wait_seconds == 120
    world.deploy(a_policy(retraining=replace(PLAN, labels_wait_minutes=525_600)))
    assert 525_600 * 60 / take(world).wait_seconds <= 2_000


def test_the_labels_of_the_drifted_window_must_have_come() -> None:
    """Enough old labels do not do: what made the endpoint retrain is in the recent traffic."""
    world = a_served_world()
    label_all(world)
    world.later(2 * 60 * DRIFT.window_minutes)
    world.serve(2, features=a_table(200, seed=6))
    world.later(60)
    waiting = take(world)
    assert waiting.status is SnapshotStatus.WAITING
    assert "labels of 0 of the 200 rows of the drifted window have come" in waiting.reason


def test_a_label_file_that_is_damaged_is_told_where_labels_are_missing() -> None:
    """Somebody may mend it while there is time; the labels of other files count."""
    world = a_served_world()
    label_all(world, 60)
    world.data.put(f"labels/{FRAUD}/damaged.csv", b"id,label\nx,maybe\n")
    waiting = take(world)
    assert waiting.status is SnapshotStatus.WAITING
    assert waiting.reason.startswith("60 of 100 labelled rows have come; ")
    assert "damaged.csv, row 1: the label must be 0 or 1" in waiting.reason
    label_all(world)
    assert take(world).status is SnapshotStatus.READY


def test_features_that_a_join_cannot_tell_apart_are_told() -> None:
    """Nothing is trained on a mixture of two of them."""
    world = a_served_world(rows=0)
    rows = a_table(200)
    world.serve(2, features=Table({**rows.columns, "Amount": np.ones(200)}))
    world.later(60)
    assert "differ in the case of letters alone" in take(world).reason


def test_it_gives_up_when_the_wait_is_over() -> None:
    """Once, on record, with what was missing."""
    world = a_served_world()
    started_at = world.now
    world.later(60 * PLAN.labels_wait_minutes)
    given_up = take(world, started_at)
    assert given_up.status is SnapshotStatus.GIVEN_UP
    assert take(world, started_at).status is SnapshotStatus.GIVEN_UP
    assert [deed for deed in world.deeds() if deed.startswith("given_up")] == [world.deeds()[-1]]
    assert "RetrainingGivenUp" in world.event_names()


def test_nothing_served_is_waited_for() -> None:
    """An endpoint without records has nothing to train on yet."""
    world = World(a_policy(retraining=PLAN))
    assert take(world).status is SnapshotStatus.WAITING


def test_an_endpoint_that_does_not_retrain_is_refused() -> None:
    """The message says what to add; an endpoint that is not deployed is an error."""
    with pytest.raises(PolicyRefused, match=r"\[retraining\]"):
        take(World())
    with pytest.raises(PolicyRefused, match=r"\[retraining\]"):
        train_model(FRAUD, "0" * 64, training=World().training)
    with pytest.raises(EndpointNotFound):
        snapshot_data("nobody", started_at=NOON, reason="", snapshotting=World().snapshotting)


def test_releases_with_other_features_do_not_break_a_snapshot() -> None:
    """Records of a release that lacks a feature are left out; those with one more lose it."""
    world = a_served_world()
    digest = world.versions.get(FRAUD, 1).content_digest
    for number, columns in ((8, ("amount",)), (9, ("amount", "age", "colour", "extra"))):
        world.rollouts.record_release(replace(a_release(number), content_digest=digest))
        features: dict[str, Column] = {
            "amount": np.zeros(3),
            "age": np.zeros(3),
            "colour": an_object_column(["red"] * 3),
            "extra": np.zeros(3),
        }
        world.serve(number, features=Table({name: features[name] for name in columns}), prefix=f"{number}-")
    world.later(60)
    label_all(world)
    world.label(
        {f"id-{number}-{NOON.timestamp() + 300:.0f}-{number}-{row}": 1.0 for number in (8, 9) for row in range(3)},
        name="more",
    )
    taken = take(world)
    snapshot, train, _ = world.snapshots.get(FRAUD, str(taken.snapshot))
    assert snapshot.train_rows + snapshot.holdout_rows == 203
    assert set(train.columns) == {"amount", "age", "colour", snapshot.target}


def now_live(world: World, release: int) -> None:
    """Record that a release has all traffic."""
    split: dict[str, Detail] = {"stable": release, "candidate": None, "candidate_percent": 0}
    world.ledger.append(LedgerEntry(FRAUD, "shifted:x", Action.TRAFFIC_SHIFTED, "test", world.now, split))


def serve_as_nine(world: World, features: Table) -> None:
    """Let a release 9 serve these rows, all labelled."""
    digest = world.versions.get(FRAUD, 1).content_digest
    world.rollouts.record_release(replace(a_release(9), content_digest=digest))
    world.serve(9, features=features)
    world.later(60)
    records = world.records.read(FRAUD, 9, NOON, NOON + timedelta(days=1))
    world.label({str(identity): 1.0 for identity in records.columns["_id"].tolist()}, name="more")


def test_the_features_are_those_of_what_is_live() -> None:
    """However many rows an earlier release has: what is trained takes the place of what is live."""
    world = a_served_world()
    rows = a_table(120, seed=6).columns
    serve_as_nine(world, Table({"amount": rows["amount"], "colour": rows["colour"]}))
    now_live(world, 9)
    label_all(world)
    snapshot, train, _ = world.snapshots.get(FRAUD, str(take(world).snapshot))
    assert set(train.columns) == {"amount", "colour", snapshot.target}
    assert snapshot.train_rows + snapshot.holdout_rows == 320


def test_while_what_is_live_has_not_served_the_latest_features_count() -> None:
    """A release that held texts where there are numbers now is left out, not the reverse."""
    world = a_served_world()
    serve_as_nine(world, Table({**a_table(120, seed=6).columns, "colour": np.ones(120)}))
    now_live(world, 10)
    _, train, _ = world.snapshots.get(FRAUD, str(take(world).snapshot))
    assert set(train.columns["colour"].tolist()) == {1.0}


def test_a_feature_called_label_is_not_taken_for_the_label() -> None:
    """The target's name begins with an underscore, as no feature's does."""
    world = a_served_world(rows=0)
    rows = a_table(200)
    world.serve(2, features=Table({**rows.columns, "label": np.full(200, 7.0)}))
    world.later(60)
    label_all(world)
    snapshot, train, _ = world.snapshots.get(FRAUD, str(take(world).snapshot))
    assert snapshot.target != "label"
    assert set(train.columns["label"].tolist()) == {7.0}


def test_however_much_is_held_out_something_is_left_to_train_on() -> None:
    """A share next to one leaves a row."""
    world = a_served_world(plan=replace(PLAN, holdout_share=0.9999))
    label_all(world)
    snapshot, _, _ = world.snapshots.get(FRAUD, str(take(world).snapshot))
    assert (snapshot.train_rows, snapshot.holdout_rows) == (1, 199)


def test_dying_after_any_write_changes_nothing_in_the_end() -> None:
    """The retry leaves the same snapshot, recorded once."""
    for number in range(1, 7):
        world = a_served_world()
        label_all(world)
        world.fate.die_after(number)
        with pytest.raises(Died):
            take(world)
        taken = take(world)
        snapshot, train, _ = world.snapshots.get(FRAUD, str(taken.snapshot))
        assert train.rows == snapshot.train_rows
        assert world.deeds().count(f"snapshot:{taken.snapshot}") == 1


def trained(world: World) -> tuple[str, str]:
    """Take a snapshot and train on it; return its digest and the upload."""
    label_all(world)
    digest = str(take(world).snapshot)
    return digest, train_model(FRAUD, digest, training=world.training)


def test_training_uploads_a_model_like_anybody_elses() -> None:
    """Its manifest fits its objects and names the snapshot; it is written last."""
    world = a_served_world()
    digest, upload = trained(world)
    folder = f"incoming/fraud/{upload}"
    manifest = read_manifest(world.artifacts.get(f"{folder}/manifest.json"))
    for name, sha256 in (
        (manifest.model_name, manifest.model_sha256),
        (manifest.holdout.name, manifest.holdout.sha256),
    ):
        assert hashlib.sha256(world.artifacts.get(f"{folder}/{name}")).hexdigest() == sha256
    assert manifest.lineage["snapshot"] == digest
    assert manifest.lineage["reason"] == "drift"
    holdout = world.tables.read("holdout.parquet", world.artifacts.get(f"{folder}/holdout.parquet"))
    assert manifest.holdout.target in holdout.columns
    predicted = holdout.columns[str(manifest.holdout.framework_predictions)]
    assert np.array_equal(predicted, scores_of(holdout))
    assert manifest.holdout.framework_predictions not in [feature.name for feature in manifest.signature.features]


def test_training_twice_uploads_the_same() -> None:
    """Byte for byte, under the same name."""
    world = a_served_world()
    digest, upload = trained(world)
    stored = {key: world.artifacts.get(key) for key in world.artifacts.list(f"incoming/fraud/{upload}/")}
    assert train_model(FRAUD, digest, training=world.training) == upload
    assert {key: world.artifacts.get(key) for key in stored} == stored


def test_a_manifest_is_there_only_with_everything_it_names() -> None:
    """Training that dies leaves no manifest, so that nothing half is registered."""
    for number in (1, 2):
        world = a_served_world()
        label_all(world)
        digest = str(take(world).snapshot)
        world.fate.die_after(number)
        with pytest.raises(Died):
            train_model(FRAUD, digest, training=world.training)
        assert not [key for key in world.artifacts.list("incoming/fraud/retrained") if key.endswith("manifest.json")]
        upload = train_model(FRAUD, digest, training=world.training)
        assert f"incoming/fraud/{upload}/manifest.json" in world.artifacts.list("incoming/fraud/")


def test_there_must_be_such_a_snapshot() -> None:
    """Training on none is an error."""
    with pytest.raises(ObjectNotFound):
        train_model(FRAUD, "0" * 64, training=a_served_world().training)


def test_performance_is_measured_by_release_on_what_is_labelled() -> None:
    """Requests and failures come from the counts, metrics from the labels that have come."""
    world = a_served_world()
    start, end = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
    (silent,) = measure_performance(FRAUD, start=start, end=end, measuring=world.measuring).releases
    assert (silent.requests, silent.labelled_rows, dict(silent.metrics)) == (200, 0, {})
    label_all(world, 120)
    world.rollouts.record_release(a_release(7))
    (found,) = measure_performance(FRAUD, start=start, end=end, measuring=world.measuring).releases
    assert (found.release, found.model_version, found.labelled_rows) == (2, 1, 120)
    assert 0.3 < found.metrics[next(iter(found.metrics))] < 0.7
    assert found.latency_p95_ms is not None


def test_rows_whose_inputs_were_not_logged_are_measured_and_not_trained_on() -> None:
    """A sample of the inputs is logged; the scores of all are, and their labels count."""
    world = World(a_policy(retraining=PLAN, drift=replace(DRIFT, minimum_rows=150)))
    world.published()
    rows = a_table(200, seed=5)
    asked = [a_prediction(f"r{row}", features=rows.slice(row, row + 1)) for row in range(200)]
    world.collect([replace(one, features=None) if row % 2 else one for row, one in enumerate(asked)], release=2)
    world.later(300)
    label_all(world)
    _, train, holdout = world.snapshots.get(FRAUD, str(take(world).snapshot))
    assert train.rows + holdout.rows == 100
    assert not np.isnan(np.asarray(train.columns["amount"], dtype=np.float64)).any()
    (measured,) = measure_performance(FRAUD, start=NOON, end=world.now, measuring=world.measuring).releases
    assert measured.labelled_rows == 200


def test_labels_join_on_the_column_that_the_policy_names() -> None:
    """Whatever ids the requests had."""
    world = World(
        replace(a_policy(retraining=PLAN, drift=replace(DRIFT, minimum_rows=150)), labels=LabelJoin("order"))
    )
    world.published()
    rows = a_table(200, seed=5)
    asked = a_prediction("r1", features=rows)
    world.collect([replace(asked, row_ids=tuple(f"order-{row}" for row in range(200)))], release=2)
    world.later(300)
    labels = "order,label\n" + "".join(f"order-{row},{row % 2}\n" for row in range(150))
    world.data.put(f"labels/{FRAUD}/labels.csv", labels.encode())
    _, train, holdout = world.snapshots.get(FRAUD, str(take(world).snapshot))
    assert train.rows + holdout.rows == 150
    (measured,) = measure_performance(FRAUD, start=NOON, end=world.now, measuring=world.measuring).releases
    assert measured.labelled_rows == 150
