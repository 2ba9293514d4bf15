"""What the session over the C API offers beyond the port: tensors without numpy, and options."""

from __future__ import annotations

import gc
import os
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serinus.adapters.onnx.c_api import library as libraries
from serinus.adapters.onnx.c_api.creation import Optimisation
from serinus.adapters.onnx.c_api.library import Library, library
from serinus.adapters.onnx.c_api.session import CApiSession
from serinus.adapters.onnx.session import PythonSession
from serinus.domain.signature import Datatype, OutputTensor, Signature
from serinus.domain.tensor import Tensor
from serinus.errors import ModelFailed, ModelRefused
from tests import models
from tests.contract import onnx_graphs as graphs
from tests.contract.onnx_graphs import EXTREMES, array_of, run_row
from tests.models import Built

ONES = Tensor.of(Datatype.FP32, (1, 3), [1, 1, 1])
_SOURCES = Path(libraries.__file__).parents[4]


def session_of(datatype: Datatype) -> CApiSession:
    """Return a session that gives back what it takes, of any shape."""
    return CApiSession(*graphs.identity(datatype))


def python(code: str, *arguments: str) -> str:
    """Run code in an interpreter of its own, with the core on the path; return what it prints."""
    environment = os.environ | {"PYTHONPATH": str(_SOURCES)}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


_WITHOUT_NUMPY = """
import sys
from serinus.adapters.onnx.c_api.session import CApiSession
from serinus.domain.tensor import Tensor
from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature
inputs = (InputTensor("x", Datatype.FP32, ("a", "b", "c")),)
signature = Signature(inputs, (OutputTensor("y", Datatype.FP32, (-1, 3)),), Score("y"))
session = CApiSession(open(sys.argv[1], "rb").read(), signature)
print(session.run_tensors({"x": Tensor.of(Datatype.FP32, (1, 3), [1, 2, 3])})["y"].values())
print({"numpy", "onnxruntime"} & set(sys.modules))
"""


def test_neither_numpy_nor_the_binding_is_imported(tmp_path: Path) -> None:
    """By loading a model, or by asking it in tensors: that is what makes it start fast."""
    model = tmp_path / "model.onnx"
    model.write_bytes(graphs.identity(Datatype.FP32)[0])
    assert python(_WITHOUT_NUMPY, str(model)).split("\n")[:2] == ["[1.0, 2.0, 3.0]", "set()"]


def test_a_layer_may_hold_the_bare_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that is no package: all that ships to Lambda is the shared object."""
    bare = tmp_path / "onnxruntime" / "capi" / "libonnxruntime.so.1"
    bare.parent.mkdir(parents=True)
    bare.symlink_to(library().path)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "onnxruntime")
    assert libraries.library.__wrapped__().path == str(bare)


def test_a_missing_library_is_an_import_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As it would be for `import onnxruntime`, so that a caller can fall back."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "onnxruntime")
    with pytest.raises(ImportError, match=r"no onnxruntime/capi/libonnxruntime\.so"):
        libraries.library.__wrapped__()


def test_a_library_that_is_none_is_an_import_error(tmp_path: Path) -> None:
    """Damaged, or another library altogether."""
    damaged = tmp_path / "libonnxruntime.so"
    damaged.write_bytes(b"no shared object")
    other = Path(library().path).parent / "libonnxruntime_providers_shared.so"
    for path in (damaged, other):
        with pytest.raises(ImportError, match="is no ONNX Runtime"):
            Library(str(path))


def test_a_library_that_is_too_old_is_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers with no table."""
    monkeypatch.setattr(libraries, "_API_VERSION", 10_000)
    with pytest.raises(ImportError, match="lacks version 10000 of its API"):
        Library(library().path)


@pytest.mark.parametrize("datatype", Datatype)
def test_a_row_of_every_datatype_comes_back(datatype: Datatype) -> None:
    """Twice, since the second run uses what the first one made."""
    session = session_of(datatype)
    row = array_of(datatype, EXTREMES[datatype], (1, 3)).tolist()[0]
    for values in (row, row[::-1]):
        (found,) = run_row(session, values)
        assert array_of(datatype, found, (3,)).tolist() == pytest.approx(values, nan_ok=True)


def test_a_row_is_scored_like_a_table() -> None:
    """The same bits as through numpy and the Python binding."""
    built = models.logistic_model(tuple(f"c{at}" for at in range(30)))
    by_row, by_array = CApiSession(*built), PythonSession(*built)
    for row in np.random.default_rng(1).normal(size=(50, 30)).astype(np.float32):
        found = run_row(by_row, row.tolist())
        wanted = by_array.run({"features": row[np.newaxis]})
        assert [tuple(values) for values in found] == [tuple(tensor.ravel().tolist()) for tensor in wanted.values()]


def test_a_row_of_numbers_and_texts_is_scored() -> None:
    """Texts take the slower way."""
    session = CApiSession(*models.mixed_model())
    label, probabilities = run_row(session, [2.0], ["ch"])
    assert list(label) == [1]
    assert probabilities[1] == pytest.approx(1 / (1 + np.exp(-3)))


def test_outputs_of_another_size_than_before_are_right() -> None:
    """What the first run gave is no promise."""
    session = CApiSession(*graphs.positions_of_numbers())
    assert run_row(session, [0, 0, 0]) == [()]
    assert run_row(session, [0, 5, 0]) == [(0, 1)]
    assert run_row(session, [5, 5, 0]) == [(0, 0, 0, 1)]


def test_an_input_that_is_an_output_is_right() -> None:
    """The runtime does not write it where it was asked to."""
    session = CApiSession(*graphs.input_as_output())
    for row in ((1.0, 2.0, 3.0), (0.0, 0.0, 0.0), (7.0, 8.0, 9.0)):
        assert run_row(session, row) == [row, (4.0, 5.0, 6.0), row]


