"""Profile a data file in one pass: by bins of its own, or by a reference's, and then compare the two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from serinus.domain.drift import DriftReport, compare
from serinus.domain.policy import DriftLimits
from serinus.domain.profile import Profile
from serinus.domain.reference_sketch import sketch_profile
from serinus.domain.row_batch import RowBatch
from serinus.domain.row_counts import expected_by, profile_of_batches, without_joint, without_scores
from serinus.use_cases.ports.files import Tables


@dataclass(frozen=True, eq=False)
class FileProfile:
    """What a file holds.

    Attributes:
        profile: of rows without scores.
        distinct: how many different values each column has, `None` for more than are counted one by one; nothing
            where the file was counted by a reference's bins.
        report: how it differs from the reference, if there is one.
        slices: how each slice that the reference counts differs, by its name, as far as it has enough rows.
    """

    profile: Profile
    distinct: Mapping[str, int | None]
    report: DriftReport | None = None
    slices: Mapping[str, DriftReport] = field(default_factory=dict)


def profile_file(
    name: str,
    file: BinaryIO,
    *,
    tables: Tables,
    reference: Profile | None = None,
    limits: DriftLimits,
    tell: Callable[[int], None],
) -> FileProfile:
    """Profile a file, whose rows are taken to be independent of each other.

    Args:
        name: of the file; its ending says its kind.
        file: which can seek.
        tables: reads it.
        reference: to count and compare the file by; its scores are left aside, for the file has none, and
            what is counted jointly.
        limits: from where on a difference counts.
        tell: is told now and then how many rows have been counted.

    Raises:
        DataRefused: it is no such file, is damaged, or has not the reference's columns.
    """
    if reference is None:
        sketched = sketch_profile(_told(tables.batches(name, file), tell))
        return FileProfile(sketched.profile, sketched.distinct)
    expected = without_joint(without_scores(reference))
    batches = tables.batches(name, file, expected=expected_by(expected.layout))
    profile = profile_of_batches(expected.layout, _told(batches, tell))
    return FileProfile(profile, {}, _compared(expected, profile, limits), _by_slice(expected, profile, limits))


def _compared(expected: Profile, found: Profile, limits: DriftLimits) -> DriftReport:
    return replace(compare(expected, [found], limits), score=None)


def _by_slice(expected: Profile, found: Profile, limits: DriftLimits) -> dict[str, DriftReport]:
    """Compare slice by slice; all slices together share the false alarms that are granted."""
    slices = [
        (f"{slicing.feature} = {name}", without_scores(expected.of_slice(at, number)), found.of_slice(at, number))
        for at, slicing in enumerate(expected.layout.slices)
        for number, name in enumerate(slicing.names)
    ]
    enough = [each for each in slices if min(each[1].rows, each[2].rows) >= limits.minimum_rows]
    share = replace(limits, false_alarms_per_year=limits.false_alarms_per_year / max(len(enough), 1))
    return {name: _compared(before, after, share) for name, before, after in enough}


def _told(batches: Iterator[RowBatch], tell: Callable[[int], None]) -> Iterator[RowBatch]:
    for batch in batches:
        yield batch
        if not batch.again:
            tell(batch.first + batch.rows)
