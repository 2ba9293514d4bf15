"""Probing: what a policy demands besides metrics is held against real models, and rejects what does not meet it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pytest

from serinus.adapters.onnx.models import OnnxModels
from serinus.adapters.training.recipes import SklearnTrainer
from serinus.domain.footprint import Footprint
from serinus.domain.gates import Finding
from serinus.domain.held_out import HeldOutRows
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.model_gates import (
    Direction,
    FairnessRule,
    FootprintLimits,
    Invariance,
    Minimum,
    MustNot,
    ParityLimits,
    StabilityLimits,
)
from serinus.domain.model_version import Holdout, Manifest, ModelVersion, Status
from serinus.domain.policy import Policy
from serinus.domain.signature import Signature
from serinus.domain.table import Table
from serinus.domain.task import Target, Task
from serinus.errors import ModelFailed
from serinus.use_cases.ports.models import MeasureFootprint, TrainedModel
from serinus.use_cases.probe_model import Probing, probe_model
from serinus.use_cases.register_model import register_model
from serinus.use_cases.validate_model import validate_model
from tests.builders import FRAUD, NOON, World, a_holdout, a_policy, an_object_column, scores_of


def people(rows: int, *, seed: int, unfair: bool = True) -> Table:
    """Return applicants; where it is unfair, women are refused whatever they earn."""
    chance = np.random.default_rng(seed)
    income, debt = chance.normal(size=rows), chance.normal(size=rows)
    sex = chance.integers(0, 2, rows)
    wanted = income - debt - (1.5 * (sex == 1) if unfair else 0)
    granted = (wanted + chance.logistic(scale=0.3, size=rows) > 0).astype(np.float64)
    names = an_object_column(["f" if each else "m" for each in sex])
    return Table({"income": income, "debt": debt, "sex": names, "granted": granted})


FEATURES = ("income", "debt", "sex")


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def trained(recipe: str = "logistic_regression", *, unfair: bool = True) -> TrainedModel:
    """Fit a recipe on applicants."""
    table = people(3_000, seed=1, unfair=unfair)
    return SklearnTrainer().train(recipe, table.select(FEATURES), np.asarray(table.columns["granted"]))


def with_real_models(policy: Policy) -> World:
    """Return a world whose models are ONNX Runtime's."""
    world = World(policy)
    contending = replace(world.validation.contending, models=OnnxModels())
    world.validation = replace(world.validation, models=OnnxModels(), contending=contending)
    return world


def validated(policy: Policy, model: TrainedModel, *, predictions: float | None = None) -> ModelVersion:
    """Validate a real model on held-out applicants; `predictions` is by how much the framework says more."""
    world = with_real_models(policy)
    table = people(1_500, seed=2)
    column = None
    if predictions is not None:
        column = "said"
        table = Table({**table.columns, column: model.predict(table.select(FEATURES)) + predictions})
    rows = world.tables.write(table)
    manifest = Manifest(
        "model.onnx",
        _sha256(model.onnx),
        model.signature,
        Holdout("holdout.parquet", _sha256(rows), "granted", column),
    )
    key = world.upload(model=model.onnx, holdout=table, manifest=manifest)
    registration = register_model(key, execution="e", registry=world.registry)
    assert registration.version is not None, registration.reason
    world.look_through(registration.version)
    return validate_model(FRAUD, registration.version, validation=world.validation)


def failed(version: ModelVersion) -> list[str]:
    """Return the gates that failed."""
    return [finding.gate for finding in version.findings if not finding.passed]


FAIR = FairnessRule("sex", maximum_selection_rate_gap=0.2)
EQUAL = Invariance("sex is no reason", "sex", 0.02, values=("f", "m"))
RICHER = Direction("richer is likelier", "income", 0.5, MustNot.FALL)
SURE = Minimum("the rich without debt", rows=({"income": 3.0, "debt": -3.0, "sex": "m"},), minimum_score=0.95)


def test_an_unfair_model_is_rejected_by_the_group_and_by_the_test_that_say_so() -> None:
    """It ranks well, so metrics alone let it through; nothing that it does well fails."""
    policy = replace(a_policy(), fairness=(FAIR,), behaviour=(EQUAL, RICHER, SURE))
    version = validated(policy, trained())
    assert version.status is Status.REJECTED
    assert failed(version) == ["fairness:sex:selection_rate", "behaviour:sex is no reason"]
    assert validated(a_policy(), trained()).status is Status.VALIDATED


