"""The built layers, and nothing else, under Lambda's Python: handlers import and do their work."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infra_cdk.constructs.function import FUNCTIONS
from serinus.adapters.aws.model_layers import layer_zip
from serinus.adapters.onnx.describe import infer_signature
from serinus.adapters.onnx.session import PythonSession
from serinus.domain.layout import layout_from
from serinus.domain.signature import Signature
from serinus.domain.table import Table
from tests import models
from tests.builders import a_model_version
from tests.layers.conftest import Deployed, Machines
from tests.layers.inside.train import RECIPES, a_table
from tests.layers.lambda_machine import LambdaMachine

_INSIDE = Path(__file__).parent / "inside"
_EVENT = FUNCTIONS.parent / "events" / "infer" / "one_row.json"


def _run(inside: LambdaMachine, script: str, said: str = "") -> str:
    """Run a script inside; return what it printed."""
    shutil.copy(_INSIDE / f"{script}.py", inside.has(f"/tmp/{script}.py"))  # noqa: S108 - Lambda's
    ran = inside.run(f"/tmp/{script}.py", said=said)  # noqa: S108 - Lambda's
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_every_handler_imports_from_its_layers_alone(functions: dict[str, Deployed], machine: Machines) -> None:
    """Each handler, wired, with its layers and the runtime's own packages, and no others."""
    faults = []
    for function in functions.values():
        ran = machine(function).run("-c", "import handler")
        if ran.returncode:
            faults.append(f"{function.verb_noun}: {ran.stderr}")

    assert set(functions) == {path.parent.name for path in FUNCTIONS.glob("*/handler.py")}
    assert not faults, "\n".join(faults)


def _answered(inside: LambdaMachine, event: str) -> list[dict[str, Any]]:
    """Return the line that the function logs, if it does, and what it answered."""
    return [json.loads(line) for line in _run(inside, "answer", event).splitlines()]


def _answer(inside: LambdaMachine) -> dict[str, Any]:
    return _answered(inside, _EVENT.read_text(encoding="utf-8"))[-1]


def _model_layer(body: bytes, signature: Signature) -> bytes:
    version = a_model_version()
    manifest = dataclasses.replace(version.manifest, signature=signature)
    rows = Table({"a": np.array([0.5, 1.0, -2.0]), "b": np.array([-1.5, 0.0, 2.0])})
    layout = layout_from(signature, rows, np.array([0.2, 0.5, 0.8]))
    return layer_zip(dataclasses.replace(version, manifest=manifest), body, layout)


def test_infer_answers_as_the_model_does(functions: dict[str, Deployed], machine: Machines) -> None:
    """The same figures as ONNX Runtime's own binding gives here, to the last bit; no SDK is imported."""
    body, signature = models.logistic_model()
    inside = machine(functions["infer"])
    with zipfile.ZipFile(io.BytesIO(_model_layer(body, signature))) as layer:
        layer.extractall(inside.root / "opt")

    said = _answer(inside)

    outputs = {output["name"]: output["data"] for output in json.loads(said["answer"]["body"])["outputs"]}
    expected = PythonSession(body, signature).run({"features": np.array([[0.5, -1.5]], dtype=np.float32)})
    assert said["answer"]["statusCode"] == 200
    assert outputs == {name: values.ravel().tolist() for name, values in expected.items()}
    assert not {"boto3", "pydantic", "aws_lambda_powertools"} & set(said["modules"])


def test_infer_counts_a_batch_that_is_too_long_to_log(functions: dict[str, Deployed], machine: Machines) -> None:
    """The graph that counts is in the layers: each row once by its score, and once by each of its features."""
    rows, inside = 40_000, machine(functions["infer"])
    with zipfile.ZipFile(io.BytesIO(_model_layer(*models.logistic_model()))) as layer:
        layer.extractall(inside.root / "opt")
    data = np.random.default_rng(0).normal(size=2 * rows).round(3).tolist()
    entry = {"name": "features", "shape": [rows, 2], "datatype": "FP32", "data": data}
    event = json.loads(_EVENT.read_text(encoding="utf-8")) | {"body": json.dumps({"inputs": [entry]})}

    line, said = _answered(inside, json.dumps(event))

    assert said["answer"]["statusCode"] == 200
    assert sum(line["record"]["counts"]["times"]) == 3 * rows
    assert not {"numpy", "onnxruntime"} & set(said["modules"])


def test_infer_says_so_before_anything_is_released(functions: dict[str, Deployed], machine: Machines) -> None:
    """Without a model layer it starts all the same."""
    assert _answer(machine(functions["infer"]))["answer"]["statusCode"] == 503


def test_every_recipe_trains_and_converts(functions: dict[str, Deployed], machine: Machines) -> None:
    """What the training layer left out is not missed, and ONNX Runtime takes what it made."""
    inside = machine(functions["train_model"])

    _run(inside, "train")

    for texts in (False, True):
        features, labels = a_table(texts=texts)
        for recipe in RECIPES:
            body = inside.has(f"/tmp/{recipe}-{texts}.onnx").read_bytes()  # noqa: S108 - Lambda's
            scores = PythonSession(body, infer_signature(body, list(features.columns))).score(features)
            assert np.mean((scores > 0.5) == labels) > 0.8


def test_validation_reads_checks_and_scores(functions: dict[str, Deployed], machine: Machines) -> None:
    """Tables in every format, and a model checked in a process of its own, too."""
    inside = machine(functions["validate_model"])
    body, signature = models.logistic_model()
    inside.has("/tmp/model.onnx").write_bytes(body)  # noqa: S108 - Lambda's
    inside.has("/tmp/told.json").write_text(json.dumps({"signature": dataclasses.asdict(signature)}))  # noqa: S108

    said = json.loads(_run(inside, "validate"))

    assert said["faults"] == []
    expected = pytest.approx([1 / (1 + np.e)], abs=1e-6)
    assert said["scores"] == dict.fromkeys(("rows.parquet", "rows.csv", "rows.jsonl"), expected)


@pytest.mark.parametrize("verb_noun", ["advance_rollout", "compact_labels", "review_performance", "snapshot_data"])
def test_predictions_are_joined_with_labels(
    functions: dict[str, Deployed], machine: Machines, verb_noun: str
) -> None:
    """Every kind of label file, by DuckDB from its layer alone, with what it needs built in."""
    said = json.loads(_run(machine(functions[verb_noun]), "join"))
    assert said == {"labels": [1.0, 0.0, 1.0, 0.0], "findings": []}


def test_data_are_looked_through_in_every_format(functions: dict[str, Deployed], machine: Machines) -> None:
    """With the kernels that conditions are computed by, and without a zone database."""
    said = json.loads(_run(machine(functions["validate_data"]), "look_through"))

    assert said == {name: [[2], [3]] for name in ("rows.csv", "rows.jsonl", "rows.parquet")}
