"""Simulated traffic of endpoints: daily and weekly seasons, weather that lasts for days, bursts, many rows a request.

Every endpoint has ten numeric features, a category of eight values, and a score that follows the first two numbers.
Nothing is drawn independently: the mean of each feature swings by the hour and the day of the week and wanders with
two autocorrelated processes of its own, and the rows of one request share a part of their value. The category is a
number that is cut in eight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from serinus.domain.layout import Layout, layout_from
from serinus.domain.profile import Profile, of_rows
from serinus.domain.signature import Datatype, InputTensor, Score, Signature
from serinus.domain.table import Table

FEATURES = tuple(f"x{number}" for number in range(10))
CATEGORY = "kind"
SIGNATURE = Signature(
    (InputTensor("X", Datatype.FP64, FEATURES), InputTensor("C", Datatype.BYTES, (CATEGORY,))), (), Score("p")
)
Reals = npt.NDArray[np.float64]

_DRAWN = len(FEATURES) + 1  # numbers a row; the last becomes the category
_CUTS = np.array([-1.2, -0.7, -0.3, 0.0, 0.3, 0.7, 1.2])
_NAMES = np.array([f"kind {number}" for number in range(len(_CUTS) + 1)] + ["unheard of"], dtype=object)
_UNSEEN = 99.0
_HOURS_AT_ONCE = 168


@dataclass(frozen=True)
class Traffic:
    """How an endpoint is asked; amplitudes in standard deviations of a feature's rows within an hour.

    Attributes:
        requests_an_hour: on average.
        rows_a_request: on average; the number is geometric.
        daily: amplitude of the daily swing.
        weekend: by how much Saturdays and Sundays differ.
        weather: standard deviations of the processes that last 12 hours and 3 days.
        shared: the share of a row's variance that all rows of a request have in common.
    """

    requests_an_hour: float = 60.0
    rows_a_request: float = 4.0
    daily: float = 0.5
    weekend: float = 0.3
    weather: tuple[float, float] = (0.1, 0.1)
    shared: float = 0.3


@dataclass(frozen=True)
class Drift:
    """What changes at an hour.

    Attributes:
        mean: of the first feature, by so many standard deviations.
        missing: the share of rows that lack the first feature.
        unseen: the share of rows whose category the reference does not have.
    """

    hour: int
    mean: float = 0.0
    missing: float = 0.0
    unseen: float = 0.0


@dataclass(frozen=True, eq=False)
class Served:
    """What an endpoint has served: its reference, and the counts of each hour, [hours, layout.size]."""

    reference: Profile
    hours: npt.NDArray[np.int64] = field(repr=False)

    @cached_property
    def _until(self) -> npt.NDArray[np.int64]:
        """What was served before each hour, [hours + 1, layout.size]: windows overlap, and are asked for again."""
        return np.vstack([np.zeros_like(self.hours[:1]), self.hours.cumsum(axis=0)])

    def profile(self, start: int, end: int) -> Profile:
        """Return the profile of some hours."""
        return Profile(self.reference.layout, self._until[end] - self._until[start])

    def periods(self, start: int, end: int) -> Sequence[Profile]:
        """Return the profile of each hour."""
        return [Profile(self.reference.layout, self.hours[hour]) for hour in range(start, end)]


@dataclass(frozen=True, eq=False)
class Simulated:
    """All rows of an endpoint, in the order of time.

    Attributes:
        hour: when each row came; those before 0 were there for the model to be validated on, [rows].
        values: of its numbers, the last of which becomes the category, [numbers, rows].
        held_out: which rows the model was validated on.
        hours: how many were simulated.
    """

    hour: npt.NDArray[np.int64] = field(repr=False)
    values: Reals = field(repr=False)
    held_out: npt.NDArray[np.int64] = field(repr=False)
    hours: int

    def served(self) -> Served:
        """Count them."""
        features, scores = _table(self.values[:, self.held_out])
        layout = layout_from(SIGNATURE, features, scores)
        return Served(of_rows(layout, features, scores), _counted(layout, self.hour, self.values, self.hours))


def serve(traffic: Traffic, hours: int, *, seed: int, drift: Drift | None = None) -> Served:
    """Simulate an endpoint, and count what it served."""
    return simulate(traffic, hours, seed=seed, drift=drift).served()


def simulate(
    traffic: Traffic, hours: int, *, seed: int, drift: Drift | None = None, reference_days: int = 56
) -> Simulated:
    """Simulate an endpoint whose model was validated on a sample of the weeks before."""
    chance = np.random.default_rng(seed)
    before = 24 * reference_days
    means = _means(traffic, before + hours, chance)
    if drift is not None:
        means[0, before + drift.hour :] += drift.mean
    of_row, values = _rows(traffic, means, chance)
    if drift is not None:
        for share, column, value in ((drift.missing, 0, np.nan), (drift.unseen, -1, _UNSEEN)):
            changed = (of_row >= before + drift.hour) & (chance.random(len(of_row)) < share)
            values[column, changed] = value
    held_out = np.flatnonzero((of_row < before) & (chance.random(len(of_row)) < 0.1))
    return Simulated(of_row - before, values, held_out, hours)


def _means(traffic: Traffic, hours: int, chance: np.random.Generator) -> Reals:
    """Return the mean of each feature in each hour, [features, hours]."""
    hour = np.arange(hours)
    phases = chance.uniform(0, 2 * np.pi, (_DRAWN, 1))
    strengths = chance.uniform(0.5, 1.0, (_DRAWN, 2))
    means = traffic.daily * strengths[:, :1] * np.sin(2 * np.pi * hour / 24 + phases)
    means = means + traffic.weekend * strengths[:, 1:] * (hour // 24 % 7 >= 5)
    for deviation, lasting in zip(traffic.weather, (12, 72), strict=True):
        kept = np.exp(-1 / lasting)
        shocks = chance.normal(size=(_DRAWN, hours)) * deviation * np.sqrt(1 - kept**2)
        state = chance.normal(size=_DRAWN) * deviation
        for at in range(hours):
            state = kept * state + shocks[:, at]
            means[:, at] += state
    return np.asarray(means, dtype=np.float64)


def _rows(traffic: Traffic, means: Reals, chance: np.random.Generator) -> tuple[npt.NDArray[np.int64], Reals]:
    """Return the hour of each row, [rows], and its values, [features, rows]."""
    hour = np.arange(means.shape[1])
    busy = (1 + 0.8 * np.sin(2 * np.pi * (hour - 8) / 24)) * np.where(hour // 24 % 7 >= 5, 0.5, 1.0)
    busy = busy * chance.lognormal(0, 0.3, len(hour))
    requests = chance.poisson(traffic.requests_an_hour * busy)
    sizes = chance.geometric(1 / traffic.rows_a_request, int(requests.sum()))
    request = np.repeat(np.arange(len(sizes)), sizes)
    of_row = np.repeat(np.repeat(hour, requests), sizes)
    values = chance.normal(size=(_DRAWN, len(request))) * np.sqrt(1 - traffic.shared)
    values += (chance.normal(size=(_DRAWN, len(sizes))) * np.sqrt(traffic.shared))[:, request]
    values += means[:, of_row]
    return of_row, values


def _table(values: Reals) -> tuple[Table, Reals]:
    known = np.where(np.isnan(values), 0.0, values)
    scores = 1 / (1 + np.exp(1.5 - known[0] - 0.5 * known[1]))
    kinds = np.where(values[-1] == _UNSEEN, len(_CUTS) + 1, np.searchsorted(_CUTS, values[-1]))
    columns = dict(zip(FEATURES, values[:-1], strict=True))
    return Table({**columns, CATEGORY: _NAMES[kinds]}), np.asarray(scores, dtype=np.float64)


def _counted(layout: Layout, of_row: npt.NDArray[np.int64], values: Reals, hours: int) -> npt.NDArray[np.int64]:
    """Count some hours at a time, [hours, layout.size]: every column of every row is known, so each has its slot."""
    counts = [np.empty((0, layout.size), dtype=np.int64)]
    for start in range(0, hours, _HOURS_AT_ONCE):
        stop = min(start + _HOURS_AT_ONCE, hours)
        first, last = np.searchsorted(of_row, (start, stop))
        slots = layout.row_slots(*_table(values[:, first:last])).reshape(-1, last - first)
        of_hour = (of_row[first:last] - start) * layout.size
        found = np.bincount((slots + of_hour).ravel(), minlength=(stop - start) * layout.size)
        counts.append(found.reshape(-1, layout.size))
    return np.concatenate(counts)
