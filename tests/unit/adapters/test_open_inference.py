"""The Open Inference Protocol: what is accepted, what is refused with which status, and that nothing crashes it."""

from __future__ import annotations

import base64
import gzip
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.adapters.onnx.array_runner import ArrayRunner
from serinus.adapters.onnx.models import OnnxModels
from serinus.adapters.open_inference.answer import fitting
from serinus.adapters.open_inference.event import body_of
from serinus.adapters.open_inference.exchange import Exchange, exchange
from serinus.adapters.open_inference.log_line import line
from serinus.adapters.open_inference.log_rules import LogRules
from serinus.adapters.open_inference.record import Record
from serinus.adapters.open_inference.released import ReleasedModel
from serinus.adapters.open_inference.request import _id
from serinus.adapters.open_inference.tensor import decode_tensor
from serinus.adapters.schemas.log_batch import read_log_batch
from serinus.domain.layout import layout_from
from serinus.domain.profile import ProfilePart, of_parts
from serinus.domain.signature import Datatype, InputTensor
from serinus.domain.table import Table
from serinus.errors import RequestRefused
from tests import models
from tests.builders import features_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def released(built: models.Built | None = None) -> ReleasedModel:
    """Return a model as a release of the endpoint `fraud` serves it."""
    model, signature = built or models.logistic_model()
    return ReleasedModel("fraud", 3, "digest", signature, ArrayRunner(OnnxModels().load(model, signature)))


LOGISTIC, MIXED, FAILING = released(), released(models.mixed_model()), released(models.failing_model())


def an_event(body: Any, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - events are JSON
    """Return API Gateway's event for a body: text as it is, anything else as JSON."""
    text = body if isinstance(body, str) else json.dumps(body)
    return {
        "rawPath": "/v2/models/fraud/infer",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "POST"}},
        "body": text,
        "isBase64Encoded": False,
    } | changes


def asked(event: Any, model: ReleasedModel | None = LOGISTIC) -> Exchange:  # noqa: ANN401 - events are JSON
    """Return what becomes of an event."""
    return exchange(model, event, endpoint="fraud", request="lambda-1")


def inputs(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a JSON document
    """Return a request of one row, with changes to its tensor."""
    return {"inputs": [{"name": "features", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]} | changes]}


def refusal(event: Any, model: ReleasedModel | None = LOGISTIC) -> tuple[int, str]:  # noqa: ANN401 - events are JSON
    """Return the status and the one sentence of a refusal."""
    done = asked(event, model)
    document = json.loads(done.body)
    assert list(document) == ["error"]
    assert done.error == document["error"]
    assert done.prediction is None
    return done.status, document["error"]


def test_a_request_is_answered_as_the_protocol_says() -> None:
    """With the model's name and version, the caller's id, and every output flat with its shape."""
    done = asked(an_event({"id": "q", **inputs(shape=[2, 2], data=[0, 0, 1, 2])}))
    answer = json.loads(done.body)
    assert done.status == 200
    assert {name: answer[name] for name in ("model_name", "model_version", "id")} == {
        "model_name": "fraud",
        "model_version": "3",
        "id": "q",
    }
    label, probabilities = answer["outputs"]
    assert label == {"name": "label", "datatype": "INT64", "shape": [2], "data": [0, 1]}
    assert (probabilities["datatype"], probabilities["shape"]) == ("FP32", [2, 2])
    assert probabilities["data"] == pytest.approx([0.5, 0.5, 1 / (1 + math.e**3), 1 / (1 + math.e**-3)], rel=1e-6)


def test_only_the_outputs_asked_for_are_given() -> None:
    """And a request without an id goes by Lambda's."""
    answer = json.loads(asked(an_event(inputs() | {"outputs": [{"name": "label"}]})).body)
    assert [output["name"] for output in answer["outputs"]] == ["label"]
    assert answer["id"] == "lambda-1"


def test_nested_data_are_the_same_as_flat_ones() -> None:
    """One list for each row."""
    flat = asked(an_event(inputs(shape=[2, 2], data=[1, 2, 3, 4])))
    assert asked(an_event(inputs(shape=[2, 2], data=[[1, 2], [3, 4]]))).body == flat.body


