"""What is wrong is answered with what was wrong, where, and what to do; nothing is half registered."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import numpy as np
import pytest
import urllib3

from serinus import settings, wiring
from serinus.adapters.schemas.manifest import write_manifest
from serinus.adapters.tables.arrow import ArrowTables
from serinus.cli.client import push
from serinus.cli.inference_client import InferenceClient, infer_url
from serinus.domain.ledger import Action
from serinus.domain.metric import Metric
from serinus.domain.model_version import Holdout, Manifest, Status
from serinus.domain.signature import Signature
from serinus.domain.table import Table
from tests import models
from tests.e2e.callers import PROTOCOLS, a_holdout, a_population, an_estimator, recorded

pytestmark = pytest.mark.e2e

_ENDPOINT = "refusals"
_COLUMNS = ("a", "b")


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _holdout() -> bytes:
    features, labels = a_population(400, seed=1)
    return ArrowTables().write(Table(dict(features.columns) | {"target": labels}))


class _Upload:
    """An upload that may be spoilt before it is sent."""

    def __init__(self, name: str, model: tuple[bytes, Signature]) -> None:
        self.name = name
        self.endpoint = _ENDPOINT
        self.model, signature = model
        holdout = _holdout()
        self.objects: dict[str, bytes] = {"model.onnx": self.model, "holdout.parquet": holdout}
        manifest = Manifest(
            "model.onnx", _sha256(self.model), signature, Holdout("holdout.parquet", _sha256(holdout), "target")
        )
        self.manifest: dict[str, Any] = json.loads(write_manifest(manifest))

    def send(self, client: wiring.Client) -> None:
        folder = f"incoming/{self.endpoint}/{self.name}"
        for name, body in self.objects.items():
            client.artifacts.put(f"{folder}/{name}", body)
        client.artifacts.put(f"{folder}/manifest.json", json.dumps(self.manifest).encode())


def _a_missing_object(upload: _Upload) -> None:
    del upload.objects["holdout.parquet"]


def _a_wrong_digest(upload: _Upload) -> None:
    upload.manifest["model"]["sha256"] = "0" * 64


def _no_signature(upload: _Upload) -> None:
    del upload.manifest["signature"]


def _a_hostile_name(upload: _Upload) -> None:
    upload.manifest["holdout"]["key"] = "../../other/holdout.parquet"


def _an_unknown_endpoint(upload: _Upload) -> None:
    upload.endpoint = "nowhere"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_a_missing_object, "names holdout.parquet, but there is no object"),
        (_a_wrong_digest, "but the manifest says " + "0" * 64),
        (_no_signature, "signature: Field required"),
        (_a_hostile_name, "holdout.key"),
        (_an_unknown_endpoint, "no endpoint 'nowhere'"),
    ],
)
def test_an_upload_that_is_not_whole_is_refused(
    client: wiring.Client, spoil: Callable[[_Upload], None], said: str
) -> None:
    """The refusal is on record with its reason, and no model version comes of it."""
    name = f"{spoil.__name__.strip('_').replace('_', '-')}-{datetime.now(UTC):%H%M%S%f}"
    upload = _Upload(name, models.logistic_model(_COLUMNS))
    spoil(upload)
    before = len(client.versions.list(upload.endpoint))
    upload.send(client)

    assert len(recorded(client, upload.endpoint, Action.UPLOAD_REFUSED, upload=name)) == 1
    found = client.versions.upload(upload.endpoint, name)
    assert found is not None
    assert found.refusal is not None
    assert said in found.refusal
    assert len(client.versions.list(upload.endpoint)) == before


def _garbage() -> tuple[bytes, Signature]:
    return b"this is no model" * 50, models.logistic_model(_COLUMNS)[1]


def _another_signature() -> tuple[bytes, Signature]:
    return models.logistic_model(_COLUMNS)[0], models.logistic_model(("a", "b", "c"))[1]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_garbage, "ONNX"),
        (models.custom_operator_model, "operator"),
        (models.external_data_model, "external"),
        (_another_signature, "signature"),
    ],
    ids=["not-onnx", "custom-operator", "external-data", "wrong-signature"],
)
def test_a_model_that_cannot_be_served_is_rejected(
    client: wiring.Client, make: Callable[[], tuple[bytes, Signature]], said: str
) -> None:
    """The model version records what is wrong with it, and gets no traffic."""
    name = f"rejected-{datetime.now(UTC):%H%M%S%f}"
    upload = _Upload(name, make())
    upload.send(client)
    deadline = time.monotonic() + 40
    while True:
        found = client.versions.upload(_ENDPOINT, name)
        if found and found.version:
            version = client.versions.get(_ENDPOINT, found.version)
            if version.status is not Status.REGISTERED:
                break
        assert time.monotonic() < deadline, "the version was not judged"
        time.sleep(0.3)
    assert version.status is Status.REJECTED
    assert version.attestation is None
    assert any(said in finding.message for finding in version.findings if not finding.passed)


def test_a_model_that_is_too_weak_is_rejected(client: wiring.Client) -> None:
    """A gate's finding carries the figure, the limit, and what to do."""
    holdout = a_holdout()
    holdout["target"] = np.random.default_rng(9).integers(0, 2, 400).astype(float).tolist()
    pushed = push(_ENDPOINT, an_estimator(), holdout, target="target", client=client, timeout_minutes=1.5)
    assert pushed.version is not None
    assert pushed.version.status is Status.REJECTED
    assert pushed.version.metrics[Metric.ROC_AUC] < 0.7
    assert "below the minimum of 0.7: train a better model" in pushed.reason


