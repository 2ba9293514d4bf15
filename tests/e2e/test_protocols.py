"""Other people's clients work unchanged against an endpoint: Triton's, and whatever scores with MLflow's payloads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import Session
from open_inference.openapi.client import OpenInferenceClient
from open_inference.openapi.errors import BadRequestError
from open_inference.openapi.types import InferenceRequest
from tritonclient.utils import InferenceServerException

from serinus import settings, wiring
from serinus.domain.inference_request import request_body
from tests.e2e.callers import PROTOCOLS, a_population, an_estimator

pytestmark = pytest.mark.e2e

_ROWS = 5


def _rows() -> tuple[np.ndarray[Any, np.dtype[np.float32]], list[float]]:
    """Return rows, and the probabilities that scikit-learn gives them."""
    features, _ = a_population(_ROWS, seed=5)
    block = np.column_stack(list(features.columns.values()))
    return block.astype(np.float32), an_estimator().predict_proba(block)[:, 1].tolist()


def _signed(url: str) -> dict[str, str]:
    """Return the headers of a request signed with the credentials of the environment."""
    session = Session()
    request = AWSRequest(method="GET", url=url)
    credentials = session.get_credentials()
    assert credentials is not None
    SigV4Auth(credentials, "execute-api", session.get_config_variable("region")).add_auth(request)
    return dict(request.headers.items())


def _unsigned(_url: str) -> dict[str, str]:
    return {}


def _one_row(client: wiring.Client) -> dict[str, object]:
    """Return an inference request."""
    signature = client.versions.get(PROTOCOLS, 1).manifest.signature
    return request_body(signature, a_population(1, seed=5)[0], request_id="row-0")


def _answer(answer: urllib3.BaseHTTPResponse, status: int = 200) -> Any:  # noqa: ANN401 - any JSON
    assert answer.status == status, answer.data
    return json.loads(answer.data)


@pytest.mark.parametrize("packed", [True, False], ids=["binary", "json"])
@pytest.mark.parametrize("below", ["", f"/models/{PROTOCOLS}"], ids=["api", "endpoint"])
def test_tritons_client_works_unchanged(served: wiring.Client, packed: bool, below: str) -> None:
    """Health, metadata and predictions, with its default encoding and with JSON, on either base address."""
    block, expected = _rows()
    signature = served.versions.get(PROTOCOLS, 1).manifest.signature
    with triton.InferenceServerClient(served.resources.api_url.split("://")[1].rstrip("/") + below) as asking:
        if below:  # the API's own health is behind IAM, whoever may ask the endpoint
            assert asking.is_server_live()
            assert asking.is_server_ready()
            assert asking.get_server_metadata()["extensions"] == ["binary_tensor_data"]
        assert asking.is_model_ready(PROTOCOLS)
        metadata = asking.get_model_metadata(PROTOCOLS)
        assert metadata["platform"] == "onnx_onnxv1"
        (wanted,) = metadata["inputs"]
        tensor = triton.InferInput(wanted["name"], list(block.shape), wanted["datatype"])
        tensor.set_data_from_numpy(block, binary_data=packed)
        outputs = None if packed else [triton.InferRequestedOutput(signature.score.output, binary_data=False)]
        for version in ("", "1"):
            answer = asking.infer(PROTOCOLS, [tensor], outputs=outputs, model_version=version, request_id="triton-1")
            assert answer.get_response()["id"] == "triton-1"
            found = answer.as_numpy(signature.score.output)
            assert found[:, signature.score.column] == pytest.approx(expected, abs=1e-6)


def test_tritons_client_is_told_what_is_wrong(served: wiring.Client) -> None:
    """The protocol's errors are its exceptions, with the sentence and the status."""
    with triton.InferenceServerClient(served.resources.api_url.split("://")[1].rstrip("/")) as asking:
        tensor = triton.InferInput("nothing", [1, 2], "FP32")
        tensor.set_data_from_numpy(np.zeros((1, 2), dtype=np.float32))
        with pytest.raises(InferenceServerException, match=r"\[400\].*'nothing', which the model does not take"):
            asking.infer(PROTOCOLS, [tensor])
        with pytest.raises(InferenceServerException, match=r"\[404\].*no version '99'.*ask for 1"):
            asking.get_model_metadata(PROTOCOLS, model_version="99")


