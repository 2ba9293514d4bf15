"""Other people's clients work unchanged against an endpoint: Triton's, and whatever scores with MLflow's payloads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import Session

from serinus import settings, wiring
from serinus.cli.client import push
from serinus.domain.inference_request import request_body
from serinus.use_cases.push_model import Stage
from tests.e2e.callers import a_holdout, a_population, an_estimator

pytestmark = pytest.mark.e2e

_ENDPOINT = "protocols"
_ROWS = 5


@pytest.fixture(scope="module")
def served(client: wiring.Client) -> wiring.Client:
    """A deployment whose endpoint serves a model."""
    if not client.rollouts.releases(_ENDPOINT):
        pushed = push(_ENDPOINT, an_estimator(), a_holdout(), target="target", client=client, timeout_minutes=1.5)
        assert pushed.stage is Stage.PROMOTED, pushed.reason
    return client


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    """A plain HTTP client, which knows nothing of Serinus."""
    with urllib3.PoolManager(retries=False, timeout=20) as pool:
        yield pool


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
    signature = client.versions.get(_ENDPOINT, 1).manifest.signature
    return request_body(signature, a_population(1, seed=5)[0], request_id="row-0")


def _answer(answer: urllib3.BaseHTTPResponse, status: int = 200) -> Any:  # noqa: ANN401 - any JSON
    assert answer.status == status, answer.data
    return json.loads(answer.data)


@pytest.mark.parametrize("packed", [True, False], ids=["binary", "json"])
@pytest.mark.parametrize("below", ["", f"/models/{_ENDPOINT}"], ids=["api", "endpoint"])
def test_tritons_client_works_unchanged(served: wiring.Client, packed: bool, below: str) -> None:
    """Health, metadata and predictions, with its default encoding and with JSON, on either base address."""
    triton = pytest.importorskip("tritonclient.http", reason="tritonclient[http] is not installed")
    block, expected = _rows()
    signature = served.versions.get(_ENDPOINT, 1).manifest.signature
    with triton.InferenceServerClient(served.resources.api_url.split("://")[1].rstrip("/") + below) as asking:
        if below:  # the API's own health is behind IAM, whoever may ask the endpoint
            assert asking.is_server_live()
            assert asking.is_server_ready()
            assert asking.get_server_metadata()["extensions"] == ["binary_tensor_data"]
        assert asking.is_model_ready(_ENDPOINT)
        metadata = asking.get_model_metadata(_ENDPOINT)
        assert metadata["platform"] == "onnx_onnxv1"
        (wanted,) = metadata["inputs"]
        tensor = triton.InferInput(wanted["name"], list(block.shape), wanted["datatype"])
        tensor.set_data_from_numpy(block, binary_data=packed)
        outputs = None if packed else [triton.InferRequestedOutput(signature.score.output, binary_data=False)]
        for version in ("", "1"):
            answer = asking.infer(_ENDPOINT, [tensor], outputs=outputs, model_version=version, request_id="triton-1")
            assert answer.get_response()["id"] == "triton-1"
            found = answer.as_numpy(signature.score.output)
            assert found[:, signature.score.column] == pytest.approx(expected, abs=1e-6)


def test_tritons_client_is_told_what_is_wrong(served: wiring.Client) -> None:
    """The protocol's errors are its exceptions, with the sentence and the status."""
    triton = pytest.importorskip("tritonclient.http", reason="tritonclient[http] is not installed")
    utils = pytest.importorskip("tritonclient.utils")
    with triton.InferenceServerClient(served.resources.api_url.split("://")[1].rstrip("/")) as asking:
        tensor = triton.InferInput("nothing", [1, 2], "FP32")
        tensor.set_data_from_numpy(np.zeros((1, 2), dtype=np.float32))
        with pytest.raises(
            utils.InferenceServerException, match=r"\[400\].*'nothing', which the model does not take"
        ):
            asking.infer(_ENDPOINT, [tensor])
        with pytest.raises(utils.InferenceServerException, match=r"\[404\].*no version '99'.*ask for 1"):
            asking.get_model_metadata(_ENDPOINT, model_version="99")


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
        f"{served.resources.api_url.rstrip('/')}/models/{_ENDPOINT}/invocations",
        body=payload if csv else json.dumps(payload),
        headers={"Content-Type": "text/csv" if csv else "application/json"},
    )
    assert _answer(answer) == {"predictions": an_estimator().predict([[1, 2]]).tolist()}


@pytest.mark.parametrize("slash", ["", "/"], ids=["bare", "slash"])
def test_a_trailing_slash_changes_nothing(served: wiring.Client, http: urllib3.PoolManager, slash: str) -> None:
    """Some clients write one, at whatever path: those of the API, of the model, and of a version of it."""
    base = served.resources.api_url.rstrip("/")
    live, ready, named = {"live": True}, {"ready": True}, {"name": _ENDPOINT, "ready": True}
    own = f"{base}/models/{_ENDPOINT}"
    for server, headers in ((base, _signed), (own, _unsigned)):
        for path, said in (("health/live", live), ("health/ready", ready)):
            url = f"{server}/v2/{path}{slash}"
            assert _answer(http.request("GET", url, headers=headers(url))) == said
        url = f"{server}/v2{slash}"
        assert _answer(http.request("GET", url, headers=headers(url)))["name"] == "serinus"
        url = f"{server}/v2/openapi.json{slash}"
        assert "openapi" in _answer(http.request("GET", url, headers=headers(url)))
        for model in (f"{server}/v2/models/{_ENDPOINT}", f"{server}/v2/models/{_ENDPOINT}/versions/1"):
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
    answer = http.request("GET", f"{base}/models/{_ENDPOINT}/v2/openapi.json")
    assert _answer(answer)["openapi"].startswith("3.1")
    assert http.request("GET", f"{base}/v2/openapi.json").status == 403
    for path in ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/openapi.json"):
        assert http.request("GET", base + path, headers=_signed(base + path)).status == 200


def test_the_release_starts_from_a_snapshot(served: wiring.Client) -> None:
    """As its policy asks; the version that answered 503 before it does not."""
    name = settings.inference_function_name(_ENDPOINT)
    for number, expected in (("1", "Off"), (str(served.rollouts.releases(_ENDPOINT)[0].number), "On")):
        found = served.functions.get_function_configuration(FunctionName=name, Qualifier=number)
        assert (found["State"], found["SnapStart"]["OptimizationStatus"]) == ("Active", expected)


def test_a_request_over_six_megabytes_is_told_so(served: wiring.Client, http: urllib3.PoolManager) -> None:
    """Before anything is parsed; the gateway itself takes ten."""
    url = f"{served.resources.api_url.rstrip('/')}/v2/models/{_ENDPOINT}/infer"
    answer = http.request("POST", url, body=b"[" * 6_000_001, headers={"Content-Type": "application/json"})
    assert "above the limit of 6,000,000" in _answer(answer, 413)["error"]
