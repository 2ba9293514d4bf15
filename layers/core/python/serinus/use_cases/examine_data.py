"""Hold one data file against the data gates, in the pipeline and on a user's own machine alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from serinus.domain.data_findings import DataFinding, Evidence, Schema
from serinus.domain.data_gates import judge_data
from serinus.domain.data_limits import DataLimits, Severity
from serinus.domain.data_scan import DataScan, Questions
from serinus.domain.policy import Policy
from serinus.domain.shifts import Shift
from serinus.domain.table import Table
from serinus.errors import DataRefused

Scan = Callable[[Questions], DataScan]
Compare = Callable[[Table], Sequence[Shift] | str]

_LONGEST_MESSAGE = 2_000  # a refusal may name a column, and a column's name be a megabyte
FILE = "file"  # the gate that every file passes or fails: whether it can be read


def examine_data(
    scan: Scan,
    schema: Schema,
    limits: DataLimits,
    *,
    at: datetime,
    training: Scan | None = None,
    compare: Compare = lambda _: "there is no live traffic to compare with",
    taken_to: datetime | None = None,
) -> tuple[DataFinding, ...]:
    """Look through the file once, and judge it; a file that cannot be read is a finding.

    Args:
        scan: looks through the file.
        schema: which columns there must be.
        limits: the policy's; its id column is the one that names rows.
        at: what the clock shows.
        training: looks through the rows that trained, where the file is held out from them.
        compare: tells how far a sample of the rows is from the endpoint's live traffic.
        taken_to: until when the rows reach, where no column says.
    """
    questions = Questions(
        at=at,
        target=schema.target,
        time_column=limits.time_column,
        id_column=limits.id_column,
        declared={declared.column: declared for declared in limits.columns},
        expectations=limits.expectations,
    )
    try:
        found = scan(questions)
        trained = training(Questions(at)) if training else None
        skew = compare(found.sample)
    except DataRefused as refusal:
        return (DataFinding(FILE, Severity.ERROR, passed=False, message=str(refusal)[:_LONGEST_MESSAGE]),)
    read = f"{found.rows} rows of {len(found.columns)} columns were looked through in {found.file}"
    evidence = Evidence(found, schema, at, trained, skew, taken_to)
    return DataFinding(FILE, Severity.ERROR, passed=True, message=read), *judge_data(evidence, limits)


def limits_of(policy: Policy) -> DataLimits:
    """Return the policy's limits; the column that labels join on names rows, where no other is declared to."""
    limits = policy.data
    return limits if limits.id_column else replace(limits, id_column=policy.labels.id_column)
