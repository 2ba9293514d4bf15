"""How good predictions were, by the labels that have come, beside what was expected of the same rows without them.

Labels are late and never all there. So a metric comes with an interval, a group with how many of its rows have a
label, and a window with a warning where labels came for other rows than the rest: of those the metric tells nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import Counts, NumericBins
from serinus.domain.chance import chance_of, independent, noise_within
from serinus.domain.grouping import grouped, groups_of
from serinus.domain.held_out import FEWEST_OF_A_CLASS, FEWEST_ROWS
from serinus.domain.metric import Metric
from serinus.domain.performance_estimate import (
    Calibration,
    Estimate,
    interval_around,
    sampling_variance,
    slopes_of,
)
from serinus.domain.performance_estimate import (
    estimate_performance as estimate,
)
from serinus.domain.quality import SURE, ScoreTable, calibration_errors, measure, score_table
from serinus.domain.realised_tasks import estimates_of, logged_answers, marks_of
from serinus.domain.task import BINARY_TARGET, Target, Task

Reals = npt.NDArray[np.float64]

SELECTED = 0.01  # below this chance labels are said to have come for other rows than the rest

_HOUR_SECONDS = 3_600
_FEWEST_PERIODS, _MOST_PERIODS = 24, 744
_DRAWS = 400
_PROPORTIONS = frozenset({Metric.PRECISION, Metric.RECALL, Metric.ACCURACY})


@dataclass(frozen=True)
class RealisedGroup:
    """A release, or one of its days or slices: the truth, and what was expected.

    Attributes:
        name: which group it is.
        rows: how many of its rows were scored.
        labelled_rows: of how many of them the label has come.
        realised: by the labels, with the interval that chance allows; empty where too few have come to tell.
        expected: of the labelled rows, by their scores alone (CBPE).
        estimated: of all rows, by their scores alone.
        chances: how likely the labels are to differ as much from what was expected, where scores mean what they did
            on the held-out rows.
    """

    name: str
    rows: int
    labelled_rows: int
    realised: Mapping[Metric, Estimate] = field(default_factory=dict)
    expected: Mapping[Metric, Estimate] = field(default_factory=dict)
    estimated: Mapping[Metric, Estimate] = field(default_factory=dict)
    chances: Mapping[Metric, float] = field(default_factory=dict)

    @property
    def labelled_share(self) -> float:
        """Which share of the rows has a label."""
        return self.labelled_rows / self.rows if self.rows else 0.0

    def is_expected(self, metric: Metric) -> bool | None:
        """Whether the truth lies in the estimate's interval; `None` where one of them is not known."""
        realised, expected = self.realised.get(metric), self.expected.get(metric)
        if realised is None or expected is None:
            return None
        return expected.low <= realised.value <= expected.high


@dataclass(frozen=True)
class LabelSelection:
    """Whether labels came for the same kind of rows as the rest.

    Attributes:
        chance: how likely scores as far apart are, had chance alone chosen the rows whose labels have come.
        labelled_mean: of the scores of the rows with a label; `None` without any.
        unlabelled_mean: of the others.
    """

    chance: float = 1.0
    labelled_mean: float | None = None
    unlabelled_mean: float | None = None

    @property
    def is_biased(self) -> bool:
        """Whether what labels tell may not hold for the rest."""
        return self.chance < SELECTED


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Scored rows and the labels of those that have one.

    Attributes:
        at: when each was asked, epoch seconds, [rows].
        scores: [rows]; none is NaN.
        labels: 0 or 1, positions of classes, or numbers; NaN where none has come, [rows].
    """

    at: Reals
    scores: Reals
    labels: Reals

    @property
    def came(self) -> npt.NDArray[np.bool_]:
        """Which rows have a label."""
        return ~np.isnan(self.labels)

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> ScoredRows:
        """Return some of the rows."""
        return ScoredRows(self.at[rows], self.scores[rows], self.labels[rows])


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What groups of one release are measured with.

    Attributes:
        bins: of the score.
        calibration: what scores mean; `None` where the held-out rows do not tell.
        threshold: where precision, recall, F1 and accuracy are taken.
        confidence: of every interval.
        design_effect: how many labelled rows tell as much as one independent row.
        target: what is predicted.
    """

    bins: NumericBins
    calibration: Calibration | None
    threshold: float
    confidence: float
    design_effect: float = 1.0
    target: Target = BINARY_TARGET

    def group(self, name: str, rows: ScoredRows) -> RealisedGroup:
        """Measure one group."""
        answered = rows.take(rows.came)
        realised = self._realised(answered)
        expected = self._estimated(answered.scores)
        return RealisedGroup(
            name,
            len(rows.scores),
            len(answered.scores),
            realised,
            expected,
            self._estimated(rows.scores),
            {
                metric: _chance(metric, realised[metric].value, expected[metric], self.confidence)
                for metric in expected
                if metric in realised
            },
        )

    def _realised(self, rows: ScoredRows) -> Mapping[Metric, Estimate]:
        if self.target.task is not Task.BINARY:
            answers = logged_answers(self.target, rows.scores, rows.labels, self.threshold)
            count = len(rows.scores)
            return estimates_of(answers, count, confidence=self.confidence, design_effect=self.design_effect)
        return realised_metrics(
            score_table(self.bins, rows.scores, rows.labels),
            self.threshold,
            confidence=self.confidence,
            design_effect=self.design_effect,
        )

    def _estimated(self, scores: Reals) -> Mapping[Metric, Estimate]:
        counts = _counted(self.bins, scores)
        return estimate(
            self.calibration,
            counts,
            self.threshold,
            confidence=self.confidence,
            design_effect=self.design_effect,
        ).metrics