def test_an_answer_that_looks_like_none_is_right() -> None:
    """Outputs are marked before a run; a mark that is the answer is one."""
    (mark,) = struct.unpack("f", b"\xa5" * 4)
    session = session_of(Datatype.FP32)
    for row in ((1.0, 2.0, 3.0), (mark, mark, mark)):
        assert run_row(session, row) == [row]


def test_a_graph_that_fails_on_zeros_is_served() -> None:
    """The first run of zeros is ours, not a caller's."""
    session = CApiSession(*graphs.found_by_position())
    assert [run_row(session, [value]) for value in (1, 2, 1)] == [[(7,)]] * 3
    with pytest.raises(ModelFailed, match="out of data bounds"):
        run_row(session, [0])


def test_a_failed_row_leaves_the_session_as_it_was() -> None:
    """The next answer is right, and its error is the runtime's."""
    session = CApiSession(*models.failing_model())
    with pytest.raises(ModelFailed, match="guard_look_up"):
        run_row(session, [2_000, 0])
    assert run_row(session, [0, 0])[1] == (0.5, 0.5)


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"x": Tensor(Datatype.FP32, (1, 3), bytes(8))}, "takes 12"),
        ({"x": Tensor(Datatype.FP32, (1, 3), bytes(16))}, "takes 12"),
        ({"x": Tensor(Datatype.FP32, (1, 3), ["1", "2", "3"])}, "holds no buffer"),
        ({"x": Tensor(Datatype.INT32, (1, 3), bytes(12))}, "takes FP32"),
        ({"x": Tensor(Datatype.FP32, (3, 1), bytes(8))}, "takes 12"),
        ({}, r"takes the inputs \['x'\], not \[\]"),
        ({"x": ONES, "y": ONES}, r"takes the inputs \['x'\], not \['x', 'y'\]"),
    ],
)
def test_tensors_that_are_no_row_fail(inputs: Any, says: str) -> None:  # noqa: ANN401 - hostile on purpose
    """Before the first row as after it, and the session serves on."""
    session = session_of(Datatype.FP32)
    for _ in range(2):
        with pytest.raises(ModelFailed, match=says):
            session.run_tensors(inputs)
        assert run_row(session, [1, 2, 3]) == [(1, 2, 3)]


def test_only_the_outputs_asked_for_come_back() -> None:
    """In the order asked."""
    session = CApiSession(*models.logistic_model())
    row = {"features": Tensor.of(Datatype.FP32, (1, 2), [0.5, -1.5])}
    for _ in range(2):
        assert list(session.run_tensors(row, ("probabilities",))) == ["probabilities"]
        assert list(session.run_tensors(row, ("probabilities", "label"))) == ["probabilities", "label"]


def test_threads_do_not_share_a_row() -> None:
    """Each is given tensors that no other uses; at most as many are made as are inside together."""
    session = CApiSession(*models.logistic_model())
    wrong: list[float] = []

    def ask(worker: int) -> None:
        for turn in range(2_000):
            found = float(run_row(session, [worker, turn / 1_000])[1][1])
            if abs(found - 1 / (1 + np.exp(-(worker + turn / 1_000)))) > 1e-6:
                wrong.append(found)

    threads = [threading.Thread(target=ask, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert 1 <= len(session._rows) <= 4


@pytest.mark.parametrize("build", [graphs.zipped, graphs.sequence_of_tensors])
def test_an_output_that_is_no_tensor_is_refused(build: Callable[[], Built]) -> None:
    """When the model is loaded, with the remedy."""
    with pytest.raises(ModelRefused, match=r"the output '\w+' is a sequence: .*zipmap=False"):
        CApiSession(*build())


@pytest.mark.parametrize("onnx_type", [16, 14])
def test_a_datatype_that_the_protocol_lacks_is_refused(onnx_type: int) -> None:
    """Bfloat16, complex numbers."""
    signature = graphs.identity(Datatype.FP32)[1]
    with pytest.raises(ModelRefused, match=f"ONNX type {onnx_type}|cannot load"):
        CApiSession(graphs.identity_of_onnx_type(onnx_type), signature)


def test_a_name_with_a_nul_is_refused() -> None:
    """C would end it there, and answer for another name."""
    model, signature = graphs.identity(Datatype.FP32)
    other = Signature(signature.inputs, (OutputTensor("y\0z", Datatype.FP32, (-1, 3)),), signature.score)
    with pytest.raises(ModelRefused, match="holds a NUL"):
        CApiSession(model, other)


def test_options_reach_the_runtime() -> None:
    """Answers do not depend on them; what the runtime does not know it refuses."""
    built = models.boosted_model()
    wanted = run_row(CApiSession(*built), [1.0, -1.0])
    for session in (
        CApiSession(*built, threads=2),
        CApiSession(*built, optimisation=Optimisation.NONE),
        CApiSession(*built, config={"session.disable_prepacking": "1"}),
        CApiSession(*built, config={"session.use_ort_model_bytes_directly": "1"}),
    ):
        assert run_row(session, [1.0, -1.0]) == wanted
    with pytest.raises(ModelRefused, match="Config key is empty"):
        CApiSession(*built, config={"": "1"})


def test_a_session_ends_with_its_last_reference() -> None:
    """Without waiting for the garbage collector."""
    session = CApiSession(*models.logistic_model())
    run_row(session, [1, 2])
    gone = weakref.ref(session)
    gc.disable()
    try:
        del session
        assert gone() is None
    finally:
        gc.enable()
