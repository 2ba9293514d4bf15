"""The electricity market's real drift: who sees it when, and who cries before it comes?"""

from __future__ import annotations

from collections.abc import Sequence
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
from tests.benchmarks.watching.peers import evidently_looks, nannyml_looks
from tests.benchmarks.watching.rules import RULES, Look, Rule, look

_TRAINED_ON, _HELD_OUT_UNTIL = 5_664, 11_328  # rows; half-hours
_DAY, _WEEK = 48, 336
_LAST = VICTORIA_JOINS + 4 * _WEEK
_LIMITS = DriftLimits(every_minutes=1_440, window_minutes=10_080, minimum_rows=300)

_PEERS = {
    "Evidently 0.7.23, data drift preset": evidently_looks,
    "NannyML 0.13.1, univariate drift": nannyml_looks,
}


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


def look_at_market(*, with_peers: bool) -> None:
    """Print each rule's false alarms before the market changes, and how soon it sees the change."""
    watched = _watched()
    nows = list(range(_HELD_OUT_UNTIL + _WEEK, _LAST, _DAY // 2))
    print(
        f"Electricity, held out rows {_TRAINED_ON}-{_HELD_OUT_UNTIL}, a look every 12 h at the last week: "
        f"looks that alarm before row {VICTORIA_JOINS} (of {sum(now <= VICTORIA_JOINS for now in nows)}), "
        "and hours until the first look that alarms after it"
    )
    found = [watched.look(now) for now in nows]
    for name, rule in RULES.items():
        _print(name, nows, _alarms(rule, found))
    if with_peers:
        weekly = nows[:: _WEEK // (_DAY // 2)]
        count = sum(now <= VICTORIA_JOINS for now in weekly)
        print(f"The same, a look a week ({count} before), as those below take seconds for each:")
        _print("serinus", weekly, _alarms(RULES["serinus"], found[:: _WEEK // (_DAY // 2)]))
        rows = np.column_stack([np.asarray(column) for column in watched.market.features.columns.values()])
        for name, peer in _PEERS.items():
            alarms = peer(rows[_TRAINED_ON:_HELD_OUT_UNTIL], rows, [(now - _WEEK, now) for now in weekly])
            if isinstance(alarms, str):
                print(f"  {name:<54} skipped: {alarms}")
            else:
                _print(name, weekly, alarms)


def _alarms(rule: Rule, found: Sequence[Look]) -> list[bool]:
    return [rule(each) for each in found]


def _print(name: str, nows: Sequence[int], alarms: Sequence[bool]) -> None:
    before = sum(alarm for now, alarm in zip(nows, alarms, strict=True) if now <= VICTORIA_JOINS)
    after = next((now for now, alarm in zip(nows, alarms, strict=True) if alarm and now > VICTORIA_JOINS), None)
    seen = "not in four weeks" if after is None else f"{(after - VICTORIA_JOINS) / 2:.0f} h"
    print(f"  {name:<54}{before:>8} {seen:>8}")


def _watched() -> _Watched:
    market = load_market()
    names = tuple(market.features.columns)
    rows = np.column_stack([np.asarray(column) for column in market.features.columns.values()])
    model = HistGradientBoostingClassifier(random_state=1).fit(rows[:_TRAINED_ON], market.labels[:_TRAINED_ON])
    scores = model.predict_proba(rows)[:, 1]
    signature = Signature((InputTensor("X", Datatype.FP64, names),), (), Score("p"))
    held_out = market.features.slice(_TRAINED_ON, _HELD_OUT_UNTIL)
    return _Watched(market, scores, layout_from(signature, held_out, scores[_TRAINED_ON:_HELD_OUT_UNTIL]))