@pytest.fixture
def asking(served: wiring.Client) -> Iterator[OpenInferenceClient]:
    """The client that the protocol's working group generates, at the endpoint's own base address."""
    with httpx.Client(timeout=20) as pool:
        base = f"{served.resources.api_url.rstrip('/')}/models/{PROTOCOLS}"
        yield OpenInferenceClient(base_url=base, httpx_client=pool)


def test_the_protocols_own_client_finds_health_and_metadata(asking: OpenInferenceClient) -> None:
    """Everything that it can ask of a server, a model and a version; its types read every answer."""
    asking.check_server_liveness()
    asking.check_server_readiness()
    asking.check_model_readiness(PROTOCOLS)
    asking.check_model_version_readiness(PROTOCOLS, "1")
    assert asking.read_server_metadata().extensions == ["binary_tensor_data"]
    metadata = asking.read_model_metadata(PROTOCOLS)
    assert metadata.platform == "onnx_onnxv1"
    assert metadata == asking.read_model_version_metadata(PROTOCOLS, "1")


@pytest.mark.parametrize("nested", [True, False], ids=["nested", "flat"])
def test_the_protocols_own_client_is_answered(
    served: wiring.Client, asking: OpenInferenceClient, nested: bool
) -> None:
    """By whichever version and by the one that it names; what is wrong is its exception, with the sentence."""
    block, expected = _rows()
    signature = served.versions.get(PROTOCOLS, 1).manifest.signature
    score, (wanted,) = signature.score, signature.inputs
    tensor = {
        "name": wanted.name,
        "shape": list(block.shape),
        "datatype": wanted.datatype,
        "data": block.tolist() if nested else block.ravel().tolist(),
    }
    request = InferenceRequest.parse_obj({"id": "own-1", "inputs": [tensor], "outputs": [{"name": score.output}]})
    for answer in (
        asking.model_infer(PROTOCOLS, request=request),
        asking.model_version_infer(PROTOCOLS, "1", request=request),
    ):
        (output,) = answer.outputs
        found = np.array(output.dict()["data"]).reshape(output.shape)
        assert (answer.id, answer.model_version, output.name) == ("own-1", "1", score.output)
        assert found[:, score.column] == pytest.approx(expected, abs=1e-6)
    wrong = InferenceRequest.parse_obj({"inputs": [tensor | {"name": "nothing"}]})
    with pytest.raises(BadRequestError, match="'nothing', which the model does not take"):
        asking.model_infer(PROTOCOLS, request=wrong)


@pytest.mark.parametrize(
    "payload",
    [
        {"dataframe_split": {"columns": ["b", "a"], "data": [[2, 1]]}},
        {"dataframe_records": [{"b": 2, "a": 1}]},
        {"instances": [[1, 2]]},
        {"instances": [{"b": 2, "a": 1}]},
        {"inputs": {"b": [2], "a": [1]}},
        {"inputs": [[1, 2]]},
        "b,a\n2,1\n",
    ],
    ids=["split", "records", "instances-lists", "instances-objects", "inputs-columns", "inputs-rows", "csv"],
)
def test_mlflows_payloads_are_answered(served: wiring.Client, http: urllib3.PoolManager, payload: Any) -> None:  # noqa: ANN401 - JSON or text
    """Each of its documented payloads gives the predictions that scikit-learn gives."""
    csv = isinstance(payload, str)
    answer = http.request(
        "POST",
        f"{served.resources.api_url.rstrip('/')}/models/{PROTOCOLS}/invocations",
        body=payload if csv else json.dumps(payload),
        headers={"Content-Type": "text/csv" if csv else "application/json"},
    )
    assert _answer(answer) == {"predictions": an_estimator().predict([[1, 2]]).tolist()}


