"""Events on EventBridge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from serinus import settings

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient


class EventBridgeEvents:
    """`Events` on EventBridge; rules match the source, the name and the fields of the detail."""

    def __init__(self, client: EventBridgeClient, bus: str) -> None:
        self._client = client
        self._bus = bus

    def publish(self, name: str, endpoint: str, detail: Mapping[str, object]) -> None:
        """Publish an event such as `DriftDetected`; the endpoint is part of its detail.

        Raises:
            RuntimeError: the bus did not take it, which is for the caller's retries.
        """
        answer = self._client.put_events(
            Entries=[
                {
                    "EventBusName": self._bus,
                    "Source": settings.EVENT_SOURCE,
                    "DetailType": name,
                    "Detail": json.dumps({**detail, "endpoint": endpoint}, default=str),
                }
            ]
        )
        if answer["FailedEntryCount"]:
            refused = answer["Entries"][0]
            why = f"{refused.get('ErrorCode')} {refused.get('ErrorMessage')}"
            raise RuntimeError(f"the event bus {self._bus!r} did not take {name}: {why}")
