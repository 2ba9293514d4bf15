"""ONNX files: everything that stands against serving one, told before a session is made; and what a session does."""

from __future__ import annotations

import gzip
import io
import pickle
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from serinus.adapters.onnx import isolation
from serinus.adapters.onnx.models import OnnxModels
from serinus.domain.gates import MAXIMUM_MODEL_BYTES
from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature
from serinus.domain.table import Table
from serinus.errors import DataRefused, ModelFailed, ModelRefused
from tests import models

MODELS = OnnxModels()
Change = Callable[[onnx.ModelProto], None]


def changed(change: Change) -> tuple[bytes, Signature]:
    """Return the logistic model with something changed."""
    model, signature = models.logistic_model()
    proto = onnx.ModelProto.FromString(model)
    change(proto)
    return proto.SerializeToString(), signature


def only_fault(model: bytes, signature: Signature) -> str:
    """Return the one sentence that stands against a model."""
    (fault,) = MODELS.check(model, signature)
    assert "\n" not in fault
    return fault


@pytest.mark.parametrize(
    "build",
    [models.logistic_model, models.boosted_model, models.mixed_model, models.failing_model, models.versioned_model],
)
def test_a_sound_model_has_no_fault(build: Callable[[], models.Built]) -> None:
    """Nothing stands against serving it."""
    assert MODELS.check(*build()) == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "is empty"),
        (b"this is not a model", "are no ONNX model"),
        (b"\x08\x08", "are no ONNX model"),
        (b"\x00" * 64, "are no ONNX model"),
        (models.logistic_model()[0][:-40], "are no ONNX model, are cut off"),
        (pickle.dumps({"weights": [1.0]}), "is a pickle: Serinus takes ONNX only"),
        (zlib.compress(pickle.dumps([1])), "as joblib writes its pickles"),
        (gzip.compress(b"x", mtime=0), "is a gzip file"),
        (b"PK\x03\x04rest", "is a zip archive, as PyTorch"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
    ],
)
def test_what_is_no_onnx_is_told_for_what_it_is(body: bytes, says: str) -> None:
    """Above all a pickle, which may run anything when read."""
    assert says in only_fault(body, models.logistic_model()[1])


def test_a_model_above_the_limit_is_refused_unread() -> None:
    """A function and its layers may unzip to 250 MB."""
    body = bytes(MAXIMUM_MODEL_BYTES + 1)
    assert "200,000,001 bytes, above the limit of 200,000,000" in only_fault(body, models.logistic_model()[1])


def test_an_operator_outside_onnx_is_named_with_its_node() -> None:
    """So that its author knows what to replace."""
    assert only_fault(*models.custom_operator_model()).startswith(
        "node 'furnace' of graph 'graph' uses the operator 'Melt' of the domain 'com.example'"
    )


def test_an_operator_inside_a_subgraph_is_found() -> None:
    """A branch of an `If` is a graph of its own."""

    def hide(model: onnx.ModelProto) -> None:
        output = helper.make_tensor_value_info("hidden", TensorProto.FLOAT, None)
        melt = helper.make_node("Melt", ["features"], ["hidden"], name="deep", domain="com.example")
        branch = helper.make_graph([melt], "branch", [], [output])
        condition = helper.make_node("If", ["yes"], ["unused"], name="if", then_branch=branch, else_branch=branch)
        model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
        model.graph.node.append(condition)

    faults = MODELS.check(*changed(hide))
    assert len(faults) == 2
    assert all("node 'deep' of graph 'branch'" in fault for fault in faults)


def test_many_faults_of_a_kind_are_summed_up() -> None:
    """A hostile file has millions."""

    def repeat(model: onnx.ModelProto) -> None:
        model.graph.node.extend(helper.make_node("Melt", [], [], domain="com.example") for _ in range(20))

    faults = MODELS.check(*changed(repeat))
    assert len(faults) == 6
    assert faults[-1] == "there are 15 more operators outside ONNX: the remedy is the same"


