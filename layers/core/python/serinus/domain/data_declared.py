"""Hold a data file against what its policy alone says of it: declared columns and expectations."""

from __future__ import annotations

from collections.abc import Iterator

from serinus.domain.data_findings import DataFinding, at_rows
from serinus.domain.data_limits import DeclaredColumn, Expectation
from serinus.domain.data_scan import ColumnScan, DataScan, Occurrences


def judge_column(declared: DeclaredColumn, scan: DataScan) -> DataFinding:
    """Judge what the policy says of one column."""
    gate = f"column:{declared.column}"
    found = scan.columns.get(declared.column)
    if found is None:
        message = f"{scan.file} has no column {declared.column!r}, which [[data.columns]] declares"
        return DataFinding(gate, declared.severity, False, message)
    faults = list(_faults_of(declared, found, scan.rows))
    numbers = {"missing": float(found.missing.count), "beyond": float(found.beyond.count), "rows": float(scan.rows)}
    rows = found.beyond.rows or found.missing.rows
    if faults:
        message = f"{declared.column!r} {' and '.join(faults)}{at_rows(rows)}: mend the rows, or [[data.columns]]"
        return DataFinding(gate, declared.severity, False, message, numbers, rows)
    return DataFinding(gate, declared.severity, True, f"{declared.column!r} is as declared", numbers)


def _faults_of(declared: DeclaredColumn, found: ColumnScan, rows: int) -> Iterator[str]:
    if declared.kind and found.kind and found.kind is not declared.kind:
        yield f"is a {found.kind}, where a {declared.kind} is declared"
    if found.beyond.count:
        low = "" if declared.minimum is None else f" from {declared.minimum:g}"
        high = "" if declared.maximum is None else f" to {declared.maximum:g}"
        what = "none of the categories" if declared.categories else f"outside of the range{low}{high}"
        yield f"is {what} in {found.beyond.count} of {rows} rows"
    if declared.missing_share is not None and found.missing.count > declared.missing_share * rows:
        yield f"is missing in {found.missing.count} of {rows} rows, above {declared.missing_share:.1%}"


def judge_expectation(expectation: Expectation, found: Occurrences | str, *, rows: int) -> DataFinding:
    """Judge how often a condition was broken; `found` is why that cannot be told, where it cannot."""
    gate = f"expectation:{expectation.name}"
    if isinstance(found, str):
        return DataFinding(gate, expectation.severity, False, f"cannot be told: {found}")
    numbers = {"broken": float(found.count), "rows": float(rows), "tolerated_share": expectation.tolerated_share}
    told = f"{expectation.condition!r} does not hold in {found.count} of {rows} rows"
    if found.count > expectation.tolerated_share * rows:
        message = f"{told}, where {expectation.tolerated_share:.1%} are tolerated{at_rows(found.rows)}"
        return DataFinding(gate, expectation.severity, False, message, numbers, found.rows)
    return DataFinding(gate, expectation.severity, True, told, numbers, found.rows)
