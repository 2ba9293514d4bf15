"""`Model` in ONNX Runtime: one suite for the Python binding and for the C API, which must not be told apart."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from serinus.adapters.onnx.c_api.session import CApiSession
from serinus.adapters.onnx.datatypes import NUMPY
from serinus.adapters.onnx.session import PythonSession
from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature
from serinus.domain.table import Table
from serinus.errors import DataRefused, ModelFailed, ModelRefused, SerinusError
from serinus.use_cases.ports.models import Model
from tests import models
from tests.contract import onnx_graphs as graphs
from tests.contract.onnx_graphs import EXTREMES, NUMBERS, Arrays, array_of, run_row
from tests.models import Built

Load = Callable[[bytes, Signature], Model]
BOTH: tuple[Load, Load] = (PythonSession, CApiSession)
FLOATS = np.array([[1.0, 2.0, 3.0]], dtype=np.float32)
ALL_MODELS = [
    models.logistic_model,
    models.boosted_model,
    models.mixed_model,
    models.failing_model,
    models.versioned_model,
    models.zipmap_model,
    models.custom_operator_model,
]


@pytest.fixture(params=BOTH)
def load(request: pytest.FixtureRequest) -> Load:
    """Each way to make a session."""
    made: Load = request.param
    return made


def assert_same(found: npt.NDArray[np.generic], wanted: npt.NDArray[np.generic]) -> None:
    """Two arrays are the same in datatype, shape and every bit."""
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    if found.dtype == object:
        assert found.tolist() == wanted.tolist()
    else:
        assert found.tobytes() == wanted.tobytes()


def said_of(load: Load, built: Built, inputs: Arrays) -> Arrays | type[SerinusError]:
    """Return what a session says, or the kind of error it raises."""
    try:
        return load(*built).run(inputs)
    except SerinusError as error:
        return type(error)


def assert_both_say_the_same(built: Built, inputs: Arrays) -> None:
    """Both sessions give equal answers, or raise errors of one kind."""
    by_binding, by_c_api = (said_of(load, built, inputs) for load in BOTH)
    if isinstance(by_binding, type) or isinstance(by_c_api, type):
        assert by_binding == by_c_api
        return
    assert list(by_binding) == list(by_c_api)
    for name, wanted in by_binding.items():
        assert_same(by_c_api[name], wanted)


@pytest.mark.parametrize("datatype", Datatype)
@pytest.mark.parametrize("shape", [(1, 3), (3, 1), (3,), (1, 3, 1, 1)])
def test_every_datatype_goes_in_and_comes_out(load: Load, datatype: Datatype, shape: tuple[int, ...]) -> None:
    """Bit by bit, extremes, not-a-numbers and texts with a NUL included; the answer may be written to."""
    wanted = array_of(datatype, EXTREMES[datatype], shape)
    found = load(*graphs.identity(datatype)).run({"x": wanted})["y"]
    assert_same(found, wanted)
    assert found.flags.writeable


@pytest.mark.parametrize("datatype", Datatype)
@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0, 3)])
def test_a_tensor_may_hold_nothing(load: Load, datatype: Datatype, shape: tuple[int, ...]) -> None:
    """Its shape still counts."""
    nothing = np.empty(shape, dtype=NUMPY[datatype])
    assert_same(load(*graphs.identity(datatype)).run({"x": nothing})["y"], nothing)


@pytest.mark.parametrize("datatype", Datatype)
def test_a_tensor_may_be_a_single_value(load: Load, datatype: Datatype) -> None:
    """It has no dimension at all."""
    single = array_of(datatype, EXTREMES[datatype][-1:], ())
    assert_same(load(*graphs.identity(datatype)).run({"x": single})["y"], single)


@pytest.mark.parametrize("source", NUMBERS)
@pytest.mark.parametrize("target", Datatype)
def test_a_graph_may_give_another_datatype_than_it_takes(source: Datatype, target: Datatype) -> None:
    """Both sessions read it alike."""
    assert_both_say_the_same(graphs.cast(source, target), {"x": array_of(source, [0, 1, 100], (1, 3))})


def test_inputs_are_told_by_name_and_outputs_come_in_the_signature_s_order(load: Load) -> None:
    """One of each datatype, given in another order than the graph's."""
    built = graphs.everything_at_once()
    inputs = {f"in_{datatype}": array_of(datatype, EXTREMES[datatype][:2], (1, 2)) for datatype in Datatype}
    found = load(*built).run(dict(reversed(inputs.items())))
    assert list(found) == [output.name for output in built[1].outputs]
    for datatype in Datatype:
        assert_same(found[f"out_{datatype}"], inputs[f"in_{datatype}"])


