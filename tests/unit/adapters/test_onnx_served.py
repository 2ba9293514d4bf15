"""Tabular models of every exporter: the served answer is ONNX Runtime's own, bit for bit."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from serinus.adapters.onnx.c_api.session import CApiSession
from serinus.adapters.onnx.datatypes import NUMPY
from serinus.adapters.onnx.describe import infer_signature
from serinus.adapters.onnx.models import OnnxModels
from serinus.adapters.onnx.zipmaps import without_zipmaps
from serinus.adapters.open_inference.exchange import Exchange, exchange
from serinus.adapters.open_inference.released import ReleasedModel
from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature
from tests.models import zipmap_model

ROWS = 7
Arrays = Mapping[str, npt.NDArray[Any]]


def served(model: bytes, signature: Signature) -> ReleasedModel:
    """Return a model as a release of the endpoint `fraud` serves it."""
    return ReleasedModel("fraud", 1, "digest", signature, CApiSession(model, signature))


def asked(release: ReleasedModel, path: str, body: object) -> Exchange:
    """Post JSON."""
    event = {
        "rawPath": path,
        "requestContext": {"http": {"method": "POST"}},
        "headers": {"content-type": "application/json"},
        "body": json.dumps(body),
    }
    done = exchange(release, event, endpoint="fraud", request="lambda-1")
    assert done.status == 200, done.body
    return done


def tensors(inputs: Arrays) -> list[dict[str, Any]]:
    """Return inputs as the protocol's JSON has them."""
    return [
        {
            "name": name,
            "shape": list(rows.shape),
            "datatype": next(datatype.value for datatype, dtype in NUMPY.items() if dtype == rows.dtype),
            "data": rows.ravel().tolist(),
        }
        for name, rows in inputs.items()
    ]


def check_parity(model: bytes, signature: Signature, inputs: Arrays) -> None:
    """Hold the answer of every protocol against ONNX Runtime called directly."""
    names = [output.name for output in signature.outputs]
    direct = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    expected = direct.run(names, dict(inputs))
    release = served(model, signature)
    first = direct.run(names, {name: rows[:1] for name, rows in inputs.items()})
    check_single_rows(release, inputs, dict(zip(names, first, strict=True)))
    answer = json.loads(asked(release, "/v2/models/fraud/infer", {"inputs": tensors(inputs)}).body)
    for output, found in zip(answer["outputs"], expected, strict=True):
        assert output["shape"] == list(found.shape)
        assert output["data"] == found.ravel().tolist()
    packed = asked(
        release,
        "/v2/models/fraud/infer",
        {"inputs": tensors(inputs), "parameters": {"binary_data_output": True}},
    )
    assert isinstance(packed.body, bytes)
    length = int(packed.reply.headers["inference-header-content-length"])
    assert packed.body[length:] == b"".join(map(packed_as_the_protocol_does, expected))
    records = [
        {name: rows[row, at : at + 1].tolist()[0] for name, rows, at in columns(signature, inputs)}
        for row in range(ROWS)
    ]
    scored = asked(release, "/models/fraud/invocations", {"dataframe_records": records, "params": {"outputs": names}})
    for row, prediction in enumerate(json.loads(scored.body)["predictions"]):
        by_name = prediction if len(names) > 1 else {names[0]: prediction}
        for name, found in zip(names, expected, strict=True):
            assert np.array_equal(np.ravel(by_name[name]), np.ravel(found[row]))


def check_single_rows(release: ReleasedModel, inputs: Arrays, expected: Arrays) -> None:
    """Hold single rows against ONNX Runtime called directly; those after the first go a quicker way."""
    for _ in range(3):
        body = {"inputs": tensors({name: rows[:1] for name, rows in inputs.items()})}
        for output in json.loads(asked(release, "/v2/models/fraud/infer", body).body)["outputs"]:
            assert output["shape"] == list(expected[output["name"]].shape)
            assert output["data"] == expected[output["name"]].ravel().tolist()


def columns(signature: Signature, inputs: Arrays) -> list[tuple[str, npt.NDArray[Any], int]]:
    """Return each column's name, and where it stands."""
    return [(name, inputs[tensor.name], at) for tensor in signature.inputs for at, name in enumerate(tensor.columns)]


