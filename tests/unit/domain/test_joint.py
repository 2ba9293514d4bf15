"""What rows look like jointly: a change that no column shows alone is found, and no other."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.domain.bins import NumericBins, Slots
from serinus.domain.drift import DriftReport, compare
from serinus.domain.layout import Layout, layout_from
from serinus.domain.policy import DriftLimits
from serinus.domain.prediction import Binned, Prediction, counted
from serinus.domain.profile import Profile, of_rows, summed
from serinus.domain.row_counts import without_joint
from serinus.domain.seasons import PastWindow
from serinus.domain.signature import Datatype, InputTensor, Score, Signature
from serinus.domain.table import Table
from serinus.errors import ProfileRefused
from tests.builders import a_signature, a_table, scores_of

LIMITS = DriftLimits(minimum_rows=500)
NAMES = ("a", "b", "c", "d")
NUMBERS = Signature((InputTensor("X", Datatype.FP64, NAMES),), (), Score("p"))
AT = datetime(2026, 3, 4, tzinfo=UTC)


def rows(count: int, *, seed: int, together: float = 0.8) -> Table:
    """Return normal columns, of which the first two go together so much, and the others not at all."""
    made = np.random.default_rng(seed).normal(size=(4, count))
    made[1] = together * made[0] + np.sqrt(1 - together**2) * made[1]
    return Table(dict(zip(NAMES, made, strict=True)))


def looked(live: Table) -> DriftReport:
    """Compare rows with a reference whose first two columns go together; the score says nothing of them."""
    reference = rows(5_000, seed=1)
    layout = layout_from(NUMBERS, reference, np.full(5_000, 0.5))

    def profile(table: Table) -> Profile:
        return of_rows(layout, table, np.full(table.rows, 0.5))

    past = [PastWindow(day, profile(rows(2_000, seed=100 + day))) for day in range(1, 15)]
    cuts = np.linspace(0, live.rows, 25).astype(int)
    periods = [profile(live.slice(start, stop)) for start, stop in pairwise(cuts.tolist())]
    return compare(profile(reference), periods, LIMITS, past)


@pytest.mark.parametrize("together", [0.0, -0.8, 0.99])
def test_columns_that_no_longer_go_together_have_drifted_though_none_has_alone(together: float) -> None:
    """A correlation that has changed is drift, by the joint number alone."""
    report = looked(rows(2_000, seed=2, together=together))

    assert report.drifted
    assert report.joint is not None
    assert report.joint.drifted
    assert report.joint.psi > LIMITS.joint_psi
    assert not any(shift.drifted for shift in report.features)


def test_columns_that_still_go_together_have_not_drifted() -> None:
    """Rows of the same population are no drift, jointly neither."""
    for seed in range(10):
        report = looked(rows(2_000, seed=200 + seed))

        assert report.joint is not None
        assert not report.drifted


def test_what_is_counted_jointly_shares_the_false_alarms() -> None:
    """Components and the error count as columns where the endpoint's false alarms are shared out."""
    report = looked(rows(2_000, seed=3))
    tests_of_a_look = (1 + len(NAMES) + 3 + 1) * 3

    assert report.level == pytest.approx(LIMITS.false_alarms_per_year / (365 * 24 * tests_of_a_look))


def test_a_policy_says_how_much_counts_jointly() -> None:
    """A joint change below the policy's limit is of no practical size."""
    reference, live = rows(5_000, seed=1), rows(2_000, seed=2, together=0.0)
    layout = layout_from(NUMBERS, reference, np.full(5_000, 0.5))
    before, now = (of_rows(layout, table, np.full(table.rows, 0.5)) for table in (reference, live))

    drifted = [
        compare(before, [now], DriftLimits(minimum_rows=500, joint_psi=limit)).drifted for limit in (0.01, 5.0)
    ]

    assert drifted == [True, False]


def test_a_model_of_one_feature_has_nothing_to_count_jointly() -> None:
    """Where fewer than two columns vary, there is no joint number."""
    one = Signature((InputTensor("X", Datatype.FP64, ("a", "b")),), (), Score("p"))
    table = Table({"a": np.arange(900.0), "b": np.ones(900)})
    layout = layout_from(one, table, np.full(900, 0.5))
    profile = of_rows(layout, table, np.full(900, 0.5))

    assert layout.joint is None
    assert compare(profile, [profile], LIMITS).joint is None


def test_a_window_whose_rows_are_known_in_part_has_no_joint_number() -> None:
    """Where a feature is not known of the rows, they are counted column by column, and jointly nothing is said."""
    table = rows(1_000, seed=4)
    layout = layout_from(NUMBERS, table, np.full(1_000, 0.5))
    reference = of_rows(layout, table, np.full(1_000, 0.5))
    live = of_rows(layout, table.select(NAMES[:-1]), np.full(1_000, 0.5))

    report = compare(reference, [live], LIMITS)

    assert report.joint is None
    assert [shift.name for shift in report.features] == list(NAMES[:-1])


