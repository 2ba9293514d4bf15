"""How fast is a file profiled, beside merely reading it, and in how much memory?

Each measurement is a process of its own: it imports, profiles a file of a thousand rows to have everything loaded,
and then does its work once. Memory is the peak beyond what was in use before. Four things are done with each Parquet
file, and whylogs profiles the same rows, which it has in memory:

    read     all of it as one Arrow table: the floor
    stream   batch by batch, nothing kept: the floor in bounded memory
    check    counted by a saved profile
    build    profiled anew: bins chosen and counted in one pass

Three quarters of the columns are numbers (normal, rounded lognormal, small whole ones, in turn), the others
categories of thirty values. Files lie under build/bench/profiles, made once by seed; one has a single column of ten
million different texts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import parquet as pq

from serinus.adapters.stored.profile_documents import profile_document, profile_of
from serinus.adapters.tables.arrow import ArrowTables
from serinus.domain.reference_sketch import sketch_profile
from serinus.domain.row_counts import expected_by, profile_of_batches
from tests.benchmarks.environments import BUILT
from tests.benchmarks.figures import Goal, Section
from tests.benchmarks.progress import Tell
from tests.benchmarks.watching.alone import in_turns, measured
from tests.benchmarks.watching.peers import run_peer

_FOLDER = BUILT / "profiles"
_WARM_UP = "1000x8"
_SHAPES = ("100000x30", "100000x200", "1000000x40")
_LARGE = ("10000000x10", "10000000x1texts")
_ROWS_AT_ONCE = 500_000
_CHECKED_WITHIN = 3.0  # times reading
_MEGABYTES_BEYOND = 150
_PEER = "whylogs, build"

Found = Mapping[str, Mapping[str, Mapping[str, float]]]  # figures by shape and way


def measure(tell: Tell, *, rounds: int, large: bool, processor_seconds: int) -> Section:
    """Make the files, and measure each way with each.

    Args:
        tell: is told what is measured.
        rounds: how often; files of ten million rows are measured once.
        large: whether there are any.
        processor_seconds: after which whylogs is cut off; it profiles the first file only.
    """
    _made(tell, _WARM_UP)
    found: dict[str, dict[str, dict[str, float]]] = {}
    notes = [
        "Medians of processes of their own; CPU counts, which others' work disturbs least. MB: beyond the imports."
    ]
    for shape in (*_SHAPES, *(_LARGE if large else ())):
        file = _made(tell, shape)
        once = shape in _LARGE
        found[shape] = in_turns(tell, __name__, list(_WORK), [str(file)], rounds=1 if once else rounds)
        size = {"rows": float(pq.read_metadata(file).num_rows), "file_mb": file.stat().st_size / 1e6}
        found[shape] = {way: figures | size for way, figures in found[shape].items()}
        if shape == _SHAPES[0]:
            tell(f"{shape}: whylogs, at most {processor_seconds} s of the processor")
            their = run_peer(
                "whylogs", "whylogs_build", processor_seconds=processor_seconds, rows=np.array(str(file))
            )
            if isinstance(their, str):
                notes.append(f"whylogs, {shape}: {their}")
            else:
                figures = {name: float(their[name]) for name in ("seconds", "cpu", "megabytes")}
                found[shape][_PEER] = figures | size
    return section(found, notes)


def section(found: Found, notes: list[str]) -> Section:
    """Judge what was found."""
    goals = []
    for shape, ways in found.items():
        name = _told(shape)
        times = ways["check"]["cpu"] / ways["read"]["cpu"]
        goals.append(Goal(f"{name}: a check, processor time, × reading", times, _CHECKED_WITHIN))
        most = max(ways[way]["megabytes"] for way in ("check", "build"))
        goals.append(Goal(f"{name}: MB beyond the imports", most, _MEGABYTES_BEYOND))
    return Section(
        name="profiles",
        title="A file profiled anew, and checked against a saved profile",
        columns=("rows × columns", "what", "s", "CPU s", "× reading", "CPU, × reading", "rows/s", "MB/s", "peak MB"),
        rows=[_row(shape, way, ways) for shape, ways in found.items() for way in ways],
        figures=found,
        goals=goals,
        notes=notes,
    )


def _row(shape: str, way: str, ways: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    one, floor = ways[way], ways["read"]
    return (
        _told(shape) if way == "read" else "",
        way,
        f"{one['seconds']:.3f}",
        f"{one['cpu']:.3f}",
        f"{one['seconds'] / floor['seconds']:.2f}",
        f"{one['cpu'] / floor['cpu']:.2f}",
        f"{one['rows'] / one['seconds']:,.0f}",
        f"{one['file_mb'] / one['seconds']:.0f}",
        f"{one['megabytes']:.0f}",
    )


def _told(shape: str) -> str:
    rows, _, columns = shape.partition("x")
    return f"{int(rows):,} " + ("different texts" if columns.endswith("texts") else f"× {columns}")


def _read(file: Path) -> None:
    pq.ParquetFile(file).read()


def _stream(file: Path) -> None:
    with file.open("rb") as opened:
        for _ in pq.ParquetFile(opened, pre_buffer=False, buffer_size=1 << 18).iter_batches(
            32_768, use_threads=False
        ):
            pass


def _check(file: Path) -> None:
    layout = profile_of(json.loads(_saved(file).read_text(encoding="utf-8"))).layout
    with file.open("rb") as opened:
        profile_of_batches(layout, ArrowTables().batches(file.name, opened, expected=expected_by(layout)))


def _build(file: Path) -> None:
    with file.open("rb") as opened:
        sketch_profile(ArrowTables().batches(file.name, opened))


_WORK: dict[str, Callable[[Path], None]] = {"read": _read, "stream": _stream, "check": _check, "build": _build}


def _made(tell: Tell, shape: str) -> Path:
    """Return a file of that shape, and have its profile beside it."""
    file = _FOLDER / f"{shape}.parquet"
    if not file.exists():
        tell(f"making {file.name}")
        _FOLDER.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".part")
        _write(shape, unfinished)
        unfinished.rename(file)
    with file.open("rb") as opened:
        profile = sketch_profile(ArrowTables().batches(file.name, opened)).profile
    _saved(file).write_text(json.dumps(profile_document(profile)), encoding="utf-8")
    return file


def _saved(file: Path) -> Path:
    return file.with_suffix(".profile.json")


def _write(shape: str, file: Path) -> None:
    rows, _, columns = shape.partition("x")
    chance = np.random.default_rng(7)
    writer: pq.ParquetWriter | None = None
    for start in range(0, int(rows), _ROWS_AT_ONCE):
        number = min(_ROWS_AT_ONCE, int(rows) - start)
        if columns.endswith("texts"):
            table = pa.table({"id": [f"customer-{start + row:09d}" for row in range(number)]})
        else:
            table = pa.table({f"c{at}": _column(chance, at, number) for at in range(int(columns))})
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def _column(chance: np.random.Generator, position: int, rows: int) -> npt.NDArray[Any]:
    match position % 4:
        case 0:
            return chance.normal(size=rows)
        case 1:
            return chance.lognormal(0, 1, rows).round(2)
        case 2:
            return chance.integers(0, 90, rows).astype(np.float64)
        case _:
            kinds = np.array([f"kind {one}" for one in range(30)])
            return kinds[chance.zipf(1.6, rows) % 30]


if __name__ == "__main__":
    _WORK[sys.argv[1]](_FOLDER / f"{_WARM_UP}.parquet")
    print(json.dumps(measured(partial(_WORK[sys.argv[1]], Path(sys.argv[2])))))
