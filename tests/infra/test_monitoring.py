"""Who watches whom: an endpoint's alarms come from its policy, and the dashboards show what is published."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from serinus.domain.figures import DRIFTED, LARGEST_FEATURE_PSI, ROWS_CHECKED, SCORE_PSI
from serinus.settings import ALARM_PREFIX
from tests.infra.assembly import Assembly, Json, a_policy, synthesise

_TOPIC = "arn:aws:sns:eu-west-1:123456789012:on-call"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, layers: Path) -> Assembly:
    """The synth of an endpoint whose policy says much about alarms."""
    policy = a_policy(
        drift={"every_minutes": 30},
        performance={"every_minutes": 2_880, "floors": [{"metric": "log_loss", "maximum": 0.4, "minimum": 0.01}]},
        alarms={"failing_share_percent": 2.5, "latency_p95_ms": 40, "topics": [_TOPIC]},
    )
    return synthesise(tmp_path_factory.mktemp("watched"), layers=layers, policies=(policy,))


def _alarms(assembly: Assembly) -> dict[str, Json]:
    """Return the alarms of the endpoint, by the sentence that they say."""
    return {
        alarm.properties["AlarmDescription"].removeprefix("Endpoint fraud "): alarm.properties
        for alarm in assembly.resources("AWS::CloudWatch::Alarm")
        if alarm.properties["AlarmDescription"].startswith("Endpoint fraud ")
    }


def test_every_limit_of_the_policy_has_its_alarm(watched: Assembly) -> None:
    """With the policy's own numbers, and as often as the schedule looks; at most a day apart."""
    alarms = _alarms(watched)
    limits = {
        said: (alarm["Threshold"], alarm["ComparisonOperator"], alarm.get("Period"), alarm.get("MetricName"))
        for said, alarm in alarms.items()
    }
    assert limits["fails too large a share of its requests."][0] == 2.5
    assert limits["is slower than its policy allows."] == (40, "GreaterThanThreshold", 300, "Duration")
    assert limits["has drifted from what its model was validated on."] == (
        1,
        "GreaterThanOrEqualToThreshold",
        1_800,
        "Drifted",
    )
    assert limits["has labels that its scores did not let expect."][3] == "ConceptDrifted"
    for told, series in (("an estimated", "EstimatedLogLossAtBest"), ("by its labels a", "RealisedLogLossAtBest")):
        loss = f"has {told} log_loss beyond its policy's"
        assert limits[f"{loss} maximum."] == (0.4, "GreaterThanThreshold", 86_400, series)
        assert limits[f"{loss} minimum."] == (0.01, "LessThanThreshold", 86_400, series)


def test_the_gates_are_watched_where_there_are_no_floors(aws: Assembly) -> None:
    """And nothing is told anybody whom the policy does not name."""
    alarms = _alarms(aws)
    assert alarms["has an estimated roc_auc beyond its policy's minimum."]["Threshold"] == 0.7
    assert not any("AlarmActions" in alarm for alarm in alarms.values())


def test_the_policys_topics_hear_of_each_alarm_and_of_its_end(watched: Assembly) -> None:
    """All of them; no data is not an alarm."""
    alarms = _alarms(watched)
    assert len(alarms) == 11
    for alarm in alarms.values():
        assert (alarm["AlarmActions"], alarm["OKActions"]) == ([_TOPIC], [_TOPIC])
        assert alarm["TreatMissingData"] == "notBreaching"


def test_no_alarm_is_taken_for_a_rollouts(watched: Assembly) -> None:
    """Those move traffic."""
    assert not any(str(alarm.get("AlarmName", "")).startswith(ALARM_PREFIX) for alarm in _alarms(watched).values())


def test_the_dashboard_draws_what_is_published(aws: Assembly) -> None:
    """Every graph searches series of the picked endpoint; every name is one that something publishes."""
    (board,) = (
        json.loads(_joined(found.properties["DashboardBody"]))
        for found in aws.resources("AWS::CloudWatch::Dashboard")
        if found.properties["DashboardName"] == "serinus-endpoints"
    )
    (variable,) = board["variables"]
    assert (variable["type"], variable["pattern"], variable["populateFrom"]) == (
        "pattern",
        "THE_ENDPOINT",
        "endpoint",
    )
    searches = [json.dumps(widget["properties"]["metrics"]) for widget in board["widgets"]]
    assert all("THE_ENDPOINT" in search and "{Serinus,endpoint,release}" in search for search in searches)
    drawn = set(re.findall(r'\\"([A-Z]\w+)\\"', " ".join(searches).replace("\\\\", "\\")))
    by_requests = {"Requests", "Rows", "ClientErrors", "ServerErrors", "Latency"}
    assert drawn >= by_requests | {DRIFTED, ROWS_CHECKED, LARGEST_FEATURE_PSI, SCORE_PSI, "EstimatedRocAuc"}


def _joined(body: object) -> str:
    """Put a template's joined string together, its references left empty."""
    if isinstance(body, str):
        return body
    assert isinstance(body, dict)
    return "".join(part if isinstance(part, str) else "" for part in body["Fn::Join"][1])
