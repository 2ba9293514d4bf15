"""One event through the inference function, beside the model alone, the plainest handler and Powertools."""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.figures import Goal, Section
from tests.benchmarks.progress import Tell
from tests.benchmarks.serving import handler

_BESIDE = (handler.C_API, handler.FLOOR, handler.OURS, handler.PEER)


def measure(tell: Tell, *, rounds: int) -> Section:
    """Measure every way in every case, in turns."""
    tell(f"answering events, {rounds} rounds")
    return section(handler.measured(rounds), rounds)


def section(found: Sequence[handler.Measured], rounds: int) -> Section:
    """Return the table of what was measured."""
    micros = {each.case: each.micros for each in found}
    goals = [
        Goal(f"{each.way}, {each.case.name}, × {each.against}", ways[each.way] / ways[each.against], each.most)
        for each in handler.GOALS
        if (ways := micros.get(each.case)) is not None
    ]
    return Section(
        name="handler",
        title="One event, from Lambda's to its answer, with validation, prediction record and metrics",
        columns=("request", f"{handler.RAW}, µs", *(f"{name}, ×" for name in _BESIDE)),
        rows=[
            (
                each.case.name,
                f"{each.micros[handler.RAW]:,.1f}",
                *(_ratio(each, name) for name in _BESIDE),
            )
            for each in found
        ],
        figures={each.case.name: dict(each.micros) for each in found},
        goals=goals,
        notes=(f"Medians of {rounds} rounds in turns; processor time of the one thread; × {handler.RAW}.",),
    )


def _ratio(found: handler.Measured, name: str) -> str:
    return f"{found.micros[name] / found.micros[handler.RAW]:.2f}" if name in found.micros else ""
