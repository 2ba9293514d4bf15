"""Log events reach a subscribed function in batches, at least once, without slowing the writer.

AWS: a subscription filter's matching events are gathered and delivered a little later, each payload from one log
stream, gzipped and base64-encoded under ``awslogs.data``; a delivery that fails or is throttled is repeated with the
same events under the same ids.

Stock: one invocation for every write, at once, without bound or retry, on bare-word patterns, with new ids each time.

Mended: about once a second, per filter, one delivery in flight, repeated with growing pauses for ten minutes (AWS: a
day) before it is given up and logged.
"""

from __future__ import annotations

import base64
import contextvars
import gzip
import json
import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import get_account_id, get_region, set_request_account_id, set_request_region
from ministack.services import cloudwatch_logs, lambda_svc

from serinus.local_cloud.mends.filter_patterns import compile_pattern
from serinus.local_cloud.mends.platform_events import new_event_id
from serinus.local_cloud.mends.replacing import replace

DELIVERY_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
GIVE_UP_SECONDS = 600.0
PAYLOAD_EVENTS = 1_000
PAYLOAD_BYTES = 1_000_000

_logger = logging.getLogger("serinus.log_subscriptions")


@dataclass(frozen=True)
class _Written:
    """Events as they were written, not yet matched with any filter."""

    account: str
    region: str
    group: str
    stream: str
    events: tuple[dict[str, Any], ...]


@dataclass
class _Backlog:
    """What waits for one filter, by log stream in order of first arrival."""

    account: str
    region: str
    group: str
    filter_name: str
    streams: dict[str, deque[dict[str, Any]]] = field(default_factory=dict)
    busy: bool = False

    def add(self, stream: str, events: list[dict[str, Any]]) -> None:
        self.streams.setdefault(stream, deque()).extend(events)

    def take(self) -> tuple[str, list[dict[str, Any]]] | None:
        """The next payload's stream and events."""
        if not self.streams:
            return None
        stream, waiting = next(iter(self.streams.items()))
        taken: list[dict[str, Any]] = []
        size = 0
        while waiting and len(taken) < PAYLOAD_EVENTS and size < PAYLOAD_BYTES:
            taken.append(waiting.popleft())
            size += len(taken[-1]["message"])
        del self.streams[stream]
        if waiting:
            self.streams[stream] = waiting
        return stream, taken


class Deliveries:
    """Gathers what is written and delivers it from threads of its own."""

    def __init__(self) -> None:
        self._written: deque[_Written] = deque()
        self._backlogs: dict[tuple[str, str, str, str], _Backlog] = {}
        self._lock = threading.Lock()

    def note(self, group: str, stream: str, events: list[dict[str, Any]]) -> None:
        """Remember written events; all that the writer waits for."""
        found = cloudwatch_logs._log_groups.get(group)
        if not events or not found or not found.get("subscriptionFilters"):
            return
        kept = tuple(
            {
                "id": event.get("eventId") or new_event_id(event["timestamp"]),
                "timestamp": event["timestamp"],
                "message": event["message"],
            }
            for event in events
        )
        self._written.append(_Written(get_account_id(), get_region(), group, stream, kept))

    def run(self) -> None:
        """Match and deliver about once a second, for as long as the process lives."""
        while True:
            time.sleep(DELIVERY_SECONDS)
            try:
                self._match_written()
                self._start_deliveries()
            except Exception:
                _logger.exception("a round of log deliveries failed")

    def _match_written(self) -> None:
        while self._written:
            written = self._written.popleft()
            group = cloudwatch_logs._log_groups.get_scoped(written.account, written.region, written.group)
            for name, subscription in ((group or {}).get("subscriptionFilters") or {}).items():
                admits = compile_pattern(subscription.get("filterPattern") or "")
                matching = [event for event in written.events if admits(event["message"])]
                if matching and _destination_of(subscription, written.group):
                    key = (written.account, written.region, written.group, name)
                    with self._lock:
                        self._backlogs.setdefault(key, _Backlog(*key)).add(written.stream, matching)

    def _start_deliveries(self) -> None:
        for backlog in list(self._backlogs.values()):
            if not backlog.busy and backlog.streams:
                backlog.busy = True
                threading.Thread(
                    target=contextvars.Context().run, args=(self._deliver_all, backlog), daemon=True
                ).start()

    def _deliver_all(self, backlog: _Backlog) -> None:
        """Deliver one payload after another until nothing waits."""
        set_request_account_id(backlog.account)
        set_request_region(backlog.region)
        try:
            while True:
                with self._lock:
                    taken = backlog.take()
                if taken is None:
                    return
                self._deliver(backlog, *taken)
        finally:
            backlog.busy = False

    def _deliver(self, backlog: _Backlog, stream: str, events: list[dict[str, Any]]) -> None:
        payload = _payload(backlog, stream, events)
        pause, deadline = FIRST_PAUSE_SECONDS, time.monotonic() + GIVE_UP_SECONDS
        while True:
            group = cloudwatch_logs._log_groups.get(backlog.group) or {}
            subscription = (group.get("subscriptionFilters") or {}).get(backlog.filter_name)
            if subscription is None or _invoke(subscription["destinationArn"], payload):
                return
            if time.monotonic() + pause > deadline:
                _logger.error("%s: gave up on %d log events", backlog.filter_name, len(events))
                return
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _destination_of(subscription: dict[str, Any], group: str) -> str | None:
    """The function to deliver to; None where that would feed the group from itself."""
    destination = str(subscription.get("destinationArn", ""))
    name = destination.partition(":function:")[2].partition(":")[0]
    return destination if name and group != f"/aws/lambda/{name}" else None


def _payload(backlog: _Backlog, stream: str, events: list[dict[str, Any]]) -> dict[str, Any]:
    message = {
        "messageType": "DATA_MESSAGE",
        "owner": backlog.account,
        "logGroup": backlog.group,
        "logStream": stream,
        "subscriptionFilters": [backlog.filter_name],
        "logEvents": events,
    }
    packed = gzip.compress(json.dumps(message).encode(), mtime=0)
    return {"awslogs": {"data": base64.b64encode(packed).decode()}}


def _invoke(destination: str, payload: dict[str, Any]) -> bool:
    func, config, _ = lambda_svc._get_func_record_for_ref(destination)
    if not func or not config:
        return False
    record = lambda_svc._execution_record_for_config(func, config)
    return not lambda_svc._execute_function_with_config_scope(record, payload).get("error")


def apply() -> None:
    """Apply the mend."""
    deliveries = Deliveries()
    replace(cloudwatch_logs, "_fanout_to_subscription_filters", lambda _: deliveries.note)
    threading.Thread(target=deliveries.run, daemon=True, name="log-deliveries").start()
