"""The policy's table `[alarms]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from serinus.adapters.schemas.strict import Strict

_Topic = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$")]


class AlarmsTable(Strict):
    """As a person writes it."""

    failing_share_percent: Annotated[float, Field(gt=0, le=100)] = 5.0
    latency_p95_ms: Annotated[float, Field(gt=0)] | None = None
    topics: Annotated[tuple[_Topic, ...], Field(max_length=5)] = ()  # as many as an alarm can tell
