"""MLflow's scoring protocol: every payload, and one rule for each kind of value."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.adapters.mlflow.payload import decode_payload
from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature
from serinus.errors import RequestRefused
from serinus.use_cases.infer import InferenceRequest
from tests.builders import features_of

WIDE = Signature(
    (InputTensor("X", Datatype.FP32, ("a", "b")),),
    (OutputTensor("label", Datatype.INT64, (-1,)), OutputTensor("p", Datatype.FP32, (-1, 2))),
    Score("p", 1),
)
NAMED = Signature(
    (InputTensor("amount", Datatype.FP32, ("amount",)), InputTensor("country", Datatype.BYTES, ("country",))),
    WIDE.outputs,
    WIDE.score,
)


def asked(payload: object, signature: Signature = WIDE, *, id_column: str | None = None) -> InferenceRequest:
    """Decode a payload: text as CSV, anything else as JSON."""
    csv = isinstance(payload, str)
    body = payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
    return decode_payload(body, signature, is_csv=csv, id_column=id_column)


def refusal(payload: object, signature: Signature = WIDE) -> str:
    """Return why a payload is refused."""
    with pytest.raises(RequestRefused) as refused:
        asked(payload, signature)
    assert refused.value.status in {400, 413}
    return str(refused.value)


@pytest.mark.parametrize(
    "payload",
    [
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}},
        {"dataframe_split": {"columns": ["b", "a"], "index": [0, 1], "data": [[2, 1], [4, 3]]}},
        {"dataframe_split": {"data": [[1, 2], [3, 4]]}},
        {"dataframe_records": [{"a": 1, "b": 2}, {"b": 4, "a": 3}]},
        {"instances": [[1, 2], [3, 4]]},
        {"instances": [{"b": 2, "a": 1}, {"a": 3, "b": 4}]},
        {"inputs": {"b": [2, 4], "a": [1, 3]}},
        {"inputs": {"b": [[2], [4]], "a": [[1], [3]]}},
        {"inputs": {"X": [[1, 2], [3, 4]]}},
        {"inputs": [[1, 2], [3, 4]]},
        "b,a\n2,1\n4,3\n",
        "\ufeffb,a\r\n2,1\r\n\r\n4,3",
    ],
)
def test_every_payload_gives_the_same_tensor(payload: object) -> None:
    """Columns come in any order, and go in the model's."""
    found = asked(payload)
    assert found.rows == 2
    assert found.tensors["X"].shape == (2, 2)
    assert found.tensors["X"].values() == [1, 2, 3, 4]
    assert features_of(found) == {"a": [1, 3], "b": [2, 4]}
    assert found.outputs == ("label",)


def test_a_model_with_an_input_for_each_column_is_asked_alike() -> None:
    """Numbers and texts go to the inputs of their names."""
    found = asked({"dataframe_records": [{"country": "ch", "amount": 1}, {"amount": 2.5}]}, NAMED)
    assert found.tensors["amount"].values() == [1, 2.5]
    assert found.tensors["country"].values() == ["ch", ""]
    assert features_of(found) == {"amount": [1, 2.5], "country": ["ch", None]}


def test_one_column_takes_bare_values() -> None:
    """As TensorFlow Serving's clients send them."""
    signature = Signature((InputTensor("x", Datatype.INT64, ("x",)),), WIDE.outputs, WIDE.score)
    assert asked({"instances": [1, 2]}, signature).tensors["x"].values() == [1, 2]
    assert asked({"inputs": [1, 2]}, signature).tensors["x"].values() == [1, 2]


def test_the_caller_may_choose_the_outputs() -> None:
    """By MLflow's `params`."""
    rows = {"instances": [[1, 2]]}
    assert asked(rows | {"params": {"outputs": ["p", "label"]}}).outputs == ("p", "label")
    assert asked(rows | {"params": {}}).outputs == ("label",)


