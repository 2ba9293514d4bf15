"""What the functions are called with, as the state machines, the rules and the command line send it."""

from __future__ import annotations

import json
import re
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from serinus import settings
from serinus.domain.policy import EndpointName
from serinus.domain.rollout import Outcome, Split
from serinus.use_cases.end_rollout import Progress
from serinus.use_cases.ports.rollouts import ReturnedTraffic, RollBackWish
from serinus.use_cases.roll_back import RollBack, RolledBack

_Endpoint = Annotated[str, Field(min_length=1, max_length=256)]
_ALARM = re.compile(rf"{settings.ALARM_PREFIX}/(?P<endpoint>[^/]+)/(?P<release>\d+)/(?P<kind>[^/]+)")
_EXECUTION = re.compile(r"arn:[^:]+:states:[^:]*:[^:]*:execution:[^:]+:(?P<endpoint>[^:]+)-(?:v\d+|deploy)-[0-9a-f]+")
_RUNTIME_PARAMETER = re.compile(rf"{settings.POLICY_PATH}/(?P<endpoint>[^/]+)/runtime")


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True)


class UploadArrived(_Payload):
    """Called by the release state machine with the object that S3 announced."""

    bucket: str
    key: str
    execution: str


class ModelVersionNamed(_Payload):
    """Called by the release state machine about one model version."""

    endpoint: _Endpoint
    version: Annotated[int, Field(ge=1)]
    execution: str


class DataNamed(_Payload):
    """Called by the release state machine about a version's held-out rows, by the retraining one about a snapshot."""

    endpoint: _Endpoint
    version: Annotated[int, Field(ge=1)] | None = None
    snapshot: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None

    @property
    def data(self) -> int | str:
        """The version's number or the snapshot's digest."""
        return self.version or self.snapshot or ""

    @model_validator(mode="after")
    def _names_one_thing(self) -> DataNamed:
        if (self.version is None) == (self.snapshot is None):
            raise ValueError("name a model version or a snapshot, and not both")
        return self


class RolloutWanted(_Payload):
    """Called by the rollout state machine, whose execution began at `started_at`.

    It is to bring a model version, or a deploy with the model that is live.
    """

    endpoint: _Endpoint
    version: Annotated[int, Field(ge=1)] | None = None
    deployment: str | None = None
    execution: str
    started_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _brings_one_thing(self) -> RolloutWanted:
        if (self.version is None) == (self.deployment is None):
            raise ValueError("name a model version or a deployment, and not both")
        return self


class Deployed(_Payload):
    """Called by the rule on changed parameters, with the name of a runtime's, or by the endpoint's schedule."""

    endpoint: _Endpoint

    @model_validator(mode="before")
    @classmethod
    def _names_an_endpoint(cls, sent: object) -> object:
        if not isinstance(sent, dict) or "parameter" not in sent:
            return sent
        match = _RUNTIME_PARAMETER.fullmatch(str(sent["parameter"]))
        if match is None:
            raise ValueError(f"{sent['parameter']!r} is no runtime's parameter")
        return {"endpoint": match["endpoint"]}


class RolloutNamed(_Payload):
    """Called by the rollout state machine about one rollout."""

    endpoint: _Endpoint
    rollout: str


class PublicationWanted(RolloutNamed):
    """Called by the rollout state machine; `shadows` is whether the execution's definition knows of shadows.

    An execution keeps the definition it began with: one that knows of none must go on without.
    """

    shadows: bool = False


class RollBackWanted(_Payload):
    """Called by the alarm rule, by `request_roll_back`, by a state machine that failed, or by the rule on its end.

    The alarm rule sends `alarm_name` and `reason`; `request_roll_back` sends `endpoint`, `reason`, who asks as
    `requested_by`, what that person saw under way (`rollout`) or live and wants gone (`from`), and perhaps `to`; a
    failed state machine sends `endpoint`, `rollout` and `cause`; the rule for an execution that ended before its
    rollout did sends `execution`, whose name begins with the endpoint's, and `cause`.
    """

    endpoint: _Endpoint | None = None
    alarm_name: str | None = None
    rollout: str | None = None
    execution: str | None = None
    cause: str | None = None
    reason: str = ""
    requested_by: str | None = None
    to: Annotated[int, Field(ge=1)] | None = None
    leaving: Annotated[int | None, Field(ge=1, alias="from")] = None

    @model_validator(mode="after")
    def _names_an_endpoint(self) -> RollBackWanted:
        if self.alarm_name is not None and not _ALARM.fullmatch(self.alarm_name):
            raise ValueError(f"{self.alarm_name!r} is no alarm of a rollout")
        if self.execution is not None and not _EXECUTION.fullmatch(self.execution):
            raise ValueError(f"{self.execution!r} is no execution of a rollout")
        if self.alarm_name is None and self.execution is None and self.endpoint is None:
            raise ValueError("name an endpoint, an alarm or an execution")
        if self.endpoint is not None and self.rollout is None and self.requested_by is None:
            raise ValueError("say who asks for it")
        return self

    @property
    def alarmed(self) -> tuple[str, int] | None:
        """The endpoint and release that an alarm speaks of."""
        match = _ALARM.fullmatch(self.alarm_name) if self.alarm_name else None
        return (match["endpoint"], int(match["release"])) if match else None

    @property
    def executed(self) -> str | None:
        """The endpoint of an execution; its name is `<endpoint>-v<version>-<hash>` or `<endpoint>-deploy-<hash>`."""
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
        if self.requested_by is not None:
            return RollBack(
                EndpointName(endpoint),
                self.reason,
                self.requested_by,
                rollout=self.rollout,
                to=self.to,
                leaving=self.leaving,
            )
        reason = f"the rollout itself failed: {_in_short(self.cause or '')}"
        return RollBack(EndpointName(endpoint), reason, "rollout", rollout=self.rollout, outcome=Outcome.FAILED)


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


class PruningDue(_Payload):
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


def wish_payload(wish: RollBackWish) -> dict[str, object]:
    """Return what `roll_back` is called with for a person."""
    wanted = {"endpoint": wish.endpoint, "reason": wish.reason, "requested_by": wish.actor}
    told = {"rollout": wish.rollout, "to": wish.to, "from": wish.leaving}
    return wanted | {name: value for name, value in told.items() if value is not None}


def rolled_back_payload(result: RolledBack) -> dict[str, object]:
    """Return what `roll_back` answers."""
    return {
        "endpoint": result.endpoint,
        "status": "rolled_back" if result.moved or result.rollout else "nothing_to_do",
        "stable": result.split.stable,
        "candidate": result.split.candidate,
        "candidate_percent": result.split.candidate_percent,
        "rollout": result.rollout,
        "reason": result.reason,
    }


class RollBackAnswered(_Payload):
    """What `roll_back` answers, as its caller reads it."""

    status: Literal["rolled_back", "nothing_to_do"]
    stable: int
    candidate: int | None
    candidate_percent: int
    rollout: str | None
    reason: str

    def as_returned(self) -> ReturnedTraffic:
        """Return where traffic goes now."""
        split = Split(self.stable, self.candidate, self.candidate_percent)
        return ReturnedTraffic(split, self.rollout, self.status == "rolled_back", self.reason)


def progress_payload(progress: Progress) -> dict[str, object]:
    """Return what the rollout state machine reads: how far the rollout has come, or how it ended."""
    return {
        "endpoint": progress.endpoint,
        "rollout": progress.rollout,
        "status": str(progress.outcome or progress.stage),
        "wait_seconds": progress.wait_seconds,
        "reason": progress.reason,
    }
