"""Schedules fire when they are due; on request, a minute passes faster.

AWS: ``rate(1 minute)`` fires once a minute.

Stock: due rules are looked for every ten seconds, so that they fire up to ten seconds late.

Mended: looked for every half second. With ``schedule_seconds``, ``rate(1 minute)`` lasts so long instead of a minute.
That is not AWS's behaviour: it is the one thing in which the local cloud differs on purpose, for demonstrations and
tests.
"""

from __future__ import annotations

from typing import Any

from ministack.services import eventbridge

from serinus.local_cloud.mends.replacing import replace

TICK_SECONDS = 0.5


def apply(schedule_seconds: float | None = None) -> None:
    """Apply the mend."""
    replace(eventbridge, "_SCHEDULER_TICK_INTERVAL", lambda _: TICK_SECONDS)
    if schedule_seconds is None:
        return

    def make(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
        def parse(expression: str) -> float | None:
            if expression == "rate(1 minute)":
                return schedule_seconds
            seconds: float | None = original(expression)
            return seconds

        return parse

    replace(eventbridge, "_parse_rate_seconds", make)
