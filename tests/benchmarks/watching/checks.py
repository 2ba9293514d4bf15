"""One drift check of a table, ours and the peers': seconds, memory, and which columns each finds."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import parquet as pq

from serinus.adapters.stored.profile_documents import profile_document
from serinus.adapters.tables.arrow import ArrowTables
from serinus.domain.reference_sketch import sketch_profile
from tests.benchmarks.environments import BUILT
from tests.benchmarks.figures import Goal, Section
from tests.benchmarks.progress import Tell
from tests.benchmarks.watching.peers import SCRIPTS, run_peer, run_script

SHAPES = {(100_000, 30): 60, (100_000, 200): 100, (1_000_000, 40): 120}  # and what each may take of the processor, s
GOALS = {"evidently": 200, "nannyml": 30, "scipy": 15}  # times our processor time
_KINDS = 8  # each with more than a tenth of the reference's rows, so that each is a group
_MOVED = 3  # the first numbers, by a standard deviation; and the first category
_AGREED = 0.01
_ROUNDS, _LONG_SECONDS = 5, 2  # of the processor
_FLOOR, _TIMES_READING = "reading the file", 3
_FOLDER = BUILT / "checks"

Found = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Side:
    """Rows: numbers [rows, columns] and categories by number, [rows, columns]."""

    numbers: npt.NDArray[np.float64]
    kinds: npt.NDArray[np.int8]


def measure(tell: Tell, allowed: Mapping[tuple[int, int], int]) -> Iterator[Section]:
    """Check tables of these shapes by each; whoever takes more of the processor than is allowed is not waited for.

    Args:
        tell: is told what runs.
        allowed: seconds of the processor, by shape, smaller ones first: who would take longer at the pace at which
            the last table was checked is not asked.
    """
    pace: dict[str, float] = {}
    for (rows, columns), seconds in allowed.items():
        would_take = {name: each * rows * columns for name, each in pace.items()}
        found = _found(tell, rows, columns, seconds, would_take)
        pace |= {by: float(one["cpu"]) / (rows * columns) for by, one in found.items() if not isinstance(one, str)}
        yield section((rows, columns), found)


def section(shape: tuple[int, int], told: Mapping[str, Found | str]) -> Section:
    """Judge what was found: speed, verdicts, and the distances of the first category, whose bins are its values."""
    name, truth = f"{shape[0]:,} × {shape[1]}", _truth(shape[1])
    ended = {by: one for by, one in told.items() if not isinstance(one, str)}
    if "serinus" not in ended:
        raise RuntimeError(f"our own check of {name} did not end: {told['serinus']}")
    return Section(
        name=f"check {shape[0]}x{shape[1]}",
        title=f"One check of a new table of {name} against a reference of as many rows",
        columns=("by", "s", "CPU s", "× ours", "CPU, × ours", "peak MB", "found", "found falsely"),
        rows=[_row(by, one, ended["serinus"], truth) for by, one in ended.items()],
        figures={
            by: one if isinstance(one, str) else {each: value.tolist() for each, value in one.items()}
            for by, one in told.items()
        },
        goals=list(_goals(name, ended, truth)),
        notes=[
            "Ours reads the file and has a saved profile of the reference; the peers have both in memory, whylogs a "
            "profile of the reference. Processes of their own that have everything loaded: medians of "
            f"{_ROUNDS}, one where that takes more than {_LONG_SECONDS} s of the processor. Of the numbers, {_MOVED} "
            "moved, and a category. whylogs and Evidently run beside each other.",
            *(f"{by}: {why}" for by, why in told.items() if isinstance(why, str)),
        ],
    )


def _row(name: str, told: Found, ours: Found, truth: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    drifted = told.get("drifted")
    found = ("", "")
    if drifted is not None:
        found = (f"{(drifted & truth).sum()} of {truth.sum()}", f"{(drifted & ~truth).sum()} of {(~truth).sum()}")
    return (
        name,
        f"{told['seconds']:.3f}",
        f"{told['cpu']:.3f}",
        f"{told['seconds'] / ours['seconds']:.1f}",
        f"{told['cpu'] / ours['cpu']:.1f}",
        f"{told['megabytes']:.0f}",
        *found,
    )


def _goals(shape: str, told: Mapping[str, Found], truth: npt.NDArray[np.bool_]) -> Iterator[Goal]:
    ours = told["serinus"]
    wrong = int((ours["drifted"] != truth).sum())
    yield Goal(f"{shape}: columns that ours judges wrongly", wrong, 0, promised=True)
    if _FLOOR in told:
        times = float(ours["cpu"] / told[_FLOOR]["cpu"])
        yield Goal(f"{shape}: processor time, × reading", times, _TIMES_READING)
    for name, limit in GOALS.items():
        if name in told:
            times = float(told[name]["cpu"] / ours["cpu"])
            yield Goal(f"{shape}: less processor time than {name}, ×", times, limit, at_least=True)
    for name, one in told.items():
        for distance in ("psi", "jensenshannon"):
            if name != "serinus" and distance in one:
                apart = abs(float(one[distance]) - float(ours[distance])) / abs(float(ours[distance]))
                yield Goal(f"{shape}: {distance} apart from {name}'s, %", 100 * apart, 100 * _AGREED, promised=True)


def _found(
    tell: Tell, rows: int, columns: int, seconds: int, would_take: Mapping[str, float]
) -> dict[str, Found | str]:
    before, after = _drawn(rows, columns, seed=1, moved=False), _drawn(rows, columns, seed=2, moved=True)
    both: dict[str, npt.NDArray[Any]] = {
        "numbers": before.numbers,
        "kinds": before.kinds,
        "live_numbers": after.numbers,
        "live_kinds": after.kinds,
    }
    _FOLDER.mkdir(parents=True, exist_ok=True)
    file, small, saved = (_FOLDER / name for name in ("live.parquet", "small.parquet", "reference.json"))
    pq.write_table(_table(after), file)
    pq.write_table(_table(Side(after.numbers[:1_000], after.kinds[:1_000])), small)
    reference = _FOLDER / "reference.parquet"
    pq.write_table(_table(before), reference)
    with reference.open("rb") as opened:
        sketched = sketch_profile(ArrowTables().batches(reference.name, opened)).profile
    saved.write_text(json.dumps(profile_document(sketched)), encoding="utf-8")
    paths = {name: np.array(str(path)) for name, path in (("rows", file), ("small", small), ("saved", saved))}
    python = Path(sys.executable)
    run: dict[str, Callable[[], Found | str]] = {
        _FLOOR: partial(run_script, python, SCRIPTS / "arrow_read.py", processor_seconds=seconds, **paths),
        "serinus": partial(run_script, python, SCRIPTS / "serinus_check.py", processor_seconds=seconds, **paths),
        "scipy": partial(run_script, python, SCRIPTS / "scipy_check.py", processor_seconds=seconds, **both),
        "nannyml": partial(run_peer, "nannyml", "nannyml_check", processor_seconds=seconds, **both),
        "whylogs": partial(run_peer, "whylogs", "whylogs_check", processor_seconds=seconds, **both),
        "evidently": partial(run_peer, "evidently", "evidently_check", processor_seconds=seconds, **both),
    }

    def checked(name: str) -> Found | str:
        if would_take.get(name, 0) > seconds:
            return (
                f"not asked, since at the pace of the table before it would take {would_take[name]:.0f} s of the "
                f"processor, and {seconds} are allowed"
            )
        tell(f"checking {rows} × {columns}: {name}, at most {seconds} s of the processor")
        return _repeated(run[name])

    *alone, one, two = run  # the last two take minutes, of one core each
    found = {name: checked(name) for name in alone}
    with ThreadPoolExecutor(2) as pool:
        return found | dict(zip((one, two), pool.map(checked, (one, two)), strict=True))


def _repeated(check: Callable[[], Found | str]) -> Found | str:
    """Return what a check found, and the medians of what several took; one that takes long is enough."""
    first = check()
    if isinstance(first, str) or float(first["cpu"]) > _LONG_SECONDS:
        return first
    again = [first, *(one for one in (check() for _ in range(_ROUNDS - 1)) if not isinstance(one, str))]
    took = {name: np.median([one[name] for one in again]) for name in ("seconds", "cpu", "megabytes")}
    return first | {name: np.array(value) for name, value in took.items()}


def _truth(columns: int) -> npt.NDArray[np.bool_]:
    moved = np.zeros(columns, dtype=bool)
    moved[[*range(_MOVED), _numbers(columns)]] = True
    return moved


def _numbers(columns: int) -> int:
    return columns * 3 // 4


def _drawn(rows: int, columns: int, *, seed: int, moved: bool) -> Side:
    chance, count = np.random.default_rng(seed), _numbers(columns)
    numbers = chance.normal(size=(rows, count))
    kinds = chance.choice(_KINDS, size=(rows, columns - count), p=_shares(0.0)).astype(np.int8)
    if moved:
        numbers[:, :_MOVED] += 1.0
        kinds[:, 0] = chance.choice(_KINDS, size=rows, p=_shares(0.5))
    return Side(numbers, kinds)


def _shares(tilt: float) -> npt.NDArray[np.float64]:
    weights = np.exp((tilt - 0.02) * np.arange(_KINDS))
    return np.asarray(weights / weights.sum())


def _table(side: Side) -> pa.Table:
    names = pa.array([f"kind {number}" for number in range(_KINDS)])
    numbers = {f"n{at}": side.numbers[:, at] for at in range(side.numbers.shape[1])}
    kinds = {
        f"c{at}": pa.DictionaryArray.from_arrays(pa.array(side.kinds[:, at], pa.int8()), names)
        for at in range(side.kinds.shape[1])
    }
    return pa.table({**numbers, **kinds})
