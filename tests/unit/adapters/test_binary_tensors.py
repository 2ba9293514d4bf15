"""The binary tensor data extension: values packed behind the JSON."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.adapters.onnx.datatypes import NUMPY
from serinus.adapters.open_inference.answer import encode, fitting
from serinus.adapters.open_inference.binary import pack_texts
from serinus.adapters.open_inference.event import Reply
from serinus.adapters.open_inference.released import ReleasedModel
from serinus.adapters.open_inference.request import decode
from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature
from serinus.domain.tensor import Tensor
from serinus.errors import RequestRefused
from serinus.use_cases.infer import InferenceRequest, Prediction
from tests.builders import features_of

NUMBERS = [datatype for datatype in Datatype if datatype is not Datatype.BYTES]


def signature_of(*datatypes: Datatype, columns: tuple[str, ...] = ("c",)) -> Signature:
    """Return a signature with an input of each datatype, `x0`, `x1` and so on."""
    inputs = tuple(
        InputTensor(f"x{at}", datatype, columns if len(datatypes) == 1 else (f"c{at}",))
        for at, datatype in enumerate(datatypes)
    )
    return Signature(inputs, (OutputTensor("p", Datatype.FP32, (-1, 2)),), Score("p"))


def an_input(name: str, datatype: Datatype, shape: list[int], size: object, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a JSON document
    """Return an input whose data come packed."""
    return {
        "name": name,
        "datatype": datatype.value,
        "shape": shape,
        "parameters": {"binary_data_size": size},
    } | changes


def decoded(
    signature: Signature,
    inputs: list[dict[str, Any]],
    packed: bytes,
    **rest: Any,  # noqa: ANN401 - a JSON document
) -> tuple[InferenceRequest, frozenset[str]]:
    """Decode a request; return the outputs that it wants packed, too."""
    head = json.dumps({"inputs": inputs} | rest).encode()
    return decode(head + packed, signature, str(len(head)))


def asked(signature: Signature, inputs: list[dict[str, Any]], packed: bytes) -> InferenceRequest:
    """Decode a request."""
    return decoded(signature, inputs, packed)[0]


@pytest.mark.parametrize("datatype", NUMBERS)
def test_every_datatype_arrives_as_it_was_packed(datatype: Datatype) -> None:
    """Bit for bit."""
    rows = np.array([0, 1, 1, 0], dtype=NUMPY[datatype])
    entry = an_input("x0", datatype, [4, 1], rows.nbytes)
    tensor = asked(signature_of(datatype), [entry], rows.tobytes()).tensors["x0"]
    assert (tensor.datatype, tensor.shape) == (datatype, (4, 1))
    assert tensor.data == rows.tobytes()


def test_texts_arrive_as_they_were_packed() -> None:
    """Empty ones and those beyond ASCII too."""
    texts = ["ch", "", "Zürich\n"]
    packed = pack_texts(texts)
    entry = an_input("x0", Datatype.BYTES, [3, 1], len(packed))
    found = asked(signature_of(Datatype.BYTES), [entry], packed)
    assert found.tensors["x0"].values() == texts
    assert features_of(found) == {"c": texts}


def test_inputs_are_packed_in_the_requests_order() -> None:
    """Which need not be the graph's; and some may stand in the JSON."""
    signature = signature_of(Datatype.FP32, Datatype.INT64, Datatype.FP64)
    entries = [
        an_input("x2", Datatype.FP64, [1, 1], 8),
        {"name": "x1", "datatype": "INT64", "shape": [1, 1], "data": [7]},
        an_input("x0", Datatype.FP32, [1, 1], 4),
    ]
    found = asked(signature, entries, struct.pack("<df", 2.5, 0.1))
    assert [found.tensors[name].values() for name in ("x0", "x1", "x2")] == [[np.float32(0.1)], [7], [2.5]]
    assert list(features_of(found)) == ["c0", "c1", "c2"]


def test_a_packed_nan_is_a_missing_value() -> None:
    """There is no null among packed numbers; the record has one again."""
    entry = an_input("x0", Datatype.FP32, [2, 1], 8)
    found = asked(signature_of(Datatype.FP32), [entry], struct.pack("<2f", float("nan"), 1))
    assert str(features_of(found)) == "{'c': [nan, 1.0]}"
    assert fitting(features_of(found)).body == '{"c":[null,1.0]}'


