"""The electricity market's real drift: who sees it when, and who cries before it comes?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from serinus.cli.demo.market import VICTORIA_JOINS, Market, load_market
from serinus.domain.layout import Layout, layout_from
from serinus.domain.policy import DriftLimits
from serinus.domain.profile import Profile, of_rows
from serinus.domain.seasons import PastWindow
from serinus.domain.signature import Datatype, InputTensor, Score, Signature
from tests.benchmarks.figures import Section
from tests.benchmarks.progress import Tell
from tests.benchmarks.watching.peers import looks_of_peers
from tests.benchmarks.watching.rules import RULES, Look, Rule, look

_TRAINED_ON, _HELD_OUT_UNTIL = 5_664, 11_328  # rows; half-hours
_DAY, _WEEK = 48, 336
_LAST = VICTORIA_JOINS + 4 * _WEEK
_LIMITS = DriftLimits(every_minutes=1_440, window_minutes=10_080, minimum_rows=300)


@dataclass(frozen=True, eq=False)
class _Watched:
    market: Market
    scores: npt.NDArray[np.float64]
    layout: Layout

    def profile(self, start: int, stop: int) -> Profile:
        return of_rows(self.layout, self.market.features.slice(start, stop), self.scores[start:stop])

    def look(self, now: int) -> Look:
        """Look at the last week, by hours, with the weeks before it since the model went live."""
        periods = [self.profile(begin, begin + 2) for begin in range(now - _WEEK, now, 2)]
        start = now - _WEEK
        past = [
            PastWindow(7 * week, self.profile(start - week * _WEEK, start - (week - 1) * _WEEK))
            for week in range(1, (start - _HELD_OUT_UNTIL) // _WEEK + 1)
        ]
        return look(self.profile(_TRAINED_ON, _HELD_OUT_UNTIL), periods, _LIMITS, past)


def looks_by_rules(tell: Tell) -> Section:
    """Ask each rule twice a day."""
    tell("electricity: every rule, a look every 12 h")
    watched, nows = _watched(), _nows(_DAY // 2)
    found = [watched.look(now) for now in nows]
    return section("market", "a look every 12 h", nows, {name: _alarms(rule, found) for name, rule in RULES.items()})


def looks_by_peers(tell: Tell, *, processor_seconds: int) -> Section:
    """Ask ours and the peers once a week, as they take seconds for each look."""
    watched, nows = _watched(), _nows(_WEEK)
    rows = np.column_stack([np.asarray(column) for column in watched.market.features.columns.values()])
    reference, windows = rows[_TRAINED_ON:_HELD_OUT_UNTIL], [(now - _WEEK, now) for now in nows]
    ours = _alarms(RULES["serinus"], [watched.look(now) for now in nows])
    theirs = looks_of_peers(tell, "electricity", reference, rows, windows, processor_seconds=processor_seconds)
    return section("market beside peers", "a look a week", nows, {"serinus": ours, **theirs})


def section(name: str, how_often: str, nows: Sequence[int], found: Mapping[str, Sequence[bool] | str]) -> Section:
    """Tell each rule's false alarms before the market changes, and how soon it sees the change."""
    told = {
        rule: {
            "before": sum(alarm for now, alarm in zip(nows, alarms, strict=True) if now <= VICTORIA_JOINS),
            "hours": next(
                (
                    (now - VICTORIA_JOINS) / 2
                    for now, alarm in zip(nows, alarms, strict=True)
                    if _after(now) and alarm
                ),
                None,
            ),
        }
        for rule, alarms in found.items()
        if not isinstance(alarms, str)
    }
    return Section(
        name=name,
        title=f"The electricity market, whose data drift at row {VICTORIA_JOINS}: {how_often} at the last week",
        columns=("rule", f"looks that alarm before it, of {sum(not _after(now) for now in nows)}", "seen after"),
        rows=[
            (rule, str(one["before"]), "not in four weeks" if one["hours"] is None else f"{one['hours']:.0f} h")
            for rule, one in told.items()
        ],
        figures=told,
        notes=[
            f"The model was validated on rows {_TRAINED_ON} to {_HELD_OUT_UNTIL}, half-hours.",
            *(f"{rule}: {why}" for rule, why in found.items() if isinstance(why, str)),
        ],
    )


def _after(now: int) -> bool:
    return now > VICTORIA_JOINS


def _nows(every: int) -> list[int]:
    return list(range(_HELD_OUT_UNTIL + _WEEK, _LAST, every))


def _alarms(rule: Rule, found: Sequence[Look]) -> list[bool]:
    return [rule(each) for each in found]


def _watched() -> _Watched:
    market = load_market()
    names = tuple(market.features.columns)
    rows = np.column_stack([np.asarray(column) for column in market.features.columns.values()])
    model = HistGradientBoostingClassifier(random_state=1).fit(rows[:_TRAINED_ON], market.labels[:_TRAINED_ON])
    scores = model.predict_proba(rows)[:, 1]
    signature = Signature((InputTensor("X", Datatype.FP64, names),), (), Score("p"))
    held_out = market.features.slice(_TRAINED_ON, _HELD_OUT_UNTIL)
    return _Watched(market, scores, layout_from(signature, held_out, scores[_TRAINED_ON:_HELD_OUT_UNTIL]))
