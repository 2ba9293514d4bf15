"""The gated metrics slice by slice: an average hides those whom a model serves badly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from serinus.domain.feature_columns import spelled_out
from serinus.domain.gates import Finding
from serinus.domain.held_out import FEWEST_OF_A_CLASS, FEWEST_ROWS, HeldOutRows, interval_of, resampled
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.policy import Slicing
from serinus.domain.table import Column, Table
from serinus.errors import DataRefused

MOST_CATEGORIES = 20
MISSING, OTHER = "(missing)", "(other)"

_FALSE_ALARMS = 0.05  # of one metric and all slices of a column together (Bonferroni)

_TOO_FEW = f"too few rows (fewer than {FEWEST_ROWS}, or than {FEWEST_OF_A_CLASS} of a class)"


@dataclass(frozen=True)
class _Measured:
    """A metric of one slice, and the interval that chance allows it."""

    name: str
    rows: int
    value: float
    low: float
    high: float


def slices_of(
    slicing: Slicing, table: Table, *, file: str, declared: str = "[[slices]]"
) -> Mapping[str, npt.NDArray[np.intp]]:
    """Return the positions of each slice's rows; every row is in just one slice.

    The most frequent categories make a slice each, the others one together. Edges cut numbers: the first slice lies
    below the first edge, and each edge begins the next.

    Raises:
        DataRefused: there is no such column, or edges were to cut texts.

    >>> ages = Table({"age": np.array([20.0, 30.0, 70.0, np.nan])})
    >>> {name: rows.tolist() for name, rows in slices_of(Slicing("age", edges=(30, 60)), ages, file="f").items()}
    {'below 30': [0], '30 to 60': [1], '60 and above': [2], '(missing)': [3]}
    """
    if slicing.column not in table.columns:
        raise DataRefused(
            f"{file} has no column {slicing.column!r} that the policy slices by: add it to the held-out rows, or "
            f"change {declared}"
        )
    column = table.columns[slicing.column]
    if not slicing.edges:
        return _by_category(column)
    if column.dtype == object and any(value is not None for value in column):
        raise DataRefused(
            f"column {slicing.column!r} of {file} holds text, which edges cannot cut: leave edges out of {declared}"
        )
    return _by_edges(np.asarray(column, dtype=np.float64), slicing.edges)


def _by_category(column: Column) -> dict[str, npt.NDArray[np.intp]]:
    texts = column if column.dtype == object else spelled_out(np.asarray(column, dtype=np.float64))
    names = np.array([MISSING if value is None else str(value) for value in texts.tolist()], dtype=str)
    found, counts = np.unique(names, return_counts=True)
    most_frequent = found[np.argsort(-counts, kind="stable")[:MOST_CATEGORIES]]
    slices = {str(name): np.flatnonzero(names == name) for name in most_frequent}
    others = np.flatnonzero(~np.isin(names, most_frequent))
    return slices | ({OTHER: others} if others.size else {})


def _by_edges(values: npt.NDArray[np.float64], edges: Sequence[float]) -> dict[str, npt.NDArray[np.intp]]:
    missing = np.isnan(values)
    slot = np.where(missing, -1, np.searchsorted(edges, values, side="right"))
    spelled = spelled_out(np.asarray(edges, dtype=np.float64)).tolist()
    between = [f"{low} to {high}" for low, high in pairwise(spelled)]
    names = [f"below {spelled[0]}", *between, f"{spelled[-1]} and above"]
    slices = {name: np.flatnonzero(slot == position) for position, name in enumerate(names)}
    slices[MISSING] = np.flatnonzero(missing)
    return {name: rows for name, rows in slices.items() if rows.size}


def judge_slices(
    slicing: Slicing, gates: Iterable[MetricGate], rows: HeldOutRows, threshold: float, *, seed: int
) -> tuple[Finding, ...]:
    """Measure every gated metric in every slice, one finding each; only a guarded column can fail.

    It fails where all of a slice's interval lies beyond the gate's limit. The intervals of a column's slices hold
    together with 95 %. A calibration error is told and fails nothing: few rows make it look larger than it is, and
    resampling still more so. A slice with too few rows is counted and not named.

    Args:
        slicing: which column, and how it is cut.
        gates: whose metrics and limits count.
        rows: as the model scored them.
        threshold: where precision, recall, F1 and accuracy are taken.
        seed: of the draws.
    """
    try:
        slices = slices_of(slicing, rows.table, file=rows.file)
    except DataRefused as refusal:
        return (Finding(f"slice:{slicing.column}", passed=not slicing.guarded, message=str(refusal)),)
    parts = {name: rows.take(positions) for name, positions in slices.items()}
    enough = {name: part.sampled(seed) for name, part in parts.items() if part.too_few is None}
    if not enough:
        message = f"every slice by {slicing.column} has {_TOO_FEW}: nothing is measured"
        return (Finding(f"slice:{slicing.column}", passed=True, message=message),)
    confidence = 1 - _FALSE_ALARMS / len(enough)
    measured = {name: _measured(name, part, threshold, confidence, seed=seed) for name, part in enough.items()}
    return tuple(
        _judged(slicing, gate, [found[gate.metric] for found in measured.values()], len(parts) - len(enough))
        for gate in gates
    )


def _measured(
    name: str, rows: HeldOutRows, threshold: float, confidence: float, *, seed: int
) -> dict[Metric, _Measured]:
    answers = rows.answers(threshold)
    drawn = [metrics for (metrics,) in resampled([answers], rows.rows, seed=seed)]
    return {
        metric: _Measured(name, rows.rows, value, *interval_of([metrics[metric] for metrics in drawn], confidence))
        for metric, value in answers.measured().items()
    }


def _judged(slicing: Slicing, gate: MetricGate, found: Sequence[_Measured], too_few: int) -> Finding:
    side = -1 if gate.metric.lower_is_better else 1
    worst = min(found, key=lambda each: side * each.value)
    beyond = [each.name for each in found if slicing.guarded and _beyond(gate, each)]
    message = (
        f"{gate.metric} by {slicing.column} is worst for {worst.name!r}: {worst.value:.4f} on {worst.rows} held-out "
        f"rows ({worst.low:.4f} to {worst.high:.4f})"
    )
    if too_few:
        message += f"; {too_few} more with {_TOO_FEW}"
    if beyond:
        limits = [f"minimum {gate.minimum:g}"] if gate.minimum is not None else []
        limits += [f"maximum {gate.maximum:g}"] if gate.maximum is not None else []
        message += (
            f"; beyond the gate ({', '.join(limits)}) and beyond chance for {', '.join(map(repr, beyond))}: train a "
            "model that serves them better, or change the gate or [[slices]]"
        )
    numbers = {"value": worst.value, "low": worst.low, "high": worst.high, "rows": float(worst.rows)}
    numbers |= {"slices": float(len(found)), "too_few": float(too_few)}
    numbers |= {f"value:{each.name}": each.value for each in found}
    return Finding(f"slice:{slicing.column}:{gate.metric}", passed=not beyond, message=message, numbers=numbers)


def _beyond(gate: MetricGate, found: _Measured) -> bool:
    if gate.metric.is_inflated:
        return False
    below = gate.minimum is not None and found.high < gate.minimum
    return below or (gate.maximum is not None and found.low > gate.maximum)