def realised_metrics(
    table: ScoreTable, threshold: float, *, confidence: float, design_effect: float = 1.0
) -> Mapping[Metric, Estimate]:
    """Return every metric of labelled rows with its interval; nothing where there are too few rows of a class.

    Precision, recall and accuracy have Wilson's interval; the calibration error, which has no slope at zero,
    the basic bootstrap's, which takes back what few rows add to it; the others the delta method's, on the log-odds
    scale for what lies in [0, 1]. A metric at 0 or 1 has Wilson's too, of as many rows as the smaller class.

    >>> table = ScoreTable((0.0, 0.5, 1.0), np.array([90, 10]), np.array([20, 80]))
    >>> recall = realised_metrics(table, 0.5, confidence=0.95)[Metric.RECALL]
    >>> recall.value, round(recall.low, 3), round(recall.high, 3)
    (0.8, 0.711, 0.867)
    """
    positives, negatives = float(table.positives.sum()), float(table.negatives.sum())
    if positives + negatives < FEWEST_ROWS or min(positives, negatives) < FEWEST_OF_A_CLASS:
        return {}
    values, slopes = measure(table, threshold), slopes_of(table, threshold) if table.holds_chances else {}
    quantile = NormalDist().inv_cdf((1 + confidence) / 2)
    first = table.first_flagged(threshold) if values else 0
    flagged = float((table.positives + table.negatives)[first:].sum())
    trials = {Metric.PRECISION: flagged, Metric.RECALL: positives, Metric.ACCURACY: positives + negatives}
    found: dict[Metric, Estimate] = {}
    for metric, value in values.items():
        if metric is Metric.EXPECTED_CALIBRATION_ERROR:
            found[metric] = _calibration_interval(table, value, confidence, design_effect)
        elif metric in _PROPORTIONS or (value * (1 - value) < SURE and metric is not Metric.LOG_LOSS):
            counted = trials.get(metric, min(positives, negatives))
            found[metric] = wilson(value, counted / design_effect, quantile)
        else:
            error = math.sqrt(design_effect * sampling_variance(table, *slopes[metric]))
            found[metric] = interval_around(metric, value, quantile * error)
    return found


def wilson(share: float, trials: float, quantile: float) -> Estimate:
    """Return a share with Wilson's score interval (1927), which holds for few trials and at 0 and 1 too.

    >>> found = wilson(1.0, 20, 1.96)
    >>> round(found.low, 3), found.high
    (0.839, 1.0)
    """
    if trials <= 0:
        return Estimate(share, 0.0, 1.0)
    shrink = 1 + quantile**2 / trials
    middle = (share + quantile**2 / (2 * trials)) / shrink
    margin = quantile * math.sqrt(share * (1 - share) / trials + quantile**2 / (4 * trials**2)) / shrink
    return Estimate(share, max(middle - margin, 0.0), min(middle + margin, 1.0))


