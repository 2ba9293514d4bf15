"""How good is a release while its labels have not come? Estimated from the scores alone (CBPE).

Confidence-based performance estimation (Garg et al. 2022; NannyML's CBPE): where a score is calibrated, a row scored
p is a positive with chance p, so the table of scores and labels that is to come can be expected, and every metric
taken of it. The chances are learned on the held-out rows, from their score × label table.

Assumption: P(label | score) is what it was on the held-out rows. Inputs may shift; what they mean may not. Concept
drift is invisible here, and shows only once labels come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import Counts, NumericBins
from serinus.domain.held_out import FEWEST_ROWS
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.quality import SURE, ScoreTable, measure

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a score means: the chance of a positive in each score bin, rising.

    Attributes:
        edges: of the score bins.
        chance: of each block of bins that share one, [blocks].
        rows: how many held-out rows it was learned from, [blocks].
        weights: how much each block counts in each bin, [bins, blocks]: one block, or the two that a bin without
            held-out rows lies between.
        known: whether the bin lies between those that held-out rows fell into, [bins].
    """

    edges: tuple[float, ...]
    chance: Reals
    rows: Reals
    weights: Reals
    known: npt.NDArray[np.bool_]

    @property
    def chances(self) -> Reals:
        """The chance of each bin, [bins]."""
        return np.asarray(self.weights @ self.chance, dtype=np.float64)


