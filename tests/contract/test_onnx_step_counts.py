"""Counting in ONNX Runtime: as the words of `lean_layout.Reached` say, over both ways to a session."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from serinus.adapters.onnx.array_runner import ArrayRunner
from serinus.adapters.onnx.c_api.session import CApiSession
from serinus.adapters.onnx.datatypes import NUMPY
from serinus.adapters.onnx.session import PythonSession
from serinus.adapters.onnx.step_counts import counted_by, step_count_graph, step_count_signature
from serinus.domain.bins import CategoricalBins, NumericBins
from serinus.domain.layout import Layout
from serinus.domain.lean_layout import LeanLayout, Reached
from serinus.domain.profile import of_rows
from serinus.domain.profile_slices import SlicedBy
from serinus.domain.signature import Datatype, Signature
from serinus.domain.table import Table
from serinus.domain.tensor import Block, Tensor
from serinus.use_cases.infer import Runner
from tests import step_count_graph as graph
from tests.builders import an_object_column, reached_in_numpy

PRECISIONS = (Datatype.FP32, Datatype.FP64)
LARGEST = 3.4028234663852886e38  # of single precision
HARD = [0.0, -0.0, math.nan, math.inf, -math.inf, 1e-45, -1e-45, 1.1754942e-38, LARGEST, -LARGEST, 0.1, 1 / 3]


def over_the_binding(model: bytes, signature: Signature) -> Runner:
    """Make a session of the Python binding that takes tensors."""
    return ArrayRunner(PythonSession(model, signature))


@pytest.fixture(params=[CApiSession, over_the_binding], scope="module")
def reached(request: pytest.FixtureRequest) -> Reached:
    """Each way to count."""
    load: Callable[[bytes, Signature], Runner] = request.param
    runners = {one: load(step_count_graph(one), step_count_signature(one)) for one in PRECISIONS}
    return lambda tensor, steps, groups: counted_by(runners[tensor.datatype], tensor, steps, groups)


def numbers(datatype: Datatype, shape: tuple[int, int]) -> st.SearchStrategy[npt.NDArray[np.generic]]:
    """Return arrays of all that a precision holds, the hard ones often."""
    some = st.sampled_from([float(NUMPY[datatype].type(value)) for value in HARD])
    return hnp.arrays(
        NUMPY[datatype], shape, elements=some | st.floats(width=32 if datatype is Datatype.FP32 else 64)
    )


@pytest.mark.parametrize("datatype", PRECISIONS)
@given(st.data())
def test_every_value_that_reaches_a_step_is_counted(
    reached: Reached, datatype: Datatype, data: st.DataObject
) -> None:
    """In each group of rows: denormals, infinities and both zeros too; what is missing reaches none."""
    rows, columns = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 3))
    values = data.draw(numbers(datatype, (rows, columns)))
    step = numbers(datatype, (1, 4)).map(lambda found: found.ravel().tolist())
    steps = [data.draw(step)[: data.draw(st.integers(at == 0, 4))] for at in range(columns)]
    groups = data.draw(st.lists(st.lists(st.booleans(), min_size=rows, max_size=rows).map(bytes), min_size=1))
    tensor = Tensor(datatype, (rows, columns), values.tobytes())
    assert reached(tensor, steps, groups) == reached_in_numpy(tensor, steps, groups)


def test_more_than_is_compared_at_a_time_is_counted(reached: Reached) -> None:
    """Part by part, each with its part of every group."""
    chance = np.random.default_rng(0)
    values = chance.normal(size=(3_000, 2)).astype(np.float32)
    tensor = Tensor(Datatype.FP32, (3_000, 2), values.tobytes())
    steps = [np.sort(chance.normal(size=count).astype(np.float32)).tolist() for count in (1_200, 7)]
    groups = [b"\1" * 3_000, chance.integers(0, 2, 3_000).astype(np.uint8).tobytes()]
    assert reached(tensor, steps, groups) == reached_in_numpy(tensor, steps, groups)


@pytest.mark.parametrize("datatype", PRECISIONS)
def test_the_files_are_the_graphs_that_were_written_down(datatype: Datatype) -> None:
    """To the last byte: `python -m tests.step_count_graph` writes them."""
    assert step_count_graph(datatype) == graph.made(datatype)


def test_it_loads_neither_numpy_nor_the_binding() -> None:
    """The inference function has neither."""
    code = (
        "import sys; from serinus.adapters.onnx.step_counts import *; from serinus.domain.tensor import Tensor; "
        "print(step_counts(Tensor.of(Datatype.FP32, (2, 1), [0.5, 2]), [[0, 1]], [b'\\1\\1']), "
        "sys.modules.keys() & {'numpy', 'onnxruntime', 'onnx'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[[[2, 1]]] set()"


BOUNDS = st.none() | st.floats(-2, 2)
EDGES = st.lists(st.sampled_from([value for value in HARD if math.isfinite(value)]) | st.floats(-2, 2), min_size=1)
COLOURS = ("red", "blue", None, "mauve")


@st.composite
def layouts(draw: st.DrawFn, datatype: Datatype) -> Layout:
    """Draw a layout of two numbers and a text, sliced by one of the numbers and by the text, or not at all."""

    def bins(name: str) -> NumericBins:
        low, high = sorted(draw(st.tuples(BOUNDS, BOUNDS)), key=lambda bound: (bound is not None, bound or 0))
        return NumericBins(name, tuple(sorted(draw(EDGES))), datatype, (low, high), draw(st.booleans()))

    features = (bins("a"), bins("b"), CategoricalBins("c", ("red", "blue")))
    slices = tuple(
        SlicedBy(one.name, ("x", "y", "z"), tuple(slot % 3 for slot in range(one.width))) for one in features[1:]
    )
    latency, score = NumericBins("latency_ms", (0.0, 1.0)), NumericBins("score", (0.0, 0.25, 0.5, 1.0))
    return Layout(latency, score, features, slices if draw(st.booleans()) else ())


def packed(names: Sequence[str], table: Table, datatype: Datatype) -> Block:
    """Return columns side by side, as they come packed."""
    with np.errstate(over="ignore"):
        values = np.column_stack([table.columns[name].astype(NUMPY[datatype]) for name in names])
    tensor = Tensor(datatype, values.shape, values.tobytes())
    view = tensor.view()
    return Block(tuple(names), [] if view is None else view, tensor)


def written(name: str, table: Table, datatype: Datatype) -> Block:
    """Return a column as JSON has it, with the tensor that the model takes of it."""
    values = [None if value != value else value for value in table.columns[name].tolist()]
    return packed(name, table, datatype)._replace(values=values)


HELD: dict[str, Callable[[Table, Datatype], list[Block]]] = {
    "one tensor of both": lambda table, datatype: [packed("ab", table, datatype)],
    "one tensor of both, and of what is not counted": lambda table, datatype: [packed("aeb", table, datatype)],
    "a tensor a column": lambda table, datatype: [packed(name, table, datatype) for name in "ab"],
    "as written": lambda table, datatype: [written(name, table, datatype) for name in "ab"],
    "without a tensor": lambda table, datatype: [
        written(name, table, datatype)._replace(tensor=None) for name in "ab"
    ],
    "in a precision that is not counted in": lambda table, datatype: [
        written(name, table, datatype)._replace(tensor=packed(name, table, Datatype.FP16).tensor) for name in "ab"
    ],
}


@pytest.mark.parametrize("datatype", PRECISIONS)
@pytest.mark.parametrize("held", HELD.values(), ids=HELD.keys())
@given(data=st.data())
def test_rows_count_into_the_same_slots_as_of_a_profile(
    reached: Reached, datatype: Datatype, held: Callable[[Table, Datatype], list[Block]], data: st.DataObject
) -> None:
    """However they are held: on the edges, out of the declared range, missing and infinite; slice by slice too."""
    layout = data.draw(layouts(datatype))
    edges = sorted({edge for one in layout.features if isinstance(one, NumericBins) for edge in one.edges})
    values = st.sampled_from([*HARD, *edges]) | st.floats() | st.floats(-2, 2)
    rows = data.draw(st.integers(1, 12))
    drawn = {name: data.draw(st.lists(values, min_size=rows, max_size=rows)) for name in "ab"}
    colours = an_object_column(data.draw(st.lists(st.sampled_from(COLOURS), min_size=rows, max_size=rows)))
    scores = np.array(data.draw(st.lists(st.floats(0, 1) | st.just(math.nan), min_size=rows, max_size=rows)))
    table = Table({**{name: np.array(column) for name, column in drawn.items()}, "c": colours, "e": np.ones(rows)})
    lean = LeanLayout(json.loads(json.dumps({"digest": layout.digest, **layout.document})), reached)
    blocks = [*held(table, datatype), Block(("c",), colours.tolist())]
    slots, times = lean.counts(blocks, scores.tolist())
    expected = of_rows(layout, table, scores).counts
    assert slots == np.flatnonzero(expected).tolist()
    assert times == expected[slots].tolist()
