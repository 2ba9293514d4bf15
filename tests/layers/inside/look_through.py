"""Runs inside: looks through a file of every format, with conditions that need Arrow's text kernels."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

from serinus.adapters.tables.arrow import ArrowTables
from serinus.domain.data_limits import Expectation
from serinus.domain.data_scan import Occurrences, Questions

if __name__ == "__main__":
    from serinus.adapters.tables.scan import ArrowScanner

    rows = b"a,b,at\n0.5,red,2026-01-02T00:00:00Z\n1.5,blue,\n,Red,2026-01-04\n"
    tables = ArrowTables()
    lines = b'{"a": 0.5, "b": "red"}\n{"a": 1.5, "b": "blue"}\n{"a": null, "b": "Red"}\n'
    files = {"rows.csv": rows, "rows.jsonl": lines, "rows.parquet": tables.write(tables.read("rows.csv", rows))}
    conditions = (
        "regexp_matches(lower(trim(b)), '^r') and length(b) = 3 or round(abs(a)) % 2 = 1",
        "b in ('red', 'blue') and b like '%e%'",
    )
    questions = Questions(
        datetime(2026, 2, 1, tzinfo=UTC),
        time_column="at",
        id_column="b",
        expectations=tuple(Expectation(condition) for condition in conditions),
    )
    found = {name: ArrowScanner().scan(name, body, questions) for name, body in files.items()}
    sys.stdout.write(
        json.dumps(
            {
                name: [each.rows if isinstance(each, Occurrences) else each for each in scan.broken]
                for name, scan in found.items()
            }
        )
    )
