"""How long do the data gates take, beside reading the file?

Of a million rows of twenty columns: our scan with every gate, in turns with reading the file whole by pyarrow (the
library that the scan reads with) and with DuckDB asked for less than half of what the scan finds. Medians count, in
processor time too, which other processes hardly touch. Each format has a process of its own, for its peak memory.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet as pq

from serinus.adapters.tables.scan import ArrowScanner
from serinus.domain.data_findings import Schema
from serinus.domain.data_limits import DataLimits, DeclaredColumn, Expectation
from serinus.use_cases.examine_data import examine_data
from tests.benchmarks.figures import Goal, Section
from tests.benchmarks.progress import Tell
from tests.benchmarks.watching.alone import measured

_GOAL = 1.6
_LIMITS = DataLimits(
    columns=(DeclaredColumn("n0", minimum=-10, maximum=10), DeclaredColumn("t0", missing_share=0.0)),
    expectations=(
        Expectation("n1 > -10 or t1 like 'c%'"),
        Expectation("i0 between 0 and 1000", tolerated_share=0.01),
    ),
)
_KINDS = ("parquet", "csv")
_NAMES = {"read": "reading", "gates": "all gates", "duckdb": "DuckDB, half of the counts"}


def measure(tell: Tell, *, rows: int, rounds: int) -> Section:
    """Write a file of each kind, and look through it."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in _KINDS:
            tell(f"{kind}: writing {rows} rows, then {rounds} rounds")
            path = Path(folder) / f"rows.{kind}"
            _write(path, rows)
            with get_context("spawn").Pool(1) as pool:  # a process that has held nothing yet
                found[kind] = pool.apply(_measured, (path, rounds))
    return section(found, [f"Medians of {rounds} rounds in turns, {rows:,} rows of twenty columns."])


def section(found: Mapping[str, Mapping[str, float]], notes: Sequence[str]) -> Section:
    """Judge what was found."""
    goals = []
    for kind, figures in found.items():
        what = f"{kind}: all gates, × reading"
        goals.append(Goal(what, figures["gates"] / figures["read"], _GOAL))
        goals.append(Goal(f"{what}, processor time", figures["gates_cpu"] / figures["read_cpu"], _GOAL))
    return Section(
        name="validation",
        title="All data gates, beside reading the file",
        columns=("what", "s", "× reading", "CPU s", "CPU, × reading", "MB beyond the imports"),
        rows=[_row(kind, name, figures) for kind, figures in found.items() for name in _NAMES],
        figures=found,
        goals=goals,
        notes=notes,
    )


def _row(kind: str, name: str, found: Mapping[str, float]) -> tuple[str, ...]:
    return (
        f"{kind}: {_NAMES[name]}",
        f"{found[name]:.3f}",
        f"{found[name] / found['read']:.2f}",
        f"{found[f'{name}_cpu']:.3f}",
        f"{found[f'{name}_cpu'] / found['read_cpu']:.2f}",
        f"{found['gates_mb']:.0f}" if name == "gates" else "",
    )


def _write(path: Path, rows: int) -> None:
    chance = np.random.default_rng(0)
    columns = {f"n{at}": pa.array(chance.normal(size=rows).round(4)) for at in range(14)}
    columns |= {f"i{at}": pa.array(chance.integers(0, 1_000, rows)) for at in range(2)}
    names = np.array([f"category {at}" for at in range(20)])
    columns |= {f"t{at}": pa.array(names[chance.integers(0, 20, rows)]) for at in range(3)}
    table = pa.table(columns | {"label": pa.array(chance.integers(0, 2, rows))})
    if path.suffix == ".csv":
        arrow_csv.write_csv(table, path)
    else:
        pq.write_table(table, path, compression="zstd")


def _measured(path: Path, rounds: int) -> dict[str, float]:
    """Return median seconds of wall and of processor time; peak memory is taken before anybody reads it whole."""
    work: dict[str, Callable[[], object]] = {
        "gates": partial(_gates, path),
        "read": partial(_read, path),
        "duckdb": partial(_duckdb, path),
    }
    found = {"gates_mb": measured(work["gates"])["megabytes"]}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    for turn in range(rounds + 1):
        for name, run in work.items():
            wall, processor = time.perf_counter(), time.process_time()
            run()
            if turn:  # the first one warms the caches
                times[name].append((time.perf_counter() - wall, time.process_time() - processor))
    for name, each in times.items():
        found[name] = statistics.median(wall for wall, _ in each)
        found[f"{name}_cpu"] = statistics.median(processor for _, processor in each)
    return found


def _gates(path: Path) -> object:
    scan = partial(ArrowScanner().scan_file, path.name, path)
    findings = examine_data(scan, Schema(None, "label"), _LIMITS, at=datetime.now(UTC))
    if any(found.rejects for found in findings):
        raise AssertionError([found.message for found in findings if found.rejects])
    return findings


def _read(path: Path) -> object:
    if path.suffix == ".csv":
        return arrow_csv.read_csv(path)
    return pq.ParquetFile(path).read()


def _duckdb(path: Path) -> object:
    """Count, least, greatest and first missing row of each column, and different rows, in one scan of DuckDB's."""
    connection = duckdb.connect(config={"threads": 2, "memory_limit": "1GB"})
    connection.execute("set enable_progress_bar = false")
    names = [row[0] for row in connection.execute(f"describe select * from '{path}'").fetchall()]  # noqa: S608 - ours
    asked = [f'count("{name}"), min("{name}"), max("{name}")' for name in names]
    asked.append(f"count(distinct hash({', '.join(names)}))")
    return connection.execute(f"select {', '.join(asked)} from '{path}'").fetchall()  # noqa: S608 - ours