@given(seed=st.integers(0, 1_000), cuts=st.lists(st.integers(0, 200), max_size=6))
@settings(max_examples=30, deadline=None)
def test_rows_count_the_same_however_they_are_cut(seed: int, cuts: list[int]) -> None:
    """Counts add up to those of all rows at once, whatever company a row is counted in."""
    table = a_table(200, seed=seed)
    layout = layout_from(a_signature(), a_table(300, seed=1), scores_of(a_table(300, seed=1)))
    edges = sorted({0, 200, *cuts})

    parts = [table.slice(start, stop) for start, stop in pairwise(edges)]
    added = sum((of_rows(layout, part, scores_of(part)).counts for part in parts), np.zeros(layout.size, np.int64))

    assert layout.joint is not None
    assert added.tolist() == of_rows(layout, table, scores_of(table)).counts.tolist()
    for position, bins in enumerate(layout.joint.bins):
        assert added[layout.joint_section(position)].size == bins.width
        assert added[layout.joint_section(position)].sum() == 200


def a_prediction(request: str, table: Table | None, binned: Binned | None = None, logged: int = 50) -> Prediction:
    """Return an answered request of that many logged rows."""
    return Prediction(request, request, AT, 3.0, 200, table, np.full(logged, 0.5), binned=binned)


def bins_of(layout: Layout, table: Table) -> dict[str, Slots]:
    """Return the bin number of every value."""
    return {bins.name: bins.slots(table.columns[bins.name]) for bins in layout.features}


def test_bin_numbers_tell_as_much_as_values() -> None:
    """A request of which only bin numbers are logged counts as one whose inputs are."""
    layout = layout_from(NUMBERS, rows(500, seed=1), np.full(500, 0.5))
    table = rows(50, seed=5)
    known = counted([a_prediction("r", table)], layout)
    binned = counted([a_prediction("r", None, Binned(layout.digest, bins_of(layout, table)))], layout)

    assert summed(layout, known) == summed(layout, binned)
    assert summed(layout, known).counts[layout.joint_section(0)].sum() == 50


def test_of_a_request_too_long_to_log_its_sample_is_counted_jointly() -> None:
    """The inference function counts all rows by column, and jointly only those that are logged are counted."""
    layout = layout_from(NUMBERS, rows(500, seed=1), np.full(500, 0.5))
    table, sample = rows(400, seed=6), rows(400, seed=6).slice(0, 50)
    every = of_rows(layout.without_joint, table, np.full(400, 0.5)).counts
    whole = np.flatnonzero(every), every[every > 0]

    (found,) = counted([a_prediction("r", sample, Binned(layout.digest, {}, whole))], layout)
    profile = summed(layout, [found])

    assert profile.rows == 400
    assert profile.counts[layout.joint_section(0)].sum() == 50
    assert np.all(np.diff(found.slots) > 0)


def test_a_caller_cannot_say_what_counts_jointly() -> None:
    """Slots of the joint section in what a log says of a whole request are none of its columns: they are refused."""
    layout = layout_from(NUMBERS, rows(500, seed=1), np.full(500, 0.5))
    forged = np.array([layout.joint_start]), np.array([1_000_000])

    (found,) = counted([a_prediction("r", rows(50, seed=7), Binned(layout.digest, {}, forged))], layout)

    assert summed(layout, [found]).counts[layout.joint_section(0)].sum() == 50


def test_a_layout_is_read_as_it_was_written_and_older_ones_too() -> None:
    """A document gives the same layout; one of format 2 has no joint number, and keeps its digest."""
    layout = layout_from(a_signature(), a_table(300, seed=1), scores_of(a_table(300, seed=1)))
    older = layout.without_joint

    assert Layout.of_document(layout.document) == layout
    assert layout.document["format"] == 3
    assert Layout.of_document(older.document) == older
    assert older.document["format"] == 2
    assert "joint" not in older.document
    assert layout.digest != older.digest


def test_a_damaged_joint_section_is_refused() -> None:
    """Loadings that do not fit the features are no layout."""
    said = dict(layout_from(NUMBERS, rows(500, seed=1), np.full(500, 0.5)).document)

    damages: tuple[dict[str, object], ...] = ({"loadings": [[1]]}, {"values": [[1]]}, {"bins": []})
    for damaged in damages:
        with pytest.raises(ProfileRefused, match="damaged"):
            Layout.of_document({**said, "joint": {**said["joint"], **damaged}})


def test_counts_without_the_joint_section_are_those_of_the_columns() -> None:
    """What is not counted jointly stays as it is."""
    table = rows(500, seed=1)
    layout = layout_from(NUMBERS, table, np.full(500, 0.5))

    assert without_joint(of_rows(layout, table, np.full(500, 0.5))) == of_rows(
        layout.without_joint, table, np.full(500, 0.5)
    )
    assert layout.joint is not None
    assert all(isinstance(bins, NumericBins) for bins in layout.joint.bins)
