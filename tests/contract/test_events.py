"""`Events`: what is published can be matched by a rule."""

from __future__ import annotations

import pytest
from botocore.stub import Stubber

from tests.contract.builders import NOON
from tests.contract.clouds import AwsCloud, Cloud


def test_an_event_carries_its_name_endpoint_and_detail(cloud: Cloud) -> None:
    """Rules match on the source, the detail type and the fields of the detail."""
    cloud.events.publish("DriftDetected", "fraud", {"retrain": True, "psi": 0.31})
    assert cloud.published() == [("DriftDetected", {"endpoint": "fraud", "retrain": True, "psi": 0.31})]


def test_an_event_that_the_bus_did_not_take_is_an_error(aws: AwsCloud) -> None:
    """EventBridge answers 200 and counts what it refused."""
    events = aws.events
    with Stubber(aws.clients.events) as stub:
        refused = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "later"}]}
        stub.add_response("put_events", refused)
        with pytest.raises(RuntimeError, match="InternalFailure"):
            events.publish("DriftDetected", "fraud", {"at": NOON})
