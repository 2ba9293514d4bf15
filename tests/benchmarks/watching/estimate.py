"""Performance without labels: how near to NannyML's CBPE, and how much faster?

    python -m tests.benchmarks.watching.estimate [--rows 100000]

NannyML runs in an environment of its own under build/bench, which uv makes; where it does not install, ours is timed
alone. Both learn from 50,000 held-out rows and estimate six metrics of one window. NannyML is given rows in memory.
Ours is timed twice: from rows in memory, binned first, and from the counts that a profile holds anyway.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from serinus.cli.demo.market import load_market
from serinus.domain.bins import Counts, NumericBins
from serinus.domain.metric import Metric
from serinus.domain.performance_estimate import calibrate, estimate_performance
from serinus.domain.quality import ScoreTable, measure, score_table
from tests.benchmarks.watching.peers import run_peer

Reals = npt.NDArray[np.float64]

_BINS = NumericBins("score", tuple(float(edge) for edge in np.linspace(0, 1, 1_001)))
_HELD_OUT = 50_000
_THRESHOLD = 0.5
_ROUNDS = 7
_METRICS = (
    Metric.ROC_AUC,
    Metric.AVERAGE_PRECISION,
    Metric.PRECISION,
    Metric.RECALL,
    Metric.F1,
    Metric.ACCURACY,
)


def main() -> None:
    """Compare on simulated rows and on the electricity market."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    asked = parser.parse_args()
    _compare("simulated, overconfident model", *_simulated(asked.rows))
    _compare("electricity, boosting trained on its first eighth", *_electricity())


def _compare(name: str, held_out: Reals, labels: Reals, window: Reals, truth: Reals) -> None:
    print(f"\n{name}: {len(held_out)} held-out rows, {len(window)} rows in the window")
    calibration = calibrate(score_table(_BINS, held_out, labels))
    counts = _histogram(window)
    ours = estimate_performance(calibration, counts, _THRESHOLD, confidence=0.95).metrics
    realised = measure(score_table(_BINS, window, truth), _THRESHOLD)
    found = run_peer(
        "nannyml", "nannyml_cbpe", held_out=held_out, labels=labels, window=window, threshold=np.array(_THRESHOLD)
    )
    theirs = {} if isinstance(found, str) else found
    print(f"  {'metric':<20}{'ours':>9}{'interval':>20}{'NannyML':>10}{'apart':>10}{'realised':>10}")
    for metric in _METRICS:
        estimate = ours[metric]
        interval = f"{estimate.low:.4f} to {estimate.high:.4f}"
        beside = f"{theirs[metric]:>10.4f}{abs(theirs[metric] - estimate.value):>10.1e}" if theirs else f"{'':>20}"
        print(f"  {metric:<20}{estimate.value:>9.4f}{interval:>20}{beside}{realised[metric]:>10.4f}")
    from_rows = _seconds(lambda: _whole(held_out, labels, window))
    table = score_table(_BINS, held_out, labels)
    from_counts = _seconds(lambda: _from_counts(table, counts))
    print(f"  ours: {1e3 * from_rows:.1f} ms from rows, {1e3 * from_counts:.1f} ms from counts")
    if isinstance(found, str):
        print(f"  NannyML skipped: {found}")
    else:
        their = float(found["seconds"])
        print(
            f"  NannyML, fit and estimate: {1e3 * their:.0f} ms, {their / from_rows:.0f} times ours from rows, "
            f"{their / from_counts:.0f} times ours from counts (calibrated: {bool(found['calibrated'])})"
        )


def _whole(held_out: Reals, labels: Reals, window: Reals) -> None:
    _from_counts(score_table(_BINS, held_out, labels), _histogram(window))


def _from_counts(table: ScoreTable, counts: Counts) -> None:
    estimate_performance(calibrate(table), counts, _THRESHOLD, confidence=0.95)


def _histogram(scores: Reals) -> Counts:
    return np.bincount(_BINS.slots(scores), minlength=_BINS.width).astype(np.int64)


def _seconds(work: Callable[[], None]) -> float:
    taken = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return float(np.median(taken))


def _simulated(rows: int) -> tuple[Reals, Reals, Reals, Reals]:
    chance = np.random.default_rng(1)

    def drawn(count: int, high: float) -> tuple[Reals, Reals]:
        scores = np.clip(chance.beta(0.8, high, count), 1e-6, 1 - 1e-6)
        likely = 1 / (1 + np.exp(-(0.6 * np.log(scores / (1 - scores)) - 0.4)))
        return scores, (chance.random(count) < likely).astype(np.float64)

    return (*drawn(_HELD_OUT, 1.2), *drawn(rows, 2.0))


def _electricity() -> tuple[Reals, Reals, Reals, Reals]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    market = load_market()
    rows = np.column_stack([np.asarray(column) for column in market.features.columns.values()])
    trained, held_out, last = 5_664, 11_328, 17_424
    model = HistGradientBoostingClassifier(random_state=1).fit(rows[:trained], market.labels[:trained])
    scores = np.asarray(model.predict_proba(rows)[:, 1], dtype=np.float64)
    one, two = slice(trained, held_out), slice(held_out, last)
    return scores[one], market.labels[one], scores[two], market.labels[two]


if __name__ == "__main__":
    main()
