"""What goes over the bus is written down in `events/schemas`."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from serinus.adapters.schemas.cloud_event import cloud_event
from serinus.domain.ledger import Action, LedgerEntry
from serinus.domain.policy import EndpointName
from tests.event_schemas import SCHEMAS, CheckedEvents, validator

_USE_CASES = Path(__file__).parents[3] / "layers" / "core" / "python" / "serinus" / "use_cases"
_NAME = re.compile(r'"((?:[A-Z][a-z]+){2,})"')
_SNAPSHOT: dict[str, str | int] = {"snapshot": "0a1b", "train_rows": 75, "holdout_rows": 25, "reason": "drift"}


def an_entry(**details: str | int) -> LedgerEntry:
    """Return the entry of a snapshot."""
    at = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    return LedgerEntry(EndpointName("fraud"), "snapshot:0a1b", Action.SNAPSHOT_TAKEN, "snapshot_data", at, details)


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_one(name: str) -> None:
    """By JSON Schema's own meta-schema; its id is the one that events name."""
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"] == f"urn:serinus:schema:{name}:1"


def test_each_event_has_a_schema_and_each_schema_an_event() -> None:
    """As the use cases spell their names: a new one, or one that went, shows here."""
    named = {name for path in _USE_CASES.glob("*.py") for name in _NAME.findall(path.read_text(encoding="utf-8"))}
    assert named == SCHEMAS.keys() - {"CloudEvent"}


def test_an_event_that_lacks_a_field_is_refused() -> None:
    """The other tests publish through the same check."""
    events = CheckedEvents()
    events.publish("SnapshotTaken", an_entry(**_SNAPSHOT))
    with pytest.raises(ValidationError, match="'reason' is a required property"):
        events.publish("SnapshotTaken", an_entry(snapshot="0a1b", train_rows=75, holdout_rows=25))
    with pytest.raises(AssertionError, match="lacks a field"):
        events.publish("SnapshotTaken", an_entry(**_SNAPSHOT, more=1))
    assert len(events.published) == 1


@pytest.mark.parametrize("attribute", ["specversion", "id", "source", "type", "time", "dataschema", "data"])
def test_an_envelope_needs_each_of_its_attributes(attribute: str) -> None:
    """CloudEvents requires the first four; receivers of ours may rely on the rest."""
    event = json.loads(json.dumps(cloud_event("SnapshotTaken", an_entry(**_SNAPSHOT))))
    validator("SnapshotTaken").validate(event)
    del event[attribute]
    with pytest.raises(ValidationError):
        validator("SnapshotTaken").validate(event)