def test_external_data_are_refused_and_no_file_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in an initializer nor in a node's attribute; whether the file is there makes no difference."""
    (tmp_path / "weights.bin").write_bytes(bytes(64))
    monkeypatch.chdir(tmp_path)
    assert only_fault(*models.external_data_model("weights.bin")).startswith(
        "the initializer 'weights' keeps its data outside the file"
    )
    assert "'weights'" in only_fault(*models.external_data_model("../../etc/passwd"))

    def in_an_attribute(model: onnx.ModelProto) -> None:
        tensor = TensorProto(data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL, dims=[1])
        tensor.external_data.add(key="location", value="weights.bin")
        model.graph.node.append(helper.make_node("Constant", [], ["constant"], name="constant", value=tensor))

    assert "the attribute 'value' of node 'constant'" in only_fault(*changed(in_an_attribute))


def test_sparse_external_data_are_found() -> None:
    """A sparse tensor consists of two tensors, each of which could point elsewhere."""

    def sparse(model: onnx.ModelProto) -> None:
        values = TensorProto(name="sparse", data_type=TensorProto.FLOAT, dims=[1], float_data=[1.0])
        indices = TensorProto(data_type=TensorProto.INT64, dims=[1], data_location=TensorProto.EXTERNAL)
        model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [4]))

    assert "the sparse initializer 'sparse'" in only_fault(*changed(sparse))


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: models.versioned_model(opset=6), "opset 6 of ai.onnx, but Serinus serves 7 to 22"),
        (lambda: models.versioned_model(opset=99), "opset 99 of ai.onnx, but Serinus serves 7 to 22"),
        (lambda: models.versioned_model(ml_opset=6), "opset 6 of ai.onnx.ml, but Serinus serves 1 to 5"),
        (lambda: models.versioned_model(ir_version=2), "IR version 2, but Serinus serves 3 to 10"),
        (lambda: models.versioned_model(ir_version=14), "IR version 14, but Serinus serves 3 to 10"),
    ],
)
def test_versions_out_of_bounds_are_named_with_the_bounds(build: Callable[[], models.Built], says: str) -> None:
    """Both what the model has and what is served."""
    assert says in only_fault(*build())


def test_zipmap_is_refused_with_its_remedy() -> None:
    """A list of maps is no tensor."""
    assert "options={'zipmap': False}" in only_fault(*models.zipmap_model())


def test_functions_and_training_information_are_refused() -> None:
    """Neither is needed to serve, and either can hide operators."""

    def odd(model: onnx.ModelProto) -> None:
        model.functions.add(name="own", domain="com.example")
        model.training_info.add()

    faults = MODELS.check(*changed(odd))
    assert [fault.split(":")[0] for fault in faults] == [
        "the model defines functions of its own (1, the first is 'own')",
        "the model carries training information, which is not for serving",
    ]


def test_a_graph_that_is_not_well_formed_is_refused_in_the_words_of_the_checker() -> None:
    """Here a node reads what no node writes."""

    def cut(model: onnx.ModelProto) -> None:
        del model.graph.node[0]

    assert "no well-formed ONNX model" in only_fault(*changed(cut))


def _signature(**changes: object) -> Signature:
    return replace(models.logistic_model()[1], **changes)  # type: ignore[arg-type]  # fields by name


_A_B = ("a", "b")
_INPUT = InputTensor("features", Datatype.FP32, _A_B)
_LABEL, _PROBABILITIES = models.logistic_model()[1].outputs

DISAGREEMENTS = [
    (_signature(inputs=(replace(_INPUT, name="x"),)), "has an input 'x', but the graph takes 'features'"),
    (_signature(inputs=()), "takes an input 'features' that the signature lacks"),
    (_signature(inputs=(replace(_INPUT, datatype=Datatype.FP64),)), "is FP32, but the signature says FP64"),
    (_signature(inputs=(replace(_INPUT, columns=("a",)),)), "has 2 columns, but the signature names 1"),
    (_signature(inputs=(replace(_INPUT, columns=()),)), "has no columns in the signature"),
    (_signature(inputs=(replace(_INPUT, columns=("a", "a")),)), "names the column 'a' 2 times"),
    (_signature(outputs=(_LABEL, _PROBABILITIES, OutputTensor("z", Datatype.FP32, (-1,)))), "has an output 'z', but"),
    (
        _signature(outputs=(replace(_LABEL, datatype=Datatype.INT32), _PROBABILITIES)),
        "INT64, but the signature says INT32",
    ),
    (
        _signature(outputs=(_LABEL, replace(_PROBABILITIES, shape=(-1, 3)))),
        "has the shape [-1, 2], but the signature says",
    ),
    (
        _signature(score=Score("score", 1)),
        "taken from the output 'score', but the signature has 'label', 'probabilities'",
    ),
    (_signature(score=Score("probabilities", 2)), "column 2 of the output 'probabilities', which has 2"),
    (_signature(score=Score("probabilities", -2)), "column -2 of the output 'probabilities'"),
    (_signature(score=Score("label", 1)), "column 1 of the output 'label', which has 1"),
]


