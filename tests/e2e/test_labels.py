"""Labels on the wiring that production uses: by the API and as files, twice, late, corrected, damaged."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
import urllib3
from typer.testing import CliRunner

from serinus import settings, wiring
from serinus.cli.client import push
from serinus.cli.main import app
from serinus.domain.metric import Metric
from serinus.errors import ControlApiFailed
from serinus.use_cases.measure_performance import MeasuredPerformance, measure_performance
from serinus.use_cases.push_model import Stage
from tests.e2e.callers import Callers, a_holdout, a_population, an_estimator, counted_since

pytestmark = pytest.mark.e2e

_ENDPOINT = "labelled"
_REQUESTS = 240
_SENT = 160


def _send(client: wiring.Client, labels: list[dict[str, object]]) -> dict[str, Any]:
    return client.control.post("endpoints", _ENDPOINT, "labels", body={"labels": labels})


def _upload(client: wiring.Client, file: Path) -> dict[str, Any]:
    ran = CliRunner().invoke(app, ["labels", "upload", _ENDPOINT, str(file), "--json"], obj=client)
    document: dict[str, Any] = json.loads(ran.stdout)
    return document | {"exit_code": ran.exit_code}


def _measured(client: wiring.Client, began: datetime) -> MeasuredPerformance:
    end = datetime.now(UTC) + timedelta(minutes=1)
    return measure_performance(_ENDPOINT, start=began, end=end, measuring=client.measuring)


def _reviewed() -> dict[str, Any]:
    """Have the deployed function look, as its schedule does."""
    answer = boto3.client("lambda").invoke(
        FunctionName=settings.function_name("review_performance"), Payload=json.dumps({"endpoint": _ENDPOINT})
    )
    said: dict[str, Any] = json.loads(answer["Payload"].read())
    return said


def test_labels_are_joined_however_they_come(client: wiring.Client, tmp_path: Path) -> None:
    """What is sent twice counts once; the last word is a correction's; a damaged file blinds no other."""
    began = datetime.now(UTC)
    first = push(_ENDPOINT, an_estimator(), a_holdout(), target="target", client=client, timeout_minutes=1.5)
    assert first.stage is Stage.PROMOTED, first.reason
    Callers(client, _ENDPOINT).ask(_REQUESTS)
    assert counted_since(began, client, _ENDPOINT, at_least=_REQUESTS)[0] == _REQUESTS
    _, truth = a_population(5_000, seed=2)

    sent = [{"id": f"row-{row}", "label": int(truth[row])} for row in range(_SENT)]
    answers = [_send(client, sent) for _ in range(2)]
    assert [(answer["labels"], answer["new"]) for answer in answers] == [(_SENT, True), (_SENT, False)]
    assert len(client.data.list(f"labels/{_ENDPOINT}/")) == 1

    file = tmp_path / "rest.csv"
    rest = [f"row-{row},{truth[row]:.0f}" for row in range(_SENT, _REQUESTS)]
    file.write_text("\n".join(["id,label", *rest, "never-asked,1", ""]))
    uploads = [_upload(client, file) for _ in range(2)]
    assert [(one["exit_code"], one["labels"], one["new"]) for one in uploads] == [(0, 81, True), (0, 81, False)]
    client.data.put(f"labels/{_ENDPOINT}/cut_off.jsonl", b'{"id": "row-1", "label": 0}\n{"id": "row-2", "la')

    found = _measured(client, began)
    (release,) = found.releases
    assert (release.labelled_rows, found.labels.unmet, found.labels.corrected) == (_REQUESTS, 1, 0)
    assert [finding.split(",")[0] for finding in found.labels.findings] == [f"labels/{_ENDPOINT}/cut_off.jsonl"]
    auc = release.realised.realised[Metric.ROC_AUC]
    assert 0.75 < auc.low < auc.value < auc.high
    assert [group.rows for group in release.slices["b"]] == pytest.approx([_REQUESTS / 2] * 2, abs=40)
    reviewed = _reviewed()
    assert (reviewed["labelled_rows"], reviewed["announced"]) == (_REQUESTS, []), reviewed

    _corrected(client, began, truth)


def _corrected(client: wiring.Client, began: datetime, truth: np.ndarray[Any, Any]) -> None:
    """Say the opposite of everything, later: then the model is bad, and its scores mean something else."""
    now = datetime.now(UTC)
    opposite = [
        {"id": f"row-{row}", "row": 0, "label": not truth[row], "time": now.isoformat()} for row in range(_REQUESTS)
    ]
    stale = [{**label, "label": int(truth[0]), "time": began.isoformat()} for label in opposite[:1]]
    _send(client, opposite)
    _send(client, stale)  # an earlier word that comes later still
    found = _measured(client, began)
    (release,) = found.releases
    assert (release.labelled_rows, found.labels.corrected) == (_REQUESTS, _REQUESTS)
    assert release.metrics[Metric.ROC_AUC] < 0.25
    reviewed = _reviewed()
    assert reviewed["announced"] == ["PerformanceDropped", "ConceptDriftDetected"], reviewed
    assert _reviewed()["announced"] == []
    actions = [str(entry.action) for entry in client.ledger.entries(_ENDPOINT)]
    assert actions[-2:] == ["performance_dropped", "concept_drift_detected"]


@pytest.mark.parametrize(
    ("labels", "status", "said"),
    [
        ([{"id": "a", "label": 1}, {"id": "b", "label": 2}], 400, "labels.1.label: it must be 0 or 1"),
        ([{"id": "a" * 1_000, "label": 1}] * 1_100, 413, "send it in parts"),
        ([{"id": "a", "label": 1}] * 10_001, 413, "10,001 labels"),
    ],
)
def test_what_is_wrong_or_too_much_is_not_recorded(
    client: wiring.Client, labels: list[dict[str, object]], status: int, said: str
) -> None:
    """All or nothing, with what to do."""
    before = client.data.list("labels/canary/")
    with pytest.raises(ControlApiFailed, match=said) as refused:
        client.control.post("endpoints", "canary", "labels", body={"labels": labels})
    assert refused.value.status == status
    assert client.data.list("labels/canary/") == before


def test_nobody_sends_labels_unsigned(client: wiring.Client, http: urllib3.PoolManager) -> None:
    """Whoever shows no signature is turned away before the function is asked; nobody labels an unknown endpoint."""
    url = f"{client.resources.api_url}/endpoints/canary/labels"
    body = b'{"labels": [{"id": "a", "label": 1}]}'
    assert http.request("POST", url, body=body).status == 403
    with pytest.raises(ControlApiFailed) as refused:
        client.control.post("endpoints", "nobody", "labels", body={"labels": [{"id": "a", "label": 1}]})
    assert refused.value.status == 404
    assert client.data.list("labels/nobody/") == []


def test_the_log_of_the_api_holds_no_id(client: wiring.Client) -> None:
    """Ids may be personal, and labels always are."""
    secret = "someone-17"
    client.control.post("endpoints", "canary", "labels", body={"labels": [{"id": secret, "label": 1}]})
    with pytest.raises(ControlApiFailed):
        client.control.post("endpoints", "canary", "labels", body={"labels": [{"id": secret, "label": "?"}]})
    group = f"/aws/lambda/{settings.function_name('record_labels')}"
    pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    lines = [event["message"] for page in pages for event in page["events"]]
    assert lines
    assert not [line for line in lines if secret in line]