def test_only_the_signature_s_outputs_are_asked_for(load: Load) -> None:
    """The rest need not be computed."""
    model, signature = models.logistic_model()
    fewer = Signature(signature.inputs, signature.outputs[1:], signature.score)
    assert list(load(model, fewer).run({"features": FLOATS[:, :2]})) == ["probabilities"]


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        np.arange(12, dtype=np.float32).reshape(2, 6)[:, ::2],
        np.frombuffer(np.arange(6, dtype=np.float32).tobytes(), dtype=np.float32).reshape(2, 3),
        np.frombuffer(b"\0" + bytes(range(24)), dtype=np.uint8)[1:].view(np.float32).reshape(2, 3),
    ],
    ids=["by-column", "with-gaps", "read-only", "unaligned"],
)
def test_an_array_may_lie_in_memory_as_it_likes(load: Load, array: npt.NDArray[np.float32]) -> None:
    """What counts are its values."""
    assert_same(load(*graphs.identity(Datatype.FP32)).run({"x": array})["y"], np.ascontiguousarray(array))


@pytest.mark.parametrize("build", ALL_MODELS)
@pytest.mark.parametrize("rows", [0, 1, 7])
def test_both_say_the_same_of_every_model(build: Callable[[], Built], rows: int) -> None:
    """Answers are equal bit by bit, and errors of one kind."""
    built = build()
    numbers = np.random.default_rng(rows).normal(size=(rows, 8))
    inputs = {
        tensor.name: (
            numbers[:, : len(tensor.columns)].astype(NUMPY[tensor.datatype])
            if tensor.datatype.is_number
            else np.full((rows, len(tensor.columns)), "ch", dtype=object)
        )
        for tensor in built[1].inputs
    }
    assert_both_say_the_same(built, inputs)


def test_a_table_is_scored(load: Load) -> None:
    """By the signature's score."""
    table = Table({"amount": np.array([0.0, 2.0]), "country": np.array(["ch", None], dtype=object)})
    scores = load(*models.mixed_model()).score(table)
    assert scores.dtype == np.float64
    assert scores.tolist() == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.exp(-1))])


def test_a_table_without_a_column_is_refused(load: Load) -> None:
    """The same error from both."""
    with pytest.raises(DataRefused, match="no column 'country'"):
        load(*models.mixed_model()).score(Table({"amount": np.array([0.0])}))


def test_what_the_runtime_says_is_passed_on(load: Load) -> None:
    """Its own words tell which node failed, and why."""
    with pytest.raises(ModelFailed, match=r"the model failed: .*Gather.*'guard_look_up'.*idx=2000 must be within"):
        load(*models.failing_model()).run({"features": np.array([[2_000, 0]], dtype=np.float32)})


@pytest.mark.parametrize("file", [b"", b"no model", models.logistic_model()[0][:-9]], ids=["empty", "junk", "cut"])
def test_what_is_no_model_is_refused(load: Load, file: bytes) -> None:
    """With the runtime's own words."""
    with pytest.raises(ModelRefused, match=r"cannot load the model \(.*(No graph|protobuf parsing failed)"):
        load(file, models.logistic_model()[1])


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"z": FLOATS},
        {"x": FLOATS, "z": FLOATS},
        {"x": FLOATS.astype(np.float64)},
        {"x": FLOATS.astype(np.complex64)},
        {"x": FLOATS.astype("M8[s]")},
        {"x": FLOATS.astype(str)},
        {"x": FLOATS[0]},
        {"x": FLOATS[:, :2]},
        {"x": FLOATS[:, :0]},
        {"x": FLOATS.reshape(1, 3, 1)},
        {"x": FLOATS[0, 0].reshape(())},
    ],
)
def test_what_does_not_fit_the_graph_fails(load: Load, inputs: Arrays) -> None:
    """Names, datatypes and shapes; the session is as good as before."""
    session = load(*graphs.identity(Datatype.FP32, (None, 3)))
    with pytest.raises(ModelFailed, match=r"the model failed: \w"):
        session.run(inputs)
    assert_same(session.run({"x": FLOATS})["y"], FLOATS)


def test_an_output_that_the_graph_lacks_fails(load: Load) -> None:
    """The signature does not belong to this model."""
    model, signature = graphs.identity(Datatype.FP32)
    other = Signature(signature.inputs, (OutputTensor("nowhere", Datatype.FP32, (-1, 3)),), Score("nowhere"))
    with pytest.raises(ModelFailed, match=r"Invalid output name: ?nowhere"):
        load(model, other).run({"x": FLOATS})


