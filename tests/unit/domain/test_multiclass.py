"""A multi-class model's metrics agree with scikit-learn's; its score is its class and its confidence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from serinus.domain.comparison import differences
from serinus.domain.held_out import MOST_RESAMPLED_ROWS, HeldOutRows
from serinus.domain.metric import METRICS, Metric
from serinus.domain.multiclass import ClassAnswers, Decisions, class_bins, class_scores, describe_classes
from serinus.domain.signature import EVERY_COLUMN, Datatype, Score
from serinus.domain.table import Table
from serinus.domain.task import Target, Task
from serinus.domain.tensor import Tensor
from serinus.use_cases.infer import scores_from, scores_of

Reals = npt.NDArray[np.float64]


def chances_of(rows: int, classes: int, *, seed: int, skill: float = 1.5) -> tuple[npt.NDArray[np.int64], Reals]:
    """Return labels and chances, in float32 as models give them, that know something of them."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, classes, rows)
    odds = chance.normal(0, 1, (rows, classes))
    odds[np.arange(rows), labels] += skill
    shares = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    return labels, shares.astype(np.float32).astype(np.float64)


def target(classes: int) -> Target:
    """Return a target of that many classes."""
    return Target(Task.MULTICLASS, tuple(f"c{number}" for number in range(classes)))


def rows_of(labels: npt.NDArray[np.int64], chances: Reals) -> HeldOutRows:
    """Return held-out rows with these answers."""
    table = Table({"x": labels.astype(np.float64)})
    return HeldOutRows("h", table, labels.astype(np.float64), chances, target(chances.shape[1]))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(30, 500), classes=st.integers(3, 6))
def test_metrics_agree_with_scikit_learn(seed: int, rows: int, classes: int) -> None:
    """On all rows, and on drawn ones, some twice."""
    labels, chances = chances_of(rows, classes, seed=seed)
    chance = np.random.default_rng(seed)
    for drawn in (np.arange(rows), chance.integers(0, rows, rows)):
        truth, told = labels[drawn], chances[drawn]
        if len(np.unique(truth)) < classes:
            continue  # scikit-learn has no areas then
        found = ClassAnswers(labels, chances).measured(drawn)
        said = np.argmax(told, axis=1)
        exact = told / told.sum(axis=1, keepdims=True)  # scikit-learn asks for sums of 1 to the last digit
        expected = {
            Metric.MACRO_ROC_AUC: metrics.roc_auc_score(truth, exact, multi_class="ovr", average="macro"),
            Metric.WEIGHTED_ROC_AUC: metrics.roc_auc_score(truth, exact, multi_class="ovr", average="weighted"),
            Metric.LOG_LOSS: metrics.log_loss(truth, exact, labels=range(classes)),
            Metric.MACRO_F1: metrics.f1_score(truth, said, average="macro"),
            Metric.BALANCED_ACCURACY: metrics.balanced_accuracy_score(truth, said),
            Metric.WORST_CLASS_RECALL: min(metrics.recall_score(truth, said, average=None)),
            Metric.ACCURACY: metrics.accuracy_score(truth, said),
        }
        assert set(found) == set(METRICS[Task.MULTICLASS])
        for metric, value in expected.items():
            assert found[metric] == pytest.approx(value, abs=1e-6), metric


def test_the_top_label_calibration_error_is_that_of_groups_of_equal_mass() -> None:
    """Written out plainly: ten groups of rows by rising confidence."""
    labels, chances = chances_of(1_000, 4, seed=5)
    best = np.argmax(chances, axis=1)
    confidence, right = chances.max(axis=1), best == labels
    order = np.argsort(confidence, kind="stable")
    expected = sum(
        len(group) / 1_000 * abs(confidence[group].mean() - right[group].mean())
        for group in np.array_split(order, 10)
    )
    assert ClassAnswers(labels, chances).measured()[Metric.TOP_LABEL_CALIBRATION_ERROR] == pytest.approx(expected)


def test_a_class_without_rows_is_left_out_of_averages_and_told() -> None:
    """Nothing is known of it; with one class alone nothing is measured."""
    labels, chances = chances_of(400, 4, seed=6)
    kept = labels != 2
    answers = ClassAnswers(labels[kept], chances[kept])
    assert answers.measured()[Metric.BALANCED_ACCURACY] == pytest.approx(
        np.mean(
            [metrics.recall_score(labels[kept], np.argmax(chances[kept], axis=1), average=None, labels=[0, 1, 3])]
        )
    )
    assert "no held-out rows of 'c2'" in describe_classes(answers, target(4).classes).message
    assert ClassAnswers(labels[labels == 1], chances[labels == 1]).measured() == {}