def test_packed_numbers_are_converted_for_an_input_of_fractions() -> None:
    """As numbers in JSON are."""
    entry = an_input("x0", Datatype.INT16, [2, 1], 4)
    found = asked(signature_of(Datatype.FP32), [entry], struct.pack("<2h", -3, 4))
    assert found.tensors["x0"].datatype is Datatype.FP32
    assert found.tensors["x0"].values() == [-3.0, 4.0]


ONE = an_input("x0", Datatype.FP32, [1, 1], 4)


@pytest.mark.parametrize(
    ("inputs", "packed", "says"),
    [
        ([ONE | {"parameters": {"binary_data_size": 8}}], b"1234", "binary_data_size of input 'x0' does not fit: 4"),
        ([ONE | {"parameters": {"binary_data_size": -1}}], b"1234", "does not fit"),
        ([ONE | {"parameters": {"binary_data_size": True}}], b"1234", "does not fit"),
        ([ONE | {"parameters": {"binary_data_size": 10**30}}], b"1234", "does not fit"),
        ([ONE], b"12345", "1 bytes behind the JSON belong to no input"),
        ([ONE | {"shape": [2, 1]}], b"1234", "has 1 values, but its shape [2, 1] needs 2"),
        ([ONE | {"shape": [10**9, 1]}], b"1234", "send [rows, 1]"),
        ([ONE | {"parameters": {"binary_data_size": 3}}], b"123", "3 bytes, which no number of FP32 fills"),
        ([ONE], struct.pack("<f", float("inf")), "row 0, column 'c' holds a number beyond the range of FP32"),
        ([ONE | {"datatype": "FP64"} | {"parameters": {"binary_data_size": 8}}], struct.pack("<d", 1e300), "beyond"),
        ([ONE | {"datatype": "BYTES"}], b"1234", "is 'BYTES': send FP32"),
        ([ONE | {"parameters": {"shared_memory_region": "r"}}], b"", "'shared_memory_region' of input 'x0' is not"),
        ([ONE | {"parameters": [1]}], b"1234", "the parameters of input 'x0' are no object"),
        ([ONE | {"parameters": {"a": [1]}}], b"1234", "the parameters of input 'x0' are no object"),
    ],
)
def test_packed_values_that_do_not_fit_are_refused(inputs: list[dict[str, Any]], packed: bytes, says: str) -> None:
    """With one sentence."""
    with pytest.raises(RequestRefused) as refused:
        asked(signature_of(Datatype.FP32), inputs, packed)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("packed", "says"),
    [
        (b"\x02\x00\x00\x00\xff\xfe", "text 0 of input 'x0' is not UTF-8"),
        (b"\xff\xff\xff\xffch", "text 0 of input 'x0' is cut off"),
        (b"\x01\x00", "text 0 of input 'x0' is cut off"),
        (pack_texts(["a", "b"]), "has 2 values, but its shape needs 1"),
        (b"", "has 0 values, but its shape needs 1"),
    ],
)
def test_packed_texts_that_do_not_fit_are_refused(packed: bytes, says: str) -> None:
    """Whatever their lengths claim."""
    entry = an_input("x0", Datatype.BYTES, [1, 1], len(packed))
    with pytest.raises(RequestRefused) as refused:
        asked(signature_of(Datatype.BYTES), [entry], packed)
    assert says in str(refused.value)


def test_truth_values_are_zero_or_one() -> None:
    """Another byte is no BOOL."""
    with pytest.raises(RequestRefused, match="bytes other than 0 and 1"):
        asked(signature_of(Datatype.BOOL), [an_input("x0", Datatype.BOOL, [1, 1], 1)], b"\x02")


@pytest.mark.parametrize("length", ["", "-1", "0", "1e3", "²", "999", "9" * 5_000])
def test_a_header_that_does_not_fit_is_refused(length: str) -> None:
    """Before the body is read."""
    with pytest.raises(RequestRefused, match="Inference-Header-Content-Length is"):
        decode(b'{"inputs": []}', signature_of(Datatype.FP32), length)