def packed_as_the_protocol_does(found: npt.NDArray[Any]) -> bytes:
    """Pack an output independently of the code that serves it."""
    if found.dtype != object:
        return found.tobytes()
    texts = [text.encode() for text in found.ravel()]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


@pytest.mark.parametrize("datatype", [datatype for datatype in Datatype if datatype is not Datatype.BYTES])
def test_every_datatype_goes_through_unchanged(datatype: Datatype) -> None:
    """By a graph that gives what it takes."""
    kind = helper.np_dtype_to_tensor_dtype(NUMPY[datatype])
    node = helper.make_node("Identity", ["x"], ["y"])
    signature = Signature(
        (InputTensor("x", datatype, ("a", "b")),), (OutputTensor("y", datatype, (-1, 2)),), Score("y", 0)
    )
    rows = np.random.default_rng(3).integers(0, 2, (ROWS, 2)).astype(NUMPY[datatype])
    check_parity(graph_of([node], kind, {"y": kind}), signature, {"x": rows})


def test_texts_go_through_unchanged() -> None:
    """In both directions, beside the numbers that are their score."""
    nodes = [
        helper.make_node("Identity", ["x"], ["y"]),
        helper.make_node("LabelEncoder", ["x"], ["s"], domain="ai.onnx.ml", keys_strings=["ch"], values_floats=[1.0]),
    ]
    signature = Signature(
        (InputTensor("x", Datatype.BYTES, ("a", "b")),),
        (OutputTensor("y", Datatype.BYTES, (-1, 2)), OutputTensor("s", Datatype.FP32, (-1, 2))),
        Score("s", 0),
    )
    rows = np.array([["ch", "Zürich\n"]] * (ROWS - 1) + [["", '"']], dtype=object)
    model = graph_of(nodes, TensorProto.STRING, {"y": TensorProto.STRING, "s": TensorProto.FLOAT})
    check_parity(model, signature, {"x": rows})


def graph_of(nodes: Sequence[onnx.NodeProto], kind: int, outputs: Mapping[str, int]) -> bytes:
    """Return a model of one input `x` of two columns."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", kind, [None, 2])],
        [helper.make_tensor_value_info(name, found, [None, 2]) for name, found in outputs.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def numbers(columns: int = 4) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return training rows, and classes that follow them."""
    source = np.random.default_rng(1)
    rows = source.normal(size=(200, columns)).astype(np.float32)
    return rows, (rows[:, 0] + 0.2 * source.normal(size=200) > 0).astype(np.int64)


def named(model: bytes, columns: int = 4, score: str | None = None) -> Signature:
    """Return the signature that Serinus proposes."""
    return infer_signature(model, [f"c{at}" for at in range(columns)], score)


def _skl(estimator: object, labels: Callable[[npt.NDArray[np.int64]], object], zipmap: bool) -> bytes:
    import skl2onnx

    rows, classes = numbers()
    fitted = estimator.fit(rows, labels(classes))  # type: ignore[attr-defined]  # any estimator
    options = {id(fitted): {"zipmap": zipmap}} if hasattr(fitted, "predict_proba") else None
    return bytes(
        skl2onnx.to_onnx(
            fitted, rows[:1], options=options, target_opset={"": 17, "ai.onnx.ml": 3}
        ).SerializeToString()
    )


def _same(classes: npt.NDArray[np.int64]) -> object:
    return classes


def _texts(classes: npt.NDArray[np.int64]) -> object:
    return np.where(classes == 1, "yes", "no")


def _three(classes: npt.NDArray[np.int64]) -> object:
    return np.where(np.arange(len(classes)) % 3 == 0, 2, classes)


def _pairs(classes: npt.NDArray[np.int64]) -> object:
    return np.column_stack([classes, 1.5 * classes]).astype(np.float32)


@pytest.mark.parametrize("zipmap", [False, True], ids=["tensor", "zipmap"])
@pytest.mark.parametrize("labels", [_same, _texts, _three], ids=["numbers", "texts", "three-classes"])
def test_classifiers_of_scikit_learn(labels: Callable[[npt.NDArray[np.int64]], object], zipmap: bool) -> None:
    """Labels as numbers or texts, probabilities as a tensor or as a list of maps."""
    from sklearn import ensemble

    model = _skl(ensemble.RandomForestClassifier(10, random_state=0), labels, zipmap)
    model = without_zipmaps(model)
    signature = named(model)
    assert OnnxModels().check(model, signature) == []
    check_parity(model, signature, {signature.inputs[0].name: numbers()[0][:ROWS]})


