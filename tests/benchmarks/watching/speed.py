"""How long does one look at drift compute, whatever the traffic? Beside the goal."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from serinus.domain.drift import compare
from serinus.domain.layout import layout_from
from serinus.domain.policy import DriftLimits
from serinus.domain.profile import Profile, of_rows
from serinus.domain.seasons import MOST_PAST_WINDOWS, PastWindow
from serinus.domain.signature import Datatype, InputTensor, Score, Signature
from serinus.domain.table import Table
from tests.benchmarks.figures import Goal, Section

_GOAL_MS = 10.0
_NUMBERS, _CATEGORIES, _VALUES = 30, 10, 20
_PERIODS, _ROUNDS = 24, 51
_ROWS_A_PERIOD = 300


def measure() -> Section:
    """Measure how many milliseconds of the processor a look takes, with few and many rows and past windows."""
    return section(
        {
            f"{_PERIODS * _ROWS_A_PERIOD * times:,} rows, {windows} past windows": _milliseconds(times, windows)
            for times in (1, 10_000)
            for windows in (28, MOST_PAST_WINDOWS)
        }
    )


def section(found: Mapping[str, float]) -> Section:
    """Judge what was found."""
    return Section(
        name="look",
        title=f"One look at {_NUMBERS} numbers, {_CATEGORIES} categories and the score, {_PERIODS} periods",
        columns=("counted", "CPU ms"),
        rows=[(name, f"{milliseconds:.1f}") for name, milliseconds in found.items()],
        figures=found,
        goals=[Goal(f"{name}: ms of computing", taken, _GOAL_MS) for name, taken in found.items()],
        notes=[f"Medians of {_ROUNDS} looks."],
    )


def _milliseconds(times: int, windows: int) -> float:
    reference, periods = _drawn()
    periods = [Profile(reference.layout, period.counts * times) for period in periods]
    days = [sum(np.roll([period.counts for period in periods], day, axis=0)[:12]) for day in range(windows)]
    past = [PastWindow(day, Profile(reference.layout, counts)) for day, counts in enumerate(days, start=1)]
    taken = []
    for _ in range(_ROUNDS):
        begun = time.process_time()
        compare(reference, periods, DriftLimits(), past)
        taken.append(time.process_time() - begun)
    return 1e3 * float(np.median(taken))


def _drawn() -> tuple[Profile, list[Profile]]:
    chance = np.random.default_rng(1)
    numbers = tuple(f"n{number}" for number in range(_NUMBERS))
    categories = tuple(f"c{number}" for number in range(_CATEGORIES))
    values = np.array([f"value {number}" for number in range(_VALUES)], dtype=object)
    inputs = (InputTensor("N", Datatype.FP64, numbers), InputTensor("C", Datatype.BYTES, categories))

    def rows(count: int) -> tuple[Table, np.ndarray[tuple[int], np.dtype[np.float64]]]:
        columns = {name: chance.normal(size=count) for name in numbers}
        drawn = {name: values[chance.integers(0, _VALUES, count)] for name in categories}
        return Table({**columns, **drawn}), chance.random(count)

    held_out = rows(20_000)
    layout = layout_from(Signature(inputs, (), Score("p")), *held_out)
    return of_rows(layout, *held_out), [of_rows(layout, *rows(_ROWS_A_PERIOD)) for _ in range(_PERIODS)]
