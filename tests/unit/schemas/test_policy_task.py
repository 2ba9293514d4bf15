"""A policy's task decides what it may declare; the rest is refused with a sentence, never passed over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from serinus.adapters.schemas.policy import parse_policy, policy_json
from serinus.domain.comparison_plan import ComparisonPlan
from serinus.domain.metric import METRICS, Metric
from serinus.domain.task import Target, Task
from serinus.errors import PolicyRefused
from tests.unit.schemas.test_policy import MINIMAL, read

REGRESSION = MINIMAL.replace("roc_auc", "r2").replace("[[gates]]", "task = 'regression'\n[[gates]]", 1)
CLASSES = "task = 'multiclass'\nclasses = ['bike', 'car', 'train']\n"
SAYS_THE_SAME = "which a model that says the same of every row can pass"
MULTICLASS = MINIMAL.replace("roc_auc", "macro_f1").replace("[[gates]]", f"{CLASSES}[[gates]]", 1)


def test_a_policy_is_of_a_binary_task_unless_it_says_otherwise(tmp_path: Path) -> None:
    """As all policies were before there were others."""
    assert read(tmp_path, MINIMAL).target == Target(Task.BINARY, ())
    assert read(tmp_path, REGRESSION).target == Target(Task.REGRESSION, ())
    assert read(tmp_path, MULTICLASS).target == Target(Task.MULTICLASS, ("bike", "car", "train"))


@pytest.mark.parametrize("text", [MINIMAL, REGRESSION, MULTICLASS + "[comparison]\nhistorical_snapshots = 5\n"])
def test_a_policy_of_any_task_survives_the_parameter_store(tmp_path: Path, text: str) -> None:
    """Written as JSON, where every default is spelled out, it is read back as it was."""
    policy = read(tmp_path, text)
    assert parse_policy(json.loads(policy_json(policy)), source="stored") == policy


@pytest.mark.parametrize("task", list(Task))
def test_each_metric_of_the_task_can_be_gated_beside_one_that_tells_skill(tmp_path: Path, task: Task) -> None:
    """And one of another task cannot."""
    text = {Task.BINARY: MINIMAL, Task.REGRESSION: REGRESSION, Task.MULTICLASS: MULTICLASS}[task]
    for metric in Metric:
        gated = f"{text}\n[[gates]]\nmetric = '{metric}'\nmaximum = 0.9\n"
        if metric in METRICS[task]:
            assert read(tmp_path, gated).gates[-1].metric is metric
        else:
            with pytest.raises(PolicyRefused, match=f"{metric} is no metric of the task '{task}', whose metrics are"):
                read(tmp_path, gated)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            REGRESSION.replace("r2", "absolute_bias"),
            f"{SAYS_THE_SAME}: add rmse",
        ),
        (
            MULTICLASS.replace("macro_f1", "accuracy"),
            f"{SAYS_THE_SAME}: add macro",
        ),
        (MULTICLASS.replace("macro_f1", "top_label_calibration_error"), "add macro_roc_auc, macro_f1"),
        (MULTICLASS.replace(", 'train'", ""), "takes at least 3 classes"),
        (MULTICLASS.replace("'train'", "'car'"), "classes name 'car' twice"),
        (REGRESSION.replace("task =", "classes = ['a', 'b', 'c']\ntask ="), "classes go with task = 'multiclass'"),
        (
            REGRESSION.replace("task =", "operating_threshold = 0.4\ntask ="),
            "operating_threshold cuts",
        ),
        (
            MULTICLASS.replace("task =", "operating_threshold = 0.4\ntask ="),
            "operating_threshold cuts",
        ),
        (
            REGRESSION + "[[performance.floors]]\nmetric = 'roc_auc'\nminimum = 0.7\n",
            r"performance.floors\]\] hold",
        ),
        (
            REGRESSION + "[[rollout.guards]]\nmetric = 'labels'\nguards_promotion = true\n",
            "the guard on 'labels' counts labels that a binary score's threshold gets wrong",
        ),
        (
            REGRESSION + "[[rollout.guards]]\nmetric = 'outcome'\nguards_promotion = true\n"
            "[rollout.outcome]\nscore_at_least = 0.9\n",
            r"\[rollout.outcome\] is bad by a binary score's limit",
        ),
        (
            REGRESSION + "[rollout.shadow]\nminimum_agreement = 0.9\n",
            "shadow.minimum_agreement counts rows",
        ),
        (MULTICLASS + "[rollout]\nscore_shift_tolerance = 0.5\n", "score_shift_tolerance is in standard deviations"),
        (MINIMAL + "[comparison]\nhistorical_snapshots = 6\n", "comparison.historical_snapshots"),
        (MINIMAL.replace("[[gates]]", "task = 'ranking'\n[[gates]]", 1), "task"),
    ],
)
def test_what_the_task_does_not_have_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """The sentence says what rests on what."""
    with pytest.raises(PolicyRefused, match=said):
        read(tmp_path, text)


def test_two_snapshots_of_the_past_are_compared_unless_the_policy_says_otherwise(tmp_path: Path) -> None:
    """None of them is a choice too."""
    assert read(tmp_path, MINIMAL).comparison == ComparisonPlan(2)
    assert read(tmp_path, MINIMAL + "[comparison]\nhistorical_snapshots = 0\n").comparison == ComparisonPlan(0)


@pytest.mark.parametrize("text", [MINIMAL, REGRESSION, MULTICLASS])
def test_the_gates_are_the_floors_of_what_labels_tell(tmp_path: Path, text: str) -> None:
    """Whatever the task; without labels only a binary score tells anything."""
    policy = read(tmp_path, text)
    assert policy.floors == policy.gates
    assert [gate.metric.needs_labels for gate in policy.gates] == [policy.task is not Task.BINARY]