@pytest.mark.parametrize("labels", [_same, _pairs], ids=["one-output", "two-columns"])
def test_regressors_of_scikit_learn(labels: Callable[[npt.NDArray[np.int64]], object]) -> None:
    """Of one value a row, or of several."""
    from sklearn import ensemble

    model = _skl(ensemble.RandomForestRegressor(10, random_state=0), labels, zipmap=False)
    signature = named(model)
    check_parity(model, signature, {signature.inputs[0].name: numbers()[0][:ROWS]})


def test_a_pipeline_with_an_input_for_each_column() -> None:
    """Numbers and texts, scaled and encoded within the graph; an unknown category is the graph's to judge."""
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    rows, classes = numbers(1)
    table = np.column_stack([rows.astype(object), np.where(classes == 1, "ch", "de")])
    encoder = ColumnTransformer([("n", StandardScaler(), [0]), ("t", OneHotEncoder(handle_unknown="ignore"), [1])])
    fitted = make_pipeline(encoder, LogisticRegression()).fit(table, classes)
    model = skl2onnx.convert_sklearn(
        fitted,
        initial_types=[("amount", FloatTensorType([None, 1])), ("country", StringTensorType([None, 1]))],
        options={"zipmap": False},
        target_opset={"": 17, "ai.onnx.ml": 3},
    ).SerializeToString()
    signature = infer_signature(model, ["amount", "country"])
    texts = np.array([["ch"], ["de"], ["never seen"], [""], ["ch"], ["de"], ["ch"]], dtype=object)
    check_parity(model, signature, {"amount": rows[:ROWS, :1], "country": texts})


def _xgboost(kind: str) -> bytes:
    import onnxmltools as converters
    import xgboost
    from onnxmltools.convert.common import data_types as kinds

    rows, classes = numbers()
    fitted = getattr(xgboost, kind)(n_estimators=5, max_depth=3, base_score=0.5, n_jobs=1)
    fitted.fit(rows, classes)
    converted = converters.convert_xgboost(
        fitted, initial_types=[("input", kinds.FloatTensorType([None, 4]))], target_opset=15
    )
    return bytes(converted.SerializeToString())


def _lightgbm(kind: str) -> bytes:
    import lightgbm
    import onnxmltools as converters
    from onnxmltools.convert.common import data_types as kinds

    rows, classes = numbers()
    fitted = getattr(lightgbm, kind)(n_estimators=5, max_depth=3, verbose=-1, n_jobs=1)
    fitted.fit(rows, classes, **({"group": [50] * 4} if kind == "LGBMRanker" else {}))
    converted = converters.convert_lightgbm(
        fitted, initial_types=[("input", kinds.FloatTensorType([None, 4]))], target_opset=15, zipmap=True
    )
    return bytes(converted.SerializeToString())


@pytest.mark.parametrize(
    ("export", "kind"),
    [
        (_xgboost, "XGBClassifier"),
        (_xgboost, "XGBRegressor"),
        (_lightgbm, "LGBMClassifier"),
        (_lightgbm, "LGBMRegressor"),
        (_lightgbm, "LGBMRanker"),
    ],
)
def test_boosted_trees_of_other_libraries(export: Callable[[str], bytes], kind: str) -> None:
    """As onnxmltools converts them, which gives maps unless it is told not to; it knows no XGBRanker."""
    model = without_zipmaps(export(kind))
    signature = named(model)
    assert OnnxModels().check(model, signature) == []
    check_parity(model, signature, {"input": numbers()[0][:ROWS]})


def test_a_zipmap_gives_way_to_the_tensor_it_takes() -> None:
    """Under the name of the maps, with the probabilities that these hold."""
    model, _ = zipmap_model()
    rewritten = without_zipmaps(model)
    rows = numbers(2)[0][:ROWS]
    feed = {"features": rows}
    (maps,) = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(["zipped"], feed)
    (found,) = onnxruntime.InferenceSession(rewritten, providers=["CPUExecutionProvider"]).run(["zipped"], feed)
    assert found.tolist() == [list(row.values()) for row in maps]
    assert without_zipmaps(rewritten) == rewritten
    assert not any(node.op_type == "ZipMap" for node in onnx.ModelProto.FromString(rewritten).graph.node)
