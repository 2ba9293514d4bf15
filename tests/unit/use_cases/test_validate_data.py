"""Validating data: uploads and snapshots are looked through before a model is measured or trained on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from serinus.domain.data_limits import DataGate, DataLimits, Expectation, Severity
from serinus.domain.model_gates import FairnessRule
from serinus.domain.model_version import Status, digest_of
from serinus.domain.policy import LabelJoin, Slicing
from serinus.domain.snapshot import Snapshot
from serinus.domain.table import Table, concatenated
from serinus.errors import EndpointNotFound, ModelVersionNotFound, ObjectNotFound
from serinus.use_cases.register_model import model_home, register_model
from serinus.use_cases.validate_data import DataVerdict, validate_data
from serinus.use_cases.validate_model import validate_model
from tests.builders import FRAUD, NOON, Died, World, a_holdout, a_manifest, a_policy, a_table, an_object_column

STRICT = DataLimits(severities={DataGate.SKEW: Severity.ERROR})


def validate(world: World, of: int | str = 1) -> DataVerdict:
    """Validate a version's held-out rows, or a snapshot."""
    return validate_data(FRAUD, of, screening=world.screening)


def uploaded(world: World, holdout: Table | None = None) -> int:
    """Register an upload nobody has looked through yet."""
    key = world.upload(holdout=holdout)
    number = register_model(key, execution="release", registry=world.registry).version
    assert number is not None
    return number


def leaking() -> Table:
    """Return held-out rows whose age is the label."""
    rows = a_holdout()
    return Table({**rows.columns, "age": np.asarray(rows.columns["class"], dtype=np.float64) + 20})


def test_good_rows_go_on_to_be_measured_with_their_findings() -> None:
    """The findings become the model version's, and what is signed says them."""
    world = World()
    uploaded(world)
    verdict = validate(world)
    assert (verdict.accepted, verdict.reason) == (True, "")
    version = validate_model(FRAUD, 1, validation=world.validation)
    assert version.status is Status.VALIDATED
    assert [finding.gate for finding in version.findings][:2] == ["data:file", "data:schema"]
    assert "data:leakage" in version.statement.decode()
    assert "data_rejected" not in str(world.deeds())


def test_columns_that_are_there_to_judge_by_are_no_features_to_be_looked_through() -> None:
    """A group and the framework's own predictions, however much they tell of the label."""
    world = World(replace(a_policy(), fairness=(FairnessRule("group"),)))
    rows = a_holdout()
    label = np.asarray(rows.columns["class"], dtype=np.float64)
    table = Table({**rows.columns, "group": label, "said": 0.1 + 0.8 * label})
    body = world.tables.write(table)
    manifest = a_manifest(holdout=body)
    manifest = replace(manifest, holdout=replace(manifest.holdout, framework_predictions="said"))
    key = world.upload(holdout=table, manifest=manifest)
    assert register_model(key, execution="release", registry=world.registry).version == 1
    verdict = validate(world)
    assert verdict.accepted, verdict.reason
    told = [finding.message for finding in world.versions.get(FRAUD, 1).findings]
    assert not [message for message in told if "'said'" in message or "'group'" in message]


def test_bad_rows_reject_the_version_once() -> None:
    """The finding, the ledger and the bus say why, and the event may come twice."""
    world = World()
    uploaded(world, leaking())
    for _ in range(2):
        verdict = validate(world)
        assert not verdict.accepted
        assert "'age' alone tell the target" in verdict.reason
    version = world.versions.get(FRAUD, 1)
    assert version.status is Status.REJECTED
    assert [finding.gate for finding in version.findings if not finding.passed] == ["data:leakage"]
    assert world.deeds() == ["registered:upload-1", f"data_rejected:1:{world.policy.digest[:12]}"]
    (event, *_) = [event for event in world.events.published if event.name == "DataRejected"]
    assert (event.detail["version"], event.detail["gates"]) == (1, "leakage")


def test_a_model_is_never_measured_on_rows_that_were_rejected_or_not_looked_at() -> None:
    """Nothing is signed around the data gates."""
    world = World()
    uploaded(world, leaking())
    version = validate_model(FRAUD, 1, validation=world.validation)
    assert version.status is Status.REJECTED
    assert "nobody has looked at the held-out rows" in version.findings[0].message
    validate(world)
    version = validate_model(FRAUD, 1, validation=world.validation)
    assert version.status is Status.REJECTED
    assert version.attestation is None


def test_a_version_that_was_rejected_is_looked_at_anew() -> None:
    """Its policy may have changed since."""
    world = World()
    uploaded(world, leaking())
    validate(world)
    world.deploy(replace(world.policy, data=DataLimits(severities={DataGate.LEAKAGE: Severity.WARNING})))
    assert validate(world).accepted
    version = world.versions.get(FRAUD, 1)
    assert version.status is Status.REGISTERED
    (told,) = [finding for finding in version.findings if finding.message.startswith("warning: ")]
    assert told.gate == "data:leakage"
    assert validate_model(FRAUD, 1, validation=world.validation).status is Status.VALIDATED


def test_a_version_that_was_validated_stays_so() -> None:
    """An event that comes late changes nothing."""
    world = World()
    world.validated()
    world.deploy(replace(world.policy, data=DataLimits(minimum_rows=1_000)))
    before = world.versions.get(FRAUD, 1)
    assert validate(world).accepted
    assert world.versions.get(FRAUD, 1) == before


