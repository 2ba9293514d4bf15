"""What the control API is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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


class SteeringAsked(_Asked):
    """POST /endpoints/{endpoint}/rollouts/{rollout}/resume, and what its siblings have in common."""

    reason: _Line = ""
    force: bool = False


class PauseAsked(SteeringAsked):
    """POST /endpoints/{endpoint}/rollouts/{rollout}/pause."""

    reason: Reason


class PromotionAsked(SteeringAsked):
    """POST /endpoints/{endpoint}/rollouts/{rollout}/promote."""

    reason: Reason
    force: Annotated[bool, Field(strict=True)] = False


STEERING: Mapping[Wish, type[SteeringAsked]] = {
    Wish.PAUSE: PauseAsked,
    Wish.RESUME: SteeringAsked,
    Wish.PROMOTE: PromotionAsked,
}


class AbortAsked(_Asked):
    """POST /endpoints/{endpoint}/rollouts/{rollout}/abort."""

    reason: Reason


class RollBackAsked(_Asked):
    """POST /endpoints/{endpoint}/rollback."""

    reason: Reason
    to: Annotated[int, Field(strict=True, ge=1)] | None = None


class ListAsked(_Asked):
    """GET /endpoints/{endpoint}/rollouts."""

    at_most: Annotated[int, Field(ge=1, le=200)] = 20


class DescriptionAsked(_Asked):
    """GET /endpoints/{endpoint}/rollouts/{rollout}."""

    decisions: Annotated[int, Field(ge=0, le=1_000)] = 50
