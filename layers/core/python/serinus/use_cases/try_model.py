"""Try a model on a few rows in a process of its own, before it is let near all of them."""

from __future__ import annotations

from dataclasses import dataclass

from serinus.domain.footprint import PACE, Footprint, judge_pace
from serinus.domain.gates import Finding
from serinus.domain.policy import Policy
from serinus.domain.signature import Signature
from serinus.domain.table import Table
from serinus.errors import ModelFailed, ModelOverran
from serinus.use_cases.ports.models import MeasureFootprint

_LOADING_SECONDS = 20.0


@dataclass(frozen=True)
class Trial:
    """What came of it: at most one of the two.

    Attributes:
        footprint: what the model took; `None` where it failed, which is told better by scoring all rows.
        refusal: why it is not looked at any closer.
    """

    footprint: Footprint | None = None
    refusal: Finding | None = None


def try_model(
    model: bytes, signature: Signature, features: Table, *, policy: Policy, measure: MeasureFootprint
) -> Trial:
    """Load the model and let it score a few rows, for twice as long as the endpoint has to answer, and a little more.

    A model that computes for ever, or takes all memory, would take the whole validation with it, which then could not
    even say so.
    """
    within = trial_seconds(policy)
    try:
        found = measure(model, signature, features, within)
    except ModelOverran as overran:
        message = (
            f"the model could not be tried on a few rows: {overran}; the endpoint must answer within "
            f"serving.timeout_seconds = {policy.serving.timeout_seconds}: look whether the model ends for every row, "
            "and make it smaller"
        )
        return Trial(refusal=Finding(PACE, passed=False, message=message))
    except ModelFailed:
        return Trial()
    if found is None:
        return Trial()
    refusal = judge_pace(found, rows=features.rows, timeout_seconds=policy.serving.timeout_seconds)
    return Trial(found) if refusal is None else Trial(refusal=refusal)


def trial_seconds(policy: Policy) -> float:
    """Return how long loading a model and scoring a few rows may take."""
    return _LOADING_SECONDS + 2.0 * policy.serving.timeout_seconds