def test_the_column_that_labels_join_on_may_come_besides() -> None:
    """MLflow's payloads carry no id; it does not reach the model."""
    found = asked({"dataframe_records": [{"a": 1, "b": 2, "order": "o-1"}]}, id_column="order")
    assert found.extras == {"order": ["o-1"]}
    assert found.tensors["X"].values() == [1, 2]
    assert "order" not in features_of(found)


@pytest.mark.parametrize("order", [["o-1"], {"o": 1}, True, "\ud800"])
def test_an_id_that_labels_could_not_join_on_is_refused(order: object) -> None:
    """No record could carry it: the request would go uncounted."""
    with pytest.raises(RequestRefused):
        asked({"dataframe_records": [{"a": 1, "b": 2, "order": order}]}, id_column="order")


def one(datatype: Datatype, value: object) -> object:
    """Return what a value of a column becomes."""
    signature = Signature((InputTensor("x", datatype, ("c",)),), WIDE.outputs, WIDE.score)
    found = features_of(asked({"dataframe_records": [{"c": value}]}, signature))["c"]
    return found[0]


@pytest.mark.parametrize(
    ("datatype", "value", "becomes"),
    [
        (Datatype.FP32, 1, 1),
        (Datatype.FP32, None, None),
        (Datatype.FP32, "", None),
        (Datatype.FP32, " 1.5e3 ", 1500.0),
        (Datatype.FP64, "-.5", -0.5),
        (Datatype.INT64, 3.0, 3),
        (Datatype.INT64, "7", 7),
        (Datatype.INT64, "9007199254740993", 9007199254740993),
        (Datatype.INT64, "7.0", 7),
        (Datatype.BOOL, True, True),
        (Datatype.BOOL, "False", False),
        (Datatype.BYTES, "ch", "ch"),
        (Datatype.BYTES, None, None),
        (Datatype.BYTES, 7, "7"),
        (Datatype.BYTES, 7.0, "7"),
        (Datatype.BYTES, 0.5, "0.5"),
        (Datatype.BYTES, "never seen", "never seen"),
    ],
)
def test_a_value_follows_the_rule_of_its_kind(datatype: Datatype, value: object, becomes: object) -> None:
    """As `docs/reference/inference.md` has it."""
    found = one(datatype, value)
    assert found == becomes
    assert type(found) is type(becomes)