def design_effect_of(rows: ScoredRows, bins: NumericBins, target: Target = BINARY_TARGET) -> float:
    """Learn from its hours how many labelled rows of a release tell as much as one independent row.

    Rows of a burst are alike in what is asked and in what is true, so score groups are split by label; of other tasks
    than binary, by how right the answers were.
    """
    answered = rows.take(rows.came)
    if len(answered.scores) < 2:
        return 1.0
    groups = groups_of(bins, _counted(bins, answered.scores))
    marks = marks_of(target, answered.scores, answered.labels).astype(np.int64)
    cells = groups[bins.slots(answered.scores)] * 2 + marks
    return float(noise_within(_by_period(answered.at, cells, 2 * (int(groups.max()) + 1))).design_effect)


def label_selection(rows: ScoredRows, bins: NumericBins) -> LabelSelection:
    """Compare the scores of the rows whose labels have come with those of the rest.

    >>> scores = np.tile(np.linspace(0.05, 0.95, 10), 200)
    >>> bins = NumericBins("score", tuple(np.linspace(0, 1, 11).tolist()))
    >>> by_chance = np.where(np.arange(2_000) // 10 % 2, 1.0, np.nan)
    >>> label_selection(ScoredRows(np.arange(2_000.0), scores, by_chance), bins).is_biased
    False
    >>> only_high = np.where(scores > 0.5, 1.0, np.nan)
    >>> label_selection(ScoredRows(np.arange(2_000.0), scores, only_high), bins).is_biased
    True
    """
    came = rows.came
    if not came.any():
        return LabelSelection()
    labelled_mean = float(rows.scores[came].mean())
    if came.all():
        return LabelSelection(1.0, labelled_mean)
    groups = groups_of(bins, _counted(bins, rows.scores))
    sides = [grouped(groups, _counted(bins, rows.scores[side])) for side in (~came, came)]
    periods = _by_period(rows.at, groups[bins.slots(rows.scores)], int(groups.max()) + 1)
    noise = noise_within(periods) if len(rows.scores) > 1 else independent(periods.shape[1])
    return LabelSelection(
        float(chance_of(sides[0], sides[1], noise)), labelled_mean, float(rows.scores[~came].mean())
    )


def _counted(bins: NumericBins, scores: Reals) -> Counts:
    return np.bincount(bins.slots(scores), minlength=bins.width).astype(np.int64)


def _by_period(at: Reals, cells: npt.NDArray[np.int64], width: int) -> Counts:
    """Count cells by consecutive periods of equal length, hours where there are a day's or more, [periods, width]."""
    begin, length = float(at.min()), float(at.max() - at.min())
    periods = min(max(math.ceil(length / _HOUR_SECONDS), _FEWEST_PERIODS), _MOST_PERIODS)
    period = np.minimum((at - begin) / max(length, SURE) * periods, periods - 1).astype(np.int64)
    return np.bincount(period * width + cells, minlength=periods * width).reshape(periods, width).astype(np.int64)


def _calibration_interval(table: ScoreTable, value: float, confidence: float, design_effect: float) -> Estimate:
    """Draw tables of as many rows as tell something, and reflect what they add about what was measured."""
    some = table.negatives + table.positives > 0
    some[-1] = True  # the last cell takes the rest of what is drawn
    cells = np.concatenate([table.negatives[some], table.positives[some]]).astype(np.float64)
    rows = max(round(cells.sum() / design_effect), 1)
    counts = np.random.default_rng(0).multinomial(rows, cells / cells.sum(), _DRAWS)
    negatives, positives = np.split(counts, 2, axis=1)
    drawn = calibration_errors(negatives, positives, table.middles[some])
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(value, max(2 * value - float(high), 0.0), max(2 * value - float(low), 0.0))


def _chance(metric: Metric, realised: float, expected: Estimate, confidence: float) -> float:
    """Return how likely a metric is to differ as much from its estimate, which has an interval of that confidence."""
    value, low, high, true = (
        each if metric is Metric.LOG_LOSS else _log_odds(each)
        for each in (expected.value, expected.low, expected.high, realised)
    )
    error = (high - low) / 2 / NormalDist().inv_cdf((1 + confidence) / 2)
    return math.erfc(abs(true - value) / max(error, SURE) / math.sqrt(2))


def _log_odds(share: float) -> float:
    within = min(max(share, SURE), 1 - SURE)
    return math.log(within / (1 - within))
