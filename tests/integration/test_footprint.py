"""Measuring a model's footprint in a process of its own, on real models."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from serinus.adapters.onnx.footprint import footprint_apart
from serinus.domain.table import Table
from serinus.errors import ModelFailed, ModelOverran
from tests import models
from tests.builders import an_object_column

ROWS = Table({"a": np.linspace(-1, 1, 300), "b": np.zeros(300)})


def test_a_small_model_takes_little() -> None:
    """Every figure is there, and of the size that such a model has."""
    found = footprint_apart(*models.boosted_model(), ROWS, 60.0)
    assert 0 < found.row_p50_ms <= found.row_p95_ms < 1_000
    assert found.rows >= 40
    assert found.batch_rows == 300
    assert found.rows_per_second > 300
    assert found.memory_mb is None or 0 <= found.memory_mb < 100


def test_what_a_model_weighs_is_found_in_its_memory() -> None:
    """Eighty megabytes of weights, which the parent's own memory does not hide."""
    model, signature = models.logistic_model()
    proto = onnx.ModelProto.FromString(model)
    weights = np.random.default_rng(0).random((2, 10_000_000), dtype=np.float32)
    proto.graph.initializer.append(numpy_helper.from_array(weights, "ballast"))
    for node in proto.graph.node:
        node.input[:] = ["features_of_weight" if name == "features" else name for name in node.input]
    heavy = [
        onnx.helper.make_node("MatMul", ["features", "ballast"], ["wide"]),
        onnx.helper.make_node("ReduceMean", ["wide"], ["mean"], axes=[1], keepdims=1),
        onnx.helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        onnx.helper.make_node("Add", ["features", "nothing"], ["features_of_weight"]),
    ]
    nodes = [*heavy, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    proto.graph.initializer.append(numpy_helper.from_array(np.array(0, dtype=np.float32), "zero"))
    found = footprint_apart(proto.SerializeToString(), signature, ROWS.slice(0, 2), 60.0)
    assert found.memory_mb is None or 80 < found.memory_mb < 800


def test_texts_reach_the_model() -> None:
    """Missing ones, and such as numpy would cut, too."""
    countries = an_object_column(["ch", None, "a long country\0"] * 10)
    found = footprint_apart(*models.mixed_model(), Table({"amount": np.zeros(30), "country": countries}), 60.0)
    assert found.batch_rows == 30


def test_a_model_that_takes_too_long_is_stopped() -> None:
    """Before the function that asked runs out of time itself."""
    model, signature = models.stalling_model()
    with pytest.raises(ModelOverran, match="longer than 3 seconds"):
        footprint_apart(model, signature, Table({"a": np.full(2, 2_000.0), "b": np.zeros(2)}), 3.0)


def test_a_model_that_fails_there_is_told_in_its_own_words() -> None:
    """Rather than by a traceback."""
    model, signature = models.failing_model()
    with pytest.raises(ModelFailed, match="the model failed"):
        footprint_apart(model, signature, Table({"a": np.full(2, 2_000.0), "b": np.zeros(2)}), 60.0)


def test_a_slow_model_is_asked_about_few_rows() -> None:
    """A model that takes a tenth of a second for a row scores dozens of rows, not thousands."""
    model, signature = models.stalling_model(iterations=400_000)
    rows = Table({"a": np.full(1_000, 2_000.0), "b": np.zeros(1_000)})
    found = footprint_apart(model, signature, rows, 120.0)
    assert found.row_p50_ms > 10
    assert found.rows < 300


def test_a_model_that_takes_all_memory_is_stopped() -> None:
    """Four gigabytes for two rows, of which this process takes none."""
    model, signature = models.greedy_model()
    with pytest.raises(ModelOverran, match=r"more than 500 MB of memory: the model failed: .*allocate"):
        footprint_apart(model, signature, ROWS.slice(0, 2), 60.0, room_bytes=500_000_000)
