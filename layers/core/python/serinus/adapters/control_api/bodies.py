"""What the control API is asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from serinus.domain.label_files import Label
from serinus.domain.steering import Wish

_LONGEST_REASON = 1_000


def _on_one_line(text: str) -> str:
    """Refuse what could forge a line of a log, or command a terminal."""
    if not text.isprintable():
        raise ValueError("write one line of printable text")
    return text.strip()


_Line = Annotated[str, Field(max_length=_LONGEST_REASON), AfterValidator(_on_one_line)]


def _said(text: str) -> str:
    if not text:
        raise ValueError("say why, for the ledger")
    return text


Reason = Annotated[_Line, AfterValidator(_said)]


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RolloutAsked(_Asked):
    """POST /endpoints/{endpoint}/rollouts."""

    version: Annotated[int, Field(strict=True, ge=1)]
    reason: _Line = ""


class ResumeAsked(_Asked):
    """POST /endpoints/{endpoint}/rollouts/{rollout}/resume."""

    reason: _Line = ""

    @property
    def forced(self) -> bool:
        """Nothing to be forced."""
        return False


class PauseAsked(ResumeAsked):
    """POST /endpoints/{endpoint}/rollouts/{rollout}/pause."""

    reason: Reason


class PromotionAsked(PauseAsked):
    """POST /endpoints/{endpoint}/rollouts/{rollout}/promote."""

    force: Annotated[bool, Field(strict=True)] = False

    @property
    def forced(self) -> bool:
        """Whether it goes ahead although something speaks against the candidate."""
        return self.force


STEERING: Mapping[Wish, type[ResumeAsked]] = {
    Wish.PAUSE: PauseAsked,
    Wish.RESUME: ResumeAsked,
    Wish.PROMOTE: PromotionAsked,
}


class AbortAsked(_Asked):
    """POST /endpoints/{endpoint}/rollouts/{rollout}/abort."""

    reason: Reason


class RollBackAsked(_Asked):
    """POST /endpoints/{endpoint}/rollback; `rollout` or `from` is what the caller saw, and wants gone."""

    reason: Reason
    to: Annotated[int, Field(strict=True, ge=1)] | None = None
    leaving: Annotated[int | None, Field(strict=True, ge=1, alias="from")] = None
    rollout: Annotated[str, Field(min_length=1, max_length=256)] | None = None


class ListAsked(_Asked):
    """GET /endpoints/{endpoint}/rollouts."""

    at_most: Annotated[int, Field(ge=1, le=200)] = 20


class DescriptionAsked(_Asked):
    """GET /endpoints/{endpoint}/rollouts/{rollout}."""

    decisions: Annotated[int, Field(ge=0, le=1_000)] = 50


_Id = Annotated[str, Field(min_length=1, max_length=1_024)]


class LabelAsked(_Asked):
    """One label of POST /endpoints/{endpoint}/labels; it names a request and its row, or a row by its own id."""

    label: (
        Annotated[bool, Field(strict=True)]
        | Annotated[int, Field(strict=True)]
        | Annotated[float, Field(strict=True, allow_inf_nan=False)]
        | _Id
    )
    id: _Id | None = None
    row: Annotated[int, Field(strict=True, ge=0, lt=2**31)] | None = None
    row_id: _Id | None = None
    time: AwareDatetime | None = None

    @field_validator("time")
    @classmethod
    def _is_a_time_in_utc(cls, time: datetime | None) -> datetime | None:
        try:
            return time and time.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("in UTC it must lie in the years 1 to 9999") from error

    @model_validator(mode="after")
    def _names_one_prediction(self) -> LabelAsked:
        if (self.id is None) is (self.row_id is None):
            raise ValueError("name the prediction by id, and row, or else by row_id")
        if self.row_id is not None and self.row is not None:
            raise ValueError("row goes with id; a row_id names a row by itself")
        return self

    @property
    def as_label(self) -> Label:
        """What it says."""
        return Label(self.label, self.id, self.row or 0, self.row_id, self.time)


class LabelsAsked(_Asked):
    """POST /endpoints/{endpoint}/labels."""

    labels: Annotated[tuple[LabelAsked, ...], Field(min_length=1)]
