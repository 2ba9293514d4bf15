"""Validating: each kind of bad model is found, and what passed is signed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from serinus.domain.bins import CategoricalBins, NumericBins
from serinus.domain.data_limits import DataLimits, DeclaredColumn
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.model_version import ModelVersion, Status
from serinus.domain.policy import Slicing
from serinus.domain.signature import Datatype, OutputTensor, Score
from serinus.domain.table import Table
from serinus.domain.task import Task
from serinus.errors import DataRefused, ModelFailed, ModelVersionNotFound
from serinus.use_cases.register_model import register_model
from serinus.use_cases.validate_model import smoke_request_key, validate_model
from tests.builders import (
    FRAUD,
    Died,
    World,
    a_holdout,
    a_manifest,
    a_policy,
    a_signature,
    an_object_column,
    scores_of,
)


def validate(world: World, number: int = 1) -> ModelVersion:
    """Validate a version."""
    return validate_model(FRAUD, number, validation=world.validation)


def test_a_good_model_is_validated_signed_and_profiled() -> None:
    """It has an attestation, metrics, a reference profile of the held-out rows and a smoke request."""
    world = World()
    world.registered()
    version = validate(world)
    assert version == world.versions.get(FRAUD, 1)
    assert version.status is Status.VALIDATED
    assert [finding.gate for finding in version.findings] == [
        "data:file",
        "onnx",
        "smoke",
        "metric:roc_auc",
        "stability:noise",
        "stability:missing",
        "footprint:size",
    ]
    assert version.attestation is not None
    assert world.signer.verify(version.statement, version.attestation)
    reference = world.references.get(FRAUD, version.content_digest)
    assert reference is not None
    assert reference.rows == 400
    smoke = json.loads(world.artifacts.get(smoke_request_key(version)))
    assert [tensor["name"] for tensor in smoke["inputs"]] == ["numbers", "texts"]
    assert world.deeds() == ["registered:upload-1", "validated:1"]
    assert world.event_names() == ["ModelRegistered", "ModelValidated"]


def raising(error: Exception) -> Callable[[Table], npt.NDArray[np.float64]]:
    """Return a script that fails."""

    def script(_: Table) -> npt.NDArray[np.float64]:
        raise error

    return script


def _with_faults(world: World) -> None:
    world.models.faults = ("the opset is 99", "an operator is custom")


def _unloadable(world: World) -> None:
    world.models.unloadable = "ONNX Runtime cannot load it"


def _failing(world: World) -> None:
    world.models.script = raising(ModelFailed("a division by zero"))


def _unfit_rows(world: World) -> None:
    world.models.script = raising(DataRefused("column 'age', row 3 holds nan, which is no INT64"))


def _without_score(world: World) -> None:
    world.models.script = lambda features: np.where(np.arange(features.rows) == 2, np.nan, 0.5)


def _of_no_skill(world: World) -> None:
    world.models.script = lambda features: np.full(features.rows, 0.5)


def _of_margins(world: World) -> None:
    world.models.script = lambda features: np.asarray(features.columns["amount"], dtype=np.float64)


@pytest.mark.parametrize(
    ("spoil", "gate", "said"),
    [
        (_with_faults, "onnx", "the opset is 99"),
        (_unloadable, "session", "cannot load it"),
        (_failing, "smoke", "a division by zero"),
        (_unfit_rows, "holdout", "which is no INT64"),
        (_without_score, "smoke", "the score of held-out row 2 is nan"),
        (_of_no_skill, "metric:roc_auc", "below the minimum"),
        (_of_margins, "metric:roc_auc", "scores between 0 and 1"),
    ],
)
def test_a_bad_model_is_rejected_with_the_reason(spoil: Callable[[World], None], gate: str, said: str) -> None:
    """Nothing is signed, and the finding, the ledger and the bus say why; what was measured is kept to be drawn."""
    world = World()
    world.registered()
    spoil(world)
    version = validate(world)
    assert version.status is Status.REJECTED
    assert version.attestation is None
    (failed, *_) = [finding for finding in version.findings if not finding.passed]
    assert failed.gate == gate
    assert said in failed.message
    assert said in str(world.entries()[-1].details["reason"])
    assert world.event_names()[-1] == "ModelRejected"
    assert (world.references.get(FRAUD, version.content_digest) is not None) == gate.startswith("metric:")


def test_a_regression_that_predicts_without_bounds_is_rejected_and_can_be_read_again() -> None:
    """An infinite error would be kept as nothing, and the endpoint's versions could not be read any more."""
    gates = (MetricGate(Metric.MEDIAN_ABSOLUTE_ERROR, maximum=10.0),)
    world = World(replace(a_policy(), task=Task.REGRESSION, gates=gates))
    outputs, model = (OutputTensor("price", Datatype.FP64, (-1,)),), b"a regression"
    holdout = changed(**{"class": np.linspace(0.0, 1.0, 400)})
    signature = replace(a_signature(), outputs=outputs, score=Score("price"))
    manifest = replace(a_manifest(model, world.tables.write(holdout)), signature=signature)
    key = world.upload(model=model, holdout=holdout, manifest=manifest)
    register_model(key, execution="release-1", registry=world.registry)
    world.look_through(1)
    world.models.script = lambda features: np.where(np.arange(features.rows) == 2, -1e200, 0.5)
    version = validate(world)
    (failed,) = [finding for finding in version.findings if not finding.passed]
    assert failed.gate == "smoke"
    assert "row 2 is -1e+200: a score must be a finite number, that FP32 holds" in failed.message
    assert world.versions.list(FRAUD) == [version]