def test_null_is_a_missing_number_in_and_out() -> None:
    """JSON has no NaN, and what cannot be said in JSON never makes the answer invalid."""
    done = asked(an_event(inputs(data=[None, 1])))
    assert done.asked is not None
    assert math.isnan(done.asked.tensors["features"].values()[0])
    answer = json.loads(done.body, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))
    assert answer["outputs"][1]["data"] == [None, None]
    assert fitting([math.inf, -math.inf, math.nan, 1.0]).body == "[null,null,null,1.0]"


def test_texts_and_numbers_are_answered_together() -> None:
    """A missing text is the empty one for the graph, and stays missing in the record."""
    done = asked(
        an_event(
            {
                "inputs": [
                    {"name": "country", "shape": [2, 1], "datatype": "BYTES", "data": ["ch", None]},
                    {"name": "amount", "shape": [2, 1], "datatype": "FP32", "data": [0, 0]},
                ]
            }
        ),
        MIXED,
    )
    assert done.status == 200
    assert done.asked is not None
    assert features_of(done.asked) == {"amount": [0, 0], "country": ["ch", None]}


@given(
    st.text(st.sampled_from("AZaz09+/=-_ \n%é"), max_size=12)
    | st.binary(max_size=9).map(lambda raw: base64.b64encode(raw).decode())
)
def test_base64_is_read_as_the_standard_library_reads_it(text: str) -> None:
    """Strictly: nothing is passed over, and nothing is taken that the standard library refuses."""
    event = an_event(text, isBase64Encoded=True)
    try:
        expected = base64.b64decode(text, validate=True)
    except ValueError:
        expected = b""
    if expected.strip():
        assert body_of(event) == expected
    else:
        with pytest.raises(RequestRefused, match=r"base64 that the event promises|the body is empty"):
            body_of(event)


def test_half_a_surrogate_pair_in_a_header_does_no_harm() -> None:
    """What is said of it can be logged and answered all the same."""
    headers = {"content-type": "application/json", "content-encoding": "g\ud800p"}
    event = an_event(inputs(), headers=headers)
    assert refusal(event) == (415, "the body is g?p-encoded: send it plain")
    assert recorded(event)["record"]["error"] == "the body is g?p-encoded: send it plain"


def test_a_score_that_is_no_number_is_null_and_counted_as_missing() -> None:
    """The request is answered: what a missing input means is the model's to say. Monitoring sees how often."""
    event = an_event(inputs(shape=[2, 2], data=[None, 1, 0, 0]))
    assert json.loads(asked(event).body)["outputs"][1]["data"] == [None, None, 0.5, 0.5]
    log = {
        "messageType": "DATA_MESSAGE",
        "owner": "1",
        "logGroup": "/aws/lambda/serinus-endpoint-fraud",
        "logStream": "2026/03/04/[3]abc",
        "subscriptionFilters": ["predictions"],
        "logEvents": [{"id": "1", "timestamp": 1, "message": json.dumps(recorded(event))}],
    }
    data = base64.b64encode(gzip.compress(json.dumps(log).encode())).decode()
    batch = read_log_batch({"awslogs": {"data": data}})
    assert batch is not None
    table = Table({"a": np.array([0.0, 1.0]), "b": np.array([0.0, 1.0])})
    layout = layout_from(LOGISTIC.signature, table, np.array([0.0, 1.0]))
    (counts,) = (prediction.counted(layout) for prediction in batch.predictions)
    profile = of_parts(layout, [ProfilePart(layout.digest, "s", (counts,))])
    assert (profile.rows, profile.scores[0]) == (2, 1)


def test_base64_bodies_are_decoded() -> None:
    """API Gateway encodes what it takes for binary."""
    body = base64.b64encode(json.dumps(inputs()).encode()).decode()
    assert asked(an_event(body, isBase64Encoded=True)).status == 200


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "text/plain", "application/x-www-form-urlencoded", ""]
)
def test_json_is_read_whatever_it_is_called(kind: str) -> None:
    """Even curl calls it a form unless it is told."""
    assert asked(an_event(inputs(), headers={"content-type": kind})).status == 200
    assert asked(an_event(inputs(), headers=None)).status == 200