@dataclass(frozen=True)
class Estimate:
    """A metric that was not measured, and the interval that it lies in."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class PerformanceEstimate:
    """What the scores of a window say of its performance.

    Attributes:
        rows: how many rows were scored in the window.
        metrics: empty where they say nothing.
        unknown_share: the share of rows scored beyond all held-out rows; there the map is a guess.
    """

    rows: int
    metrics: Mapping[Metric, Estimate]
    unknown_share: float


@dataclass(frozen=True)
class BrokenFloor:
    """A floor that the whole interval of an estimate lies beyond."""

    floor: MetricGate
    estimate: Estimate


def calibrate(held_out: ScoreTable) -> Calibration | None:
    """Learn what scores mean from labelled held-out rows, by isotonic regression on the bins.

    `None` where one class is missing, or scores are no chances between 0 and 1.

    >>> table = ScoreTable((0.0, 0.25, 0.5, 0.75, 1.0), np.array([9, 6, 8, 1]), np.array([1, 4, 2, 9]))
    >>> [round(float(chance), 3) for chance in calibrate(table).chances]
    [0.1, 0.3, 0.3, 0.9]
    """
    rows = np.asarray(held_out.positives + held_out.negatives, dtype=np.float64)
    if held_out.positives.sum() == 0 or held_out.negatives.sum() == 0 or not held_out.holds_chances:
        return None
    occupied = np.flatnonzero(rows)
    known = (np.arange(len(rows)) >= occupied[0]) & (np.arange(len(rows)) <= occupied[-1])
    blocks = _pooled(np.asarray(held_out.positives, dtype=np.float64)[occupied], rows[occupied])
    block_of = np.repeat(np.arange(len(blocks)), [size for _, _, size in blocks])
    positives, counted = (np.array([block[part] for block in blocks]) for part in (0, 1))
    position = np.interp(np.arange(len(rows)), occupied, np.arange(len(occupied)))
    below = np.floor(position).astype(np.int64)
    above, share = np.minimum(below + 1, len(occupied) - 1), position - below
    weights = np.zeros((len(rows), len(blocks)))
    np.add.at(weights, (np.arange(len(rows)), block_of[below]), 1 - share)
    np.add.at(weights, (np.arange(len(rows)), block_of[above]), share)
    return Calibration(held_out.edges, positives / counted, counted, weights, known)


def _pooled(positives: Reals, rows: Reals) -> list[tuple[float, float, int]]:
    """Pool adjacent bins until chances rise (Ayer et al. 1955): positives, rows and bins of each block."""
    blocks: list[tuple[float, float, int]] = []
    for hits, counted in zip(positives.tolist(), rows.tolist(), strict=True):
        size = 1
        while blocks and blocks[-1][0] * counted >= hits * blocks[-1][1]:
            before, others, bins = blocks.pop()
            hits, counted, size = hits + before, counted + others, size + bins
        blocks.append((hits, counted, size))
    return blocks


def estimate_performance(
    calibration: Calibration | None,
    scores: Counts,
    threshold: float,
    *,
    confidence: float,
    design_effect: float = 1.0,
) -> PerformanceEstimate:
    """Estimate every metric of a window from its scores, but those that need labels.

    The interval covers three chances: which rows were asked, how their labels fall, and how well the held-out rows
    tell what a score means. It is the delta method's, on the log-odds scale for what lies in [0, 1]: an approximation
    for many rows. So of fewer than `held_out.FEWEST_ROWS` nothing is said, as nothing is of so few that have labels.

    Args:
        calibration: what scores mean; without it nothing can be said.
        scores: the score histogram, special slots included, [bins + 3]. Scores beyond the bins count into the
            outermost, as in `quality.score_table`.
        threshold: where precision, recall, F1 and accuracy are taken.
        confidence: of the interval.
        design_effect: how many rows say as much as one independent row.
    """
    histogram = scores[NumericBins.SPECIAL : -1].astype(np.float64)
    histogram[0] += scores[1]
    histogram[-1] += scores[-1]
    rows = int(histogram.sum())
    if calibration is None or rows < FEWEST_ROWS:
        return PerformanceEstimate(rows, {}, 0.0)
    chances = calibration.chances
    expected = ScoreTable(calibration.edges, histogram * (1 - chances), histogram * chances)
    unknown = float(histogram[~calibration.known].sum()) / rows
    quantile = NormalDist().inv_cdf((1 + confidence) / 2)
    values = measure(expected, threshold)
    slopes = slopes_of(expected, threshold) if values else {}
    metrics = {
        metric: interval_around(
            metric, value, quantile * _error(expected, calibration, *slopes[metric], design_effect=design_effect)
        )
        for metric, value in values.items()
        if not metric.needs_labels
    }
    return PerformanceEstimate(rows, metrics, unknown)


def broken_floors(floors: Iterable[MetricGate], estimated: Mapping[Metric, Estimate]) -> tuple[BrokenFloor, ...]:
    """Return the floors that an estimate breaks by more than chance.

    >>> floor = MetricGate(Metric.ROC_AUC, minimum=0.7)
    >>> [bool(broken_floors([floor], {Metric.ROC_AUC: Estimate(0.65, 0.6, high)})) for high in (0.69, 0.71)]
    [True, False]
    """
    found = [(floor, estimated.get(floor.metric)) for floor in floors]
    return tuple(
        BrokenFloor(floor, estimate)
        for floor, estimate in found
        if estimate is not None
        and (
            (floor.minimum is not None and estimate.high < floor.minimum)
            or (floor.maximum is not None and estimate.low > floor.maximum)
        )
    )


def interval_around(metric: Metric, value: float, margin: float) -> Estimate:
    """Return a metric with an interval of that margin, made on the log-odds scale for what lies in [0, 1]."""
    if metric is Metric.LOG_LOSS:
        return Estimate(value, max(value - margin, 0.0), value + margin)
    if value * (1 - value) < SURE:
        return Estimate(value, max(value - margin, 0.0), min(value + margin, 1.0))
    odds, scaled = np.log(value / (1 - value)), margin / (value * (1 - value))
    low, high = (float(1 / (1 + np.exp(-(odds + side * scaled)))) for side in (-1, 1))
    return Estimate(value, low, high)


def _error(
    expected: ScoreTable, calibration: Calibration, by_positive: Reals, by_negative: Reals, *, design_effect: float
) -> float:
    """Return a metric's standard error, given how it changes by one positive and by one negative more in each bin."""
    sampled = sampling_variance(expected, by_positive, by_negative)
    histogram = expected.positives + expected.negatives
    by_chance = (histogram * (by_positive - by_negative)) @ calibration.weights
    hits = calibration.chance * calibration.rows
    smoothed = (hits + 0.5) / (calibration.rows + 1)  # Jeffreys: a block of positives alone is not sure
    learned = float(np.sum(by_chance**2 * smoothed * (1 - smoothed) / calibration.rows))
    return float(np.sqrt(design_effect * sampled + learned))