def test_rows_that_measure_nothing_are_rejected_before_the_model_is_measured(client: wiring.Client) -> None:
    """The push tells it, and the ledger has it once."""
    few = {name: values[:20] for name, values in a_holdout().items()}
    pushed = push(_ENDPOINT, an_estimator(), few, target="target", client=client, timeout_minutes=1.5)
    assert pushed.version is not None
    assert pushed.version.status is Status.REJECTED
    assert "20 rows are too few: it takes 50" in pushed.reason
    assert len(recorded(client, _ENDPOINT, Action.DATA_REJECTED, version=pushed.version.number)) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"inputs": []}, "input"),
        ({"inputs": [{"name": "X", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]}, "shape"),
        ({"inputs": [{"name": "X", "shape": [1, 2], "datatype": "FP32", "data": [1, "two"]}]}, "number"),
    ],
)
def test_a_bad_request_is_answered_400(client: wiring.Client, body: dict[str, object], said: str) -> None:
    """One clear sentence, and never a dead worker."""
    if not client.rollouts.releases(_ENDPOINT):
        push(_ENDPOINT, an_estimator(), a_holdout(), target="target", client=client, timeout_minutes=1.5)
    inference = InferenceClient(infer_url(client.resources.api_url, _ENDPOINT))
    signature = client.versions.get(
        _ENDPOINT, client.rollouts.releases(_ENDPOINT)[0].model_version
    ).manifest.signature
    named = json.loads(json.dumps(body).replace('"X"', json.dumps(signature.inputs[0].name)))
    status, answer = inference.infer(named)
    assert status == 400
    assert isinstance(answer, dict)
    assert said in answer["error"]


def _input(client: wiring.Client, **changes: object) -> bytes:
    """Return a request of one row with something changed in its input."""
    (tensor,) = client.versions.get(PROTOCOLS, 1).manifest.signature.inputs
    entry = {"name": tensor.name, "shape": [1, 2], "datatype": tensor.datatype, "data": [1, 2]} | changes
    return json.dumps({"inputs": [entry]}).encode()