@pytest.mark.parametrize(("signature", "says"), DISAGREEMENTS, ids=range(len(DISAGREEMENTS)))
def test_a_signature_that_disagrees_with_its_graph_is_told_where(signature: Signature, says: str) -> None:
    """Each disagreement is one sentence with both sides of it."""
    assert any(says in fault for fault in MODELS.check(models.logistic_model()[0], signature))


def test_a_graph_for_a_fixed_number_of_rows_is_refused() -> None:
    """Batches come in every size."""

    def fix(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1

    assert "takes exactly 1 rows" in only_fault(*changed(fix))


def test_a_graph_of_one_dimension_is_refused() -> None:
    """Serinus sends [rows, columns]."""

    def flatten(model: onnx.ModelProto) -> None:
        del model.graph.input[0].type.tensor_type.shape.dim[1]

    assert "has the shape [-1]: Serinus sends [rows, columns]" in only_fault(*changed(flatten))


def test_a_score_of_texts_is_refused() -> None:
    """There is nothing to measure in them."""

    def texts(model: onnx.ModelProto) -> None:
        model.graph.output[0].type.tensor_type.elem_type = TensorProto.STRING

    model, signature = changed(texts)
    outputs = (replace(_LABEL, datatype=Datatype.BYTES), _PROBABILITIES)
    assert "which holds texts" in only_fault(model, replace(signature, outputs=outputs, score=Score("label")))


@settings(max_examples=200)
@given(st.data())
def test_no_damage_makes_the_check_raise(data: st.DataObject) -> None:
    """Bytes changed, cut or put in anywhere give sentences, or a model that is still sound."""
    model, signature = models.mixed_model()
    body = bytearray(model)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    assert all(fault.strip() for fault in MODELS.check(bytes(body), signature))


def _nested(message: bytes, tag: bytes) -> bytes:
    size, length = len(message), bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return tag + bytes([*length, size]) + message


def test_a_large_sound_model_is_checked_in_a_process_of_its_own() -> None:
    """It is fine there, too; and its faults come back as they are."""

    def pad(model: onnx.ModelProto) -> None:
        model.doc_string = "x" * 1_100_000

    model, signature = changed(pad)
    assert MODELS.check(model, signature) == []
    (fault,) = MODELS.check(model, replace(signature, score=Score("none")))
    assert fault.startswith("the score is taken from the output 'none'")


def test_a_file_that_swells_when_read_is_refused_within_its_memory() -> None:
    """Two bytes make an empty node of a hundred; the process that reads them has a limit, and ours does not grow."""
    swelling = b"\x08\x08" + _nested(b"\x0a\x00" * 8_000_000, b"\x3a")
    (fault,) = isolation.faults_apart(swelling, models.logistic_model()[1], overhead_bytes=400_000_000)
    assert "take too much memory to read" in fault


def test_graphs_nested_without_end_are_refused() -> None:
    """Protobuf stops at a hundred levels, and the refusal is a sentence like any other."""
    graph = b""
    for _ in range(2_000):
        graph = _nested(_nested(_nested(graph, b"\x32"), b"\x2a"), b"\x0a")
    assert "are no ONNX model" in only_fault(b"\x08\x08" + _nested(graph, b"\x3a"), models.logistic_model()[1])


def test_a_model_scores_rows_by_its_signature() -> None:
    """The score is the probability of the second class, one a row, in float64."""
    table = Table({"b": np.array([0.0, 2.0, np.nan]), "a": np.array([0.0, 1.0, 0.0])})
    scores = MODELS.load(*models.logistic_model()).score(table)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores, [0.5, 1 / (1 + np.exp(-3)), np.nan], rtol=1e-6)