@pytest.mark.parametrize(
    ("event", "status", "says"),
    [
        (an_event(inputs(), rawPath="/v2/models/other/infer"), 404, "POST to /v2/models/fraud/infer"),
        (
            an_event(inputs(), rawPath="/v2/models/fraud/ready"),
            405,
            "POST is not answered here: GET /v2/models/fraud",
        ),
        (
            an_event(inputs(), rawPath="/v2/models/fraud/explain"),
            404,
            "'/v2/models/fraud/explain' is not served here",
        ),
        (an_event(inputs(), requestContext={"http": {"method": "GET"}}), 405, "GET is not answered here"),
        (an_event(" " * 6_000_001), 413, "above the limit of 6,000,000"),
        (an_event("<x/>", headers={"content-type": "application/xml"}), 415, "send application/json"),
        (
            an_event("<x/>", headers={"content-type": "application/xml"}, rawPath="/invocations"),
            415,
            "send application/json or text/csv",
        ),
        (an_event(inputs(), headers={"content-encoding": "gzip"}), 415, "gzip-encoded: send it plain"),
        (an_event("%%%", isBase64Encoded=True), 400, "not the base64 that the event promises"),
        (an_event(base64.b64encode(b"\xff\xfe").decode(), isBase64Encoded=True), 400, "not UTF-8 (byte 0)"),
        (an_event(""), 400, "the body is empty"),
        ({"rawPath": "/v2/models/fraud/infer"}, 400, "the body is empty"),
        (an_event('{"inputs": [}'), 400, "no JSON (Expecting value at line 1, column 13)"),
        (an_event("[" * 1_000_000), 400, "nests too deeply"),
        (an_event('{"a": ' * 1_000_000), 400, "nests too deeply"),
        (an_event("[" * 1_000_000, rawPath="/models/fraud/invocations"), 400, "nests too deeply"),
        (an_event('{"instances": [[NaN, 1]]}', rawPath="/models/fraud/invocations"), 400, "holds NaN"),
        (an_event("x", rawPath="/models/fraud/invocations"), 400, "no JSON"),
        (an_event({}, rawPath="/v2/models/fraud/infer/"), 400, "no list of inputs"),
        (an_event("x" * 8_000_008, isBase64Encoded=True), 413, "above the limit of 6,000,000"),
        (an_event("H4sI" * 100, isBase64Encoded=True), 400, "not UTF-8"),
        (an_event(inputs(shape=[10**9, 2])), 400, "send [rows, 2]"),
        (an_event(inputs(shape=[10**9, 10**9])), 400, "send [rows, 2]"),
        (an_event(inputs() | {"parameters": {"a": None}}), 400, "the parameters of the request are no object"),
        (an_event('{"inputs": ' + "[" * 5_000 + "]" * 5_000 + "}"), 400, "nests too deeply"),
        (an_event('{"a": ' + "9" * 5_000 + "}"), 400, "thousands of digits"),
        (an_event("[1]"), 400, "is no JSON object"),
        (an_event("{}"), 400, "no list of inputs: send 'features'"),
        (an_event({"inputs": [1]}), 400, "inputs[0] is no object with a name"),
        (an_event({"inputs": []}), 400, "the input 'features' is missing"),
        (an_event(inputs(name="other")), 400, "inputs[0] is 'other', which the model does not take"),
        (an_event({"inputs": inputs()["inputs"] * 2}), 400, "inputs[1] is 'features' a second time"),
        (an_event(inputs(datatype="INT")), 400, "is 'INT': send FP32"),
        (an_event(inputs(datatype=["FP32"])), 400, "is not named: send FP32"),
        (an_event(inputs(datatype="BYTES")), 400, "is 'BYTES': send FP32"),
        (an_event(inputs(shape=[2])), 400, "send [rows, 2] with at least one row; the columns are a, b"),
        (an_event(inputs(shape=[1, 3], data=[1, 2, 3])), 400, "send [rows, 2]"),
        (an_event(inputs(shape=[0, 2], data=[])), 400, "send [rows, 2]"),
        (an_event(inputs(shape=[-1, 2])), 400, "send [rows, 2]"),
        (an_event(inputs(shape=[True, 2])), 400, "send [rows, 2]"),
        (an_event(inputs(shape=[1.0, 2])), 400, "send [rows, 2]"),
        (an_event(inputs(shape=[10**4_000, 2])), 400, "send [rows, 2]"),
        (an_event(inputs(shape=[9_000_000, 2])), 400, "has 2 values, but its shape [9000000, 2] needs 18000000"),
        (an_event(inputs(data=[1])), 400, "has 1 values, but its shape [1, 2] needs 2"),
        (an_event(inputs(data=[[1]])), 400, "data[0] of input 'features' is not a list of 2 values"),
        (an_event(inputs(data=[[1, 2], 3])), 400, "data[1] of input 'features' is not a list"),
        (an_event(inputs(data=[[1, [2]]])), 400, "row 0, column 'b' holds a list"),
        (an_event(inputs(data="12")), 400, "no list of data"),
        (an_event(inputs(data=[1, "2"])), 400, "row 0, column 'b' holds texts: FP32 takes null or numbers"),
        (an_event(inputs(data=[1, True])), 400, "column 'b' holds true or false"),
        (an_event(inputs(data=[1, {}])), 400, "column 'b' holds objects"),
        (
            an_event('{"inputs":[{"name":"features","shape":[1,2],"datatype":"FP32","data":[NaN,1]}]}'),
            400,
            "holds NaN",
        ),
        (
            an_event('{"inputs":[{"name":"features","shape":[1,2],"datatype":"FP32","data":[1e999,1]}]}'),
            400,
            "beyond the",
        ),
        (an_event(inputs(data=[1e39, 1])), 400, "beyond the range of FP32"),
        (an_event(inputs(data=[10**400, 1])), 400, "beyond the range of FP32"),
        (an_event(inputs() | {"outputs": [{"name": "none"}]}), 400, "ask for 'label', 'probabilities', once each"),
        (an_event(inputs() | {"outputs": [{"name": "label"}] * 2}), 400, "outputs[1] is not the name of another"),
        (an_event(inputs() | {"outputs": []}), 400, "outputs is no list"),
        (an_event(inputs() | {"id": 7}), 400, "id is no text"),
        (an_event(inputs() | {"id": "x" * 257}), 400, "id is no text"),
    ],
)
def test_a_request_that_cannot_be_answered_is_refused(event: dict[str, Any], status: int, says: str) -> None:
    """Each with its status and one sentence: what, where, and what to do."""
    found, message = refusal(event)
    assert (found, says in message) == (status, True), message
    assert len(message) < 600


