"""Chooses how trees are served: as uploaded, or in the newer operator where that is cheaper and gives the same."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from serinus.adapters.onnx import checker
from serinus.adapters.onnx.reading import parse
from serinus.adapters.onnx.reencode import TREES, alone, has_trees, reencode
from serinus.adapters.onnx.session import PythonSession
from serinus.adapters.onnx.tensors import tensors_from
from serinus.adapters.onnx.tree_ensembles import Inexpressible, floats, ints
from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature
from serinus.domain.table import Table
from serinus.use_cases.ports.models import Encoding

_TOLERANCE = 1e-6  # of an answer, relative above 1
_WORTH_SHARE = 0.9  # of the session's CPU time
_WORTH_SECONDS = 0.001  # for less, nobody wants a second file
_ROUNDS = 5
_MAXIMUM_BYTES = 100_000_000  # both files, both parsed, and both sessions stand in a function's memory
_MAXIMUM_THRESHOLDS = 2_000  # of a feature; each stands for three values
_MAXIMUM_EDGE_CELLS = 2_000_000
_SEED = 20_240_229  # any; fixed, so that the same model meets the same rows

Arrays = Mapping[str, npt.NDArray[np.generic]]


def cheaper_encoding(model: bytes, signature: Signature, features: Table) -> Encoding | None:
    """Re-encode a model's trees, measure both, and prove that both give the same.

    Args:
        model: the ONNX file, which passed every check.
        signature: the model's.
        features: held-out rows, on which the answers are compared.

    Returns:
        What was found, with the model to serve where that is another; `None` where the model has no trees to encode.

    Raises:
        DataRefused: the rows do not hold what the graph takes.
        ModelRefused: ONNX Runtime cannot load the model.
        ModelFailed: the model as uploaded fails on the rows.
    """
    proto = parse(model)
    if not has_trees(proto):
        return None
    if len(model) > _MAXIMUM_BYTES:
        return Encoding(None, f"the trees are served as uploaded: {len(model):,} bytes are too many to encode anew")
    try:
        return _encoded(model, proto, signature, features)
    except Inexpressible as reason:
        return Encoding(None, f"the trees are served as uploaded: {reason}")


def _encoded(model: bytes, proto: onnx.ModelProto, signature: Signature, features: Table) -> Encoding:
    encoded = reencode(model)
    numbers = _measured(model, encoded, signature)
    if not _is_cheaper(numbers):
        return Encoding(None, f"the trees are served as uploaded: that is cheaper ({_figures(numbers)})", numbers)
    _refuse_faults(encoded, signature)
    rows = _same_on_rows(model, encoded, signature, features)
    edges = [_same_on_edges(proto, node) for node in proto.graph.node if node.op_type in TREES]
    worst = max([rows, *(difference for difference, _ in edges)])
    tried = sum(count for _, count in edges)
    message = (
        f"the trees are served in the operator TreeEnsemble ({_figures(numbers)}); answers differ by at most "
        f"{worst:.1e} on {features.rows} held-out rows and {tried} rows of thresholds, missing and infinite values"
    )
    measured = {"difference": worst, "rows": float(features.rows), "edge_rows": float(tried)}
    return Encoding(encoded, message, numbers | measured)


def edge_rows(attributes: Mapping[str, onnx.AttributeProto]) -> npt.NDArray[np.float32]:
    """Return rows of what trees could judge differently; the shape is [rows, features].

    Of each feature: its thresholds and the numbers next to them, the infinities, zeros of both signs, and missing
    values; each comes in some row, in the company of others drawn at random.
    """
    inner = np.array([mode != b"LEAF" for mode in attributes["nodes_modes"].strings], dtype=bool)
    used = ints(attributes, "nodes_featureids")[inner]
    splits = floats(attributes, "nodes_values")[inner]
    pools = [_pool(np.unique(splits[used == feature])) for feature in range(int(used.max(initial=0)) + 1)]
    limit = max(_MAXIMUM_EDGE_CELLS // len(pools), 64)
    rows = min(2 * max(pool.size for pool in pools), limit)
    draw = np.random.default_rng(_SEED)
    return np.column_stack([draw.permutation(np.resize(draw.permutation(pool), rows)) for pool in pools])


def _pool(thresholds: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if thresholds.size > _MAXIMUM_THRESHOLDS:
        thresholds = thresholds[np.linspace(0, thresholds.size - 1, _MAXIMUM_THRESHOLDS).astype(np.int64)]
    with np.errstate(over="ignore"):
        beside = [np.nextafter(thresholds, np.float32(side), dtype=np.float32) for side in (-np.inf, np.inf)]
    always = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 3.4e38, -3.4e38], dtype=np.float32)
    return np.concatenate([thresholds, *beside, always])


def _measured(model: bytes, encoded: bytes, signature: Signature) -> dict[str, float]:
    """Return bytes, and CPU seconds of making a session of each: the best of a few rounds taken in turns."""
    before = after = np.inf
    for _ in range(_ROUNDS):
        before = min(before, _session_seconds(model, signature))
        after = min(after, _session_seconds(encoded, signature))
    return {
        "bytes": float(len(encoded)),
        "uploaded_bytes": float(len(model)),
        "session_seconds": after,
        "uploaded_session_seconds": before,
    }


def _session_seconds(model: bytes, signature: Signature) -> float:
    begun = time.process_time()
    PythonSession(model, signature)
    return time.process_time() - begun


def _is_cheaper(numbers: Mapping[str, float]) -> bool:
    before, after = numbers["uploaded_session_seconds"], numbers["session_seconds"]
    saved = before - after
    return after <= _WORTH_SHARE * before and saved >= _WORTH_SECONDS and numbers["bytes"] < numbers["uploaded_bytes"]


def _figures(numbers: Mapping[str, float]) -> str:
    session = numbers["session_seconds"] / max(numbers["uploaded_session_seconds"], 1e-9)
    return (
        f"{session:.2f} × the CPU time of a session, {numbers['bytes'] / numbers['uploaded_bytes']:.2f} × the bytes"
    )


def _refuse_faults(encoded: bytes, signature: Signature) -> None:
    faults = checker.faults(encoded, signature)
    if faults:
        raise Inexpressible(f"encoded anew, {faults[0]}")


def _same_on_rows(model: bytes, encoded: bytes, signature: Signature, features: Table) -> float:
    inputs = tensors_from(signature, features)
    answers = [PythonSession(each, signature).run(inputs) for each in (model, encoded)]
    return _difference(*answers, what="held-out rows")


def _same_on_edges(model: onnx.ModelProto, node: onnx.NodeProto) -> tuple[float, int]:
    """Compare a node with what stands in for it, apart from whatever prepares its input in the model."""
    rows = edge_rows({attribute.name: attribute for attribute in node.attribute})
    by_itself = alone(model, node)
    outputs = tuple(OutputTensor(name, Datatype.FP32, (-1,)) for name in node.output if name)
    columns = tuple(str(position) for position in range(rows.shape[1]))
    signature = Signature((InputTensor("features", Datatype.FP32, columns),), outputs, Score(outputs[-1].name))
    answers = [PythonSession(each, signature).run({"features": rows}) for each in (by_itself, reencode(by_itself))]
    return _difference(*answers, what="rows of thresholds, missing and infinite values"), len(rows)


def _difference(before: Arrays, after: Arrays, *, what: str) -> float:
    """Return the greatest difference of two answers.

    Raises:
        Inexpressible: it is beyond the tolerance, or labels differ.
    """
    worst = max([0.0, *(_distance(before[name], after[name]) for name in before)])
    if worst > _TOLERANCE:
        raise Inexpressible(f"encoded anew, they answer otherwise on {what} (by {worst:.1e})")
    return worst


def _distance(before: npt.NDArray[Any], after: npt.NDArray[Any]) -> float:
    if before.shape != after.shape or before.dtype != after.dtype:
        return np.inf
    if before.dtype.kind != "f":
        return 0.0 if np.array_equal(before, after) else np.inf
    ordinary = np.isfinite(before)
    if not np.array_equal(before[~ordinary], after[~ordinary], equal_nan=True):
        return np.inf
    one, other = before[ordinary].astype(np.float64), after[ordinary].astype(np.float64)
    apart = np.abs(one - other) / np.maximum(1.0, np.abs(one))
    return float(np.nan_to_num(apart, nan=np.inf).max(initial=0.0))