@given(st.binary(max_size=60), st.integers(0, 70), st.integers(-1, 70))
def test_no_packed_bytes_crash_it(packed: bytes, size: int, rows: int) -> None:
    """Whatever they hold, of whatever datatype."""
    for datatype in (Datatype.BYTES, Datatype.FP16, Datatype.BOOL, Datatype.INT64):
        with suppress(RequestRefused):
            asked(signature_of(datatype), [an_input("x0", datatype, [rows, 1], size)], packed)


def answered(packed: frozenset[str], **outputs: Tensor) -> Reply:
    """Encode outputs."""

    class Nobody:
        """Never asked."""

        def run_tensors(self, inputs: Any, outputs: Any) -> Any:  # noqa: ANN401 - never asked
            """Fail."""
            raise NotImplementedError

    released = ReleasedModel("fraud", 3, "digest", signature_of(Datatype.FP32), Nobody())
    return encode(released, Prediction(outputs, [0.5]), "q", packed)


def test_outputs_are_packed_where_they_are_wanted_so() -> None:
    """The header says where they begin, and each says its size; the others stay in the JSON."""
    texts = Tensor(Datatype.BYTES, (2,), ["a", "bc"])
    numbers = Tensor.of(Datatype.FP32, (1, 2), [0.25, 0.75])
    reply = answered(frozenset({"t", "n"}), t=texts, j=numbers, n=numbers)
    assert isinstance(reply.body, bytes)
    length = int(reply.headers["inference-header-content-length"])
    t, j, n = json.loads(reply.body[:length])["outputs"]
    assert t == {"name": "t", "datatype": "BYTES", "shape": [2], "parameters": {"binary_data_size": 11}}
    assert j["data"] == [0.25, 0.75]
    assert n["parameters"] == {"binary_data_size": 8}
    assert reply.body[length:] == pack_texts(["a", "bc"]) + struct.pack("<2f", 0.25, 0.75)
    assert reply.as_event()["isBase64Encoded"] is True
    assert reply.as_event()["headers"]["content-type"] == "application/octet-stream"


def test_a_packed_answer_too_large_for_lambda_is_refused() -> None:
    """Base64 takes a third more, so that the limit is nearer."""
    large = Tensor(Datatype.UINT8, (4_600_000,), bytes(4_600_000))
    with pytest.raises(RequestRefused, match="ask about fewer rows"):
        answered(frozenset({"n"}), n=large)


@pytest.mark.parametrize(
    ("rest", "packed"),
    [
        ({"parameters": {"binary_data_output": True}}, {"p"}),
        ({"parameters": {"binary_data_output": True}, "outputs": [{"name": "p"}]}, {"p"}),
        ({"outputs": [{"name": "p", "parameters": {"binary_data": True}}]}, {"p"}),
        (
            {
                "parameters": {"binary_data_output": True},
                "outputs": [{"name": "p", "parameters": {"binary_data": False}}],
            },
            set(),
        ),
        ({}, set()),
    ],
)
def test_the_caller_says_what_is_packed(rest: dict[str, Any], packed: set[str]) -> None:
    """For all outputs at once, or for each."""
    assert decoded(signature_of(Datatype.FP32), [ONE], b"1234", **rest)[1] == packed


def test_classification_is_not_silently_left_out() -> None:
    """An extension whose neglect gives another answer is refused."""
    outputs = [{"name": "p", "parameters": {"classification": 2}}]
    with pytest.raises(RequestRefused, match="'classification' of output 'p' is not served"):
        decoded(signature_of(Datatype.FP32), [ONE], b"1234", outputs=outputs)


@pytest.mark.parametrize("datatype", [Datatype.FP16, Datatype.FP32, Datatype.FP64])
def test_the_bytes_of_an_infinity_across_two_numbers_are_none(datatype: Datatype) -> None:
    """Infinities are looked for by their bytes, which neighbours may make up between them."""
    infinity = np.array([np.inf], dtype=NUMPY[datatype]).tobytes()
    half = len(infinity) // 2
    packed = b"\x01" * half + infinity + b"\x01" * half
    assert not np.isinf(np.frombuffer(packed, dtype=NUMPY[datatype])).any()
    entry = an_input("x0", datatype, [2, 1], len(packed))
    assert asked(signature_of(datatype), [entry], packed).rows == 2
    with pytest.raises(RequestRefused, match="row 1, column 'c' holds a number beyond"):
        asked(signature_of(datatype), [entry], packed[: 2 * half] + infinity)
