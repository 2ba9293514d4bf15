"""`serinus profile`: a file's profile, saved and compared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from serinus.adapters.tables.arrow import ArrowTables
from serinus.cli.main import app
from serinus.domain.table import Table
from tests.builders import an_object_column
from tests.unit.cli.world import Deployment, write_holdout, write_model

_ROWS = 3_000


def run(*args: object, deployment: Deployment | None = None) -> Result:
    """Run the command."""
    obj = None if deployment is None else deployment.client
    return CliRunner().invoke(app, ["profile", *map(str, args)], obj=obj, env={"COLUMNS": "240"})


def write(path: Path, *, shift: float = 0.0, seed: int = 1) -> Path:
    """Write rows of each kind of column."""
    chance = np.random.default_rng(seed)
    days = [f"2026-{month:02d}-01" for month in chance.integers(1, 13, _ROWS).tolist()]
    table = Table(
        {
            "amount": chance.normal(shift, 1, _ROWS),
            "always": np.full(_ROWS, 7.0),
            "colour": an_object_column(["red", None, "blue"] * (_ROWS // 3)),
            "day": an_object_column(days),
            "note": an_object_column([f"note {number}" for number in range(_ROWS)]),
        }
    )
    path.write_bytes(ArrowTables().write(table))
    return path


def test_a_file_is_described_column_by_column(tmp_path: Path) -> None:
    """Kinds, what is missing, how many values there are; a constant is named."""
    file = write(tmp_path / "rows.parquet")
    found = json.loads(run(file, "--json").stdout)
    columns = {column["name"]: column for column in found["columns"]}
    assert (found["rows"], found["drift"]) == (_ROWS, None)
    assert [column["kind"] for column in found["columns"]] == ["number", "number", "category", "date", "free text"]
    assert [column["distinct"] for column in found["columns"]] == [None, 1, 2, 12, _ROWS]
    assert [name for name, column in columns.items() if column["constant"]] == ["always"]
    assert columns["colour"]["besides"] == {"missing": _ROWS // 3}
    shown = run(file)
    assert "1 (constant)" in shown.stdout
    assert "33.3%" in shown.stdout


def test_a_file_is_compared_with_a_saved_profile(tmp_path: Path) -> None:
    """One of the same population has not moved; one that has, tells which column."""
    saved = tmp_path / "saved.json"
    written = run(write(tmp_path / "first.parquet"), "--save", saved)
    assert "Written to" in written.stdout.replace("\n", "")
    same = run(write(tmp_path / "second.parquet", seed=2), "--against", saved)
    assert "Nothing has moved." in same.stdout
    moved = write(tmp_path / "moved.parquet", shift=2, seed=3)
    assert "Moved: amount." in run(moved, "--against", saved).stdout
    told = json.loads(run(moved, "--against", saved, "--json").stdout)
    assert told["drift"]["drifted"] is True
    assert [column["name"] for column in told["drift"]["columns"] if column["drifted"]] == ["amount"]
    assert [column["constant"] for column in told["columns"]] == [False, True, False, False, False]


def test_a_file_is_compared_with_what_a_live_model_was_validated_on(tmp_path: Path) -> None:
    """By the endpoint's name; before anything is live there is nothing to compare with."""
    deployed = Deployment()
    holdout = write_holdout(tmp_path / "h.csv")
    early = run(holdout, "--against", "fraud", deployment=deployed)
    assert (early.exit_code, early.stdout) == (1, "")
    push = ["push", "fraud", str(write_model(tmp_path / "m.onnx")), "--holdout", str(holdout), "--target", "fraud"]
    assert CliRunner().invoke(app, [*push, "--timeout-minutes", "0"], obj=deployed.client).exit_code == 0
    found = run(holdout, "--against", "fraud", "--json", deployment=deployed)
    assert json.loads(found.stdout)["drift"]["drifted"] is False
    unknown = run(holdout, "--against", "frod", "--json", deployment=deployed)
    assert "no endpoint 'frod'" in json.loads(unknown.stdout)["error"]


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        ("{", "no saved profile"),
        ("[]", "no layout"),
        (None, "there is no file"),
        ('{"layout": {"format": 9}}', "format 9"),
    ],
)
def test_what_is_no_profile_is_refused(tmp_path: Path, saved: str | None, said: str) -> None:
    """In one sentence."""
    against = tmp_path / "saved.json"
    if saved is not None:
        against.write_text(saved, encoding="utf-8")
    found = run(write(tmp_path / "rows.parquet"), "--against", against, "--json")
    assert found.exit_code == 1
    assert said in json.loads(found.stdout)["error"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """And nothing is saved for one that is damaged."""
    assert "there is no file" in json.loads(run(tmp_path / "none.csv", "--json").stdout)["error"]
    damaged = tmp_path / "rows.csv"
    damaged.write_text("a,b\n1,2\n3\n", encoding="utf-8")
    saved = tmp_path / "saved.json"
    assert run(damaged, "--save", saved).exit_code == 1
    assert not saved.exists()


def test_nothing_in_a_file_gives_orders_to_the_terminal(tmp_path: Path) -> None:
    """Escape sequences and turned directions in names and values are spelled out, not sent."""
    file = tmp_path / "rows.csv"
    file.write_text("\x1b]0;title\x07,note\n" + "\x1b[31mred,\u202egnp\n" * 20, encoding="utf-8")
    shown = run(file).stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert r"\x1b[31mred" in shown
    assert r"\u202egnp" in shown


def test_a_bin_of_zeros_is_named_zero(tmp_path: Path) -> None:
    """The bin that holds 0 alone ends at the number next to it, which nobody wants to read."""
    file = tmp_path / "rows.csv"
    file.write_text("visits,other\n" + "0,1\n1,2\n2,3\n" * 40, encoding="utf-8")
    shown = run(file).stdout
    assert "e-324" not in shown
    assert "0 (33%)" in shown
