"""A candidate is held against the model that is live, on the candidate's held-out rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from serinus.domain.gates import Finding
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.model_version import ModelVersion, Status
from serinus.domain.signature import Signature
from serinus.domain.table import Table
from serinus.errors import DataRefused, ModelFailed, SourceFailed
from serinus.use_cases.ports.models import Encoding
from serinus.use_cases.register_model import served_model_key
from serinus.use_cases.validate_model import validate_model
from tests.builders import FRAUD, ScriptedModel, ScriptedModels, World, a_holdout, a_policy, scores_of

Script = Callable[[Table], npt.NDArray[np.float64]]


def noisy(features: Table) -> npt.NDArray[np.float64]:
    """Score rows by the amount and a lot of chance."""
    noise = np.random.default_rng(7).normal(0, 2, features.rows)
    return scores_of(Table({"amount": np.asarray(features.columns["amount"], dtype=np.float64) + noise}))


class ModelsByFile(ScriptedModels):
    """`Models` of which each file scores as it is told."""

    def __init__(self, scripts: Mapping[bytes, Script]) -> None:
        super().__init__()
        self.scripts = scripts

    def load(self, model: bytes, signature: Signature) -> ScriptedModel:  # noqa: ARG002  # the port's
        """Return the scripted model."""
        return ScriptedModel(self.scripts.get(model, scores_of))


def a_world(scripts: Mapping[bytes, Script], *, gate: MetricGate | None = None) -> World:
    """Return a world in which version 1 is live, as release 2, and files score as they are told."""
    world = World(a_policy(gates=(gate or MetricGate(Metric.ROC_AUC, minimum=0.6),)))
    rollout = world.published("1")
    assert world.split().stable == 2, rollout
    models = ModelsByFile(scripts)
    contending = replace(world.validation.contending, models=models)
    world.validation = replace(world.validation, models=models, contending=contending)
    return world


def candidate(world: World, *, holdout: Table | None = None) -> ModelVersion:
    """Register and validate version 2."""
    number = world.registered("2", holdout=holdout)
    return validate_model(FRAUD, number, validation=world.validation)


def against_stable(version: ModelVersion) -> Finding:
    """Return the one finding of the comparison."""
    (found,) = [finding for finding in version.findings if finding.gate.startswith("against_stable")]
    return found


def test_a_first_model_is_held_against_none() -> None:
    """There is nothing to be worse than."""
    world = World()
    world.validated("1")
    gates = [finding.gate for finding in world.versions.get(FRAUD, 1).findings]
    assert "metric:roc_auc" in gates
    assert not any(gate.startswith("against_stable") for gate in gates)


def test_a_worse_candidate_is_rejected_where_the_gate_says_so() -> None:
    """It passes the minimum, but is worse than what is live by more than the margin, beyond chance."""
    gate = MetricGate(Metric.ROC_AUC, minimum=0.6, worse_than_stable_by=0.02)
    world = a_world({b"model 2": noisy}, gate=gate)
    version = candidate(world)
    found = against_stable(version)
    assert version.status is Status.REJECTED
    assert found.gate == "against_stable:roc_auc"
    assert "with version 1 (release 2) on the same 400 held-out rows" in found.message
    assert found.numbers["value"] < found.numbers["stable"] - 0.02
    assert found.numbers["low"] < found.numbers["difference"] < found.numbers["high"] < -0.02
    assert found.message in str(world.entries()[-1].details["reason"])


def test_a_worse_candidate_is_only_told_where_no_gate_says_so() -> None:
    """The comparison is always in the findings, and signed with them."""
    version = candidate(a_world({b"model 2": noisy}))
    assert version.status is Status.VALIDATED
    assert against_stable(version).message.endswith("worse beyond chance")
    assert against_stable(version) in version.findings
    assert b"worse beyond chance" in version.statement


def test_a_better_candidate_passes() -> None:
    """The live model is the noisy one."""
    gate = MetricGate(Metric.ROC_AUC, minimum=0.6, worse_than_stable_by=0.0)
    version = candidate(a_world({b"model 1": noisy}, gate=gate))
    assert version.status is Status.VALIDATED
    assert against_stable(version).message.endswith("better beyond chance")


def test_validating_the_same_content_finds_the_same() -> None:
    """Draws are seeded by the content, so that a retry signs the same statement."""
    found = [against_stable(candidate(a_world({b"model 2": noisy}))) for _ in range(2)]
    assert found[0] == found[1]


def test_what_the_live_release_serves_is_compared() -> None:
    """Where another file is served than was uploaded, that one scores."""
    world = World()
    world.validation = replace(world.validation, choose_encoding=lambda *_: Encoding(b"served 1", "re-encoded"))
    world.published("1")
    models = ModelsByFile({b"served 1": noisy})
    world.validation = replace(
        world.validation,
        models=models,
        contending=replace(world.validation.contending, models=models),
        choose_encoding=lambda *_: None,
    )
    assert against_stable(candidate(world)).message.endswith("better beyond chance")


def _raising(error: Exception) -> Script:
    def script(_: Table) -> npt.NDArray[np.float64]:
        raise error

    return script


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (_raising(ModelFailed("a division by zero")), "a division by zero"),
        (_raising(DataRefused("column 'age', row 3 holds nan, which is no INT64")), "which is no INT64"),
        (lambda features: np.full(features.rows, np.nan), "not all finite"),
        (lambda features: np.full(features.rows, 1.5), "not all between 0 and 1"),
    ],
)
def test_a_live_model_that_cannot_score_the_rows_blocks_nothing(script: Script, said: str) -> None:
    """The finding says why there is no comparison, even where the gate asks for one."""
    gate = MetricGate(Metric.ROC_AUC, minimum=0.6, worse_than_stable_by=0.0)
    version = candidate(a_world({b"model 1": script}, gate=gate))
    found = against_stable(version)
    assert version.status is Status.VALIDATED
    assert found.message.startswith(
        "version 1 (release 2), which is live, could not be compared on the held-out rows: "
    )
    assert said in found.message


def test_a_live_model_of_features_that_the_rows_lack_blocks_nothing() -> None:
    """The new model leaves a column out, so its held-out rows may too."""
    world = a_world({})
    live = world.versions.get(FRAUD, 1)
    texts = replace(live.manifest.signature.inputs[1], columns=("shade",))
    signature = replace(live.manifest.signature, inputs=(live.manifest.signature.inputs[0], texts))
    # The content digest, and with it where the file lies, follows from the manifest.
    renamed = replace(live, manifest=replace(live.manifest, signature=signature))
    world.artifacts.put(served_model_key(renamed), b"model 1")
    world.versions.record_validation(renamed)
    assert "has no column 'shade'" in against_stable(candidate(world)).message


def test_a_live_model_that_is_not_the_validated_file_is_not_run() -> None:
    """Somebody changed the file after it was signed."""
    world = a_world({b"another": _raising(AssertionError("it was run"))})
    world.artifacts.put(served_model_key(world.versions.get(FRAUD, 1)), b"another")
    assert "is not the file that was validated" in against_stable(candidate(world)).message


def test_a_live_model_whose_file_is_gone_blocks_nothing() -> None:
    """The finding names the object."""
    world = a_world({})
    world.artifacts.delete(served_model_key(world.versions.get(FRAUD, 1)))
    assert "there is no object" in against_stable(candidate(world)).message


def test_a_store_that_does_not_answer_is_asked_again() -> None:
    """That says nothing about the candidate, so the whole validation is retried."""
    world = a_world({})
    number, live = world.registered("2"), served_model_key(world.versions.get(FRAUD, 1))
    get = world.artifacts.get

    class Silent:
        """The store answers for all but the live model."""

        def __getattr__(self, name: str) -> object:
            return getattr(world.artifacts, name)

        def get(self, key: str) -> bytes:
            if key == live:
                raise SourceFailed("the store", "it does not answer")
            return get(key)

    contending = replace(world.validation.contending, artifacts=Silent())  # type: ignore[arg-type]  # the rest is passed on
    with pytest.raises(SourceFailed):
        validate_model(FRAUD, number, validation=replace(world.validation, contending=contending))
    assert world.versions.get(FRAUD, number).status is Status.REGISTERED


def test_few_rows_are_not_compared() -> None:
    """Chance would tell whatever it likes."""
    version = candidate(a_world({b"model 2": noisy}), holdout=a_holdout(40))
    assert "too few rows: 40" in against_stable(version).message
