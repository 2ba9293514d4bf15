"""Is a candidate worse than the stable model for anybody? Told guarded slice by guarded slice, beyond chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from serinus.domain.comparison import Difference, differences, level_of, told
from serinus.domain.gates import Finding
from serinus.domain.held_out import HeldOutRows, Positions, Reals
from serinus.domain.metric import MetricGate
from serinus.domain.policy import Slicing
from serinus.domain.slices import slices_of
from serinus.errors import DataRefused


@dataclass(frozen=True)
class GuardedSlices:
    """The slices of guarded columns.

    Attributes:
        enough: of each column, the positions of the rows of every slice that has enough to be compared.
        too_few: of each column, how many slices have not.
    """

    enough: Mapping[str, Mapping[str, Positions]]
    too_few: Mapping[str, int]

    @classmethod
    def of(cls, slicings: Iterable[Slicing], rows: HeldOutRows) -> GuardedSlices:
        """Cut rows; columns that they lack are told by `judge_slices`, and left out here."""
        columns = {slicing.column: _slices(slicing, rows) for slicing in slicings if slicing.guarded}
        enough = {
            column: {each: at for each, at in slices.items() if rows.take(at).too_few is None}
            for column, slices in columns.items()
        }
        return cls(enough, {column: len(slices) - len(enough[column]) for column, slices in columns.items()})

    def comparisons(self, gates: Iterable[MetricGate]) -> int:
        """Return how many comparisons can fail: each slice by each gate whose metric few rows do not inflate."""
        judged = sum(not gate.metric.is_inflated for gate in gates)
        return judged * sum(map(len, self.enough.values()))


@dataclass(frozen=True)
class _Compared:
    """A metric in one slice, as both models have it there."""

    name: str
    rows: int
    difference: Difference


def compare_slices(
    guarded: GuardedSlices,
    rows: HeldOutRows,
    stable: Reals,
    gates: Sequence[MetricGate],
    threshold: float,
    *,
    seed: int,
    name: str,
    family: int,
) -> tuple[Finding, ...]:
    """Compare every gated metric in every guarded slice, by a paired bootstrap; one finding a column and metric.

    A finding fails where some slice is worse by more than the gate's `worse_than_stable_by`, or by anything where
    that is not declared, and all of its interval is. A calibration error is told and fails nothing, as in
    `judge_slices`. Slices with too few rows are counted and not compared.

    Args:
        guarded: the slices.
        rows: as the candidate scored them.
        stable: the stable model's scores of the same rows, [rows].
        gates: whose metrics and margins count.
        threshold: where precision, recall, F1 and accuracy are taken.
        seed: of the draws.
        name: what the stable model is called.
        family: how many comparisons hold together, those on whole snapshots included.
    """
    found = {
        column: [
            (each, len(at), differences(rows.take(at), stable[at], threshold, seed=seed, family=family))
            for each, at in slices.items()
        ]
        for column, slices in guarded.enough.items()
    }
    return tuple(
        _judged(
            column,
            gate,
            [_Compared(each, count, by_metric[gate.metric]) for each, count, by_metric in compared],
            too_few=guarded.too_few[column],
            family=family,
            stable=name,
        )
        for column, compared in found.items()
        if compared
        for gate in gates
    )


def _slices(slicing: Slicing, rows: HeldOutRows) -> Mapping[str, Positions]:
    try:
        return slices_of(slicing, rows.table, file=rows.file)
    except DataRefused:
        return {}


def _judged(
    column: str, gate: MetricGate, compared: Sequence[_Compared], *, too_few: int, family: int, stable: str
) -> Finding:
    side = 1 if gate.metric.lower_is_better else -1
    worst = max(compared, key=lambda each: side * each.difference.value)
    margin = gate.worse_than_stable_by or 0.0
    beyond = [each.name for each in compared if not gate.metric.is_inflated and each.difference.worse_by[0] > margin]
    found = worst.difference
    message = (
        f"{gate.metric} by {column} compares worst for {worst.name!r}: {found.candidate:.4f} and {found.stable:.4f} "
        f"with {stable} on the same {worst.rows} held-out rows: {found.value:+.4f} ({found.low:+.4f} to "
        f"{found.high:+.4f} at {level_of(family)}), {told(found)} beyond chance"
    )
    if too_few:
        message += f"; {too_few} more with too few rows"
    if beyond:
        message += (
            f"; worse than stable{f' by more than {margin:g}' if margin else ''} for "
            f"{', '.join(map(repr, beyond))}: train a model that serves them as well, or change [[slices]]"
        )
    numbers = {**found.numbers, "rows": float(worst.rows), "margin": margin}
    numbers |= {"slices": float(len(compared)), "too_few": float(too_few), "intervals": float(max(1, family))}
    for each in compared:
        numbers[f"difference:{each.name}"] = each.difference.value
        numbers[f"low:{each.name}"], numbers[f"high:{each.name}"] = each.difference.low, each.difference.high
    gate_name = f"against_stable:{gate.metric}:slice:{column}"
    return Finding(gate_name, passed=not beyond, message=message, numbers=numbers)