def test_an_input_that_the_signature_lacks_can_be_given(load: Load) -> None:
    """The graph knows better."""
    model, signature = graphs.identity(Datatype.FP32)
    other = Signature((InputTensor("nowhere", Datatype.FP32, ("a",)),), signature.outputs, signature.score)
    assert_same(load(model, other).run({"x": FLOATS})["y"], FLOATS)


def test_half_a_surrogate_pair_fails(load: Load) -> None:
    """It has no UTF-8."""
    with pytest.raises(ModelFailed):
        load(*graphs.identity(Datatype.BYTES)).run({"x": np.array(["fine", "\ud800"], dtype=object)})


def test_a_text_that_is_no_utf_8_fails(load: Load) -> None:
    """No Python string can hold it."""
    with pytest.raises(ModelFailed):
        load(*graphs.damaged_text()).run({"x": FLOATS})


@pytest.mark.parametrize("array", [np.array(["é", "ab"]), np.array([1.5, None, b"a"], dtype=object)])
def test_what_is_no_text_is_spelled_out(array: npt.NDArray[np.generic]) -> None:
    """Both sessions spell it alike."""
    assert_both_say_the_same(graphs.identity(Datatype.BYTES), {"x": array})


def test_threads_share_a_session(load: Load) -> None:
    """Each gets its own answers, and a failure in one leaves the others alone."""
    session = load(*models.failing_model())
    wrong: list[object] = []

    def ask(worker: int) -> None:
        for turn in range(200):
            features = np.array([[worker, turn / 100]], dtype=np.float32)
            found = session.run({"features": features})["probabilities"][0, 1]
            if abs(found - 1 / (1 + np.exp(-features.sum()))) > 1e-6:
                wrong.append((worker, turn, found))
            with pytest.raises(ModelFailed):
                session.run({"features": features + 2_000})

    threads = [threading.Thread(target=ask, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


ARRAYS = st.sampled_from(NUMBERS).flatmap(
    lambda datatype: hnp.arrays(NUMPY[datatype], hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
)
TEXT_ARRAYS = hnp.arrays(
    np.object_,
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    elements=st.text(st.characters(), max_size=8),
    fill=st.nothing(),
)


@given(array=ARRAYS | TEXT_ARRAYS)
def test_any_tensor_goes_through_both_alike(array: npt.NDArray[np.generic]) -> None:
    """Whatever its datatype, shape and bits; surrogates fail in both."""
    datatype = next(datatype for datatype in Datatype if NUMPY[datatype] == array.dtype)
    assert_both_say_the_same(graphs.identity(datatype), {"x": array})


@given(array=ARRAYS | TEXT_ARRAYS, datatype=st.sampled_from(Datatype), columns=st.integers(0, 4))
def test_any_misfit_fails_in_both_alike(array: npt.NDArray[np.generic], datatype: Datatype, columns: int) -> None:
    """Another datatype, rank or size than the graph declares."""
    assert_both_say_the_same(graphs.identity(datatype, (None, columns)), {"x": array})


@given(
    rows=st.lists(
        st.tuples(st.floats(width=32, allow_subnormal=False), st.sampled_from(["ch", "de", "", "other", "ch\0"])),
        max_size=6,
    )
)
def test_any_rows_are_scored_alike(rows: list[tuple[float, str]]) -> None:
    """Bit by bit, for numbers and texts together."""
    inputs: Arrays = {
        "amount": np.array([[number] for number, _ in rows], dtype=np.float32).reshape(-1, 1),
        "country": array_of(Datatype.BYTES, [text for _, text in rows], (len(rows), 1)),
    }
    assert_both_say_the_same(models.mixed_model(), inputs)


@given(
    rows=st.lists(st.lists(st.floats(width=32), min_size=2, max_size=2), min_size=1, max_size=4),
    build=st.sampled_from([models.logistic_model, models.boosted_model, models.failing_model]),
)
def test_any_row_is_answered_as_any_array(rows: list[list[float]], build: Callable[[], Built]) -> None:
    """One row of plain numbers after the other, in one session: the bits and errors that arrays have."""
    session = CApiSession(*build())
    for row in rows:
        wanted = said_of(PythonSession, build(), {"features": np.array([row], dtype=np.float32)})
        if isinstance(wanted, type):
            with pytest.raises(wanted):
                run_row(session, row)
            continue
        for values, tensor in zip(run_row(session, row), wanted.values(), strict=True):
            assert np.array(values, dtype=tensor.dtype).tobytes() == tensor.tobytes()