def test_of_two_keys_of_one_name_the_last_counts() -> None:
    """Of the request and of an input, as readers of JSON commonly have it; what it says is checked as ever."""
    good, bad = (json.dumps(inputs(data=data)["inputs"][0]) for data in ([1, 2], ["x", 2]))

    def twice(one: str, other: str) -> str:
        return f'{{"id": "one", "inputs": [{one}], "inputs": [{other}], "id": "two"}}'

    answer = asked(an_event(twice(bad, good)))
    assert (answer.status, json.loads(answer.body)["id"]) == (200, "two")
    assert refusal(an_event(twice(good, bad)))[0] == 400
    shaped = good.replace('"shape": [1, 2]', '"shape": [1, 2], "shape": [-1, 2]')
    assert "send [rows, 2]" in refusal(an_event(f'{{"inputs": [{shaped}]}}'))[1]


def test_inputs_of_different_lengths_are_refused() -> None:
    """A row is one value of each column."""
    body = {
        "inputs": [
            {"name": "amount", "shape": [1, 1], "datatype": "FP32", "data": [1]},
            {"name": "country", "shape": [2, 1], "datatype": "BYTES", "data": ["ch", "de"]},
        ]
    }
    assert "'country' has 2 rows, but those before it have 1" in refusal(an_event(body), MIXED)[1]


def test_half_a_surrogate_pair_is_refused() -> None:
    """JSON can spell one; UTF-8, which ONNX Runtime takes, cannot."""
    body = (
        '{"inputs":[{"name":"amount","shape":[1,1],"datatype":"FP32","data":[1]},'
        '{"name":"country","shape":[1,1],"datatype":"BYTES","data":["\\ud800"]}]}'
    )
    assert "half a surrogate pair" in refusal(an_event(body), MIXED)[1]