def test_what_a_model_says_without_a_feature_can_be_read_again_however_large_it_is() -> None:
    """The mean of such changes would be infinite; they count as flipped, as those that are no number do."""
    world = World()
    world.registered()

    def script(features: Table) -> npt.NDArray[np.float64]:
        bare = np.all(np.isnan(np.asarray(features.columns["amount"], dtype=np.float64)))
        return np.full(features.rows, 1.7e308) if bare else scores_of(features)

    world.models.script = script
    version = validate(world)
    (found,) = [finding for finding in version.findings if finding.gate == "stability:missing"]
    assert found.numbers["flipped_share"] == 1
    assert world.versions.list(FRAUD) == [version]


def changed(**columns: object) -> Table:
    """Return the usual held-out rows with other columns; `None` drops one."""
    merged = {**a_holdout().columns, **columns}
    return Table({name: column for name, column in merged.items() if isinstance(column, np.ndarray)})


@pytest.mark.parametrize(
    ("holdout", "said"),
    [
        (changed(age=None), "has no column 'age'"),
        (changed(**{"class": None}), "has no column 'class'"),
        (changed(amount=an_object_column(["a lot"] * 400)), "holds text such as 'a lot'"),
        (changed(**{"class": np.full(400, 2.0)}), "must be 0 or 1 in every row"),
        (changed(**{"class": np.full(400, np.nan)}), "must be 0 or 1 in every row"),
        (changed(**{"class": an_object_column(["yes"] * 400)}), "must be 0 or 1 in every row"),
        (changed(age=np.where(np.arange(400) == 7, np.inf, 30.0)), "row 8, holds inf"),
    ],
)
def test_bad_held_out_rows_are_rejected_with_the_reason(holdout: Table, said: str) -> None:
    """The finding names the file, the column and the row."""
    world = World()
    world.registered(holdout=holdout)
    version = validate(world)
    assert version.status is Status.REJECTED
    assert version.findings[-1].gate == "holdout"
    assert said in version.findings[-1].message


def test_held_out_rows_that_are_no_table_are_rejected() -> None:
    """A damaged file is a finding, not a crash."""
    world = World()
    world.registered()
    digest = world.versions.get(FRAUD, 1).content_digest
    world.artifacts.put(f"models/fraud/{digest}/holdout.parquet", b"PAR1 nothing PAR1")
    assert "damaged Parquet file" in validate(world).findings[-1].message


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_alone_is_rejected(label: float) -> None:
    """Nothing can be measured on held-out rows of one label."""
    world = World()
    world.registered(holdout=changed(**{"class": np.full(400, label)}))
    (failed,) = [finding for finding in validate(world).findings if not finding.passed]
    assert "with both present" in failed.message


def test_numbers_in_a_column_of_texts_are_spelled_as_requests_spell_them() -> None:
    """A category 7 that a CSV reader took for 7.0 is the text 7, in the profile and in the smoke request."""
    world = World()
    codes = np.where(np.arange(400) % 2 == 0, 7.0, 2.5)
    codes[399] = np.nan
    world.registered(holdout=changed(colour=codes))
    version = validate(world)
    reference = world.references.get(FRAUD, version.content_digest)
    assert reference is not None
    colour = reference.layout.features[2]
    assert isinstance(colour, CategoricalBins)
    assert set(colour.categories) == {"7", "2.5"}
    smoke = json.loads(world.artifacts.get(smoke_request_key(version)))
    assert smoke["inputs"][1]["data"] == ["7"]


def test_profiles_count_what_is_out_of_the_declared_range() -> None:
    """As the policy declares it for data, and slice by slice where it asks for that."""
    data = DataLimits(columns=(DeclaredColumn("age", minimum=0.0), DeclaredColumn("amount")))
    slices = (Slicing("colour", profiled=True), Slicing("age", edges=(30.0,)))
    world = World(replace(a_policy(slices=slices), data=data))
    world.registered()
    reference = world.references.get(FRAUD, validate(world).content_digest)
    assert reference is not None
    ages = reference.layout.features[1]
    assert isinstance(ages, NumericBins)
    assert (ages.name, ages.declared) == ("age", (0.0, None))
    assert [slicing.feature for slicing in reference.layout.slices] == ["colour"]


