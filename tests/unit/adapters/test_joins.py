"""Whatever comes in whatever order, the same label counts: the join against a rule in a few lines of Python."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from serinus.adapters.joins.database import Bounds, database
from serinus.adapters.joins.label_files import LabelFile
from serinus.adapters.joins.label_table import LabelTable
from serinus.domain.label_files import LabelsRead
from serinus.domain.task import Task

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)

Said = tuple[str, int, int, int | None]
"""An id, a row, a label, and minutes after noon."""

SAID = some.tuples(
    some.sampled_from(["a", "b", "c"]),
    some.integers(0, 1),
    some.integers(0, 1),
    some.none() | some.integers(-3, 12),
)
FILES = some.lists(some.tuples(some.integers(0, 9), some.lists(SAID, min_size=1, max_size=6)), max_size=5)


def body(said: Sequence[Said]) -> bytes:
    """Return a JSON Lines file."""
    lines = [
        {"id": name, "row": row, "label": label}
        | ({} if minute is None else {"time": (NOON + timedelta(minutes=minute)).isoformat()})
        for name, row, label, minute in said
    ]
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def settled(files: list[LabelFile]) -> tuple[dict[tuple[str, int], float], LabelsRead]:
    """Return which labels count, of files in the order in which they were written."""
    with database(Bounds(memory_mb=64, threads=1)) as opened:
        table = LabelTable(opened, Task.BINARY, None)
        for file in files:
            table.add(file)
        read = table.settled()
        rows = opened.connection.execute("SELECT id, row, label FROM request_labels").fetchall()
    return {(name, row): label for name, row, label in rows}, read


def by_rule(files: list[tuple[int, list[Said]]]) -> dict[tuple[str, int], float]:
    """Return which labels count, as the documentation says it."""
    best: dict[tuple[str, int], tuple[tuple[int, int, int], float]] = {}
    for number, (written, said) in enumerate(files):
        for position, (name, row, label, minute) in enumerate(said):
            turn = (written if minute is None else min(minute, written), number, position)
            if (name, row) not in best or best[name, row][0] < turn:
                best[name, row] = turn, float(label)
    return {key: label for key, (_, label) in best.items()}


@settings(deadline=None, max_examples=40)
@given(FILES)
def test_the_label_that_counts_is_the_one_of_the_rule(files: list[tuple[int, list[Said]]]) -> None:
    """Late, repeated, corrected and contradictory labels alike."""
    ordered = sorted(files, key=lambda file: file[0])
    written = [
        LabelFile(f"labels/fraud/{number:02d}.jsonl", body(said), NOON + timedelta(minutes=minute))
        for number, (minute, said) in enumerate(ordered)
    ]
    found, read = settled(written)
    assert found == by_rule(ordered)
    assert read.rows == sum(len(said) for _, said in files)
    assert read.labels == len(found)


@settings(deadline=None, max_examples=40)
@given(some.lists(SAID, unique_by=lambda said: (said[0], said[1], said[3]), min_size=1), some.randoms())
def test_the_order_of_arrival_does_not_matter(said: list[Said], chance: object) -> None:
    """Labels that carry their times may come in any order, in one file or in many, once or again."""
    timed = [(name, row, label, minute or 0) for name, row, label, minute in said]
    distinct = list({(name, row, minute): (name, row, label, minute) for name, row, label, minute in timed}.values())
    whole, _ = settled([LabelFile("labels/fraud/0.jsonl", body(distinct), NOON + timedelta(hours=1))])
    shuffled = [*distinct, *distinct[:2]]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' source of chance
    arrived = [
        LabelFile(f"labels/fraud/{number:02d}.jsonl", body([each]), NOON + timedelta(hours=1, minutes=number))
        for number, each in enumerate(shuffled)
    ]
    assert settled(arrived)[0] == whole


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/hosts')",
        "SELECT * FROM read_csv('../../etc/hosts')",
        "COPY (SELECT 1) TO '/var/tmp/serinus.csv'",
        "ATTACH '/var/tmp/serinus.duckdb'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
    ],
)
def test_a_join_reaches_nothing_outside_of_its_folder(query: str) -> None:
    """Whatever a file or a column's name should make of a query."""
    import duckdb

    with database(Bounds()) as opened:
        with pytest.raises(duckdb.Error):
            opened.connection.execute(query)
        folder = opened.folder
    assert not folder.exists()


def test_a_columns_name_is_never_a_query() -> None:
    """The policy's id column may hold anything."""
    name = "\"; DROP TABLE labels; --'"
    with database(Bounds()) as opened:
        table = LabelTable(opened, Task.BINARY, name)
        line = json.dumps({name: "x", "label": 1})
        table.add(LabelFile("labels/fraud/a.jsonl", f"{line}\n".encode(), NOON))
        assert table.settled().labels == 1


def test_duckdb_is_loaded_by_a_join_and_by_nothing_else() -> None:
    """Functions that read no label need no layer that holds it."""
    script = "import sys, serinus.wiring, serinus.adapters.stored.labels; print('duckdb' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "False"
