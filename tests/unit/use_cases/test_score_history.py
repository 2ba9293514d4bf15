"""What earlier versions were validated on is scored by both models, as far as it still can be."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from serinus.domain.comparison_plan import ComparisonPlan
from serinus.domain.gates import Finding
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.model_version import ModelVersion, Status
from serinus.domain.policy import Slicing
from serinus.domain.table import Table
from serinus.use_cases.register_model import model_home
from serinus.use_cases.validate_model import validate_model
from tests.builders import FRAUD, World, a_holdout, a_policy, scores_of
from tests.unit.use_cases.test_compare_with_stable import ModelsByFile, Script, noisy

GATE = MetricGate(Metric.ROC_AUC, minimum=0.6, worse_than_stable_by=0.02)


def bad_at_the_old(features: Table) -> npt.NDArray[np.float64]:
    """Score rows well, unless they are those of version 1's snapshot, which begin as they do."""
    scores = scores_of(features)
    return 1 - scores if features.columns["age"][0] == a_holdout(seed=1).columns["age"][0] else scores


def a_world(scripts: dict[bytes, Script], *, snapshots: int = 2, earlier: Sequence[int] = ()) -> World:
    """Return a world in which version 1 is live, and versions of these snapshots were validated after it."""
    policy = replace(a_policy(gates=(GATE,)), comparison=ComparisonPlan(historical_snapshots=snapshots))
    world = World(policy)
    models = ModelsByFile(scripts)
    contending = replace(world.validation.contending, models=models)
    world.validation = replace(world.validation, models=models, contending=contending)
    world.published("1")
    for at, seed in enumerate(earlier):
        validated(world, f"{at}", seed=seed)
    return world


def validated(world: World, name: str = "new", *, seed: int = 9) -> ModelVersion:
    """Register and validate a version on the snapshot of that seed."""
    number = world.registered(name, holdout=a_holdout(seed=seed))
    return validate_model(FRAUD, number, validation=world.validation)


def on_the_past(version: ModelVersion) -> list[Finding]:
    """Return the findings of earlier snapshots."""
    return [finding for finding in version.findings if "rows_of_version" in finding.gate]


def test_a_candidate_that_forgot_the_past_is_rejected() -> None:
    """It is as good as stable on its own rows, and much worse on those that version 1 was validated on."""
    version = validated(a_world({b"model new": bad_at_the_old}))
    (found,) = on_the_past(version)
    (own,) = [each for each in version.findings if each.gate == "against_stable:roc_auc"]
    assert version.status is Status.REJECTED
    assert own.passed
    assert not found.passed
    assert found.gate == "against_stable:roc_auc:rows_of_version_1"
    assert "with version 1 (release 2) on the same 400 held-out rows of version 1: -" in found.message


def test_the_most_recent_snapshots_are_scored_each_once() -> None:
    """As many as the policy says; two versions validated on one snapshot count once, and one's own not at all."""
    world = a_world({}, snapshots=2, earlier=(2, 3, 4, 4, 9))
    gates = [found.gate for found in on_the_past(validated(world, seed=9))]
    assert gates == ["against_stable:roc_auc:rows_of_version_5", "against_stable:roc_auc:rows_of_version_3"]


def test_all_comparisons_that_can_fail_hold_together() -> None:
    """On three snapshots by the gate that has a margin, and in each guarded slice by both."""
    world = a_world({b"model new": noisy}, earlier=(2,))
    told_only = MetricGate(Metric.LOG_LOSS, maximum=5.0)
    world.deploy(replace(world.policy, gates=(GATE, told_only), slices=(Slicing("colour", guarded=True),)))
    version = validated(world)
    compared = [found for found in version.findings if found.gate.startswith("against_stable:")]
    slices = {found.numbers["slices"] for found in compared if ":slice:" in found.gate}
    assert len(compared) == 2 * 3 + 2
    assert {found.numbers["intervals"] for found in compared} == {3 + 2 * slices.pop()}
    alone = validated(a_world({b"model new": noisy}, snapshots=0))
    wide, narrow = (
        next(found.numbers for found in each.findings if found.gate == "against_stable:roc_auc")
        for each in (version, alone)
    )
    assert wide["high"] - wide["low"] > 1.2 * (narrow["high"] - narrow["low"])


