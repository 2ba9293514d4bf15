"""Late labels, by step and hour of what was served."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.evidence import Tally
from serinus.domain.label_counts import LabelledStratum, Serving, arrived, by_stratum
from serinus.domain.rollout_plan import WrongLabel
from serinus.domain.table import Table
from tests.builders import NOON, an_object_column

Row = tuple[str, float, float, float, float]
SERVING = Serving(NOON, [NOON + timedelta(minutes=1), NOON + timedelta(minutes=90)], threshold=0.5)


def labelled(*rows: Row) -> Table:
    """Return labelled records of (request, row, minutes after noon, score, label)."""
    requests, numbers, minutes, scores, labels = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    return Table(
        {
            "_request": an_object_column(list(requests)),
            "_row": np.array(numbers, dtype=np.float64),
            "_at": np.array([NOON.timestamp() + 60 * minute for minute in minutes], dtype=np.float64),
            "_score": np.array(scores, dtype=np.float64),
            "_label": np.array(labels, dtype=np.float64),
        }
    )


def test_predictions_count_where_they_were_served() -> None:
    """By step and by hour since the rollout began; what was asked before the first step counts in none."""
    stable = labelled(("a", 0, 2, 0.9, 1), ("b", 0, 61, 0.9, 0), ("c", 0, 95, 0.1, 1), ("d", 0, 0.5, 0.9, 0))
    candidate = labelled(("e", 0, 3, 0.2, 0), ("f", 0, 96, 0.8, 0))
    assert by_stratum(stable, candidate, SERVING) == (
        LabelledStratum(0, 0, Tally(1, 0, 1, 0)),
        LabelledStratum(0, 1, Tally(1, 1, 0, 0)),
        LabelledStratum(1, 1, Tally(1, 1, 1, 1)),
    )


def test_of_a_request_with_many_rows_the_first_counts() -> None:
    """Rows of one request stand and fall together: counted each, they would be evidence many times over."""
    candidate = labelled(("a", 3, 2, 0.9, 0), ("a", 1, 2, 0.9, 1), ("a", 2, 2, 0.9, 0))
    assert by_stratum(labelled(), candidate, SERVING) == (LabelledStratum(0, 0, Tally(0, 0, 1, 0)),)


@pytest.mark.parametrize(
    ("wrong", "bad"), [(WrongLabel.ANY, 2), (WrongLabel.FALSE_POSITIVE, 1), (WrongLabel.FALSE_NEGATIVE, 1)]
)
def test_the_policy_says_which_mistakes_count(wrong: WrongLabel, bad: int) -> None:
    """A fraud team minds a false alarm more than a shop does."""
    serving = Serving(NOON, SERVING.step_begins, 0.5, wrong)
    rows: Sequence[Row] = [("a", 0, 2, 0.5, 0), ("b", 0, 2, 0.4, 1), ("c", 0, 2, 0.6, 1), ("d", 0, 2, 0.1, 0)]
    (stratum,) = by_stratum(labelled(), labelled(*rows), serving)
    assert stratum.tally == Tally(0, 0, 4, bad)


def test_a_correction_that_takes_back_is_no_evidence() -> None:
    """A stratum with fewer wrong ones than before is left out, the others count."""
    before = [LabelledStratum(0, 0, Tally(10, 3, 5, 1)), LabelledStratum(0, 1, Tally(1, 0, 1, 0))]
    now = [LabelledStratum(0, 0, Tally(11, 2, 5, 1)), LabelledStratum(0, 1, Tally(2, 1, 1, 0))]
    assert arrived(before, now) == (Tally(1, 1, 0, 0),)


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.booleans()), max_size=30), st.integers(0, 30))
def test_what_arrives_in_two_parts_is_what_arrives_at_once(rows: list[tuple[int, bool, bool]], split: int) -> None:
    """Every label counts once, whenever it came and however often its file was uploaded."""

    def counted(known: list[tuple[int, bool, bool]]) -> tuple[LabelledStratum, ...]:
        sides: list[list[Row]] = [[], []]
        for at, (hour, is_candidate, wrong) in enumerate(known):
            sides[is_candidate].append((f"r{at}", 0, 60 * hour + 2, 0.9, 0.0 if wrong else 1.0))
        return by_stratum(labelled(*sides[0]), labelled(*sides[1]), SERVING)

    first, all_of_them = counted(rows[:split]), counted(rows)
    parts = [*arrived((), first), *arrived(first, all_of_them)]
    assert sum(parts, Tally(0, 0, 0, 0)) == sum(arrived((), all_of_them), Tally(0, 0, 0, 0))
