"""`serinus data check`: the pipeline's gates on the user's own machine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from serinus.adapters.tables.arrow import ArrowTables
from serinus.cli.main import app
from serinus.domain.table import Table
from tests.unit.cli.world import Deployment, rows, write_holdout, write_model

_POLICY = """
endpoint = "fraud"
owners = ["a"]
gates = [{ metric = "roc_auc", minimum = 0.6 }]

[[data.expectations]]
condition = "late = 7"
"""


def run(*arguments: str, deployment: Deployment | None = None) -> Result:
    """Run the command."""
    client = deployment.client if deployment else None
    return CliRunner().invoke(app, ["data", "check", *arguments], obj=client)


@pytest.fixture
def holdout(tmp_path: Path) -> Path:
    """A CSV file of good rows."""
    return write_holdout(tmp_path / "holdout.csv")


def leaking(tmp_path: Path) -> Path:
    """Write rows in which one feature is the target."""
    table = rows()
    path = tmp_path / "leaking.parquet"
    columns = {**table.columns, "late": np.asarray(table.columns["fraud"], dtype=np.float64) * 3}
    path.write_bytes(ArrowTables().write(Table(columns)))
    return path


def test_good_rows_would_be_accepted(holdout: Path) -> None:
    """Without any deployment or policy, by the default limits."""
    result = run(str(holdout), "--target", "fraud")
    assert result.exit_code == 0, result.output
    assert "holdout.csv would be accepted: 0 errors" in result.stdout


def test_bad_rows_would_be_rejected(tmp_path: Path) -> None:
    """With exit code 1, for scripts, and the same as one JSON document."""
    result = run(str(leaking(tmp_path)), "--target", "fraud", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert not document["accepted"]
    (found,) = [found for found in document["findings"] if found["gate"] == "leakage"]
    assert (found["severity"], found["passed"]) == ("error", False)
    assert "would be rejected: 1 errors" in run(str(leaking(tmp_path)), "--target", "fraud").stdout


def test_a_policy_file_says_what_is_expected(holdout: Path, tmp_path: Path) -> None:
    """Its expectations number the rows that break them."""
    policy = tmp_path / "fraud.toml"
    policy.write_text(_POLICY, encoding="utf-8")
    result = run(str(holdout), "--policy", str(policy), "--json")
    assert result.exit_code == 1
    (found,) = [found for found in json.loads(result.stdout)["findings"] if found["gate"].startswith("expectation")]
    assert len(found["rows"]) == 3
    assert "'late = 7' does not hold in" in found["message"]


def test_rows_that_trained_are_found(holdout: Path) -> None:
    """The file itself, say."""
    result = run(str(holdout), "--target", "fraud", "--train", str(holdout), "--json")
    (found,) = [found for found in json.loads(result.stdout)["findings"] if found["gate"] == "overlap"]
    assert (result.exit_code, found["numbers"]["share"]) == (1, 1.0)


def test_an_endpoint_holds_rows_against_its_live_model(holdout: Path, tmp_path: Path) -> None:
    """Its signature says which columns there must be, and what the target is."""
    deployment = Deployment()
    before = run(str(holdout), "--endpoint", "fraud", "--target", "fraud", deployment=deployment)
    assert before.exit_code == 0, before.output
    model = write_model(tmp_path / "m.onnx")
    args = ["push", "fraud", str(model), "--holdout", str(holdout), "--target", "fraud", "--timeout-minutes", "0"]
    assert CliRunner().invoke(app, args, obj=deployment.client).exit_code == 0
    good = run(str(holdout), "--endpoint", "fraud", "--json", deployment=deployment)
    assert good.exit_code == 0, good.output
    assert "rows of live traffic" in good.stdout
    table = rows().select(["late", "fraud"])
    (tmp_path / "part.parquet").write_bytes(ArrowTables().write(table))
    result = run(str(tmp_path / "part.parquet"), "--endpoint", "fraud", "--json", deployment=deployment)
    assert result.exit_code == 1
    assert "there is no column 'amount'" in result.stdout


def test_wrong_usage_is_one_sentence(holdout: Path, tmp_path: Path) -> None:
    """As JSON, where JSON was asked for."""
    both = run(str(holdout), "--endpoint", "fraud", "--policy", str(holdout), "--json")
    assert (both.exit_code, "and not both" in json.loads(both.stdout)["error"]) == (2, True)
    absent = run(str(tmp_path / "none.csv"), "--json")
    assert absent.exit_code == 1
    assert "there is no file" in json.loads(absent.stdout)["error"]
