"""The tables: what is pledged, what was measured, whether it was reached; and what others do on the same traffic."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.benchmarks.rollout.cases import FAULTS, LITTLE, PEERS, RPM
from tests.benchmarks.rollout.traffic import MINUTES_A_DAY, Pattern

Found = Mapping[str, Mapping[str, float]]
Row = tuple[str, float, tuple[float, ...]]

_NUMBERS = {"cost", "sick throughout"}  # of the special cases; all others are shares
_PEAK = 1.8  # of a daily cycle
_HARDLY = 1.5
_TICKS_VARY = 1.2  # two standard deviations of a tick of a hundred requests


@dataclass(frozen=True)
class Pledge:
    """A line of the first table.

    Attributes:
        limits: of each figure, what it must not exceed.
        kind: of the cases; with `what` and `metrics`, and `rpm` where only that traffic counts.
        figures: the keys of what was measured.
        one_tick: whether a tick's requests are allowed, where they are more than the limit.
        holds: the limits that hold where the pledge does not; docs/reference/rollout-decisions.md says why.
    """

    text: str
    limits: tuple[float, ...]
    kind: str
    what: str
    figures: tuple[str, ...]
    metrics: str = "all"
    rpm: int | None = None
    one_tick: bool = False
    percent: bool = False
    holds: tuple[float, ...] = ()

    def rows(self, found: Found) -> Iterator[Row]:
        """Give the cases that count: the traffic, how many rollouts, and the figures."""
        for name, figures in found.items():
            kind, what, metrics, cell = name.split(" | ")
            if (kind, what, metrics) == (self.kind, self.what, self.metrics) and (
                self.rpm is None or cell.startswith(f"{self.rpm} rpm")
            ):
                missing = 0.0 if self.percent else math.inf
                yield cell, figures["rollouts"], tuple(figures.get(figure, missing) for figure in self.figures)

    def kept(self, row: Row, limits: tuple[float, ...]) -> bool:
        """Whether a case keeps to limits: a share may exceed its by two standard errors, since it is a sample.

        A limit is passed over where a day's traffic is hardly more than it: nobody can weigh what was never served.
        """
        cell, rollouts, measured = row
        rpm, weight = float(cell.split(" rpm")[0]), float(cell.split(", ")[1].rstrip("%")) / 100
        tick = _TICKS_VARY * rpm * weight * (_PEAK if cell.endswith(Pattern.DAILY) else 1) if self.one_tick else 0.0
        for value, limit in zip(measured, limits, strict=True):
            chance = 2 * math.sqrt(limit * (1 - limit) / rollouts) if self.percent else 0.0
            served = "weighed p95" not in self.figures or limit * _HARDLY < rpm * weight * MINUTES_A_DAY
            if served and value > max(limit + chance, tick):
                return False
        return True


def _pledges() -> Iterator[Pledge]:
    weighed, back = ("weighed p50", "weighed p95"), ("rolled back",)
    for metrics in ("errors", "all"):
        worse = metrics == "all"  # with other metrics, other patterns and lag, looser limits hold
        held = "held"
        yield Pledge("good model rolled back, held 24 h", (0.01,), held, "good", back, metrics, percent=True)
        holds: tuple[float, ...] = (5_000.0,) if worse else ()
        yield Pledge("0.5→1 %: weighed, median", (4_000,), held, "1 %", weighed[:1], metrics, holds=holds)
        holds = (800.0, 1_900.0) if worse else ()
        yield Pledge("0.5→2 %: weighed, median / p95", (700, 1_600), held, "2 %", weighed, metrics, holds=holds)
        holds = (260.0, 500.0) if worse else (240.0, 440.0)
        yield Pledge("0.5→5 %: weighed", (200, 330), held, "5 %", weighed, metrics, one_tick=True, holds=holds)
        holds = (20.0, 40.0)
        yield Pledge("0.5→50 %: weighed", (15, 25), held, "50 %", weighed, metrics, one_tick=True, holds=holds)
        for rpm, limit, quick in zip(RPM, (720, 80, 13), (215, 26, 6), strict=True):
            slow, fast = {20: (900.0, 240.0), 200: (90.0, 32.0), 2_000: (18.0, 10.0)}[rpm] if worse else (750.0, 0.0)
            text, minutes = f"good model to 100 %, {rpm} rpm: minutes", ("minutes to all",)
            yield Pledge(text, (limit,), "whole", "good", minutes, metrics, rpm, holds=(slow,))
            text = f"the same from 10 %, κ = 1 point, {rpm} rpm"
            yield Pledge(text, (quick,), "whole from 10 %", "good", minutes, metrics, rpm, holds=(fast,))
    yield Pledge("good model rolled back, whole rollout", (0.01,), "whole", "good", back, percent=True)
    text, promoted = "worse by the margin: promoted", ("promoted",)
    yield Pledge(text, (0.05,), "whole", "worse by the margin", promoted, percent=True)
    text, step = "worse by a step's margin: past it", ("past the first step",)
    yield Pledge(text, (0.05,), "first step", "worse by its margin", step, percent=True)


def print_report(found: Found) -> bool:
    """Print all tables; return whether every pledge, or what is known to hold in its place, was kept."""
    reached = [_print_pledge(pledge, found) for pledge in _headed()]
    _print_served(found)
    _print_peers(found)
    _print_little(found)
    _print_special(found)
    return all(reached)


def _headed() -> Iterator[Pledge]:
    heads = {"errors": "errors alone, steady traffic, no lag", "all": "all metrics and patterns, lag, hard alarms"}
    seen = ""
    for pledge in _pledges():
        if pledge.metrics != seen:
            seen = pledge.metrics
            print(f"\n{heads[seen]:<46}{'pledge':>14}{'measured':>28}")
        yield pledge


def _print_pledge(pledge: Pledge, found: Found) -> bool:
    """Print a line, and the cases that miss the pledge; return whether it, or what holds in its place, is kept."""
    rows = list(pledge.rows(found))
    missed = [row for row in rows if not pledge.kept(row, pledge.limits)]
    percent = pledge.percent
    pooled, share = "", 0.0
    if percent and rows:
        whole = sum(rollouts for _, rollouts, _ in rows)
        share = sum(rollouts * measured[0] for _, rollouts, measured in rows) / whole
        pooled = f", {_figure(share, percent=True)} of {whole:,.0f}"
    spans = [_span([measured[at] for _, _, measured in rows], percent=percent) for at in range(len(pledge.figures))]
    kept = bool(rows) and not missed and share <= pledge.limits[0] + (0 if percent else math.inf)
    holding = bool(rows and pledge.holds) and all(pledge.kept(row, pledge.holds) for row in rows)
    verdict = "reached" if kept else f"missed in {len(missed)} of {len(rows)}"
    if not kept and holding:
        verdict += f"; ≤ {_figures(pledge.holds, percent=percent)} holds"
    limit = f"≤ {_figures(pledge.limits, percent=percent)}"
    print(f"{pledge.text:<46}{limit:>14}{' / '.join(spans):>28}  {verdict}{pooled}")
    for cell, _, measured in missed:
        print(f"    {cell}: {_figures(measured, percent=percent)}")
    return kept or holding


def _figures(values: tuple[float, ...], *, percent: bool) -> str:
    return " / ".join(_figure(value, percent=percent) for value in values)


def _print_served(found: Found) -> None:
    columns = f"{'weighed':>16}{'served':>16}{'minutes':>12}{'by alarm':>10}"
    print(f"\n{'served until rolled back, median / p95':<40}{columns}")
    for what in FAULTS:
        for rpm in RPM:
            figures = found.get(f"held | {what} | all | {rpm} rpm, 5%, steady")
            if figures:
                pairs = [
                    " / ".join(_figure(figures.get(f"{name} p{p}", math.inf)) for p in (50, 95))
                    for name in ("weighed", "served", "minutes")
                ]
                alarm = _figure(figures["by alarm"], percent=True)
                print(f"{f'0.5→{what} at {rpm} rpm, 5 %':<40}{pairs[0]:>16}{pairs[1]:>16}{pairs[2]:>12}{alarm:>10}")


def _print_peers(found: Found) -> None:
    names = ("good", *FAULTS)
    print(f"\n{'rolled back, by traffic':<34}" + "".join(f"{name:>14}" for name in names))
    for rpm in RPM:
        for peer in PEERS:
            rows = [figures for name, figures in found.items() if name.startswith(f"peer | {peer} | all | {rpm} rpm")]
            spans = [_span([row[f"{name} rolled back"] for row in rows], percent=True) for name in names]
            print(f"{f'{peer}, {rpm} rpm':<34}" + "".join(f"{span:>14}" for span in spans))
        ours = []
        for name in names:
            rows = [figures for key, figures in found.items() if key.startswith(f"held | {name} | all | {rpm} rpm")]
            ours.append(_span([row["rolled back"] for row in rows], percent=True) if rows else "")
        print(f"{f'Serinus, {rpm} rpm, within 24 h':<34}" + "".join(f"{span:>14}" for span in ours))


def _print_little(found: Found) -> None:
    print(
        f"\n{'500 requests a day':<24}{'promoted in 24 h':>18}{'in 72 h':>10}{'bad served 5 % / 50 %':>24}{'back':>8}"
    )
    for what in LITTLE:
        rows = [figures for name, figures in found.items() if name.split(" | ")[1] == what]
        day, three = sorted(rows, key=lambda figures: figures["good promoted"])
        shares = [_figure(figures["good promoted"], percent=True) for figures in (day, three)]
        bad = f"{three['5 % bad served']:.0f} / {three['50 % bad served']:.0f}"
        back = _figure(three["good rolled back"], percent=True)
        print(f"{what:<24}{shares[0]:>18}{shares[1]:>10}{bad:>24}{back:>8}")


def _print_special(found: Found) -> None:
    print()
    for name, figures in found.items():
        kind, what, _, cell = name.split(" | ")
        if kind == "special":
            shares = what not in _NUMBERS
            told = (
                f"{key} {_figure(value, percent=True) if shares else f'{value:.4g}'}"
                for key, value in figures.items()
            )
            print(f"{what}: {', '.join(told)}")
        if what == "colder still":
            print(f"small arm 5 % slower, {cell}: rolled back {_figure(figures['rolled back'], percent=True)}")


def _span(values: list[float], *, percent: bool = False) -> str:
    if not values:
        return "none"
    low, high = _figure(min(values), percent=percent), _figure(max(values), percent=percent)
    return low if low == high else f"{low}–{high}"


def _figure(value: float, *, percent: bool = False) -> str:
    if math.isinf(value):
        return "never"
    return f"{value * 100:.3g} %" if percent else f"{value:,.0f}"
