"""Events on EventBridge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from serinus import settings
from serinus.adapters.schemas.cloud_event import cloud_event
from serinus.domain.ledger import LedgerEntry

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient


class EventBridgeEvents:
    """`Events` on EventBridge; the detail is a CloudEvent, and rules match the source, the name and its `data`."""

    def __init__(self, client: EventBridgeClient, bus: str) -> None:
        self._client = client
        self._bus = bus

    def publish(self, name: str, entry: LedgerEntry) -> None:
        """Publish an event such as `DriftDetected`.

        Raises:
            RuntimeError: the bus did not take it, which is for the caller's retries.
        """
        answer = self._client.put_events(
            Entries=[
                {
                    "EventBusName": self._bus,
                    "Source": settings.EVENT_SOURCE,
                    "DetailType": name,
                    "Detail": json.dumps(cloud_event(name, entry)),
                }
            ]
        )
        if answer["FailedEntryCount"]:
            refused = answer["Entries"][0]
            why = f"{refused.get('ErrorCode')} {refused.get('ErrorMessage')}"
            raise RuntimeError(f"the event bus {self._bus!r} did not take {name}: {why}")