@pytest.mark.parametrize("recipe", ["logistic_regression", "gradient_boosting", "random_forest"])
def test_a_fair_model_of_every_recipe_is_validated(recipe: str) -> None:
    """Under every demand at once, with its framework's predictions beside."""
    policy = replace(
        a_policy(),
        fairness=(FAIR,),
        behaviour=(replace(EQUAL, maximum_change=0.3, tolerated_share=0.05), SURE),
        stability=StabilityLimits(maximum_flipped_share=0.05, maximum_flipped_share_when_missing=0.6),
        footprint=FootprintLimits(maximum_model_mb=20.0),
    )
    version = validated(policy, trained(recipe, unfair=False), predictions=0.0)
    assert failed(version) == []
    assert version.status is Status.VALIDATED
    (parity,) = [finding for finding in version.findings if finding.gate == "parity"]
    assert parity.numbers["difference"] < 1e-6


def test_a_model_that_leans_on_one_feature_is_rejected_where_it_may_be_missing() -> None:
    """The finding names the feature."""
    policy = replace(a_policy(), stability=StabilityLimits(maximum_flipped_share_when_missing=0.05))
    version = validated(policy, trained())
    assert failed(version) == ["stability:missing"]
    (found,) = [finding for finding in version.findings if not finding.passed]
    assert "most sensitive to 'debt'" in found.message or "most sensitive to 'income'" in found.message


def test_what_the_framework_does_not_say_is_rejected() -> None:
    """Beyond the policy's limit, and no further."""
    assert failed(validated(a_policy(), trained(), predictions=0.001)) == ["parity"]
    policy = replace(a_policy(), parity=ParityLimits(0.01))
    assert failed(validated(policy, trained(), predictions=0.001)) == []


def test_a_model_that_weighs_too_much_is_rejected() -> None:
    """By the policy's limit, far below the hard one."""
    policy = replace(a_policy(), footprint=FootprintLimits(maximum_model_mb=0.0001))
    assert failed(validated(policy, trained())) == ["footprint:size"]


def tasked(demands: Policy, target: Target, *, told: bool = False) -> ModelVersion:
    """Validate a real model of a task: of incomes, or of whether they are low, middling or high."""
    gate = MetricGate(Metric.R2 if target.task is Task.REGRESSION else Metric.MACRO_F1, minimum=0.5)
    policy = replace(demands, gates=(gate,), task=target.task, classes=target.classes)
    world = with_real_models(policy)

    def table(seed: int) -> tuple[Table, Table, npt.NDArray[np.float64]]:
        found = people(1_500, seed=seed)
        wage = 50_000 + 10_000 * np.asarray(found.columns["income"], dtype=np.float64)
        labels = wage if target.task is Task.REGRESSION else np.digitize(wage, [45_000, 55_000]).astype(np.float64)
        named = labels if not target.classes else an_object_column([target.classes[int(each)] for each in labels])
        features = found.select(FEATURES)
        return features, Table({**features.columns, "wage": named}), labels

    features, _, labels = table(1)
    model = SklearnTrainer().train("gradient_boosting", features, labels, target)
    features, held_out, _ = table(2)
    column = "said" if told else None
    if told:
        held_out = Table({**held_out.columns, "said": model.predict(features)})
    holdout = Holdout("holdout.parquet", _sha256(world.tables.write(held_out)), "wage", column)
    manifest = Manifest("model.onnx", _sha256(model.onnx), model.signature, holdout)
    key = world.upload(model=model.onnx, holdout=held_out, manifest=manifest)
    registration = register_model(key, execution="e", registry=world.registry)
    assert registration.version is not None, registration.reason
    world.look_through(registration.version)
    return validate_model(FRAUD, registration.version, validation=world.validation)


RICHER_PAYS = Direction("richer is more", "income", 0.5, MustNot.FALL)


