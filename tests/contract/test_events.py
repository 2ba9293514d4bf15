"""`Events`: what is published can be matched by a rule, and read as a CloudEvent."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from botocore.stub import Stubber
from cloudevents.core.formats.json import JSONFormat

from serinus.domain.ledger import Action, LedgerEntry
from tests.contract.builders import FRAUD, NOON
from tests.contract.clouds import AwsCloud, Cloud

_DRIFT = LedgerEntry(FRAUD, "drift:3:7", Action.DRIFT_DETECTED, "detect_drift", NOON, {"retrain": True, "psi": 0.31})


def test_an_event_carries_its_name_endpoint_and_detail(cloud: Cloud) -> None:
    """Rules match on the source, the detail type and the fields of the detail's data."""
    cloud.events.publish("DriftDetected", _DRIFT)
    ((name, detail),) = cloud.published()
    assert name == "DriftDetected"
    assert detail["data"] == {"endpoint": "fraud", "retrain": True, "psi": 0.31, "actor": "detect_drift"}


def test_others_read_it_as_a_cloud_event(cloud: Cloud) -> None:
    """By the CloudEvents project's own reader, which refuses what lacks a required attribute."""
    cloud.events.publish("DriftDetected", _DRIFT)
    ((_, detail),) = cloud.published()
    read = JSONFormat().read(None, json.dumps(detail))
    assert read.get_type() == "serinus.DriftDetected"
    assert (read.get_source(), read.get_subject()) == ("/serinus/endpoints/fraud", "fraud")
    assert read.get_time() == NOON
    assert isinstance(data := read.get_data(), dict)
    assert data["retrain"] is True


def test_the_same_deed_is_the_same_event(cloud: Cloud) -> None:
    """Whoever published, died and publishes again, a minute later: receivers tell by source and id."""
    cloud.events.publish("DriftDetected", _DRIFT)
    again = LedgerEntry(FRAUD, _DRIFT.id, _DRIFT.action, _DRIFT.actor, NOON + timedelta(minutes=1), _DRIFT.details)
    cloud.events.publish("DriftDetected", again)
    (_, first), (_, second) = cloud.published()
    assert (first["source"], first["id"]) == (second["source"], second["id"])


def test_an_event_that_the_bus_did_not_take_is_an_error(aws: AwsCloud) -> None:
    """EventBridge answers 200 and counts what it refused."""
    events = aws.events
    with Stubber(aws.clients.events) as stub:
        refused = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "later"}]}
        stub.add_response("put_events", refused)
        with pytest.raises(RuntimeError, match="InternalFailure"):
            events.publish("DriftDetected", _DRIFT)