def test_the_worst_class_is_named_with_its_recall() -> None:
    """And the finding's numbers hold each class's."""
    labels, chances = chances_of(600, 3, seed=7)
    chances[labels == 1] = [0.5, 0.1, 0.4]
    found = describe_classes(ClassAnswers(labels, chances), target(3).classes)
    assert found.message.startswith(f"recall is worst for 'c1': 0.0000 of {np.sum(labels == 1)} held-out rows")
    assert found.numbers["recall:c1"] == 0
    assert found.numbers["rows:c1"] == np.sum(labels == 1)
    assert found.numbers["correct:9"] <= 1


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 50), classes=st.integers(3, 100))
def test_a_score_carries_class_and_confidence_whoever_makes_it(seed: int, rows: int, classes: int) -> None:
    """Without numpy on the way to the log, and with it in validation, it is the same; both can be read back."""
    _, chances = chances_of(rows, classes, seed=seed)
    scores = class_scores(chances)
    told = Tensor.of(Datatype.FP32, (rows, classes), chances.astype(np.float32).ravel().tolist())
    every = Score("p", EVERY_COLUMN)
    assert (
        scores_of(told, every, rows=rows) == scores_from({"p": chances}, every, rows=rows).tolist() == scores.tolist()
    )
    decisions = Decisions.of(np.zeros(rows), scores, classes)
    assert decisions.predicted.tolist() == np.argmax(chances, axis=1).tolist()
    assert decisions.confidence == pytest.approx(chances.max(axis=1), abs=1e-6)
    slots = class_bins(classes).slots(scores) - 2
    each = (len(class_bins(classes).edges) - 1) // classes
    assert (slots // each).tolist() == decisions.predicted.tolist()


def test_a_score_of_something_that_is_no_number_is_none() -> None:
    """One chance that is not a number spoils the row, wherever it stands, and no other."""
    nan = float("nan")
    told = Tensor.of(Datatype.FP32, (3, 3), [0.25, nan, 0.5, nan, 0.5, 0.25, 0.0, 0.0, 1.0])
    scores = scores_of(told, Score("p", EVERY_COLUMN), rows=3)
    assert np.isnan(scores[:2]).all()
    assert scores[2] == 2.999999
    assert np.isnan(class_scores(np.array([[0.25, nan, 0.5]])))[0]


def test_what_the_log_tells_is_measured_as_in_validation() -> None:
    """Decisions read back from scores have the metrics of the chances, as far as these need no chances."""
    labels, chances = chances_of(500, 5, seed=9)
    whole = ClassAnswers(labels, chances).measured()
    logged = Decisions.of(labels.astype(np.float64), class_scores(chances), 5).measured()
    assert set(whole) - set(logged) == {Metric.MACRO_ROC_AUC, Metric.WEIGHTED_ROC_AUC, Metric.LOG_LOSS}
    for metric, value in logged.items():
        assert value == pytest.approx(whole[metric], abs=1e-5)


def test_a_worse_model_is_worse_beyond_chance() -> None:
    """By every metric that ranks or decides."""
    labels, stable = chances_of(1_500, 4, seed=2, skill=3.0)
    _, noise = chances_of(1_500, 4, seed=3, skill=0.0)
    found = differences(rows_of(labels, (stable + 2 * noise) / 3), stable, 0.5, seed=1)
    for metric in (Metric.MACRO_ROC_AUC, Metric.WEIGHTED_ROC_AUC, Metric.LOG_LOSS, Metric.MACRO_F1, Metric.ACCURACY):
        assert 0 < found[metric].worse_by[0] < found[metric].worse_by[1], metric


def test_many_classes_are_compared_on_fewer_rows() -> None:
    """Each class's area costs as much as a binary model's."""
    labels, chances = chances_of(MOST_RESAMPLED_ROWS, 20, seed=4)
    assert rows_of(labels, chances).sampled(seed=1).rows == MOST_RESAMPLED_ROWS // 4


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda chances: chances * 1.5, "not all between 0 and 1"),
        (lambda chances: chances * 0.9, "do not sum to 1"),
        (lambda chances: np.where(chances > 0.9, np.nan, chances), "not all finite"),
    ],
)
def test_what_is_no_chance_is_refused(spoil: object, said: str) -> None:
    """A column that is no probability would give a log loss that means nothing."""
    labels, chances = chances_of(200, 3, seed=4, skill=3)
    assert callable(spoil)
    assert said in (rows_of(labels, spoil(chances)).refused_scores or "")