def test_profiles_that_cannot_follow_a_slice_are_a_finding() -> None:
    """Not an error that would come again and again."""
    world = World(a_policy(slices=(Slicing("region", profiled=True),)))
    world.registered()
    version = validate(world)
    assert version.status is Status.REJECTED
    assert "no feature of the model" in version.findings[-1].message


def test_a_number_that_is_missing_in_every_row_is_still_a_number() -> None:
    """A column of nothing but blanks comes as texts of nothing; it counts as missing numbers."""
    world = World()
    world.registered(holdout=changed(age=an_object_column([None] * 400)))
    assert validate(world).status is Status.VALIDATED


def test_validating_again_changes_nothing() -> None:
    """A validated version stays as it is, even where the model would fail now."""
    world = World()
    world.registered()
    first = validate(world)
    _with_faults(world)
    assert validate(world) == first
    assert world.deeds() == ["registered:upload-1", "validated:1"]


def test_a_rejected_version_is_examined_anew_under_a_changed_policy() -> None:
    """Changing the gate, as the finding proposes, helps the same model; both judgements are on record."""
    world = World(a_policy(gates=(MetricGate(Metric.ROC_AUC, minimum=0.99),)))
    world.registered()
    assert validate(world).status is Status.REJECTED
    assert validate(world).status is Status.REJECTED
    assert len(world.deeds()) == 2
    world.deploy(a_policy())
    assert validate(world).status is Status.VALIDATED
    assert world.deeds()[1].startswith("rejected:1:")
    assert world.deeds()[2:] == ["validated:1"]


def test_there_must_be_such_a_version() -> None:
    """Validating what was never registered is an error."""
    with pytest.raises(ModelVersionNotFound):
        validate(World())


def blind_to_red(features: Table) -> npt.NDArray[np.float64]:
    """Score rows by the amount, but red ones the wrong way round."""
    scores = scores_of(features)
    return np.where(features.columns["colour"] == "red", 1 - scores, scores)


@pytest.mark.parametrize("guarded", [True, False])
def test_a_model_that_serves_a_guarded_slice_badly_is_rejected(guarded: bool) -> None:
    """It passes the gate on all rows, and the finding names whom it fails; unguarded, that is told and signed."""
    slices = (Slicing("colour", guarded=guarded),)
    world = World(a_policy(gates=(MetricGate(Metric.ROC_AUC, minimum=0.55),), slices=slices))
    world.registered()
    world.models.script = blind_to_red
    version = validate(world)
    assert version.metrics[Metric.ROC_AUC] > 0.55
    assert version.status is (Status.REJECTED if guarded else Status.VALIDATED)
    (found,) = [finding for finding in version.findings if finding.gate == "slice:colour:roc_auc"]
    assert "worst for 'red'" in found.message
    assert ("beyond chance for 'red'" in found.message) is guarded
    assert b"worst for 'red'" in version.statement


def test_a_column_that_no_feature_is_may_slice() -> None:
    """A group that the model may not see is just what it should be looked at by."""
    region = an_object_column(["north", "south"] * 200)
    world = World(a_policy(slices=(Slicing("region", guarded=True),)))
    world.registered(holdout=changed(region=region))
    version = validate(world)
    assert version.status is Status.VALIDATED
    assert "slice:region:roc_auc" in [finding.gate for finding in version.findings]


def test_a_forged_attestation_does_not_verify() -> None:
    """Changing a finding after validation is noticed."""
    world = World()
    world.registered()
    version = validate(world)
    forged = replace(version, manifest=replace(version.manifest, lineage={"git": "f00"}))
    assert not world.signer.verify(forged.statement, str(version.attestation))


@pytest.mark.parametrize("spoil", [None, _with_faults])
def test_dying_after_any_write_changes_nothing_in_the_end(spoil: Callable[[World], None] | None) -> None:
    """The retry leaves the same version, references, ledger and events as one that never died."""

    def prepared() -> World:
        world = World()
        world.registered()
        if spoil:
            spoil(world)
        world.fate.after_write(-1, lambda: None)
        return world

    def outcome(world: World) -> object:
        version = world.versions.get(FRAUD, 1)
        return version, world.references.get(FRAUD, version.content_digest), world.deeds(), set(world.event_names())

    unharmed = prepared()
    validate(unharmed)
    for number in range(1, unharmed.fate.writes + 1):
        world = prepared()
        world.fate.die_after(number)
        with pytest.raises(Died):
            validate(world)
        validate(world)
        assert outcome(world) == outcome(unharmed), f"died after write {number}"