_INFER, _MLFLOW = f"/v2/models/{PROTOCOLS}/infer", f"/models/{PROTOCOLS}/invocations"
_JSON = {"Content-Type": "application/json"}
_AS_BYTES = {"Content-Type": "application/vnd.request+json"}  # the gateway hands on what it does not know as bytes
_PACKED = {"Content-Type": "application/octet-stream"}
_GZIPPED = {**_JSON, "Content-Encoding": "gzip"}
_BOMB = gzip.compress(b"[" * 20_000_000)


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "said"),
    [
        (_INFER, _JSON, b'{"inputs": [{"name": "X", "sh', 400, "the body is no JSON"),
        (_INFER, _JSON, b"", 400, "the body is empty"),
        (_INFER, _AS_BYTES, b"\xff\xfe{", 400, "not UTF-8 (byte 0)"),
        (_INFER, _JSON, b"[" * 1_000_000, 400, "nests too deeply"),
        (_INFER, _JSON, b'{"a":' * 1_000_000, 400, "nests too deeply"),
        (_INFER, _JSON, {"data": [float("nan"), 1]}, 400, "holds NaN"),
        (_INFER, _JSON, {"data": [float("-inf"), 1]}, 400, "holds -Infinity"),
        (_INFER, _JSON, {"data": [1e300, 1]}, 400, "beyond the range of FP32"),
        (_INFER, _JSON, {"data": [1, 2, 3]}, 400, "has 3 values, but its shape [1, 2] needs 2"),
        (_INFER, _JSON, {"shape": [3, 2]}, 400, "has 2 values, but its shape [3, 2] needs 6"),
        (_INFER, _JSON, {"shape": [-1, -2]}, 400, "the shape of input"),
        (_INFER, _JSON, {"shape": [1_000_000_000, 2]}, 400, "the shape of input"),
        (_INFER, _JSON, {"datatype": "BYTES", "data": ["a", "b"]}, 400, "is 'BYTES': send FP32"),
        (_INFER, _JSON, b'{"inputs": [%s, %s]}', 400, "a second time"),
        (_INFER, {"Content-Type": "application/xml"}, b"<x/>", 415, "send application/json"),
        (_INFER, _GZIPPED, _BOMB, 415, "gzip-encoded: send it plain"),
        (_INFER, _AS_BYTES, _BOMB, 400, "not UTF-8"),
        (_INFER, {**_PACKED, "Inference-Header-Content-Length": "9" * 20}, b"{}", 400, "Inference-Header"),
        (_INFER, {**_PACKED, "Inference-Header-Content-Length": "-1"}, b"{}", 400, "Inference-Header"),
        (_MLFLOW, _JSON, b'{"instances": [[1, 2]', 400, "the body is no JSON"),
        (_MLFLOW, _JSON, b"[" * 1_000_000, 400, "nests too deeply"),
        (_MLFLOW, _JSON, b'{"instances": [[NaN, 1]]}', 400, "holds NaN"),
        (_MLFLOW, _JSON, b'{"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}', 400, "has 'a' twice"),
        (_MLFLOW, {"Content-Type": "text/csv"}, b"a,b\n\xff,1\n", 400, "row 0, column 'a'"),
        (_MLFLOW, {"Content-Type": "text/csv", "Content-Encoding": "gzip"}, _BOMB, 415, "gzip-encoded"),
        (_MLFLOW, {"Content-Type": "application/x-parquet"}, b"PAR1", 415, "text/csv"),
    ],
)
def test_a_hostile_request_is_told_what_is_wrong(
    served: wiring.Client,
    http: urllib3.PoolManager,
    path: str,
    headers: dict[str, str],
    body: bytes | dict[str, object],
    status: int,
    said: str,
) -> None:
    """In one sentence, with a 4xx and no trace of the code; and the next request is answered by the same worker."""
    url = served.resources.api_url.rstrip("/")
    once = json.dumps(json.loads(_input(served))["inputs"][0]).encode()
    sent = _input(served, **body) if isinstance(body, dict) else body.replace(b"%s", once)
    workers = _last_words().keys()
    answer = http.request("POST", url + path, body=sent, headers=headers)
    assert answer.status == status, answer.data[:500]
    error = json.loads(answer.data)["error"]
    assert said in error
    assert len(error) < 400
    assert "Traceback" not in error
    said_before = _last_words()
    for _ in range(5):  # a busy machine may give one request to a worker more; who died never speaks again
        assert http.request("POST", url + _INFER, body=_input(served), headers=_JSON).status == 200
        said_now = _last_words()
        if any(said_now[worker] > said_before[worker] for worker in workers):
            return
    pytest.fail(f"the workers {sorted(workers)} answer no more: {said_now}")


def _last_words() -> dict[str, int]:
    """Return when each worker of the endpoint last wrote to its log, in ms since 1970, by its log stream."""
    group = f"/aws/lambda/{settings.inference_function_name(PROTOCOLS)}"
    streams = boto3.client("logs").describe_log_streams(logGroupName=group)["logStreams"]
    return {found["logStreamName"]: found["lastEventTimestamp"] for found in streams}
