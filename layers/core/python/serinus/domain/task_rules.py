"""What a policy may declare for its task: what rests on a binary score is refused for any other, not passed over."""

from __future__ import annotations

from collections.abc import Iterator

from serinus.domain.guard import RolloutMetric
from serinus.domain.metric import METRICS
from serinus.domain.model_gates import Behaviour, Invariance, Minimum
from serinus.domain.policy import Policy
from serinus.domain.rollout_plan import ShadowPlan
from serinus.domain.task import FEWEST_CLASSES, Task

_TELLING = {
    Task.BINARY: "roc_auc, average_precision, precision or recall",
    Task.MULTICLASS: "macro_roc_auc, macro_f1, balanced_accuracy or log_loss",
    Task.REGRESSION: "rmse, mae or r2",
}
_USUAL_THRESHOLD = 0.5


def telling_metrics(task: Task) -> str:
    """Name metrics that a model which says the same of every row fails by."""
    return _TELLING[task]


def task_faults(policy: Policy) -> Iterator[str]:
    """Yield each thing that the policy declares and its task does not have, as one sentence.

    >>> from serinus.domain.metric import Metric, MetricGate
    >>> from serinus.domain.policy import EndpointName
    >>> gates = (MetricGate(Metric.ROC_AUC, minimum=0.7),)
    >>> next(task_faults(Policy(EndpointName("prices"), ("ann",), gates=gates, task=Task.REGRESSION)))[:65].strip()
    "roc_auc is no metric of the task 'regression', whose metrics are"
    """
    task = policy.task
    yield from _class_faults(policy)
    for gate in policy.gates:
        if gate.metric not in METRICS[task]:
            known = ", ".join(METRICS[task])
            yield f"{gate.metric} is no metric of the task '{task}', whose metrics are {known}"
    for test in policy.behaviour:
        yield from _behaviour_faults(test, task)
    if task is not Task.BINARY:
        yield from _binary_only(policy)


def _behaviour_faults(test: Behaviour, task: Task) -> Iterator[str]:
    metric = test.metric if isinstance(test, Minimum) else None
    if metric is not None and metric not in METRICS[task]:
        yield f"[[behaviour]] {test.name!r} measures {metric}, which is no metric of the task '{task}'"
    if task is Task.MULTICLASS and metric is None and not isinstance(test, Invariance):
        yield f"[[behaviour]] {test.name!r} reads one score a row, but the task is '{task}': test invariance"


def _class_faults(policy: Policy) -> Iterator[str]:
    classes = policy.classes
    if policy.task is not Task.MULTICLASS:
        if classes:
            yield f"classes go with task = 'multiclass', but the task is '{policy.task}'"
        return
    if len(classes) < FEWEST_CLASSES:
        yield (
            f"task = 'multiclass' takes at least {FEWEST_CLASSES} classes, in the order of the model's columns, and "
            f"{len(classes)} are named: two make a 'binary' task"
        )
    twice = sorted({name for name in classes if classes.count(name) > 1})
    if twice:
        yield f"classes name {twice[0]!r} twice: name each once"


def _binary_only(policy: Policy) -> Iterator[str]:
    but = f"but the task is '{policy.task}'"
    if policy.operating_threshold != _USUAL_THRESHOLD:
        yield f"operating_threshold cuts the score of a binary task, {but}: leave it out"
    if policy.fairness:
        yield f"[[fairness]] compares whom a binary score selects, {but}: leave it out"
    stability = policy.stability
    flips = (stability.maximum_flipped_share, stability.maximum_flipped_share_when_missing)
    if policy.task is Task.REGRESSION and flips != (None, None):
        yield f"[stability] limits decisions that flip, {but}: leave its limits out"
    if policy.performance.floors:
        yield (
            f"[[performance.floors]] hold estimates from a binary score, {but}: leave them out; performance is told "
            "once labels come"
        )
    if policy.rollout.outcome is not None:
        yield f"[rollout.outcome] is bad by a binary score's limit, {but}: guard errors, refusals and latency"
    if any(guard.metric is RolloutMetric.LABELS for guard in policy.rollout.guards):
        yield f"the guard on 'labels' counts labels that a binary score's threshold gets wrong, {but}: leave it out"
    agreement = policy.rollout.shadow and policy.rollout.shadow.minimum_agreement
    if policy.task is Task.REGRESSION and agreement not in {None, ShadowPlan().minimum_agreement}:
        yield f"shadow.minimum_agreement counts rows on one side of a threshold, {but}: leave it out"
    if policy.task is Task.MULTICLASS and policy.rollout.score_shift_tolerance is not None:
        yield f"score_shift_tolerance is in standard deviations of a score that is one number, {but}: leave it out"