def sampling_variance(table: ScoreTable, by_positive: Reals, by_negative: Reals) -> float:
    """Return a metric's variance by the delta method, given its slopes, where rows are independent.

    Metrics do not change when every row comes twice, so their slopes have mean zero over the table (Euler), and the
    plain sum of squares is the variance of a multinomial sample.
    """
    return float(np.sum(table.positives * by_positive**2 + table.negatives * by_negative**2))


def slopes_of(table: ScoreTable, threshold: float) -> dict[Metric, tuple[Reals, Reals]]:
    """Return how each metric that scores tell changes by one positive, and by one negative, more in each bin."""
    positives, negatives = (np.asarray(side, dtype=np.float64) for side in (table.positives, table.negatives))
    total = float(positives.sum() + negatives.sum())
    first = table.first_flagged(threshold)
    flagged: Reals = np.asarray(np.arange(len(positives)) >= first, dtype=np.float64)
    all_positive, all_flagged = float(positives.sum()), float((positives + negatives)[first:].sum())
    hits = float(positives[first:].sum())
    accuracy = (hits + float(negatives[:first].sum())) / total
    both = all_flagged + all_positive
    chance = np.clip(table.middles, SURE, 1 - SURE)
    loss = float(-np.sum(positives * np.log(chance) + negatives * np.log1p(-chance)) / total)
    precision = hits / all_flagged if all_flagged else 0.0
    per_flagged = 1 / all_flagged if all_flagged else 0.0
    slopes: dict[Metric, tuple[Reals, Reals]] = {
        Metric.ROC_AUC: _slopes_of_auc(positives, negatives),
        Metric.AVERAGE_PRECISION: _slopes_of_average_precision(positives, negatives),
        Metric.PRECISION: (flagged * (1 - precision) * per_flagged, -flagged * precision * per_flagged),
        Metric.RECALL: ((flagged - hits / all_positive) / all_positive, np.zeros(len(positives))),
        Metric.F1: (2 * (flagged - hits / both * (flagged + 1)) / both, -2 * hits / both**2 * flagged),
        Metric.ACCURACY: ((flagged - accuracy) / total, (1 - flagged - accuracy) / total),
        Metric.LOG_LOSS: ((-np.log(chance) - loss) / total, (-np.log1p(-chance) - loss) / total),
    }
    return slopes


def _slopes_of_auc(positives: Reals, negatives: Reals) -> tuple[Reals, Reals]:
    """Return DeLong's structural components, less the mean."""
    all_positive, all_negative = positives.sum(), negatives.sum()
    beaten = np.cumsum(negatives) - negatives / 2
    beating = all_positive - np.cumsum(positives) + positives / 2
    auc = np.sum(positives * beaten) / (all_positive * all_negative)
    return (beaten / all_negative - auc) / all_positive, (beating / all_positive - auc) / all_negative


def _slopes_of_average_precision(positives: Reals, negatives: Reals) -> tuple[Reals, Reals]:
    """Differentiate Σ precision(k)·positives(k) / all positives, where precision(k) counts the bins from k up."""
    all_positive = positives.sum()
    hits, flagged = (np.cumsum(side[::-1])[::-1] for side in (positives, positives + negatives))
    precision = np.divide(hits, flagged, out=np.zeros(len(hits)), where=flagged > 0)
    per_flagged = np.divide(positives, flagged, out=np.zeros(len(hits)), where=flagged > 0)
    average = np.sum(precision * positives) / all_positive
    lifted, lowered = np.cumsum(per_flagged * (1 - precision)), np.cumsum(per_flagged * precision)
    return (precision + lifted - average) / all_positive, -lowered / all_positive
