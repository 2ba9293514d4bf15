"""Late labels as evidence about a rollout: wrong predictions of both releases, by when they were served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from serinus.domain.evidence import Tally
from serinus.domain.rollout_plan import WrongLabel
from serinus.domain.table import Table

_HOUR = timedelta(hours=1)

Stratum = tuple[int, int]
"""A step and an hour: in it, chance alone chose which release answered."""


@dataclass(frozen=True)
class LabelledStratum:
    """What is known, by the labels that have come, of what was served at one step in one hour of the rollout."""

    step: int
    hour: int
    tally: Tally

    @property
    def key(self) -> Stratum:
        """What it is counted under."""
        return self.step, self.hour


@dataclass(frozen=True)
class Serving:
    """When a rollout served, and what is wrong.

    Attributes:
        started_at: from when hours are counted.
        step_begins: from when on each step's requests count.
        threshold: the operating threshold.
        wrong: which predictions are bad.
    """

    started_at: datetime
    step_begins: Sequence[datetime]
    threshold: float
    wrong: WrongLabel = WrongLabel.ANY


def by_stratum(stable: Table, candidate: Table, serving: Serving) -> tuple[LabelledStratum, ...]:
    """Count labelled predictions of both releases.

    Of a request with several labelled rows the first counts: the rows of one request stand and fall together, and it
    is requests that are routed by chance.

    Args:
        stable: labelled records, as `label_files.labelled` returns them.
        candidate: the same of the candidate.
        serving: when they were served.
    """
    sides = [_counted(table, serving) for table in (stable, candidate)]
    keys = sorted(sides[0].keys() | sides[1].keys())
    return tuple(
        LabelledStratum(step, hour, Tally(*sides[0].get((step, hour), (0, 0)), *sides[1].get((step, hour), (0, 0))))
        for step, hour in keys
    )


def arrived(before: Sequence[LabelledStratum], now: Sequence[LabelledStratum]) -> tuple[Tally, ...]:
    """Return what the labels that came in between say, by stratum.

    Labels are files that may be uploaded again, with more rows: so what is new is the difference of two counts of
    all, and needs no memory of single rows. A correction that takes something back from a stratum leaves it out.

    >>> then = [LabelledStratum(0, 0, Tally(10, 1, 5, 1))]
    >>> arrived(then, [LabelledStratum(0, 0, Tally(15, 2, 5, 1)), LabelledStratum(0, 1, Tally(4, 0, 4, 4))])
    (Tally(stable_requests=5, stable_bad=1, candidate_requests=0, candidate_bad=0), Tally(stable_requests=4, \
stable_bad=0, candidate_requests=4, candidate_bad=4))
    >>> arrived(then, then)
    ()
    """
    known = {stratum.key: stratum.tally for stratum in before}
    news = (_difference(stratum.tally, known.get(stratum.key, Tally(0, 0, 0, 0))) for stratum in now)
    return tuple(tally for tally in news if tally is not None)


def _difference(now: Tally, before: Tally) -> Tally | None:
    counts = (
        now.stable_requests - before.stable_requests,
        now.stable_bad - before.stable_bad,
        now.candidate_requests - before.candidate_requests,
        now.candidate_bad - before.candidate_bad,
    )
    stable, stable_bad, candidate, candidate_bad = counts
    possible = 0 <= stable_bad <= stable and 0 <= candidate_bad <= candidate
    return Tally(*counts) if possible and stable + candidate else None


def _counted(labelled: Table, serving: Serving) -> dict[Stratum, tuple[int, int]]:
    """Return the number of labelled requests and of wrong ones, by step and hour."""
    if not labelled.rows:
        return {}
    requests = np.asarray(labelled.columns["_request"], dtype=str)
    order = np.lexsort((np.asarray(labelled.columns["_row"], dtype=np.float64), requests))
    first = order[np.concatenate([[True], requests[order][1:] != requests[order][:-1]])]
    at, score, label = (
        np.asarray(labelled.columns[name], dtype=np.float64)[first] for name in ("_at", "_score", "_label")
    )
    step = np.searchsorted([begin.timestamp() for begin in serving.step_begins], at, side="right") - 1
    hour = ((at - serving.started_at.timestamp()) // _HOUR.total_seconds()).astype(np.int64)
    wrong = _wrong(score >= serving.threshold, label == 1, serving.wrong)
    found: dict[Stratum, tuple[int, int]] = {}
    for key, is_wrong in zip(zip(step.tolist(), hour.tolist(), strict=True), wrong.tolist(), strict=True):
        if key[0] >= 0:
            count, bad = found.get(key, (0, 0))
            found[key] = (count + 1, bad + is_wrong)
    return found


def _wrong(predicted: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_], wrong: WrongLabel) -> npt.NDArray[np.bool_]:
    false_positive, false_negative = predicted & ~true, ~predicted & true
    if wrong is WrongLabel.FALSE_POSITIVE:
        return false_positive
    if wrong is WrongLabel.FALSE_NEGATIVE:
        return false_negative
    return false_positive | false_negative