@pytest.mark.parametrize(
    ("datatype", "value", "says"),
    [
        (Datatype.FP32, "high", "a text that is not one: send a number"),
        (Datatype.FP32, "nan", "a text that is not one"),
        (Datatype.FP32, "1_000", "a text that is not one"),
        (Datatype.FP32, "١", "a text that is not one"),
        (Datatype.FP32, "1" * 5_000, "a text that is not one"),
        (Datatype.FP32, True, "true or false: send a number"),
        (Datatype.FP32, [1], "a list or an object: send a number"),
        (Datatype.FP32, {}, "a list or an object"),
        (Datatype.INT64, 1.5, "a number that is not one: send a whole number"),
        (Datatype.INT64, None, "nothing, and this column has no missing value: send a whole number"),
        (Datatype.INT64, "", "an empty text"),
        (Datatype.INT64, True, "true or false"),
        (Datatype.BOOL, 1, "a number: send true or false"),
        (Datatype.BOOL, None, "nothing, and this column has no missing value"),
        (Datatype.BYTES, True, "true or false: send a text"),
    ],
)
def test_a_value_that_no_rule_covers_is_named(datatype: Datatype, value: object, says: str) -> None:
    """By its row and column; it is repeated nowhere."""
    with pytest.raises(RequestRefused) as refused:
        one(datatype, value)
    assert str(refused.value).startswith("row 0, column 'c' holds ")
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        (Datatype.INT8, 128),
        (Datatype.UINT64, -1),
        (Datatype.FP32, 1e39),
        (Datatype.FP32, "1e999"),
        (Datatype.FP16, 1e5),
    ],
)
def test_a_value_beyond_the_range_is_named(datatype: Datatype, value: object) -> None:
    """It is neither wrapped nor made infinite."""
    with pytest.raises(RequestRefused, match="row 0, column 'c' holds a number beyond the range"):
        one(datatype, value)


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({}, "must hold one of dataframe_split, dataframe_records, instances, inputs, and has none"),
        ({"instances": [[1, 2]], "inputs": [[1, 2]]}, "and has instances, inputs"),
        ({"dataframe_split": []}, "dataframe_split is no object"),
        ({"dataframe_split": {"columns": "ab", "data": [[1, 2]]}}, "dataframe_split.columns is no list of names"),
        ({"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}, "has 'a' twice"),
        ({"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3]]}}, "row 1 of dataframe_split.data is no"),
        ({"dataframe_split": {"columns": ["a", "b"], "data": []}}, "send at least one"),
        ({"dataframe_split": {"columns": ["a", "c"], "data": [[1, 2]]}}, "the column 'c' is not one that the model"),
        ({"dataframe_split": {"columns": [], "data": [[]]}}, "no column that the model takes: send 'a', 'b'"),
        ({"dataframe_records": {}}, "dataframe_records is no list of rows"),
        ({"dataframe_records": [{"a": 1}, [1]]}, "row 1 of dataframe_records is no object"),
        ({"dataframe_records": [{}]}, "no column that the model takes"),
        ({"dataframe_records": [{"a": 1}, {"a": 2, "b": "x"}]}, "row 1, column 'b' holds a text"),
        ({"dataframe_records": [{str(at): 1} for at in range(3_000)]}, "is not one that the model takes"),
        ({"dataframe_records": [{"a": 1}] + [{}] * 1_600_000}, "rows of 2 columns: send fewer at a time"),
        ({"instances": [[1, 2], {"a": 1}]}, "row 1 of instances is no list of 2 values"),
        ({"instances": 7}, "instances is no list of rows"),
        ({"instances": [1, 2]}, "row 0 of instances is no list of 2 values"),
        ({"inputs": {"a": [1], "b": [1, 2]}}, "differ in length"),
        ({"inputs": {}}, "or there are none"),
        ({"inputs": {"X": [[1]]}}, "row 0 of inputs.X is no list of 2 values"),
        ({"inputs": {"a": 1}}, "inputs.a is no list of rows"),
        ({"instances": [[1, 2]], "params": []}, "params is no object"),
        ({"instances": [[1, 2]], "params": {"outputs": ["x"]}}, "ask for 'label', 'p', once each"),
        ({"instances": [[1, 2]], "params": {"outputs": ["p", "p"]}}, "once each"),
        ({"instances": [[1, 2]], "params": {"outputs": [{}]}}, "once each"),
        ("a,b\n", "the body has no rows"),
        ("", "the body has no rows"),
        ("a,b\n1\n", "row 0 has 1 values, but there are 2 columns"),
        ("a,a\n1,2\n", "names a column twice"),
        ('a,b\n"1,2\n', "the body is no CSV"),
        ("a,b\n1," + "9" * 140_000, "the body is no CSV"),
    ],
)
def test_a_payload_that_does_not_fit_is_refused(payload: object, says: str) -> None:
    """With one sentence: what, where, and what to do."""
    message = refusal(payload)
    assert says in message
    assert len(message) < 600


def test_csv_is_utf8() -> None:
    """As JSON is."""
    with pytest.raises(RequestRefused, match=r"not UTF-8 \(byte 4\)"):
        decode_payload(b"a,b\n\xff,1\n", WIDE, is_csv=True)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcX"), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(["dataframe_split", "dataframe_records", "instances", "inputs"]), JSON)
def test_no_json_crashes_it(kind: str, document: Any) -> None:  # noqa: ANN401 - any JSON
    """Whatever it says."""
    for signature in (WIDE, NAMED):
        with suppress(RequestRefused):
            asked({kind: document}, signature)


@given(st.text(max_size=60))
def test_no_csv_crashes_it(text: str) -> None:
    """Whatever it holds."""
    with suppress(RequestRefused):
        asked(text.encode("utf-8", errors="replace").decode())