def test_a_model_of_numbers_and_texts_scores_rows() -> None:
    """A missing text is the empty one; numbers where texts are due are spelled out."""
    model = MODELS.load(*models.mixed_model())
    country = np.array(["ch", "de", None], dtype=object)
    scores = model.score(Table({"amount": np.zeros(3), "country": country}))
    np.testing.assert_allclose(scores, [1 / (1 + np.exp(-1)), 0.5, 1 / (1 + np.exp(1))], rtol=1e-6)
    spelled = model.score(Table({"amount": np.zeros(3), "country": np.array([1.0, 1.5, np.nan])}))
    np.testing.assert_allclose(spelled, scores[2], rtol=1e-6)


def test_no_rows_have_no_scores() -> None:
    """An empty table is a table."""
    assert MODELS.load(*models.logistic_model()).score(Table({"a": np.empty(0), "b": np.empty(0)})).shape == (0,)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (Table({"a": np.zeros(1)}), "has no column 'b'"),
        (
            Table({"a": np.zeros(1), "b": np.array(["x"], dtype=object)}),
            "column 'b' holds texts, but the model takes FP32",
        ),
    ],
)
def test_a_table_that_does_not_fit_the_model_is_refused(table: Table, says: str) -> None:
    """The data are at fault, and the refusal says which column."""
    with pytest.raises(DataRefused, match=says):
        MODELS.load(*models.logistic_model()).score(table)


def test_a_column_of_nothing_is_missing_numbers() -> None:
    """Arrow reads an empty column of texts; the model sees missing values."""
    table = Table({"a": np.array([None], dtype=object), "b": np.zeros(1)})
    assert np.isnan(MODELS.load(*models.logistic_model()).score(table)).all()


def test_a_whole_number_must_be_whole() -> None:
    """A missing value or a fraction is not cast to an integer in silence."""
    value = helper.make_tensor_value_info("n", TensorProto.INT64, [None, 1])
    nodes = [
        helper.make_node("Cast", ["n"], ["positive"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["positive", "positive"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ]
    signature = replace(models.logistic_model()[1], inputs=(InputTensor("n", Datatype.INT64, ("n",)),))
    model = MODELS.load(models.serialised(nodes, [], [value]), signature)
    assert model.score(Table({"n": np.array([3.0])})).tolist() == [3.0]
    with pytest.raises(DataRefused, match="column 'n', row 2 holds nan, which is no INT64"):
        model.score(Table({"n": np.array([1.0, np.nan])}))


def test_an_error_inside_the_graph_is_the_models_failure() -> None:
    """Rows within the bound are scored; one beyond it fails, in the words of ONNX Runtime, on one line."""
    model = MODELS.load(*models.failing_model())
    assert model.score(Table({"a": np.array([1_000.0]), "b": np.zeros(1)})).tolist() == [1.0]
    with pytest.raises(ModelFailed, match="indices element out of data bounds, idx=1001") as failure:
        model.score(Table({"a": np.array([1_001.0]), "b": np.zeros(1)}))
    assert "\n" not in str(failure.value)


def test_tensors_that_do_not_fit_the_graph_are_the_models_failure() -> None:
    """The binding's own checks are translated like the runtime's."""
    model = MODELS.load(*models.logistic_model())
    with pytest.raises(ModelFailed):
        model.run({})
    with pytest.raises(ModelFailed):
        model.run({"features": np.zeros((1, 7), dtype=np.float32)})


@pytest.mark.parametrize("body", [b"", b"garbage", models.custom_operator_model()[0]])
def test_what_onnx_runtime_cannot_load_is_refused(body: bytes) -> None:
    """Even where nobody checked it before."""
    with pytest.raises(ModelRefused, match="ONNX Runtime cannot load the model"):
        MODELS.load(body, models.logistic_model()[1])


def test_nothing_is_printed_when_a_model_fails(capfd: pytest.CaptureFixture[str]) -> None:
    """The log carries prediction records, one line each."""
    model = MODELS.load(*models.failing_model())
    with pytest.raises(ModelFailed):
        model.score(Table({"a": np.array([1e6]), "b": np.zeros(1)}))
    assert capfd.readouterr() == ("", "")


def test_a_file_saved_by_onnx_is_the_same_model() -> None:
    """What `onnx.save` writes is what is checked and loaded."""
    model, signature = models.logistic_model()
    sink = io.BytesIO()
    onnx.save_model(onnx.ModelProto.FromString(model), sink)
    assert MODELS.check(sink.getvalue(), signature) == []
