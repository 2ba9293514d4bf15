"""Performance without labels: how near to NannyML's CBPE, and how much faster?

NannyML runs in an environment of its own under build/bench, which uv makes; where it does not install, ours is timed
alone. Both learn from 50,000 held-out rows and estimate six metrics of one window. NannyML is given rows in memory.
Ours is timed twice: from rows in memory, binned first, and from the counts that a profile holds anyway.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from serinus.cli.demo.market import load_market
from serinus.domain.bins import Counts, NumericBins
from serinus.domain.metric import Metric
from serinus.domain.performance_estimate import calibrate, estimate_performance
from serinus.domain.quality import ScoreTable, score_table
from serinus.domain.quality import measure as measured
from tests.benchmarks.figures import Goal, Section
from tests.benchmarks.progress import Tell
from tests.benchmarks.watching.peers import run_peer

Reals = npt.NDArray[np.float64]

_BINS = NumericBins("score", tuple(float(edge) for edge in np.linspace(0, 1, 1_001)))
_HELD_OUT = 50_000
_THRESHOLD = 0.5
_ROUNDS = 7
_AGREED = 0.01  # of NannyML's figure
_NEAR = 1e-3
_TIMES = 40
_METRICS = (
    Metric.ROC_AUC,
    Metric.AVERAGE_PRECISION,
    Metric.PRECISION,
    Metric.RECALL,
    Metric.F1,
    Metric.ACCURACY,
)


def measure(tell: Tell, *, rows: int, processor_seconds: int) -> Section:
    """Compare on simulated rows and on the electricity market."""
    sets: dict[str, Callable[[], tuple[Reals, Reals, Reals, Reals]]] = {
        "simulated, overconfident model": partial(_simulated, rows),
        "electricity, boosting trained on its first eighth": _electricity,
    }
    found: dict[str, dict[str, Any]] = {}
    notes = [f"{_HELD_OUT:,} held-out rows of the simulated set, {rows:,} in its window."]
    for name, make in sets.items():
        tell(f"{name}: ours, then NannyML, at most {processor_seconds} s of the processor")
        found[name], skipped = _compared(make(), processor_seconds)
        notes += skipped
    return section(found, notes)


def section(found: Mapping[str, Mapping[str, Any]], notes: Sequence[str]) -> Section:
    """Judge what was found."""
    goals = []
    notes = list(notes)
    for name, one in found.items():
        both = [metric for metric in one["metrics"].values() if "theirs" in metric]
        if both:
            apart = [abs(metric["ours"] - metric["theirs"]) for metric in both]
            share = max(each / metric["theirs"] for each, metric in zip(apart, both, strict=True))
            goals.append(Goal(f"{name}: apart from NannyML's, %", 100 * share, 100 * _AGREED, promised=True))
            goals.append(Goal(f"{name}: apart from NannyML's", max(apart), _NEAR))
            times = one["their_seconds"] / one["seconds"]
            goals.append(Goal(f"{name}: from rows, times as fast as NannyML", times, _TIMES, at_least=True))
        own = f"ours {1e3 * one['seconds']:.1f} ms from rows, {1e3 * one['counted_seconds']:.1f} ms from counts"
        theirs = f", NannyML {1e3 * one['their_seconds']:.0f} ms" if both else ""
        notes.append(f"{name}: {own}{theirs}; medians of processor time, NannyML's the best of three.")
    return Section(
        name="estimate",
        title="Performance without labels, beside NannyML's CBPE and what labels then told",
        columns=("data", "metric", "ours", "interval", "NannyML", "apart", "realised"),
        rows=[
            _row(name if at == 0 else "", metric, figures)
            for name, one in found.items()
            for at, (metric, figures) in enumerate(one["metrics"].items())
        ],
        figures=found,
        goals=goals,
        notes=notes,
    )


def _row(name: str, metric: str, figures: Mapping[str, float]) -> tuple[str, ...]:
    ours, theirs = figures["ours"], figures.get("theirs")
    beside = ("", "") if theirs is None else (f"{theirs:.4f}", f"{abs(theirs - ours):.1e}")
    interval = f"{figures['low']:.4f} to {figures['high']:.4f}"
    return (name, metric, f"{ours:.4f}", interval, *beside, f"{figures['realised']:.4f}")


def _compared(rows: tuple[Reals, Reals, Reals, Reals], processor_seconds: int) -> tuple[dict[str, Any], list[str]]:
    """Return what both say of a window, and why NannyML was not asked, if it was not."""
    held_out, labels, window, truth = rows
    table, counts = score_table(_BINS, held_out, labels), _histogram(window)
    ours = estimate_performance(calibrate(table), counts, _THRESHOLD, confidence=0.95).metrics
    realised = measured(score_table(_BINS, window, truth), _THRESHOLD)
    found = run_peer(
        "nannyml",
        "nannyml_cbpe",
        processor_seconds=processor_seconds,
        held_out=held_out,
        labels=labels,
        window=window,
        threshold=np.array(_THRESHOLD),
    )
    theirs = {} if isinstance(found, str) else found
    metrics = {
        str(metric): {
            "ours": ours[metric].value,
            "low": ours[metric].low,
            "high": ours[metric].high,
            "realised": realised[metric],
        }
        | ({"theirs": float(theirs[metric])} if theirs else {})
        for metric in _METRICS
    }
    one: dict[str, Any] = {
        "metrics": metrics,
        "seconds": _seconds(lambda: _whole(held_out, labels, window)),
        "counted_seconds": _seconds(lambda: _from_counts(table, counts)),
    }
    if isinstance(found, str):
        return one, [f"NannyML: {found}"]
    return one | {"their_seconds": float(found["seconds"])}, []


def _whole(held_out: Reals, labels: Reals, window: Reals) -> None:
    _from_counts(score_table(_BINS, held_out, labels), _histogram(window))


def _from_counts(table: ScoreTable, counts: Counts) -> None:
    estimate_performance(calibrate(table), counts, _THRESHOLD, confidence=0.95)


def _histogram(scores: Reals) -> Counts:
    return np.bincount(_BINS.slots(scores), minlength=_BINS.width).astype(np.int64)


def _seconds(work: Callable[[], None]) -> float:
    taken = []
    for _ in range(_ROUNDS):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
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
