"""One drift check of a table, ours and the peers': seconds, memory, and which columns each finds."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import parquet as pq

from serinus.adapters.stored.profile_documents import profile_document
from serinus.adapters.tables.arrow import ArrowTables
from serinus.domain.reference_sketch import sketch_profile
from tests.benchmarks.watching.peers import SCRIPTS, run_peer, run_script

SHAPES = ((100_000, 30), (100_000, 200), (1_000_000, 40))
GOALS = {"evidently": 200, "nannyml": 30, "scipy": 15}  # times ours
_KINDS = 8  # each with more than a tenth of the reference's rows, so that each is a group
_MOVED = 3  # the first numbers, by a standard deviation; and the first category
_AGREED = 0.01
_FOLDER = Path(__file__).parents[3] / "build" / "bench" / "checks"

Found = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Side:
    """Rows: numbers [rows, columns] and categories by number, [rows, columns]."""

    numbers: npt.NDArray[np.float64]
    kinds: npt.NDArray[np.int8]


def print_checks(shapes: Sequence[tuple[int, int]], cut_off_seconds: float) -> bool:
    """Print one check of each shape by each; return whether the distances of one category agree."""
    print("One check of a new table against a reference of as many rows, three quarters of the columns numbers.")
    print("Ours reads the new file and has a saved profile of the reference; the peers have both in memory.")
    agree = True
    for rows, columns in shapes:
        print(f"{rows} x {columns}{'':<14}{'s':>9}{'cpu s':>9}{'x ours':>9}{'goal':>6}{'peak MB':>9}  columns found")
        found = _found(rows, columns, cut_off_seconds)
        ours = found["serinus"]
        if isinstance(ours, str):
            raise SystemExit(f"our own check did not end: {ours}")
        truth = _truth(columns)
        for name, told in found.items():
            if isinstance(told, str):
                print(f"  {name:<22} skipped: {told}")
                continue
            times = float(told["seconds"] / ours["seconds"])
            hits, false = int((told["drifted"] & truth).sum()), int((told["drifted"] & ~truth).sum())
            print(
                f"  {name:<22}{float(told['seconds']):>9.2f}{float(told['cpu']):>9.2f}{times:>9.1f}"
                f"{GOALS.get(name, ''):>6}{float(told['megabytes']):>9.0f}  {hits} of {truth.sum()}, {false} false"
            )
            agree &= _agrees(name, told, ours)
    return agree


def _agrees(name: str, told: Found, ours: Found) -> bool:
    """Compare what both say of the first category, whose bins are its values."""
    agree = True
    for distance in ("psi", "jensenshannon"):
        if name != "serinus" and distance in told:
            their, our = float(told[distance]), float(ours[distance])
            near = abs(their - our) <= _AGREED * abs(our)
            agree &= near
            verdict = "agree" if near else "DISAGREE"
            print(f"    {distance} of c0: theirs {their:.5f}, ours {our:.5f}: they {verdict} within {_AGREED:.0%}")
    return agree


def _found(rows: int, columns: int, seconds: float) -> dict[str, Found | str]:
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
    print(f"checking {rows} x {columns}", file=sys.stderr)
    return {
        "serinus": run_script(python, SCRIPTS / "serinus_check.py", seconds=seconds, **paths),
        "scipy": run_script(python, SCRIPTS / "scipy_check.py", seconds=seconds, **both),
        "nannyml": run_peer("nannyml", "nannyml_check", seconds=seconds, **both),
        "evidently": run_peer("evidently", "evidently_check", seconds=seconds, **both),
    }


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