def test_a_regression_is_held_against_what_applies_to_it() -> None:
    """Its numbers move, follow and must be reached; nothing is decided, and parity is relative to their size."""
    sure = Minimum("no negative wages", where={"sex": ("f", "m")}, minimum_score=0.0)
    demands = replace(a_policy(), behaviour=(RICHER_PAYS, sure))
    version = tasked(demands, Target(Task.REGRESSION), told=True)
    found = {finding.gate: finding for finding in version.findings}
    assert found["parity"].passed
    assert found["parity"].numbers["difference"] < 1e-6
    assert found["behaviour:no negative wages"].passed
    assert found["stability:missing"].numbers["mean_change"] > 1_000
    assert "decisions" not in found["stability:noise"].message
    assert not any(gate.startswith("fairness") for gate in found)


def test_a_model_of_classes_is_held_against_what_applies_to_it() -> None:
    """Decisions are the likeliest class; which chance moves most is how far a row moves."""
    target = Target(Task.MULTICLASS, ("low", "middling", "high"))
    demands = replace(
        a_policy(),
        behaviour=(Invariance("sex is no reason", "sex", 0.9, values=("f", "m"), tolerated_share=0.01),),
        stability=StabilityLimits(maximum_flipped_share=0.05, maximum_flipped_share_when_missing=0.05),
    )
    version = tasked(demands, target)
    found = {finding.gate: finding for finding in version.findings}
    assert failed(version) == ["stability:missing"]
    assert "most sensitive to 'income'" in found["stability:missing"].message
    assert found["stability:noise"].numbers["flipped_share"] < 0.05
    assert found["behaviour:sex is no reason"].passed


FOUND = Footprint(1.0, 2.0, 200, 5_000.0, 400, 90.0)


def probed(
    measure: MeasureFootprint, policy: Policy | None = None, *, seconds_a_look: float = 0.0
) -> dict[str, Finding]:
    """Probe the scripted model, whose footprint is measured so, by a clock that goes on at each look."""
    world = World()
    number = world.registered()
    version = world.versions.get(FRAUD, number)
    table = a_holdout()
    features = table.select(["amount", "age", "colour"])
    looks = iter(range(1_000_000))
    rows = HeldOutRows("f", table, np.asarray(table.columns["class"]), scores_of(features))
    probing = Probing(
        version,
        b"a model",
        world.models.load(b"a model", version.manifest.signature),
        rows,
        features,
        measure,
        lambda: NOON + timedelta(seconds=seconds_a_look * next(looks)),
    )
    return {finding.gate: finding for finding in probe_model(policy or a_policy(), probing=probing)}


def test_the_footprint_of_the_served_file_is_measured() -> None:
    """On the held-out rows, and told beside the function's memory and the rollout's SLO."""
    asked: list[tuple[bytes, int]] = []

    def measure(model: bytes, _signature: Signature, rows: Table) -> Footprint:
        asked.append((model, rows.rows))
        return FOUND

    found = probed(measure)
    assert asked == [(b"a model", 400)]
    assert {gate for gate in found if gate.startswith("footprint")} == {
        "footprint:size",
        "footprint:latency",
        "footprint:batch",
        "footprint:memory",
    }
    assert "of serving.memory_mb = 1024" in found["footprint:memory"].message


def test_a_footprint_above_the_policys_limits_fails() -> None:
    """Each on its own."""
    policy = replace(a_policy(), footprint=FootprintLimits(maximum_memory_mb=50.0, maximum_row_latency_ms=1.5))
    found = probed(lambda *_: FOUND, policy)
    assert [gate for gate, finding in found.items() if not finding.passed] == [
        "footprint:latency",
        "footprint:memory",
    ]


@pytest.mark.parametrize(
    ("limits", "passes"),
    [(FootprintLimits(maximum_model_mb=1.0), True), (FootprintLimits(maximum_memory_mb=5.0), False)],
)
def test_a_footprint_that_cannot_be_measured_fails_where_it_is_limited(limits: FootprintLimits, passes: bool) -> None:
    """And is told in any case."""

    def measure(_model: bytes, _signature: Signature, _rows: Table) -> Footprint:
        raise ModelFailed("its process ended with -9")

    found = probed(measure, replace(a_policy(), footprint=limits))["footprint:run"]
    assert found.passed is passes
    assert "ended with -9" in found.message


def test_a_slow_model_is_tried_for_a_bounded_time() -> None:
    """Validation has fifteen minutes."""
    found = probed(lambda *_: None, seconds_a_look=50.0)
    assert "1 of 3 features" in found["stability:missing"].message or "0 of 3" in found["stability:missing"].message
