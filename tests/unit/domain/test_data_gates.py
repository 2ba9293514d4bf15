"""Judging what a scan found: each gate fails, passes, is told or left out, and no message quotes a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from serinus.adapters.tables.arrow import ArrowTables
from serinus.adapters.tables.scan import ArrowScanner
from serinus.domain.data_findings import DataFinding, Evidence, Schema
from serinus.domain.data_gates import judge_data
from serinus.domain.data_limits import ColumnKind, DataGate, DataLimits, DeclaredColumn, Expectation, Severity
from serinus.domain.data_scan import DataScan, Questions
from serinus.domain.table import Column, Table
from tests.builders import NOON, a_holdout, an_object_column

_FEATURES = {"amount": ColumnKind.NUMBER, "age": ColumnKind.NUMBER, "colour": None}
_SCHEMA = Schema(_FEATURES, "class", frozenset({"id"}))


def scanned(table: Table, limits: DataLimits, *, name: str = "rows.parquet") -> DataScan:
    """Look through a table."""
    questions = Questions(
        NOON,
        "class",
        limits.time_column,
        limits.id_column,
        {declared.column: declared for declared in limits.columns},
        limits.expectations,
    )
    return ArrowScanner().scan(name, ArrowTables().write(table), questions)


def judge(
    table: Table, limits: DataLimits | None = None, *, training: Table | None = None, taken_to: datetime | None = None
) -> Mapping[str, DataFinding]:
    """Judge a table; return the findings by gate."""
    asked = limits or DataLimits()
    trained = None if training is None else scanned(training, asked, name="train.parquet")
    evidence = Evidence(scanned(table, asked), _SCHEMA, NOON, trained, taken_to=taken_to)
    return {found.gate: found for found in judge_data(evidence, asked)}


def changed(**columns: Column | None) -> Table:
    """Return the usual rows with other columns; `None` drops one."""
    merged = {**a_holdout().columns, **columns}
    return Table({name: column for name, column in merged.items() if column is not None})


def test_usual_rows_pass_every_gate() -> None:
    """One finding for each gate, all of them passed."""
    found = judge(a_holdout())
    assert list(found) == list(DataGate)
    assert [gate for gate, finding in found.items() if not finding.passed] == []


_LABELS = np.asarray(a_holdout().columns["class"], dtype=np.float64)
_RARE = np.where(np.arange(400) < 3, 1.0, 0.0)

FAULTS: dict[str, tuple[Table, str]] = {
    "schema": (changed(age=None), "there is no column 'age'"),
    "extra_columns": (changed(phone=np.arange(400.0)), "nothing uses 'phone'"),
    "rows": (a_holdout().slice(0, 5), "5 rows are too few: it takes 50"),
    "infinite": (changed(age=np.where(np.arange(400) == 7, np.inf, 30.0 + np.arange(400))), "such as row 8"),
    "missing": (changed(age=np.where(np.arange(400) < 250, np.nan, 30.0 + np.arange(400))), "'age' are missing"),
    "constant": (changed(age=np.ones(400)), "'age' never vary"),
    "cardinality": (changed(colour=an_object_column([f"c{at}" for at in range(400)])), "'colour' hold a text of its"),
    "duplicates": (a_holdout().take(np.repeat(np.arange(200), 2)), "50.0% of the rows repeat an earlier one"),
    "balance": (changed(**{"class": _RARE}), "the rarest of 2 classes has 3 of 400 rows"),
    "leakage": (changed(age=_LABELS * 10), "'age' alone tell the target"),
}


@pytest.mark.parametrize("gate", FAULTS)
def test_each_fault_is_found_by_its_gate(gate: str) -> None:
    """With the column, the count and the row, and what to do."""
    table, said = FAULTS[gate]
    found = judge(table)[gate]
    assert not found.passed
    assert said in found.message
    assert found.finding.gate == f"data:{gate}"
    assert found.finding.passed is (found.severity is Severity.WARNING)
    assert found.finding.message.startswith("warning: ") is (found.severity is Severity.WARNING)


def test_texts_where_numbers_belong_and_rows_without_a_label_are_faults_of_the_schema() -> None:
    """The rows without a label are numbered."""
    texts = an_object_column([str(at) for at in range(400)])
    labels = np.where(np.arange(400) == 2, np.nan, _LABELS)
    found = judge(changed(age=texts, **{"class": labels}))["schema"]
    assert "'age' must hold numbers, and texts were found; the target is missing in 1 rows" in found.message
    assert found.rows == (3,)
    assert judge(changed(colour=np.arange(400.0)))["schema"].passed  # numbers are spelled out


def test_a_severity_may_be_changed_or_the_gate_left_out() -> None:
    """As the policy says."""
    table, _ = FAULTS["missing"]
    strict = judge(table, DataLimits(severities={DataGate.MISSING: Severity.ERROR}))
    assert strict["missing"].rejects
    assert "missing" not in judge(table, DataLimits(severities={DataGate.MISSING: Severity.OFF}))
    assert judge(table, DataLimits(missing_share=0.7))["missing"].passed


def test_ids_that_come_twice_are_an_error() -> None:
    """Where the policy names an id column."""
    ids = an_object_column([f"id-{at % 399}" for at in range(400)])
    found = judge(changed(id=ids), DataLimits(id_column="id"))["duplicate_ids"]
    assert found.rejects
    assert found.rows == (400,)
    assert "id-" not in found.message


def test_rows_that_trained_are_not_held_out() -> None:
    """Unless rows repeat each other so anyway, as few categories do."""
    training, held_out = a_holdout(400), a_holdout(300, seed=7)
    assert judge(held_out, training=training)["overlap"].passed
    mixed = Table(
        {name: np.concatenate([column, training.columns[name][:100]]) for name, column in held_out.columns.items()}
    )
    found = judge(mixed, training=training)["overlap"]
    assert found.rejects
    assert found.numbers["share"] == 0.25
    assert found.rows == (301, 302, 303)
    few = Table({"colour": an_object_column(["red", "blue"] * 200), "class": np.tile([0.0, 1.0], 200)})
    assert judge(few, training=few)["overlap"].passed
    assert "different columns" in judge(held_out, training=few)["overlap"].message


@pytest.mark.parametrize(("hours", "passed"), [(1.0, True), (3.0, False)])
def test_old_rows_are_told(hours: float, passed: bool) -> None:
    """By the time column, or by when the snapshot ends."""
    limits = DataLimits(maximum_age_hours=2, time_column="at")
    newest = NOON - timedelta(hours=hours)
    times = newest.timestamp() - np.arange(400.0)
    assert judge(changed(at=times), limits)["freshness"].passed is passed
    assert judge(a_holdout(), replace(limits, time_column=None), taken_to=newest)["freshness"].passed is passed


def test_a_clock_that_jumped_is_told() -> None:
    """Into the future, or back to where clocks begin."""
    times = np.full(400, NOON.timestamp() - 60)
    times[3], times[5] = NOON.timestamp() + 86_400, 12.0
    found = judge(changed(at=times), DataLimits(time_column="at"))
    assert not found["clock"].passed
    assert found["clock"].rows == (4, 6)
    assert found["freshness"].numbers["hours"] == pytest.approx(1 / 60)


def test_what_the_policy_declares_of_a_column_is_held_against_it() -> None:
    """Its kind, its range, its categories, how much may be missing, and that it is there."""
    limits = DataLimits(
        columns=(
            DeclaredColumn("age", ColumnKind.TEXT),
            DeclaredColumn("amount", minimum=0),
            DeclaredColumn("colour", categories=("red",), severity=Severity.WARNING),
            DeclaredColumn("phone"),
            DeclaredColumn("class", missing_share=0.0, minimum=0, maximum=1),
            DeclaredColumn("id", severity=Severity.OFF),
        )
    )
    found = judge(a_holdout(), limits)
    assert "is a number, where a text is declared" in found["column:age"].message
    assert "is outside of the range from 0 in " in found["column:amount"].message
    assert "is none of the categories in " in found["column:colour"].message
    assert not found["column:colour"].rejects
    assert "has no column 'phone'" in found["column:phone"].message
    assert found["column:class"].passed
    assert "column:id" not in found


def test_expectations_tolerate_what_they_say() -> None:
    """And one that cannot be told is broken."""
    limits = DataLimits(
        expectations=(
            Expectation("amount > -1.5", column="amount", tolerated_share=0.2),
            Expectation("amount > 0"),
            Expectation("price > 0", severity=Severity.WARNING),
            Expectation("age > 1000", severity=Severity.OFF),
        )
    )
    found = judge(a_holdout(), limits)
    assert found["expectation:amount"].passed
    broken = found["expectation:amount > 0"]
    assert broken.rejects
    assert broken.numbers["broken"] == int(np.sum(np.asarray(a_holdout().columns["amount"], np.float64) <= 0))
    assert len(broken.rows) == 3
    assert "cannot be told" in found["expectation:price > 0"].message
    assert len([gate for gate in found if gate.startswith("expectation")]) == 3


def test_no_finding_quotes_a_value() -> None:
    """Of any column, whatever is wrong with it."""
    secret = an_object_column([f"secret-{at % 200}" for at in range(400)])
    table = changed(colour=secret, id=secret, age=secret, at=secret, phone=secret)
    limits = DataLimits(
        id_column="id",
        time_column="at",
        columns=(DeclaredColumn("colour", categories=("red",)),),
        expectations=(Expectation("colour = 'red'"), Expectation("phone > 5")),
    )
    assert not [found.message for found in judge(table, limits).values() if "secret" in found.message]


def test_a_column_with_an_endless_name_fits_into_a_finding() -> None:
    """Findings go into documents of bounded size."""
    found = judge(changed(**{"x" * 100_000: np.full(400, np.nan)}))
    assert max(len(finding.message) for finding in found.values()) < 500
    schema = Schema(None, "class", frozenset())
    scan = scanned(changed(**{"x" * 100_000: _LABELS}), DataLimits())
    for finding in judge_data(Evidence(scan, schema, NOON), DataLimits()):
        assert len(finding.message) + sum(map(len, finding.numbers)) < 1_000


def test_a_file_checked_without_a_model_has_no_schema() -> None:
    """Its columns but the target are taken for features."""
    limits = DataLimits()
    schema = Schema(None, "class", frozenset())
    evidence = Evidence(scanned(changed(age=_LABELS * 10), limits), schema, datetime(2026, 3, 4, tzinfo=UTC))
    found = {finding.gate: finding for finding in judge_data(evidence, limits)}
    assert not found["leakage"].passed
    assert found["extra_columns"].passed
