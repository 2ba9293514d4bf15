"""What makes a model version the same, and what an attestation says of it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from serinus.adapters.stored.stored_as import MODEL_VERSION
from serinus.domain.gates import Finding, judge_metrics
from serinus.domain.inference_request import request_body
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.model_version import Holdout, ModelVersion, Status
from serinus.domain.signature import Datatype, InputTensor, Score, Signature
from serinus.domain.table import Table, concatenated
from tests.builders import a_holdout, a_manifest, a_model_version, a_signature, a_table, an_object_column

PASSED = Finding("onnx", passed=True, message="sound", numbers={"rows": 400.0})
FAILED = Finding("metric:roc_auc", passed=False, message="poor")


def test_the_same_content_is_the_same_model_whoever_sends_it() -> None:
    """Lineage and file names do not make another model; the model, its rows and its target do."""
    one = a_manifest(b"m", b"h")
    renamed = replace(one, model_name="other.onnx", lineage={}, holdout=replace(one.holdout, name="rows.csv"))
    assert one.content_digest == renamed.content_digest
    others = [
        a_manifest(b"n", b"h"),
        a_manifest(b"m", b"g"),
        replace(one, holdout=replace(one.holdout, target="other")),
        replace(one, holdout=replace(one.holdout, framework_predictions="said")),
        replace(one, signature=replace(one.signature, score=Score("probabilities", 0))),
    ]
    assert len({one.content_digest, *(other.content_digest for other in others)}) == 6


def test_a_version_is_validated_where_every_gate_passed() -> None:
    """One finding against it rejects it."""
    version = a_model_version()
    assert version.validated((PASSED,), {}, attestation="s").status is Status.VALIDATED
    assert version.validated((PASSED, FAILED), {}, attestation=None).status is Status.REJECTED


def test_the_statement_survives_storage() -> None:
    """What is verified after reading back is byte for byte what was signed."""
    version = a_model_version().validated((PASSED,), {Metric.ROC_AUC: 0.75}, attestation=None)
    assert MODEL_VERSION.validate_json(MODEL_VERSION.dump_json(version)).statement == version.statement


def test_the_statement_says_everything_that_is_attested() -> None:
    """Changing the number, the model, the signature, the lineage or a finding changes the statement."""
    version = a_model_version().validated((PASSED,), {}, attestation=None)
    manifest = version.manifest
    changed: list[ModelVersion] = [
        replace(version, number=9),
        replace(version, content_digest="0" * 64),
        replace(version, findings=(replace(PASSED, numbers={"rows": 1.0}),)),
        replace(version, manifest=replace(manifest, model_sha256="0" * 64)),
        replace(version, manifest=replace(manifest, lineage={"git": "f"})),
        replace(version, manifest=replace(manifest, signature=replace(manifest.signature, inputs=()))),
    ]
    assert len({version.statement, *(other.statement for other in changed)}) == 7
    assert replace(version, attestation="s", upload="other").statement == version.statement


@pytest.mark.parametrize(
    ("gate", "value", "passed", "said"),
    [
        (MetricGate(Metric.ROC_AUC, minimum=0.7), 0.7, True, "0.7000"),
        (MetricGate(Metric.ROC_AUC, minimum=0.7), 0.6999, False, "below the minimum of 0.7"),
        (MetricGate(Metric.LOG_LOSS, maximum=0.4), 0.4, True, "0.4000"),
        (MetricGate(Metric.LOG_LOSS, maximum=0.4), 0.41, False, "above the maximum of 0.4"),
        (MetricGate(Metric.RECALL, minimum=0.2, maximum=0.8), 0.9, False, "above"),
    ],
)
def test_a_metric_is_held_against_its_gate(gate: MetricGate, value: float, passed: bool, said: str) -> None:
    """Limits are inclusive, and the finding names the numbers."""
    (finding,) = judge_metrics([gate], {gate.metric: value}, rows=400)
    assert finding.passed is passed
    assert said in finding.message
    assert finding.numbers["value"] == value


def test_a_metric_that_cannot_be_measured_fails_its_gate() -> None:
    """No number is no pass, and the finding says what is needed."""
    (finding,) = judge_metrics([MetricGate(Metric.RECALL, minimum=0.1)], {}, rows=7)
    assert not finding.passed
    assert "cannot be measured" in finding.message


def test_a_request_asks_in_the_signatures_types() -> None:
    """Numbers go as numbers, whole where the graph takes integers, texts as texts, and what is missing as null."""
    signature = Signature(
        (
            InputTensor("N", Datatype.INT64, ("n",)),
            InputTensor("T", Datatype.BYTES, ("t",)),
            InputTensor("B", Datatype.BOOL, ("b",)),
        ),
        (),
        Score("p"),
    )
    rows = Table({"n": np.array([1.0, np.nan]), "t": an_object_column(["a", None]), "b": np.array([1.0, 0.0])})
    body = request_body(signature, rows, request_id="r-1")
    assert body["id"] == "r-1"
    assert body["inputs"] == [
        {"name": "N", "shape": [2, 1], "datatype": "INT64", "data": [1, None]},
        {"name": "T", "shape": [2, 1], "datatype": "BYTES", "data": ["a", None]},
        {"name": "B", "shape": [2, 1], "datatype": "BOOL", "data": [True, False]},
    ]
    assert '"data": [true, false]' in json.dumps(body)


def test_a_request_lays_rows_out_one_after_the_other() -> None:
    """Data are row-major over the tensor's columns."""
    rows = a_table(2)
    tensor = request_body(a_signature(), rows)["inputs"]
    assert isinstance(tensor, list)
    amounts, ages = rows.columns["amount"], rows.columns["age"]
    assert tensor[0]["data"] == [amounts[0], ages[0], amounts[1], ages[1]]


def test_tables_keep_their_columns_together() -> None:
    """Slices, selections and stacks keep rows whole; columns of different lengths are an error."""
    table = a_holdout(10)
    assert table.slice(2, 5).rows == 3
    assert list(table.select(["class", "age"]).columns) == ["class", "age"]
    assert concatenated([table, table.slice(0, 1)]).rows == 11
    assert concatenated([]).rows == Table({}).rows == 0
    with pytest.raises(ValueError, match="differ in length"):
        Table({"a": np.zeros(1), "b": np.zeros(2)})


def test_a_holdout_is_named_with_its_digest_and_target() -> None:
    """A manifest's holdout says which file, which content and which column."""
    assert a_manifest(b"m", b"h").holdout == Holdout(
        "holdout.parquet", "aaa9402664f1a41f40ebbc52c9993eb66aeb366602958fdfaa283b71e64db123", "class"
    )