def test_an_answer_too_large_for_lambda_is_refused() -> None:
    """Before Lambda would fail on it; its caller can ask for fewer rows."""
    rows = 200_000
    status, message = refusal(an_event(inputs(shape=[rows, 2], data=[0.1] * (2 * rows))))
    assert status == 413
    assert "ask about fewer rows" in message


def decoded(datatype: Datatype, data: list[Any], named: str | None = None) -> list[Any]:
    """Return what a tensor of one column becomes."""
    entry = {"datatype": named or datatype.value, "shape": [len(data), 1], "data": data}
    tensor, _ = decode_tensor(entry, InputTensor("x", datatype, ("c",)))
    values: list[Any] = tensor.values()
    return values


@pytest.mark.parametrize("named", ["FP16", "FP32", "FP64", "INT8", "INT64", "UINT8", "UINT64"])
def test_an_input_of_fractions_takes_any_number(named: str) -> None:
    """JSON writes all numbers alike, so that the datatype named tells nothing that matters."""
    assert decoded(Datatype.FP32, [1, 2.5], named) == [1.0, 2.5]


def test_whole_numbers_keep_every_digit() -> None:
    """They do not pass through a float."""
    assert decoded(Datatype.INT64, [2**63 - 1, -(2**63)]) == [2**63 - 1, -(2**63)]
    assert decoded(Datatype.UINT64, [2**64 - 1]) == [2**64 - 1]
    assert decoded(Datatype.BOOL, [True, False]) == [True, False]


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        (Datatype.INT64, 1.0),
        (Datatype.INT64, None),
        (Datatype.INT64, True),
        (Datatype.INT64, 2**63),
        (Datatype.INT8, 128),
        (Datatype.UINT8, -1),
        (Datatype.BOOL, 1),
        (Datatype.FP16, 70_000),
        (Datatype.BYTES, 1),
    ],
)
def test_a_value_that_the_datatype_cannot_hold_is_refused(datatype: Datatype, value: object) -> None:
    """Rather than rounded, wrapped or spelled out."""
    with pytest.raises(RequestRefused, match="input 'x'"):
        decoded(datatype, [value])


def test_an_input_of_whole_numbers_must_be_named_so() -> None:
    """A caller that names fractions may mean fractions."""
    with pytest.raises(RequestRefused, match="is 'FP32': send INT64"):
        decoded(Datatype.INT64, [1], "FP32")


def test_a_model_that_fails_is_answered_with_500_and_no_more() -> None:
    """The caller sees no inside; the record and a probing rollout see the reason."""
    event = an_event({"id": "q", **inputs(data=[5_000, 0])})
    done = asked(event, FAILING)
    assert done.status == 500
    assert done.id == "q"
    assert "the model failed on these rows" in json.loads(done.body)["error"]
    assert "request lambda-1" in done.body
    assert "indices" not in done.body
    assert done.error is not None
    assert "indices element out of data bounds" in done.error
    assert "indices element out of data bounds" in asked(event | {"serinus": {"probe": True}}, FAILING).body


def test_without_a_release_every_request_is_answered_with_503() -> None:
    """However wrong it is."""
    assert refusal(an_event("x"), None) == (
        503,
        "nothing released yet at endpoint 'fraud': push a model, then ask again",
    )


def served(event: object, model: ReleasedModel = LOGISTIC) -> None:
    """Check that an event gets an answer of the protocol."""
    done = asked(event, model)
    document = json.loads(done.body)
    assert done.status in {200, 400, 404, 405, 413, 415}
    assert ("error" in document) == (done.status != 200)


@given(st.binary(max_size=100), st.booleans())
def test_no_bytes_crash_it(body: bytes, encoded: bool) -> None:
    """Whatever the body holds."""
    text = base64.b64encode(body).decode() if encoded else body.decode("latin-1")
    served(an_event(text, isBase64Encoded=encoded))


@given(JSON)
def test_no_json_crashes_it(document: object) -> None:
    """Whatever JSON says."""
    served(an_event(document))


