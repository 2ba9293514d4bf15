"""A metric over days as a picture: the band of its estimate, and the points and intervals that labels gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from serinus.domain.metric import Metric, MetricGate
from serinus.domain.performance_estimate import Estimate
from serinus.domain.realised import RealisedGroup

WIDTH, HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 10, 26
_MOST_NAMES = 8
_TICKS = 4


@dataclass(frozen=True)
class Mark:
    """Where a value is drawn, how far its interval reaches, and what is said of it."""

    x: float
    y: float
    high_y: float
    low_y: float
    label: str
    as_expected: bool | None = None


@dataclass(frozen=True)
class Lines:
    """The picture of one metric: all coordinates lie within `WIDTH` and `HEIGHT`.

    Attributes:
        metric: which it is of.
        bands: the estimate's band, one outline for each run of days that have one.
        lines: the estimate itself, one line for each run.
        marks: what labels say, day by day.
        floors: how high the floors lie.
        ticks: how high the numbers of the scale lie, and what they are.
        names: where the days' names stand, and what they are.
    """

    metric: Metric
    bands: tuple[str, ...]
    lines: tuple[str, ...]
    marks: tuple[Mark, ...]
    floors: tuple[float, ...]
    ticks: tuple[tuple[float, str], ...]
    names: tuple[tuple[float, str], ...]


def lines_of(days: Sequence[RealisedGroup], metric: Metric, floors: Sequence[MetricGate]) -> Lines | None:
    """Draw a metric over days; `None` where there are not two of them, or nothing is known of it."""
    known = [each for day in days for each in (day.estimated.get(metric), day.realised.get(metric)) if each]
    if len(days) < 2 or not known:
        return None
    limits = [limit for floor in floors for limit in (floor.minimum, floor.maximum) if limit is not None]
    bottom, top = _scale([each.low for each in known] + limits, [each.high for each in known] + limits)

    def x(place: int) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * (place + 0.5) / len(days), 1)

    def y(value: float) -> float:
        return round(_TOP + (HEIGHT - _TOP - _BOTTOM) * (top - value) / (top - bottom), 1)

    runs = _runs([day.estimated.get(metric) for day in days])
    step = -(-len(days) // _MOST_NAMES)
    return Lines(
        metric,
        tuple(
            _path(
                [*((x(at), y(each.high)) for at, each in run), *((x(at), y(each.low)) for at, each in reversed(run))]
            )
            for run in runs
        ),
        tuple(_path([(x(at), y(each.value)) for at, each in run]) for run in runs),
        tuple(
            Mark(x(at), y(found.value), y(found.high), y(found.low), _told(day, found), day.is_expected(metric))
            for at, day in enumerate(days)
            if (found := day.realised.get(metric)) is not None
        ),
        tuple(y(limit) for limit in limits),
        tuple((y(value), f"{value:.3g}") for value in _ticks(bottom, top)),
        tuple((x(at), days[at].name) for at in range(0, len(days), step)),
    )


def _scale(lows: Sequence[float], highs: Sequence[float]) -> tuple[float, float]:
    bottom, top = min(lows), max(highs)
    room = max((top - bottom) * 0.08, 0.005)
    return bottom - room, top + room


def _ticks(bottom: float, top: float) -> list[float]:
    return [bottom + (top - bottom) * (number + 0.5) / _TICKS for number in range(_TICKS)]


def _runs(estimates: Sequence[Estimate | None]) -> list[list[tuple[int, Estimate]]]:
    """Return runs of neighbouring days that have an estimate."""
    runs: list[list[tuple[int, Estimate]]] = [[]]
    for at, each in enumerate(estimates):
        if each is not None:
            runs[-1].append((at, each))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Return points as SVG takes them.

    >>> _path([(1.0, 2.5), (3.0, 4.0)])
    '1.0,2.5 3.0,4.0'
    """
    return " ".join(f"{x},{y}" for x, y in points)


def _told(day: RealisedGroup, found: Estimate) -> str:
    return (
        f"{day.name}: {found.value:.4f} ({found.low:.4f} to {found.high:.4f}) by the labels of "
        f"{day.labelled_rows} of {day.rows} rows"
    )