def test_a_file_that_cannot_be_read_is_a_finding() -> None:
    """Cut off in the middle, say."""
    world = World()
    uploaded(world)
    version = world.versions.get(FRAUD, 1)
    key = f"{model_home(FRAUD, version.manifest)}/{version.manifest.holdout.name}"
    world.artifacts.put(key, world.artifacts.get(key)[:-100])
    verdict = validate(world)
    assert [found.gate for found in verdict.findings] == ["file"]
    assert "cut off" in verdict.reason


def test_what_the_policy_expects_is_held_against_an_upload() -> None:
    """A column that slices are cut by, or that names rows, is none too many."""
    policy = replace(
        a_policy(slices=(Slicing("region"),)),
        labels=LabelJoin("order"),
        data=DataLimits(expectations=(Expectation("age >= 18"), Expectation("amount < 0", tolerated_share=0.1))),
    )
    world = World(policy)
    others = an_object_column([f"o{at}" for at in range(400)])
    uploaded(world, Table({**a_holdout().columns, "region": others, "order": others}))
    verdict = validate(world)
    found = {finding.gate: finding for finding in verdict.findings}
    assert found["extra_columns"].passed
    assert found["duplicate_ids"].numbers["looked_at"] == 400
    assert found["expectation:age >= 18"].passed
    assert [gate for gate, finding in found.items() if finding.rejects] == ["expectation:amount < 0"]


def test_dying_at_any_write_changes_nothing_in_the_end() -> None:
    """The repeated step completes what the first began."""
    for number in (1, 2, 3, 4):
        world = World()
        uploaded(world, leaking())
        world.fate.die_after(number)
        try:
            validate(world)
        except Died:
            assert not validate(world).accepted
        assert world.versions.get(FRAUD, 1).status is Status.REJECTED
        assert sum(deed.startswith("data_rejected") for deed in world.deeds()) == 1
        assert "DataRejected" in world.event_names()


def served(shift: float, *, rows: int = 600) -> World:
    """Return a world whose live release is asked about rows of that shift."""
    world = World(replace(a_policy(), data=STRICT))
    world.published()
    world.serve(2, rows, features=a_table(rows, seed=5, shift=shift))
    world.later(60)
    return world


def test_rows_unlike_the_live_traffic_are_told() -> None:
    """By the feature that is elsewhere; rows that are like it pass."""
    other = served(3.0)
    other.registered("2")
    (found,) = [finding for finding in validate(other, 2).findings if finding.gate == "skew"]
    assert not found.passed
    assert "'amount' (PSI " in found.message
    alike = served(0.0)
    alike.registered("2")
    (found,) = [finding for finding in validate(alike, 2).findings if finding.gate == "skew"]
    assert (found.passed, found.message) == (True, "3 features are as the endpoint's live traffic is")


@pytest.mark.parametrize(("rows", "said"), [(40, "40 of 500 rows of live traffic"), (0, "0 of 500")])
def test_too_little_traffic_tells_nothing(rows: int, said: str) -> None:
    """Rather than a wrong number."""
    world = served(3.0, rows=rows) if rows else World(replace(a_policy(), data=STRICT))
    if not rows:
        world.published()
    world.registered("2")
    (found,) = [finding for finding in validate(world, 2).findings if finding.gate == "skew"]
    assert found.passed
    assert said in found.message


def with_snapshot(world: World, train: Table, holdout: Table) -> str:
    """Keep a snapshot; return its digest."""
    digest = digest_of({name: column.tolist() for name, column in train.columns.items()})
    start, end = NOON - timedelta(hours=9), NOON - timedelta(hours=1)
    snapshot = Snapshot(FRAUD, digest, "class", train.rows, holdout.rows, start, end, NOON, "drift")
    world.snapshots.put(snapshot, train, holdout)
    return digest


def test_a_snapshot_is_looked_through_before_it_trains() -> None:
    """Its training rows by every gate, how fresh they are by when it ends, and whether it holds out what trains."""
    world = World()
    world.published()
    digest = with_snapshot(world, a_holdout(400), a_holdout(100, seed=9))
    verdict = validate(world, digest)
    assert verdict.accepted, verdict.reason
    found = {finding.gate: finding for finding in verdict.findings}
    assert found["freshness"].numbers["hours"] == 1.0
    assert found["overlap"].message == "0.0% of the rows are in train.parquet too"


def test_a_snapshot_that_holds_out_what_trains_is_rejected_once() -> None:
    """The ledger and the bus name the snapshot and the reason."""
    world = World()
    train = a_holdout(400)
    digest = with_snapshot(world, train, concatenated([a_holdout(100, seed=9), train.slice(0, 50)]))
    for _ in range(2):
        verdict = validate(world, digest)
        assert not verdict.accepted
        assert "33.3% of the rows are in train.parquet too" in verdict.reason
    assert world.deeds() == [f"data_rejected:{digest}:{world.policy.digest[:12]}"]
    assert world.entries()[0].details["snapshot"] == digest
    assert world.event_names()[0] == "DataRejected"


def test_a_snapshot_without_a_feature_of_the_live_model_is_rejected() -> None:
    """It could not train what takes its place."""
    world = World()
    world.published()
    part = a_holdout(400).select(["amount", "colour", "class"])
    verdict = validate(world, with_snapshot(world, part, part.slice(0, 60)))
    assert "there is no column 'age'" in verdict.reason


def test_what_is_not_there_is_an_error() -> None:
    """An endpoint, a version, a snapshot."""
    world = World()
    with pytest.raises(EndpointNotFound):
        validate_data("nobody", 1, screening=world.screening)
    with pytest.raises(ModelVersionNotFound):
        validate(world, 7)
    with pytest.raises(ObjectNotFound):
        validate(world, "0" * 64)
