"""Choose the steps that a rollout takes."""

from __future__ import annotations

from serinus.domain.guard import RolloutMetric
from serinus.domain.policy import RolloutPlan
from serinus.domain.rollout import ChosenPlan

_UNTIL_LABELS = 95  # percent; labels compare nothing once stable has no traffic


def chosen_plan(plan: RolloutPlan) -> ChosenPlan:
    """Return the steps that the policy names."""
    steps = plan.steps
    judged_by_labels = any(guard.metric is RolloutMetric.LABELS for guard in plan.guards)
    if judged_by_labels and steps[-1] < _UNTIL_LABELS:
        steps = (*steps, _UNTIL_LABELS)
    return ChosenPlan(steps, plan.guards, "as the policy says")
