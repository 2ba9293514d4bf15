"""Tests of behaviour that a policy declares: what a score must not depend on, must follow, and must reach.

The three kinds of Ribeiro, Wu, Guestrin and Singh (2020), Beyond Accuracy: Behavioral Testing of NLP Models with
CheckList: invariance, directional expectation and minimum functionality.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import assert_never

import numpy as np
import numpy.typing as npt

from serinus.domain.feature_columns import features_of, spelled_out
from serinus.domain.gates import Finding
from serinus.domain.held_out import HeldOutRows
from serinus.domain.metric import Metric
from serinus.domain.model_gates import Behaviour, Conditions, Direction, Invariance, Minimum, MustNot, Value
from serinus.domain.signature import Feature, Signature
from serinus.domain.stability import Score, moves, noisy
from serinus.domain.table import Column, Table
from serinus.domain.task import Task
from serinus.errors import DataRefused, ModelFailed

MOST_ROWS = 5_000
_SHOWN = 5


def chosen_rows(where: Conditions, table: Table, *, file: str) -> npt.NDArray[np.intp]:
    """Return the positions of the rows that meet every condition; values are compared as requests spell them.

    Raises:
        DataRefused: a condition names a column that is not there.

    >>> rows = Table({"age": np.array([17.0, 30.0, 17.0]), "country": np.array(["ch", "ch", "de"], dtype=object)})
    >>> chosen_rows({"age": (17.0,), "country": ("ch", "at")}, rows, file="f").tolist()
    [0]
    """
    chosen = np.ones(table.rows, dtype=bool)
    for name, values in where.items():
        if name not in table.columns:
            raise DataRefused(f"{file} has no column {name!r} that it asks for: add it, or change the condition")
        column = table.columns[name]
        texts = column if column.dtype == object else spelled_out(np.asarray(column, dtype=np.float64))
        chosen &= np.isin(texts, [_spelled(value) for value in values])
    return np.flatnonzero(chosen)


def judge_behaviour(
    behaviour: Behaviour,
    signature: Signature,
    rows: HeldOutRows,
    features: Table,
    threshold: float,
    *,
    score: Score,
    seed: int,
) -> Finding:
    """Carry out one test; it fails where more rows than the policy tolerates do otherwise, or none could be tried.

    Of the held-out rows at most `MOST_ROWS` are asked about, drawn by the seed. The finding numbers rows from 1, as
    they stand in the held-out file (or in the policy), and repeats no values but the policy's own.

    Args:
        behaviour: the test.
        signature: which features there are, and of which kind.
        rows: as the model scored them.
        features: what it scored, [rows] each.
        threshold: where precision, recall, F1 and accuracy are taken.
        score: asks the model.
        seed: of the draws.
    """
    asked = _Asked(behaviour.name, signature, rows, features, threshold, score, seed)
    try:
        match behaviour:
            case Invariance():
                return asked.invariance(behaviour)
            case Direction():
                return asked.direction(behaviour)
            case Minimum():
                return asked.minimum(behaviour)
            case _:
                assert_never(behaviour)
    except DataRefused as refusal:
        return asked.failed(str(refusal))
    except ModelFailed as failure:
        return asked.failed(f"the model failed: {failure}")


class _Asked:
    """One test's view of the rows and of the model."""

    def __init__(
        self,
        name: str,
        signature: Signature,
        rows: HeldOutRows,
        features: Table,
        threshold: float,
        score: Score,
        seed: int,
    ) -> None:
        self._gate, self._name = f"behaviour:{name}", name
        self._signature, self._rows, self._features = signature, rows, features
        self._threshold, self._score = threshold, score
        self._chance = np.random.default_rng(seed)

    def failed(self, why: str, numbers: Mapping[str, float] | None = None) -> Finding:
        """Return a finding against the model."""
        return Finding(self._gate, passed=False, message=f"{self._name!r}: {why}", numbers=numbers or {})

    def invariance(self, test: Invariance) -> Finding:
        """Set the feature to each value, or move it, and look how far each row's score goes."""
        feature = self._feature(test.column)
        positions = self._chosen(test.where)
        features, before = self._features.take(positions), self._rows.scores[positions]
        furthest = np.zeros(len(positions))
        for changed in self._changed(test, feature, features):
            after = self._score(Table({**features.columns, feature.name: changed}))
            went = np.nan_to_num(moves(after, before), nan=np.inf)  # no number any more is beyond every limit
            furthest = np.maximum(furthest, went)
        how = f"set to {' or '.join(repr(_spelled(value)) for value in test.values)}"
        if test.noise is not None:
            how = f"moved by noise of {test.noise:g} standard deviations"
        return self._judged(
            furthest > test.maximum_change,
            positions,
            f"change their score by more than {test.maximum_change:g} where {test.column!r} is {how}",
            test.tolerated_share,
            {"largest_change": float(furthest.max()), "limit": test.maximum_change},
        )

    def direction(self, test: Direction) -> Finding:
        """Move the feature, and look which way each row's score goes; rows that lack the feature are left out."""
        self._refuse_classes()
        feature = self._feature(test.column)
        if not feature.datatype.is_number:
            raise DataRefused(f"{test.column!r} holds texts, of which none is higher: test a number")
        known = np.isfinite(np.asarray(self._features.columns[test.column], dtype=np.float64))
        positions = self._chosen(test.where, besides=known)
        features = self._features.take(positions)
        moved = np.asarray(features.columns[test.column], dtype=np.float64) + test.by
        after = self._score(Table({**features.columns, feature.name: moved}))
        rise = after - self._rows.scores[positions]
        wrong = np.nan_to_num(rise if test.must_not is MustNot.RISE else -rise, nan=np.inf)
        return self._judged(
            wrong > test.tolerance,
            positions,
            f"{test.must_not} by more than {test.tolerance:g} where {test.column!r} is changed by {test.by:+g}",
            test.tolerated_share,
            {"largest_change": float(wrong.max()), "limit": test.tolerance},
        )

    def minimum(self, test: Minimum) -> Finding:
        """Look at the scores, or at a metric, of the rows that are given or chosen."""
        if test.rows:
            positions = np.arange(len(test.rows))
            scores, kind = self._score(self._given(test.rows)), "rows of the policy"
        else:
            positions = self._chosen(test.where)
            scores, kind = self._rows.scores[positions], "held-out rows"
        if test.metric is not None:
            return self._metric(Metric(test.metric), test, positions)
        self._refuse_classes()
        low = -np.inf if test.minimum_score is None else test.minimum_score
        high = np.inf if test.maximum_score is None else test.maximum_score
        return self._judged(
            ~((scores >= low) & (scores <= high)),
            positions,
            f"have a score {_beyond(test.minimum_score, test.maximum_score)}",
            test.tolerated_share,
            {"lowest": float(scores.min()), "highest": float(scores.max())},
            kind=kind,
        )

    def _metric(self, metric: Metric, test: Minimum, positions: npt.NDArray[np.intp]) -> Finding:
        rows = self._rows.take(positions)
        measurable = rows.target.task is not Task.BINARY or rows.refused_scores is None
        value = rows.answers(self._threshold).measured().get(metric) if measurable else None
        if value is None:
            return self.failed(
                f"{metric} cannot be measured on the {rows.rows} held-out rows that it chooses: it needs "
                f"{rows.target.needs}; choose more rows"
            )
        numbers = {"value": value, "rows": float(rows.rows)}
        low = -np.inf if test.minimum is None else test.minimum
        high = np.inf if test.maximum is None else test.maximum
        said = f"{metric} is {value:.4f} on the {rows.rows} held-out rows that it chooses"
        if not low <= value <= high:
            beyond = _beyond(test.minimum, test.maximum)
            return self.failed(f"{said}, {beyond}: train a model that gets them right, or change it", numbers)
        return Finding(self._gate, passed=True, message=f"{self._name!r}: {said}", numbers=numbers)

    def _judged(
        self,
        wrong: npt.NDArray[np.bool_],
        positions: npt.NDArray[np.intp],
        what: str,
        tolerated: float,
        numbers: Mapping[str, float],
        *,
        kind: str = "held-out rows",
    ) -> Finding:
        count, rows = int(wrong.sum()), len(positions)
        told = {"wrong": float(count), "rows": float(rows), "tolerated_share": tolerated}
        told |= {name: number for name, number in numbers.items() if isfinite(number)}  # records are JSON
        said = f"{count} of {rows} {kind} {what}; {tolerated * 100:g} % may"
        if count:
            named = (positions[np.flatnonzero(wrong)[:_SHOWN]] + 1).tolist()
            said += f"; {'among them ' if count > len(named) else ''}row {', '.join(map(str, named))}"
        if count / rows > tolerated:
            return self.failed(f"{said}: train a model that does as is declared, or change [[behaviour]]", told)
        return Finding(self._gate, passed=True, message=f"{self._name!r}: {said}", numbers=told)

    def _refuse_classes(self) -> None:
        if self._rows.scores.ndim > 1:
            raise DataRefused(
                "it takes one score a row, and the model gives a chance for each class: test invariance"
            )

    def _feature(self, name: str) -> Feature:
        found = next((feature for feature in self._signature.features if feature.name == name), None)
        if found is None:
            raise DataRefused(f"{name!r} is no feature of the model, so no score depends on it: name one that is")
        return found

    def _chosen(self, where: Conditions, besides: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.intp]:
        positions = chosen_rows(where, self._rows.table, file=self._rows.file)
        if besides is not None:
            positions = positions[besides[positions]]
        if not positions.size:
            raise DataRefused("no held-out row is as it asks for, so nothing is tested: add some, or change it")
        if positions.size <= MOST_ROWS:
            return positions
        return np.sort(self._chance.choice(positions, MOST_ROWS, replace=False))

    def _changed(self, test: Invariance, feature: Feature, features: Table) -> Iterator[Column]:
        if test.noise is None:
            yield from (_filled(feature, value, features.rows) for value in test.values)
            return
        if not feature.datatype.is_number:
            raise DataRefused(f"{feature.name!r} holds texts, which no noise moves: give the values to set it to")
        moved = noisy(features.columns[feature.name], test.noise, self._chance)
        if moved is None:
            raise DataRefused(
                f"noise of {test.noise:g} standard deviations moves no {feature.name!r}, so nothing is tested: give "
                "more of it, or values"
            )
        yield moved

    def _given(self, rows: Sequence[Mapping[str, Value]]) -> Table:
        names = {feature.name for feature in self._signature.features}
        strange = sorted({name for row in rows for name in row if name not in names})
        if strange:
            raise DataRefused(f"its rows give {strange[0]!r}, which is no feature of the model: leave it out")
        columns = {
            feature.name: _column(feature, [row.get(feature.name) for row in rows])
            for feature in self._signature.features
        }
        return features_of(self._signature, Table(columns), file="[[behaviour]]")


def _filled(feature: Feature, value: Value, rows: int) -> Column:
    return _column(feature, [value] * rows)


def _column(feature: Feature, values: Sequence[Value | None]) -> Column:
    if not feature.datatype.is_number:
        texts = np.empty(len(values), dtype=object)
        texts[:] = [None if value is None else _spelled(value) for value in values]
        return texts
    text = next((value for value in values if isinstance(value, str)), None)
    if text is not None:
        raise DataRefused(f"{feature.name!r} is a number ({feature.datatype}), and cannot be {text!r}")
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _spelled(value: Value) -> str:
    return value if isinstance(value, str) else str(spelled_out(np.array([value], dtype=np.float64))[0])


def _beyond(low: float | None, high: float | None) -> str:
    sides = [f"below {low:g}"] if low is not None else []
    return " or ".join([*sides, *([f"above {high:g}"] if high is not None else [])])
