"""`serinus labels upload`: checked, recorded once, counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from serinus.cli.main import app
from tests.unit.cli.world import Deployment


def upload(deployment: Deployment, file: Path, *args: str) -> Result:
    """Run the command."""
    asked = ["labels", "upload", "fraud", str(file), *args]
    return CliRunner().invoke(app, asked, obj=deployment.client, env={"COLUMNS": "200"})


def test_a_file_is_recorded_and_counted(tmp_path: Path) -> None:
    """The second time it says that nothing changes."""
    deployment, file = Deployment(), tmp_path / "may.csv"
    file.write_text("id,label\na,1\nb,0\nb,1\n")
    told = upload(deployment, file)
    assert told.exit_code == 0, told.output
    assert "2 labels in 3 rows recorded for fraud." in told.stdout
    assert "may.csv says two things of 1 prediction (rows 3): the later row counts" in told.stdout
    again = json.loads(upload(deployment, file, "--json").stdout)
    assert again.pop("findings")
    assert again == {"endpoint": "fraud", "rows": 3, "labels": 2, "new": False}
    assert len(deployment.data.list("labels/fraud/")) == 1


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [("may.csv", "id,label\na,maybe\n", "row 1: the label must be 0 or 1"), ("may.xlsx", "?", "name it .csv")],
)
def test_a_file_of_which_nothing_counts_is_not_recorded(tmp_path: Path, name: str, body: str, said: str) -> None:
    """One sentence says what is wrong; with --json too."""
    deployment, file = Deployment(), tmp_path / name
    file.write_text(body)
    assert said in upload(deployment, file).output
    result = upload(deployment, file, "--json")
    assert result.exit_code == 1
    assert said in json.loads(result.stdout)["error"]
    assert deployment.data.list("labels/") == []
