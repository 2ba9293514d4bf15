"""Profile a file: by bins of its own, or by a reference's, as a whole and slice by slice."""

from __future__ import annotations

import io

import numpy as np

from serinus.adapters.tables.arrow import ArrowTables
from serinus.domain.layout import layout_from
from serinus.domain.policy import DriftLimits, Slicing
from serinus.domain.profile import Profile, of_rows
from serinus.domain.table import Table
from serinus.use_cases.profile_file import FileProfile, profile_file
from tests.builders import a_signature, a_table, scores_of

LIMITS = DriftLimits(minimum_rows=300)


def profiled(table: Table, reference: Profile | None = None, told: list[int] | None = None) -> FileProfile:
    """Write a table and profile it."""
    file = io.BytesIO(ArrowTables().write(table))
    tell = (told if told is not None else []).append
    return profile_file("f.parquet", file, tables=ArrowTables(), reference=reference, limits=LIMITS, tell=tell)


def a_reference() -> Profile:
    """Return the profile of scored rows, sliced by colour."""
    table = a_table(6_000, seed=1)
    scores = scores_of(table)
    return of_rows(
        layout_from(a_signature(), table, scores, slicings=[Slicing("colour", profiled=True)]), table, scores
    )


def test_a_file_alone_gets_bins_of_its_own() -> None:
    """And it is told how far it has come."""
    told: list[int] = []
    found = profiled(a_table(500), told=told)
    assert (found.profile.rows, found.report, dict(found.slices), told) == (500, None, {}, [500])
    assert found.distinct.keys() == {"amount", "age", "colour"}


def test_rows_like_the_reference_have_not_moved() -> None:
    """Though they have no scores, and the reference has."""
    found = profiled(a_table(6_000, seed=2), a_reference())
    assert found.report is not None
    assert (found.report.enough, found.report.drifted, found.report.score) == (True, False, None)
    assert not any(report.drifted for report in found.slices.values())
    assert sum(report.rows for report in found.slices.values()) == 6_000


def test_a_slice_that_moved_alone_is_named() -> None:
    """Where all rows together have hardly moved."""
    table = a_table(6_000, seed=2)
    first = table.columns["colour"] == a_reference().layout.slices[0].names[0]
    amount = np.asarray(table.columns["amount"], dtype=np.float64) + 3.0 * first
    found = profiled(Table({**table.columns, "amount": amount}), a_reference())
    moved = [name for name, report in found.slices.items() if report.drifted]
    assert moved == [f"colour = {a_reference().layout.slices[0].names[0]}"]
    (shift,) = (one for one in found.slices[moved[0]].features if one.drifted)
    assert shift.name == "amount"


def test_few_rows_are_compared_with_nothing() -> None:
    """They would say nothing."""
    found = profiled(a_table(50), a_reference())
    assert found.report is not None
    assert not found.report.enough
    assert found.slices == {}
    assert found.report.features == ()
