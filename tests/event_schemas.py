"""The events' schemas, as their readers have them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from serinus.adapters.memory.events import MemoryEvents
from serinus.adapters.schemas.cloud_event import cloud_event
from serinus.domain.ledger import LedgerEntry

SCHEMAS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[1] / "events" / "schemas").glob("*.json"))
}
_ENVELOPE = {"endpoint", "actor"}


@cache
def validator(name: str) -> Draft202012Validator:
    """Return what checks an event of that name."""
    resources = [(schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()]
    registry: Registry[Any] = Registry().with_resources(resources)
    return Draft202012Validator(SCHEMAS[name], registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER)


def undocumented(name: str, data: dict[str, object]) -> set[str]:
    """Return the fields that an event's schema does not tell of."""
    told = SCHEMAS[name]["properties"]["data"]
    return set() if "additionalProperties" in told else data.keys() - told["properties"].keys() - _ENVELOPE


class CheckedEvents(MemoryEvents):
    """An event bus that takes only what `events/schemas` describes."""

    def publish(self, name: str, entry: LedgerEntry) -> None:
        """Keep the event."""
        event = json.loads(json.dumps(cloud_event(name, entry)))
        validator(name).validate(event)
        assert not undocumented(name, event["data"]), f"events/schemas/{name}.json lacks a field"
        super().publish(name, entry)
