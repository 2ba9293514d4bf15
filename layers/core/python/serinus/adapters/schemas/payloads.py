"""What the functions are called with, as the state machines, the rules and the command line send it."""

from __future__ import annotations

import json
import re
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from serinus import settings
from serinus.domain.policy import EndpointName
from serinus.domain.rollout import Outcome
from serinus.use_cases.end_rollout import Progress
from serinus.use_cases.roll_back import RollBack

_Endpoint = Annotated[str, Field(min_length=1, max_length=256)]
_ALARM = re.compile(rf"{settings.ALARM_PREFIX}/(?P<endpoint>[^/]+)/(?P<release>\d+)/(?P<kind>[^/]+)")
_EXECUTION = re.compile(r"arn:[^:]+:states:[^:]*:[^:]*:execution:[^:]+:(?P<endpoint>[^:]+)-v\d+-[0-9a-f]+")


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True)


class UploadArrived(_Payload):
    """Called by the release state machine with the object that S3 announced."""

    bucket: str
    key: str
    execution: str


class ModelVersionNamed(_Payload):
    """Called by a state machine about one model version; `started_at` is when the rollout's execution began."""

    endpoint: _Endpoint
    version: Annotated[int, Field(ge=1)]
    execution: str
    started_at: AwareDatetime | None = None


class RolloutNamed(_Payload):
    """Called by the rollout state machine about one rollout."""

    endpoint: _Endpoint
    rollout: str


class RollBackWanted(_Payload):
    """Called by the alarm rule, by a person, by a rollout state machine that failed, or by the rule on its end.

    The alarm rule sends `alarm_name` and `reason`; a person sends `endpoint`, `reason`, `requested_by` and perhaps
    `to`; a failed state machine sends `endpoint`, `rollout` and `cause`; the rule for an execution
    that ended before its rollout did sends `execution`, whose name begins with the endpoint's, and `cause`.
    """

    endpoint: _Endpoint | None = None
    alarm_name: str | None = None
    rollout: str | None = None
    execution: str | None = None
    cause: str | None = None
    reason: str = ""
    requested_by: str | None = None
    to: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _names_an_endpoint(self) -> RollBackWanted:
        if self.alarm_name is not None and not _ALARM.fullmatch(self.alarm_name):
            raise ValueError(f"{self.alarm_name!r} is no alarm of a rollout")
        if self.execution is not None and not _EXECUTION.fullmatch(self.execution):
            raise ValueError(f"{self.execution!r} is no execution of a rollout")
        if self.alarm_name is None and self.execution is None and self.endpoint is None:
            raise ValueError("name an endpoint, an alarm or an execution")
        return self

    @property
    def alarmed(self) -> tuple[str, int] | None:
        """The endpoint and release that an alarm speaks of."""
        match = _ALARM.fullmatch(self.alarm_name) if self.alarm_name else None
        return (match["endpoint"], int(match["release"])) if match else None

    @property
    def executed(self) -> str | None:
        """The endpoint that an execution is of; the release pipeline names it `<endpoint>-v<version>-<hash>`."""
        match = _EXECUTION.fullmatch(self.execution) if self.execution else None
        return match["endpoint"] if match else None

    def as_request(self) -> RollBack:
        """Return what is wanted, whoever wants it."""
        if self.alarmed:
            endpoint, release = self.alarmed
            reason = f"alarm {self.alarm_name}: {self.reason}"
            return RollBack(EndpointName(endpoint), reason, "alarm", release=release)
        if self.executed:
            reason = f"the rollout's execution ended early: {self.cause}"
            return RollBack(
                EndpointName(self.executed), reason, "rollout", outcome=Outcome.FAILED, execution=self.execution
            )
        endpoint = str(self.endpoint)
        if self.rollout is not None:
            reason = f"the rollout itself failed: {_in_short(self.cause or '')}"
            outcome = Outcome.FAILED
            return RollBack(EndpointName(endpoint), reason, "rollout", rollout=self.rollout, outcome=outcome)
        actor = self.requested_by or "somebody"
        return RollBack(EndpointName(endpoint), self.reason, actor, to=self.to)


def _in_short(cause: str) -> str:
    """Return the error's name and message out of `<name>: <cause>`.

    The cause of a function's error is a JSON document with its stack trace and paths, which are for the log only.
    """
    name, _, told = cause.partition(": ")
    if not told.lstrip().startswith("{"):
        return cause
    try:
        message = json.loads(told).get("errorMessage")
    except ValueError:  # it was cut off
        return name
    return f"{name}: {message}" if message else name


class DriftCheckDue(_Payload):
    """Called by the endpoint's schedule."""

    endpoint: _Endpoint


class PerformanceCheckDue(_Payload):
    """Called by the endpoint's schedule."""

    endpoint: _Endpoint


class CompactionDue(_Payload):
    """Called by the endpoint's schedule."""

    endpoint: _Endpoint


class SnapshotWanted(_Payload):
    """Called by the retraining state machine; `started_at` is when its execution began."""

    endpoint: _Endpoint
    started_at: AwareDatetime
    reason: str = "asked for"


class TrainingWanted(_Payload):
    """Called by the retraining state machine with the snapshot's digest."""

    endpoint: _Endpoint
    snapshot: str


def progress_payload(progress: Progress) -> dict[str, object]:
    """Return what the rollout state machine reads: `in_progress`, or how the rollout ended."""
    return {
        "endpoint": progress.endpoint,
        "rollout": progress.rollout,
        "status": str(progress.outcome or "in_progress"),
        "wait_seconds": progress.wait_seconds,
        "reason": progress.reason,
    }