@settings(max_examples=300)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.sampled_from(["features", "other"]) | JSON,
            "shape": st.lists(st.integers(-2, 3) | JSON, max_size=3) | JSON,
            "datatype": st.sampled_from([*Datatype]) | JSON,
            "data": st.lists(JSON, max_size=6) | st.lists(st.lists(JSON, max_size=3), max_size=3) | JSON,
        },
    ),
    st.fixed_dictionaries({}, optional={"id": JSON, "outputs": JSON, "parameters": JSON}),
)
def test_no_tensor_crashes_it(tensor: dict[str, Any], rest: dict[str, Any]) -> None:
    """Whatever is wrong with a tensor that is nearly right."""
    served(an_event(inputs(**tensor) | rest))


@given(
    st.dictionaries(
        st.sampled_from(["rawPath", "headers", "requestContext", "body", "isBase64Encoded", "serinus"]), JSON
    )
)
def test_no_event_crashes_it(changes: dict[str, Any]) -> None:
    """API Gateway sends well-formed events; whoever invokes the function directly may not."""
    served(an_event(inputs()) | changes)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False) | st.none(), min_size=1, max_size=20))
def test_every_finite_number_arrives_exactly(values: list[float | None]) -> None:
    """A float32 in JSON is the same float32 in the tensor."""
    found = decoded(Datatype.FP32, values)
    assert [None if math.isnan(value) else value for value in found] == values


def recorded(
    event: dict[str, Any], *, log_inputs: bool = True, model: ReleasedModel | None = LOGISTIC
) -> dict[str, Any]:
    """Return the line that an event leaves."""
    record = Record.of(
        asked(event, model),
        model,
        request="lambda-1",
        at=1_700_000_000.5,
        latency_ms=1.25,
        release="7",
        rules=LogRules(share=float(log_inputs)),
    )
    text = line("fraud", record, lambda: None)
    assert "\n" not in text
    assert len(text.encode()) <= 250_000
    found: dict[str, Any] = json.loads(text, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))
    return found


def test_the_record_says_what_was_asked_and_answered() -> None:
    """With the values as the caller wrote them, `null` where missing."""
    found = recorded(an_event({"id": "q", **inputs(shape=[2, 2], data=[0.1, None, 0, 0])}))
    assert found["record"] == {
        "request": "lambda-1",
        "id": "q",
        "at": 1_700_000_000.5,
        "latency_ms": 1.25,
        "status": 200,
        "release": "7",
        "model": "digest",
        "version": 3,
        "rows": 2,
        "features": [{"columns": ["a", "b"], "data": [0.1, None, 0, 0]}],
        "scores": [None, 0.5],
    }


def test_the_line_is_its_own_metrics() -> None:
    """Every metric that is declared has a value, of one second's resolution, by endpoint and release."""
    found = recorded(an_event(inputs()))
    (declared,) = found["_aws"]["CloudWatchMetrics"]
    assert found["_aws"]["Timestamp"] == 1_700_000_000_500
    assert (declared["Namespace"], declared["Dimensions"]) == ("Serinus", [["endpoint", "release"]])
    assert {metric["Name"]: (metric["Unit"], found[metric["Name"]]) for metric in declared["Metrics"]} == {
        "Requests": ("Count", 1),
        "Rows": ("Count", 1),
        "ClientErrors": ("Count", 0),
        "ServerErrors": ("Count", 0),
        "Latency": ("Milliseconds", 1.25),
    }
    assert all(metric["StorageResolution"] == 1 for metric in declared["Metrics"])
    assert (found["endpoint"], found["release"]) == ("fraud", "7")


@pytest.mark.parametrize(
    ("model", "data", "status", "counted"),
    [
        (LOGISTIC, [1], 400, "ClientErrors"),
        (FAILING, [5_000, 0], 500, "ServerErrors"),
        (None, [1, 2], 503, "ServerErrors"),
    ],
)
def test_a_request_that_was_not_answered_is_recorded_without_its_rows(
    model: ReleasedModel | None, data: list[int], status: int, counted: str
) -> None:
    """Rows without a score must not be counted as traffic."""
    found = recorded(an_event(inputs(data=data)), model=model)
    assert found["record"]["status"] == status
    assert found["record"]["rows"] == found["Rows"] == 0
    assert not {"features", "scores"} & set(found["record"])
    assert found["record"]["error"]
    assert found["ClientErrors"] + found["ServerErrors"] == found[counted] == 1


