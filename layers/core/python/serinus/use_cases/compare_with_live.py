"""How far are the rows of a data file from what the endpoint is asked about of late?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from serinus.domain.bins import NumericBins
from serinus.domain.drift import compare
from serinus.domain.feature_columns import spelled_out
from serinus.domain.layout import Layout
from serinus.domain.policy import Policy
from serinus.domain.profile import of_rows
from serinus.domain.shifts import Shift
from serinus.domain.table import Column, Table
from serinus.use_cases.examine_data import limits_of
from serinus.use_cases.live_window import Reading, live_release, live_window


def compare_with_live(policy: Policy, sample: Table, *, at: datetime, reading: Reading) -> Sequence[Shift] | str:
    """Compare rows with the drift window of the live release, as drift is detected, the other way round.

    The live traffic is the reference, and the rows are one window of it. As nothing tells how far one day's rows
    stray from the next, a feature counts as moved where it is five times as far off as the policy's `skew_psi`.

    Args:
        policy: the endpoint's.
        sample: rows drawn from the file.
        at: what the clock shows.
        reading: what reading live traffic needs of the world.

    Returns:
        How far each feature is, or why that cannot be told.
    """
    live = live_release(policy.endpoint, reading=reading)
    if live is None:
        return "nothing is released yet"
    release, reference = live
    start = at - timedelta(minutes=policy.drift.window_minutes)
    window = live_window(release, reference, parts=reading.parts, start=start, end=at).profile
    if window.rows < policy.drift.minimum_rows:
        return f"{window.rows} of {policy.drift.minimum_rows} rows of live traffic ([drift] minimum_rows)"
    known = _binnable(sample, window.layout)
    limits = limits_of(policy)
    if sample.rows < limits.minimum_rows or not known.columns:
        return "the rows are too few, or the live model has none of their features"
    rows = of_rows(window.layout, known, np.full(sample.rows, np.nan))
    wanted = replace(policy.drift, feature_psi=limits.skew_psi, minimum_rows=limits.minimum_rows)
    return compare(window, [rows], wanted).features


def _binnable(sample: Table, layout: Layout) -> Table:
    """Return the columns that the live model has, as its bins take them."""
    columns: dict[str, Column] = {}
    for bins in layout.features:
        column = sample.columns.get(bins.name)
        if column is None:
            continue
        if not isinstance(bins, NumericBins):
            columns[bins.name] = column if column.dtype == object else spelled_out(np.asarray(column, np.float64))
        elif column.dtype != object:
            columns[bins.name] = column
    return Table(columns)
