"""Counts how many of many numbers reach each step of a histogram, in ONNX Runtime.

For the inference function, which has no numpy and counts every row of a batch that is too long to be logged: to sort
each column in Python takes three times as long. The graph is a constant, one for each precision: it compares every
number with every step, and adds up by a matrix product. `tests/step_count_graph.py` tells its nodes, and writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import nan
from operator import add
from os.path import dirname
from typing import TYPE_CHECKING, Any

from serinus.adapters.onnx.runner import load_runner
from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature
from serinus.domain.tensor import Tensor, item_bytes

if TYPE_CHECKING:
    from serinus.use_cases.infer import Runner

_COMPARISONS = 1_000_000  # of a column at a time: 5 MB of results, and sums that single precision holds exactly


def step_counts(tensor: Tensor, steps: Sequence[Sequence[float]], groups: Sequence[bytes]) -> list[list[list[int]]]:
    """Return how many values of each column reach each of its steps, as `lean_layout.Reached` says.

    Raises:
        ModelFailed: there is no memory for it.
    """
    return counted_by(_runner(tensor.datatype), tensor, steps, groups)


def counted_by(
    runner: Runner, tensor: Tensor, steps: Sequence[Sequence[float]], groups: Sequence[bytes]
) -> list[list[list[int]]]:
    """Return what `step_counts` does, by a session of the graph of the tensor's datatype."""
    rows, columns = tensor.shape
    most = max(map(len, steps))
    padded = [step for one in steps for step in (*one, *[nan] * (most - len(one)))]  # no number reaches NaN
    given = {"steps": Tensor.of(tensor.datatype, (columns, most), padded)}
    packed: Any = tensor.data
    view, size = memoryview(packed).cast("B"), columns * item_bytes(tensor.datatype)
    counts = [0] * (columns * len(groups) * most)
    at_a_time = max(1, _COMPARISONS // most)
    for start in range(0, rows, at_a_time):
        end = min(start + at_a_time, rows)
        given["values"] = Tensor(tensor.datatype, (end - start, columns), view[start * size : end * size])
        marks = b"".join(group[start:end] for group in groups)
        given["groups"] = Tensor(Datatype.UINT8, (len(groups), end - start), marks)
        counts = list(map(add, counts, runner.run_tensors(given, ["counts"])["counts"].values()))
    starts = range(0, len(counts), most)
    return [
        [counts[start : start + len(one)] for start in starts[at * len(groups) : (at + 1) * len(groups)]]
        for at, one in enumerate(steps)
    ]


def step_count_signature(datatype: Datatype) -> Signature:
    """Return what the graph of a datatype takes and gives."""
    one = ("",)  # how many columns there are differs from one use to the next
    inputs = (
        InputTensor("values", datatype, one),
        InputTensor("steps", datatype, one),
        InputTensor("groups", Datatype.UINT8, one),
    )
    return Signature(inputs, (OutputTensor("counts", Datatype.INT64, (-1, -1, -1)),), Score("counts"))


def step_count_graph(datatype: Datatype) -> bytes:
    """Return the graph that counts numbers of a datatype."""
    with open(f"{dirname(__file__)}/step_counts_{datatype.lower()}.onnx", "rb") as file:  # noqa: PTH120, PTH123 - as in
        return file.read()  # `release_layer`: pathlib is not imported


@cache
def _runner(datatype: Datatype) -> Runner:
    return load_runner(step_count_graph(datatype), step_count_signature(datatype))