def test_a_policy_may_leave_the_past_out() -> None:
    """`historical_snapshots = 0`."""
    assert on_the_past(validated(a_world({}, snapshots=0, earlier=(2,)))) == []


def test_rejected_versions_have_no_say() -> None:
    """Nobody vouched for their snapshots."""
    world = a_world({b"model 0": lambda features: 1 - scores_of(features)}, earlier=(2,))
    assert world.versions.get(FRAUD, 2).status is Status.REJECTED
    assert [found.gate for found in on_the_past(validated(world))] == ["against_stable:roc_auc:rows_of_version_1"]


def test_before_the_first_release_there_is_no_past_to_read() -> None:
    """Nothing is live, so nothing is compared."""
    world = World(a_policy(gates=(GATE,)))
    world.validated("1")
    assert on_the_past(validated(world)) == []


def test_a_snapshot_whose_schema_no_longer_fits_is_told_and_passed_over() -> None:
    """The live model was validated on rows that lack a column which the new one takes."""
    world = a_world({})
    live = world.versions.get(FRAUD, 1)
    rows = world.tables.write(Table({name: a_holdout().columns[name] for name in ("amount", "colour", "class")}))
    holdout = replace(live.manifest.holdout, sha256=hashlib.sha256(rows).hexdigest())
    changed = replace(live, manifest=replace(live.manifest, holdout=holdout))
    world.artifacts.put(f"{model_home(FRAUD, changed.manifest)}/holdout.parquet", rows)
    world.artifacts.put(f"{model_home(FRAUD, changed.manifest)}/model.onnx", b"model 1")
    world.versions.record_validation(changed)
    version = validated(world)
    (found,) = on_the_past(version)
    assert version.status is Status.VALIDATED
    assert found.message.startswith("the held-out rows of version 1 were passed over: holdout.parquet has no column")
    assert "'age'" in found.message


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_snapshot_that_is_gone_or_was_changed_is_told_and_passed_over(damage: str) -> None:
    """What somebody did to an old file says nothing against a new model."""
    world = a_world({})
    key = f"{model_home(FRAUD, world.versions.get(FRAUD, 1).manifest)}/holdout.parquet"
    if damage == "gone":
        world.artifacts.delete(key)
    else:
        world.artifacts.put(key, world.tables.write(a_holdout(seed=77)))
    version = validated(world)
    (found,) = on_the_past(version)
    assert version.status is Status.VALIDATED
    assert ("there is no object" if damage == "gone" else "is not the file that version 1") in found.message


def test_a_live_model_that_cannot_score_the_past_blocks_nothing() -> None:
    """It scores the candidate's rows, and no others."""

    def forgetful(features: Table) -> npt.NDArray[np.float64]:
        own = features.columns["age"][0] == a_holdout(seed=9).columns["age"][0]
        return scores_of(features) if own else np.full(features.rows, 1.5)

    world = a_world({})
    world.validation.contending.models.scripts[b"model 1"] = forgetful  # type: ignore[attr-defined]  # `ModelsByFile`
    (found,) = on_the_past(validated(world))
    assert found.passed
    assert "could not be compared on the held-out rows of version 1: its scores of them are not all" in found.message


def test_large_snapshots_are_sampled_and_validating_again_finds_the_same() -> None:
    """At most 20,000 rows of each are scored, drawn by the content's digest, within a few times a table's memory."""

    def findings() -> list[Finding]:
        world = a_world({})
        number = world.registered("large", holdout=a_holdout(30_000, seed=5))
        assert validate_model(FRAUD, number, validation=world.validation).status is Status.VALIDATED
        tracemalloc.start()
        found = on_the_past(validated(world))
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
        tracemalloc.stop()
        return found

    first, again = findings(), findings()
    assert first == again
    assert "on the same 20000 held-out rows of version 2" in first[0].message
