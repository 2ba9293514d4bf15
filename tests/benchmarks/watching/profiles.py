"""How fast is a file profiled, beside merely reading it, and in how much memory?

    python -m tests.benchmarks.watching.profiles [--rounds 3] [--quick]

Each measurement is a process of its own: it imports, profiles a file of a thousand rows to have everything loaded,
and then does its work once. Seconds are the median of the rounds, of processor time as well, which other processes
disturb least; memory is the peak beyond what was in use before. Four things are done with each Parquet file:

    read     all of it as one Arrow table: the floor
    stream   batch by batch, nothing kept: the floor in bounded memory
    check    counted by a saved profile
    build    profiled anew: bins chosen and counted in one pass

Three quarters of the columns are numbers (normal, rounded lognormal, small whole ones, in turn), the others
categories of thirty values. Files lie under build/bench/profiles, made once by seed. `--quick` leaves out the files
of ten million rows, one of which is a column of ten million different texts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import parquet as pq

from serinus.adapters.stored.profile_documents import profile_document, profile_of
from serinus.adapters.tables.arrow import ArrowTables
from serinus.domain.reference_sketch import sketch_profile
from serinus.domain.row_counts import expected_by, profile_of_batches

_FOLDER = Path(__file__).parents[3] / "build" / "bench" / "profiles"
_WARM_UP = "1000x8"
_SHAPES = ("100000x30", "100000x200", "1000000x40")
_LARGE = ("10000000x10", "10000000x1texts")
_ROWS_AT_ONCE = 500_000
_CHECKED_WITHIN = 3.0  # times reading
_MEGABYTES_BEYOND = 150


def main() -> None:
    """Make the files, measure each way in processes of their own, and say whether the goals are met."""
    asked = _arguments()
    if asked.measure:
        print(json.dumps(_measured(asked.measure, Path(asked.file))))
        return
    _made(_WARM_UP)
    print(f"{'':<18}{'':<8}{'s':>8}{'cpu s':>8}{'x read':>8}{'cpu x':>7}{'rows/s':>13}{'MB/s':>8}{'peak MB':>9}")
    for shape in (*_SHAPES, *(() if asked.quick else _LARGE)):
        _compare(shape, _made(shape), asked.rounds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--measure", choices=list(_WORK), help="do one thing in this process")
    parser.add_argument("--file", help="with it")
    return parser.parse_args()


def _compare(shape: str, file: Path, rounds: int) -> None:
    found: dict[str, list[dict[str, float]]] = {way: [] for way in _WORK}
    for number in range(rounds):
        for way in _WORK:
            print(f"\r{shape}: {way}, round {number + 1} of {rounds}   ", end="", file=sys.stderr, flush=True)
            found[way].append(_in_process(way, file))
    print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
    rows, size = pq.read_metadata(file).num_rows, file.stat().st_size / 1e6
    medians = {
        way: {name: median(one[name] for one in measured) for name in measured[0]} for way, measured in found.items()
    }
    floor = medians["read"]
    for way, one in medians.items():
        print(
            f"{shape if way == 'read' else '':<18}{way:<8}{one['seconds']:>8.3f}{one['cpu']:>8.3f}"
            f"{one['seconds'] / floor['seconds']:>8.2f}{one['cpu'] / floor['cpu']:>7.2f}"
            f"{rows / one['seconds']:>13,.0f}{size / one['seconds']:>8.0f}{one['megabytes']:>9.0f}"
        )
    times = medians["check"]["seconds"] / floor["seconds"]
    met = "met" if times <= _CHECKED_WITHIN else f"missed by {times / _CHECKED_WITHIN - 1:.0%}"
    kept = max(medians["check"]["megabytes"], medians["build"]["megabytes"])
    within = "met" if kept <= _MEGABYTES_BEYOND else f"missed by {kept - _MEGABYTES_BEYOND:.0f} MB"
    print(
        f"{'':<18}check in {_CHECKED_WITHIN:g} x reading: {met}; {_MEGABYTES_BEYOND} MB beyond the imports: {within}"
    )


def _in_process(way: str, file: Path) -> dict[str, float]:
    command = [sys.executable, "-m", __spec__.name, "--measure", way, "--file", str(file)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=1_200)
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def _measured(way: str, file: Path) -> dict[str, float]:
    work = _WORK[way]
    work(_FOLDER / f"{_WARM_UP}.parquet")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    before = _peak_megabytes()
    started, used = time.perf_counter(), time.process_time()
    work(file)
    taken = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - used}
    return {**taken, "megabytes": _peak_megabytes() - before}


def _peak_megabytes() -> float:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1_024


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


def _made(shape: str) -> Path:
    """Return a file of that shape, and have its profile beside it."""
    file = _FOLDER / f"{shape}.parquet"
    if not file.exists():
        print(f"making {file.name}", file=sys.stderr)
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
    main()
