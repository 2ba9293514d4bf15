"""Drift of slices: told where it is, with what chance makes of it, and never judged."""

from __future__ import annotations

import numpy as np
import pytest

from serinus.domain.drift import DriftReport, compare
from serinus.domain.layout import Layout, layout_from
from serinus.domain.policy import DriftLimits, Slicing
from serinus.domain.profile import Profile, of_rows
from serinus.domain.slice_drift import SliceDrift, slice_drifts
from serinus.domain.table import Table
from tests.builders import a_signature, a_table, scores_of

ROWS = 6_000
REFERENCE = a_table(ROWS, seed=1)


def layout(*slicings: Slicing) -> Layout:
    """Return the layout of the usual features, sliced."""
    return layout_from(a_signature(), REFERENCE, scores_of(REFERENCE), slicings=slicings)


BY_COLOUR = layout(Slicing("colour", profiled=True))


def counted(table: Table, counting: Layout = BY_COLOUR) -> Profile:
    """Profile rows."""
    return of_rows(counting, table, scores_of(table))


def drifts(live: Table, counting: Layout = BY_COLOUR) -> dict[str, SliceDrift]:
    """Compare rows with the reference, slice by slice."""
    before, now = counted(REFERENCE, counting), counted(live, counting)
    report = compare(before, [now], DriftLimits(minimum_rows=500))
    return {found.name: found for found in slice_drifts(before, now, report)}


def test_what_moved_in_one_slice_alone_is_told_there() -> None:
    """And nowhere else; the furthest feature comes first, that which makes the slice not at all."""
    live = a_table(ROWS, seed=2)
    red = live.columns["colour"] == "red"
    live.columns["age"][red] += 40
    found = drifts(live)
    assert sorted(found) == ["blue", "green", "red"]
    assert [shift.name for shift in found["red"].features] == ["age", "amount"]
    assert found["red"].features[0].beyond_chance > 0.5
    assert all(shift.psi < 0.1 for name in ("blue", "green") for shift in found[name].features)
    assert found["red"].rows == red.sum()
    assert sum(each.rows for each in found.values()) == ROWS


@pytest.mark.parametrize("rows", [300, 6_000])
def test_where_nothing_moved_the_psi_is_what_chance_makes_of_it(rows: int) -> None:
    """On average, however few rows there are: a twentieth of them has twenty times the PSI."""
    worlds = [drifts(a_table(rows, seed=50 + seed)) for seed in range(20)]
    each = [shift for found in worlds for one in found.values() for shift in one.features]
    expected = np.mean([shift.psi_by_chance for shift in each])
    assert np.mean([shift.psi for shift in each]) == pytest.approx(expected, rel=0.25)


def test_a_slice_that_grew_is_told_by_its_share() -> None:
    """Though nothing moved within it."""
    live = a_table(ROWS, seed=3)
    live.columns["colour"][: ROWS // 2] = "red"
    grown = drifts(live)["red"]
    assert grown.share_before == pytest.approx(1 / 3, abs=0.03)
    assert grown.share_now == pytest.approx(2 / 3, abs=0.03)
    assert all(shift.psi < 0.1 for shift in grown.features)


def test_a_slice_of_few_rows_has_no_figures() -> None:
    """It is named with its rows; what neither side has is not."""
    live = a_table(ROWS, seed=4)
    live.columns["colour"][:] = "green"
    live.columns["colour"][:49] = "red"
    few = drifts(live)["red"]
    assert (few.rows, few.score, few.features) == (49, None, ())
    assert "(missing)" not in drifts(live)


def test_without_slices_there_is_nothing_to_tell() -> None:
    """Of a policy that has none profiled."""
    plain = layout(Slicing("colour"))
    assert slice_drifts(counted(REFERENCE, plain), counted(REFERENCE, plain), _nothing()) == ()


def _nothing() -> DriftReport:
    return DriftReport(ROWS, enough=True, drifted=False, features=(), score=None)
