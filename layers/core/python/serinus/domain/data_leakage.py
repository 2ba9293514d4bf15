"""Does one feature alone tell the label? Then it most likely was written after the label was known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from serinus.domain.data_limits import DataLimits
from serinus.domain.table import Column, Table

Reals = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

FEWEST_OF_A_CLASS = 10  # of a sample: with fewer, one feature of many separates the classes by chance
_FALSE_ALARMS = 0.01  # of all features together
_MOST_CLASSES = 20
_GROUPS = 20  # that numbers are cut into for their information
_CATEGORIES = 200


@dataclass(frozen=True)
class Leak:
    """One feature's skill alone: `measure` is what it is taken in, 0.5 or 0 of a feature that tells nothing."""

    feature: str
    measure: str
    value: float
    limit: float
    beyond_chance: bool

    @property
    def leaks(self) -> bool:
        """Whether it tells the label."""
        return self.beyond_chance and self.value >= self.limit


def leaks(sample: Table, target: str, limits: DataLimits) -> tuple[Leak, ...] | str:
    """Measure each feature alone, the best first; or say why that cannot be done.

    Args:
        sample: rows with every feature and the target, drawn at random.
        target: the label's column.
        limits: the policy's.
    """
    labels = sample.columns[target]
    kept = np.flatnonzero(_present(labels))
    rows, labels = sample.take(kept), labels[kept]
    classes, codes, counts = np.unique(labels.astype(str), return_inverse=True, return_counts=True)
    if len(classes) > _MOST_CLASSES and labels.dtype != object:
        codes = _groups(np.asarray(labels, dtype=np.float64), 10)
        counts = np.bincount(codes)
    elif len(classes) > _MOST_CLASSES:
        return f"the target has {len(classes)} different texts in {len(kept)} rows, which are no classes"
    if len(counts[counts > 0]) < 2 or counts[counts > 0].min() < FEWEST_OF_A_CLASS:
        return f"of the rarest class there are fewer than {FEWEST_OF_A_CLASS} rows among {len(kept)}"
    features = [name for name in rows.columns if name != target]
    found = [
        _ranked(name, rows.columns[name], codes, len(features), limits)
        if len(classes) == 2
        else _informed(name, rows.columns[name], codes, len(features), limits)
        for name in features
    ]
    return tuple(sorted(found, key=lambda leak: -leak.value))


def _ranked(name: str, column: Column, codes: Codes, features: int, limits: DataLimits) -> Leak:
    """Rank two classes; a direction does not matter, and a missing value ranks below all others."""
    values = _likelihoods(column, codes) if column.dtype == object else np.asarray(column, dtype=np.float64)
    area = separation(values, codes == 1)
    positives = int(codes.sum())
    negatives = len(codes) - positives
    deviation = math.sqrt((len(codes) + 1) / (12 * positives * negatives))
    beyond = (area - 0.5) / deviation > -NormalDist().inv_cdf(_FALSE_ALARMS / features / 2)
    return Leak(name, "ROC AUC", area, limits.leakage_auc, beyond)


def separation(values: Reals, positive: npt.NDArray[np.bool_]) -> float:
    """Return how well values alone rank two classes, in either direction: the greater of ROC AUC and 1 − ROC AUC.

    Ties count half (Mann–Whitney); NaN, which is missing, ranks below every number.

    >>> separation(np.array([1.0, 2.0, np.nan, 4.0]), np.array([False, False, True, True]))
    0.5
    >>> separation(np.array([4.0, 3.0, 1.0, 2.0]), np.array([False, False, True, True]))
    1.0
    """
    lowest = np.where(np.isnan(values), -np.inf, values)
    _, ranks, counts = np.unique(lowest, return_inverse=True, return_counts=True)
    middles = np.cumsum(counts) - (counts - 1) / 2
    positives = int(positive.sum())
    pairs = positives * (len(values) - positives)
    area = (float(middles[ranks][positive].sum()) - positives * (positives + 1) / 2) / pairs
    return max(area, 1 - area)


def _likelihoods(column: Column, codes: Codes) -> Reals:
    """Score each text by the share of positives among the *other* half's rows of that text.

    A text that names its row, such as an id, says nothing so, where counting its own row it would say all.
    """
    _, texts = np.unique(np.array([str(value) for value in column.tolist()], dtype=str), return_inverse=True)
    half = np.arange(len(codes)) % 2
    scores = np.empty(len(codes))
    for side in (0, 1):
        others = half != side
        size = int(texts.max()) + 1
        seen = np.bincount(texts[others], minlength=size)
        hits = np.bincount(texts[others], weights=codes[others], minlength=size)
        scores[~others] = ((hits + codes[others].mean()) / (seen + 1))[texts[~others]]
    return scores


def _informed(name: str, column: Column, codes: Codes, features: int, limits: DataLimits) -> Leak:
    groups = _categories(column) if column.dtype == object else _groups(np.asarray(column, dtype=np.float64), _GROUPS)
    share, chance = information(groups, codes)
    return Leak(
        name, "share of the information", share, limits.leakage_information, chance < _FALSE_ALARMS / features
    )


def information(groups: Codes, codes: Codes) -> tuple[float, float]:
    """Return which share of the label's entropy a feature's groups tell, and how likely that is by chance.

    Mutual information less what chance alone makes of it, (r − 1)(c − 1) / 2n (Miller 1955), over the label's
    entropy. By chance 2n times the information follows χ² (the G test), here by Wilson and Hilferty's cube root.

    >>> labels = np.arange(300) % 3
    >>> round(information(labels, labels)[0], 3), round(information(np.arange(300) // 100, labels)[0], 3)
    (0.994, 0.0)
    """
    table = np.zeros((int(groups.max()) + 1, int(codes.max()) + 1))
    np.add.at(table, (groups, codes), 1)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    rows = table.sum()
    shares = table / rows
    expected = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    there = shares > 0
    found = float(np.sum(shares[there] * np.log(shares[there] / expected[there])))
    entropy = -float(np.sum(shares.sum(axis=0) * np.log(shares.sum(axis=0))))
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    if freedom == 0 or entropy == 0:
        return 0.0, 1.0
    cube = (2 * rows * found / freedom) ** (1 / 3)
    spread = 2 / (9 * freedom)
    chance = 1 - NormalDist().cdf((cube - (1 - spread)) / math.sqrt(spread))
    return float(max(0.0, found - freedom / (2 * rows)) / entropy), chance


def _groups(values: Reals, groups: int) -> Codes:
    """Cut numbers into groups of about the same size; what is missing is a group of its own."""
    there = values[np.isfinite(values)]
    edges = np.unique(np.quantile(there, np.linspace(0, 1, groups + 1)[1:-1])) if there.size else np.array([])
    return np.asarray(np.where(np.isnan(values), 0, 1 + np.searchsorted(edges, values, side="right")), dtype=np.int64)


def _categories(column: Column) -> Codes:
    """Number the most frequent texts; the others are one group."""
    names, codes, counts = np.unique(
        np.array([str(value) for value in column.tolist()], dtype=str), return_inverse=True, return_counts=True
    )
    places = np.zeros(len(names), dtype=np.int64)
    frequent = np.argsort(-counts, kind="stable")[:_CATEGORIES]
    places[frequent] = np.arange(1, len(frequent) + 1)
    return places[codes]


def _present(column: Column) -> npt.NDArray[np.bool_]:
    if column.dtype == object:
        return np.array([value is not None for value in column.tolist()], dtype=bool)
    return ~np.isnan(np.asarray(column, dtype=np.float64))
