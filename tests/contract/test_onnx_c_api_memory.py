"""Nothing that the session over the C API makes is left behind."""

from __future__ import annotations

import gc
import os
import statistics
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from serinus.adapters.onnx.c_api import session as session_module
from serinus.adapters.onnx.c_api.library import Library, library
from serinus.adapters.onnx.c_api.session import CApiSession
from serinus.domain.signature import Datatype
from serinus.domain.tensor import Tensor
from serinus.errors import ModelFailed, ModelRefused
from tests import models
from tests.contract import onnx_graphs as graphs
from tests.contract.onnx_graphs import run_row

THREE_FLOATS = Tensor(Datatype.FP32, (1, 3), array("f", [1, 2, 3]))
_SMALLEST_BYTES = 24  # of any object of the runtime, with what malloc adds
_SESSION_BYTES = 4_000  # of the smallest session, by far
THREE_FLOATS = Tensor(Datatype.FP32, (1, 3), array("f", [1, 2, 3]))


def resident_bytes() -> int:
    """Return what this process holds in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def rows() -> Callable[[], object]:
    """One row, again and again."""
    session = CApiSession(*models.logistic_model())
    return lambda: run_row(session, [1.0, 2.0])


def failures() -> Callable[[], object]:
    """A row that fails inside the runtime, by both ways."""
    session = CApiSession(*models.failing_model())

    def fail() -> None:
        with pytest.raises(ModelFailed, match="guard_look_up"):
            run_row(session, [2_000, 0])

    return fail


def tensors() -> Callable[[], object]:
    """Every datatype at once, in and out."""
    session = CApiSession(*graphs.everything_at_once())
    inputs = {
        f"in_{datatype}": Tensor(
            datatype, (1, 2), ["a" * 40, "b\0" * 40] if datatype is Datatype.BYTES else bytes(2 * size)
        )
        for datatype, size in ((datatype, graphs.size_of(datatype)) for datatype in Datatype)
    }
    return lambda: session.run_tensors(inputs)


def refusals() -> Callable[[], object]:
    """The first input is with the runtime already when the second one is found wanting."""
    session = CApiSession(*models.mixed_model())
    amount = Tensor(Datatype.FP32, (1, 1), bytes(4))
    inputs = {"amount": amount, "country": Tensor(Datatype.BYTES, (1, 1), ["\ud800"])}

    def fail() -> None:
        try:
            session.run_tensors(inputs)
        except ModelFailed:
            return
        raise AssertionError("it must fail")

    return fail


def misfits() -> Callable[[], object]:
    """More numbers than belong there, and one that the graph itself refuses, in a session without rows."""
    session = CApiSession(*graphs.found_by_position())

    def fail() -> None:
        for wrong in ([1, 2], [0]):
            with pytest.raises(ModelFailed):
                run_row(session, wrong)

    return fail


def unreadable() -> Callable[[], object]:
    """The run goes well, its output cannot be read."""
    session = CApiSession(*graphs.damaged_text())

    def fail() -> None:
        with pytest.raises(ModelFailed):
            session.run_tensors({"x": THREE_FLOATS})

    return fail


def zipped_sessions() -> Callable[[], object]:
    """The runtime loads the model, and we refuse it."""

    def make() -> None:
        with pytest.raises(ModelRefused):
            CApiSession(*graphs.zipped())

    return make


def sessions() -> Callable[[], object]:
    """A session made, used and dropped; and one that is refused."""

    def make() -> None:
        run_row(CApiSession(*models.logistic_model()), [1.0, 2.0])
        try:
            CApiSession(b"junk", models.logistic_model()[1])
        except ModelRefused:
            return
        raise AssertionError("it must be refused")

    return make


@pytest.fixture
def quiet() -> Iterator[None]:
    """No garbage of other tests is counted."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(("prepare", "calls"), [(rows, 20_000), (tensors, 1_000), (refusals, 3_000), (sessions, 80)])
def test_memory_does_not_grow(prepare: Callable[[], Callable[[], object]], calls: int) -> None:
    """It would in most windows, if the smallest object of the runtime were left behind at each call."""
    call = prepare()
    grown = []
    for _ in range(6):
        before = resident_bytes()
        for _ in range(calls):
            call()
        grown.append((resident_bytes() - before) / calls)
    assert statistics.median(grown[1:]) < (_SMALLEST_BYTES if prepare is not sessions else _SESSION_BYTES)


class Books:
    """What a library owes: each object it made and each error it returned, less those that were released.

    Exact where memory cannot be: the runtime's own way to fail takes and gives back megabytes now and then.
    """

    def __init__(self, watched: Library) -> None:
        self.owed: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        for name, function in list(vars(watched).items()):
            if callable(function):
                setattr(watched, name, partial(self._call, name, function))

    def _call(self, name: str, function: Callable[..., object], *arguments: Any) -> object:  # noqa: ANN401 - C's
        self.calls[name] += 1
        if name.startswith("release_"):
            self.owed[name.removeprefix("release_")] -= 1
        elif name == "allocator_free":
            self.owed["name"] -= 1
        before = sum(map(bool, arguments[-1])) if name == "run" else 0
        returned = function(*arguments)
        if name == "run":
            self.owed["value"] += sum(map(bool, arguments[-1])) - before
        if name.startswith(("release_", "get_error_")):
            return returned
        if returned:
            self.owed["status"] += 1
        elif name in _MADE:
            self.owed[_MADE[name]] += 1
        return returned


_MADE = {
    "create_session_from_array": "session",
    "create_session_options": "session_options",
    "create_tensor": "value",
    "create_tensor_with_data": "value",
    "get_tensor_type_and_shape": "tensor_type_and_shape_info",
    "session_get_input_type_info": "type_info",
    "session_get_output_type_info": "type_info",
    "session_get_input_name": "name",
    "session_get_output_name": "name",
}


@pytest.mark.parametrize(
    "prepare", [rows, failures, tensors, refusals, sessions, misfits, unreadable, zipped_sessions]
)
def test_all_that_is_made_is_released(
    prepare: Callable[[], Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions, options, tensors, descriptions, names and errors; whether all went well or not."""
    watched = Library(library().path)
    books = Books(watched)
    monkeypatch.setattr(session_module, "library", lambda: watched)
    call = prepare()
    for _ in range(3):
        call()
    del call
    gc.collect()
    assert books.calls["create_session_from_array"] >= 1
    assert {name: count for name, count in books.owed.items() if count} == {}