def test_an_endpoint_that_logs_no_inputs_logs_none() -> None:
    """The scores stay."""
    found = recorded(an_event(inputs()), log_inputs=False)["record"]
    assert "features" not in found
    assert len(found["scores"]) == 1


def got(path: str, model: ReleasedModel | None = LOGISTIC) -> Exchange:
    """Return what becomes of a GET."""
    return asked({"rawPath": path, "requestContext": {"http": {"method": "GET"}}}, model)


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("base", ["", "/models/fraud"])
def test_what_is_served_says_of_itself(base: str, slash: str) -> None:
    """With and without a trailing slash, and leaving no record: nobody's traffic is no evidence."""
    found = {
        path: got(base + path + slash)
        for path in ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/fraud", "/v2/models/fraud/ready")
    }
    assert {done.status for done in found.values()} == {200}
    assert not any(done.recorded for done in found.values())
    server, live, ready, model, model_ready = (json.loads(done.body) for done in found.values())
    assert server["extensions"] == ["binary_tensor_data"]
    assert (live, ready, model_ready) == ({"live": True}, {"ready": True}, {"name": "fraud", "ready": True})
    assert model == {
        "name": "fraud",
        "versions": ["3"],
        "platform": "onnx_onnxv1",
        "inputs": [{"name": "features", "datatype": "FP32", "shape": [-1, 2]}],
        "outputs": [
            {"name": "label", "datatype": "INT64", "shape": [-1]},
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]},
        ],
    }


def test_without_a_release_the_server_lives_and_the_model_is_not_ready() -> None:
    """Whoever waits for the model keeps waiting, and no server error is counted."""
    assert got("/v2/health/live", None).status == 200
    for path in ("/v2/health/ready", "/v2/models/fraud", "/v2/models/fraud/ready", "/ping"):
        done = got(path, None)
        assert (done.status, done.recorded) == (503, False)


def test_a_stage_in_front_of_the_path_is_left_out() -> None:
    """API Gateway leaves a named stage there."""
    context = {"stage": "test", "http": {"method": "POST"}}
    event = an_event(inputs(), rawPath="/test/v2/models/fraud/infer", requestContext=context)
    assert asked(event).status == 200


def test_a_request_that_names_a_version_leaves_no_record() -> None:
    """The alias did not choose who answers; a caller still sees no inside of the model."""
    event = an_event(inputs(data=[5_000, 0])) | {"serinus": {"named_version": True}}
    done = asked(event, FAILING)
    assert not done.recorded
    assert "indices" not in str(done.body)
    assert asked(an_event(inputs())).recorded


def test_predictions_are_answered_by_row() -> None:
    """Of one output its values, of several an object a row; what JSON cannot say is null."""
    event = an_event({"instances": [[0, 0], [1, 2]]}, rawPath="/models/fraud/invocations")
    assert json.loads(asked(event).body) == {"predictions": [0, 1]}
    both = {"instances": [[0, None]], "params": {"outputs": ["probabilities", "label"]}}
    (row,) = json.loads(asked(an_event(both, rawPath="/invocations")).body)["predictions"]
    assert row["probabilities"] == [None, None]
    assert list(row) == ["probabilities", "label"]


def test_a_model_that_fails_on_mlflows_rows_is_a_server_error() -> None:
    """As on the protocol's."""
    done = asked(an_event({"instances": [[5_000, 0]]}, rawPath="/invocations"), FAILING)
    assert done.status == 500
    assert "the model failed on these rows" in str(done.body)


@pytest.mark.parametrize("identity", ["\ud800", "a\x00b", "line\nbreak"])
def test_an_id_that_the_log_could_not_carry_is_refused(identity: str) -> None:
    """Half a surrogate pair is valid JSON, but no record with it could be read: the request would go uncounted."""
    with pytest.raises(RequestRefused, match="id holds a character"):
        _id({"id": identity})