@pytest.mark.parametrize("slash", ["", "/"], ids=["bare", "slash"])
def test_a_trailing_slash_changes_nothing(served: wiring.Client, http: urllib3.PoolManager, slash: str) -> None:
    """Some clients write one, at whatever path: those of the API, of the model, and of a version of it."""
    base = served.resources.api_url.rstrip("/")
    live, ready, named = {"live": True}, {"ready": True}, {"name": PROTOCOLS, "ready": True}
    own = f"{base}/models/{PROTOCOLS}"
    for server, headers in ((base, _signed), (own, _unsigned)):
        for path, said in (("health/live", live), ("health/ready", ready)):
            url = f"{server}/v2/{path}{slash}"
            assert _answer(http.request("GET", url, headers=headers(url))) == said
        url = f"{server}/v2{slash}"
        assert _answer(http.request("GET", url, headers=headers(url)))["name"] == "serinus"
        url = f"{server}/v2/openapi.json{slash}"
        assert "openapi" in _answer(http.request("GET", url, headers=headers(url)))
        for model in (f"{server}/v2/models/{PROTOCOLS}", f"{server}/v2/models/{PROTOCOLS}/versions/1"):
            assert _answer(http.request("GET", model + slash))["platform"] == "onnx_onnxv1"
            assert _answer(http.request("GET", f"{model}/ready{slash}")) == named
            assert _answer(http.request("POST", f"{model}/infer{slash}", json=_one_row(served)))["id"] == "row-0"
    assert _answer(http.request("GET", f"{own}/ping{slash}")) == ready
    assert _answer(http.request("GET", f"{own}/health{slash}")) == ready
    scored = _answer(http.request("POST", f"{own}/invocations{slash}", json={"instances": [[1, 2]]}))
    assert scored == {"predictions": an_estimator().predict([[1, 2]]).tolist()}


def test_a_model_that_is_not_there_is_told_in_the_protocols_words(
    served: wiring.Client, http: urllib3.PoolManager
) -> None:
    """By the API, to whom it knows."""
    url = f"{served.resources.api_url.rstrip('/')}/v2/models/nowhere/infer"
    answer = http.request("GET", url, headers=_signed(url))
    assert "'/v2/models/nowhere/infer' is not served here" in _answer(answer, 404)["error"]


def test_the_interface_is_published(served: wiring.Client, http: urllib3.PoolManager) -> None:
    """As an OpenAPI document, to whoever may ask the endpoint; the API's own paths ask for a signed request."""
    base = served.resources.api_url.rstrip("/")
    answer = http.request("GET", f"{base}/models/{PROTOCOLS}/v2/openapi.json")
    assert _answer(answer)["openapi"].startswith("3.1")
    assert http.request("GET", f"{base}/v2/openapi.json").status == 403
    for path in ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/openapi.json"):
        assert http.request("GET", base + path, headers=_signed(base + path)).status == 200


def test_the_release_starts_from_a_snapshot(served: wiring.Client) -> None:
    """As its policy asks; the version that answered 503 before it does not."""
    name = settings.inference_function_name(PROTOCOLS)
    for number, expected in (("1", "Off"), (str(served.rollouts.releases(PROTOCOLS)[0].number), "On")):
        found = served.functions.get_function_configuration(FunctionName=name, Qualifier=number)
        assert (found["State"], found["SnapStart"]["OptimizationStatus"]) == ("Active", expected)


def test_a_request_over_six_megabytes_is_told_so(served: wiring.Client, http: urllib3.PoolManager) -> None:
    """Before anything is parsed; the gateway itself takes ten."""
    url = f"{served.resources.api_url.rstrip('/')}/v2/models/{PROTOCOLS}/infer"
    answer = http.request("POST", url, body=b"[" * 6_000_001, headers={"Content-Type": "application/json"})
    assert "above the limit of 6,000,000" in _answer(answer, 413)["error"]
