"""`serinus report validation`: in the terminal, as JSON, and as a page that needs nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from serinus.cli.main import app
from serinus.cli.report_page import validation_page
from serinus.cli.validation_view import comparisons_of
from serinus.domain.gates import Finding
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.policy import Slicing
from serinus.domain.table import Table
from serinus.use_cases.describe_validation import DescribedValidation, Recalling, describe_validation
from tests.builders import built_once
from tests.unit.cli.test_report import _Page
from tests.unit.cli.world import FRAUD, Deployment, rows, write_holdout, write_model

GATES = (
    MetricGate(Metric.ROC_AUC, minimum=0.7, worse_than_stable_by=0.5),
    MetricGate(Metric.EXPECTED_CALIBRATION_ERROR, maximum=0.9),
)


def push(deployment: Deployment, folder: Path, *, model: int, holdout: int) -> Result:
    """Push a model trained on the rows of one seed, held out those of another, sliced by the amount."""
    table = write_holdout(folder / f"h{holdout}.csv", rows(seed=holdout))
    trained = write_model(folder / f"m{model}.onnx", seed=model)
    args = ["push", "fraud", str(trained), "--holdout", str(table), "--target", "fraud", "--timeout-minutes", "0"]
    return CliRunner().invoke(app, args, obj=deployment.client)


@pytest.fixture
def deployment() -> Deployment:
    """Return one of the test's own."""
    return a_deployment()


@built_once
def a_deployment() -> Deployment:
    """Return a deployment whose first version is live, and whose second was held against it, sliced by amount."""
    deployed = Deployment()
    policy = deployed.policies.get(FRAUD)
    slicing = Slicing("amount", edges=(50.0,), guarded=True)
    deployed.policies.deploy(replace(policy, gates=GATES, slices=(slicing,)))
    with TemporaryDirectory() as name:
        assert push(deployed, Path(name), model=1, holdout=2).exit_code == 0
        push(deployed, Path(name), model=3, holdout=4)
    assert len(deployed.versions.list(FRAUD)) == 2
    return deployed


def run(deployment: Deployment, *args: str) -> Result:
    """Run the command."""
    told = ["report", "validation", "fraud", *args]
    return CliRunner().invoke(app, told, obj=deployment.client, env={"COLUMNS": "160"})


def described(deployment: Deployment, number: int | None = None) -> DescribedValidation:
    """Return what is known of a version."""
    client = deployment.client
    found = describe_validation(
        FRAUD, number, recalling=Recalling(client.policies, client.versions, client.measuring.references)
    )
    assert found is not None
    return found


def test_the_latest_version_is_told_with_everything_that_was_found(deployment: Deployment) -> None:
    """Findings, metrics with their gates, calibration, stable beside it, slices."""
    told = run(deployment)
    assert told.exit_code == 0, told.output
    assert "fraud, version 2: validated" in told.stdout
    assert re.search(r"✓ against_stable: \d+ passed", told.stdout)
    assert re.search(r"✓ roc_auc is .* on the same \d+ held-out rows of version 1", told.stdout)
    assert re.search(r"roc_auc +│ 0\.\d{4} │ ≥ 0\.7", told.stdout)
    assert re.search(r"\d+ +│ 0\.\d{4} +│ [01]\.\d{4} +│ [+-]0\.\d{4} │ █*", told.stdout)
    assert re.search(r"roc_auc +│ rows of version 1 +│ 0\.\d{4}", told.stdout)
    assert re.search(r"roc_auc +│ amount below 50 +│ ", told.stdout)
    assert re.search(r"roc_auc +│ amount │ (below 50|50 and above) +│ 0\.\d{4}", told.stdout)


def test_as_json_it_has_every_figure_and_every_curve(deployment: Deployment) -> None:
    """The curves end where curves end, and the calibration error is that of its groups."""
    document = json.loads(run(deployment, "--json").stdout)
    assert (document["endpoint"], document["version"], document["status"]) == ("fraud", 2, "validated")
    assert document["held_out_rows"] == 400
    curves = document["curves"]
    assert (curves["roc"][0], curves["roc"][-1]) == ([0, 0], [1, 1])
    assert curves["precision_recall"][-1][0] == 1
    for side in ("negatives", "positives"):
        assert sum(group[side] for group in curves["scores"]) == pytest.approx(1)
    groups = curves["calibration"]
    error = sum(group["rows"] * abs(group["mean_score"] - group["positive_share"]) for group in groups) / 400
    assert error == pytest.approx(document["metrics"]["expected_calibration_error"])
    across, up = np.transpose(curves["roc"])
    assert np.trapezoid(up, across) == pytest.approx(document["metrics"]["roc_auc"], abs=1e-3)
    compared = {(each["metric"], each["where"]): each for each in document["comparisons"]}
    assert compared["roc_auc", "its own rows"]["low"] <= compared["roc_auc", "its own rows"]["difference"]
    assert {where for metric, where in compared if metric == "roc_auc"} == {
        "its own rows",
        "rows of version 1",
        "amount below 50",
        "amount 50 and above",
    }
    assert {each["metric"] for each in document["slices"]} == {"roc_auc", "expected_calibration_error"}


def test_an_earlier_version_can_be_asked_for(deployment: Deployment) -> None:
    """The first was held against nothing."""
    document = json.loads(run(deployment, "--version", "1", "--json").stdout)
    assert (document["version"], document["comparisons"]) == (1, [])


def test_the_page_draws_curves_comparisons_and_slices_and_needs_nothing_else(
    deployment: Deployment, tmp_path: Path
) -> None:
    """No script, no font, no picture from elsewhere."""
    file = tmp_path / "validation.html"
    assert file.name in run(deployment, "--html", str(file)).stdout.replace("\n", "")
    text = file.read_text(encoding="utf-8")
    page = _Page(text)
    assert page.fetched == []
    assert page.pictures == [
        "Share of positives by mean score",
        "True positive rate by false positive rate",
        "Precision by recall",
        "Scores of negatives and of positives",
        "roc_auc of the candidate less that of stable",
        "expected_calibration_error of the candidate less that of stable",
        "roc_auc by amount",
        "expected_calibration_error by amount",
    ]
    assert "against_stable:roc_auc:slice:amount" in text


def test_a_slice_named_by_a_caller_is_only_text(deployment: Deployment) -> None:
    """What rows hold gets onto the page, and must not run there; a colon in a name misleads nobody."""
    found = described(deployment)
    hostile = "<script>alert(1)</script>:x"
    numbers = {"value": 0.6, "stable": 0.7, "difference": -0.1, "low": -0.2, "high": -0.05, "margin": 0.0}
    numbers |= {f"difference:{hostile}": -0.1, f"low:{hostile}": -0.2, f"high:{hostile}": -0.05}
    finding = Finding("against_stable:roc_auc:slice:a:b", passed=False, message=hostile, numbers=numbers)
    page = validation_page(replace(found, version=replace(found.version, findings=(finding,))))
    assert "<script" not in page
    (compared,) = comparisons_of(replace(found.version, findings=(finding,)))
    assert (compared.where, compared.told, compared.passed) == (f"a:b {hostile}", "worse", False)


def test_a_rejected_version_is_drawn_like_any_other(deployment: Deployment, tmp_path: Path) -> None:
    """Just then the curves are wanted."""
    spoilt = rows(seed=6)
    wrong = Table({**spoilt.columns, "fraud": 1 - np.asarray(spoilt.columns["fraud"], dtype=np.float64)})
    holdout, model = write_holdout(tmp_path / "w.csv", wrong), write_model(tmp_path / "m6.onnx", seed=6)
    args = ["push", "fraud", str(model), "--holdout", str(holdout), "--target", "fraud", "--timeout-minutes", "0"]
    assert CliRunner().invoke(app, args, obj=deployment.client).exit_code == 1
    document = json.loads(run(deployment, "--json").stdout)
    assert document["status"] == "rejected"
    assert document["curves"]["calibration"]
    assert "rejected" in validation_page(described(deployment))


def test_a_version_that_was_not_validated_yet_says_so(deployment: Deployment) -> None:
    """It is registered, and its page can be written all the same."""
    found = described(deployment)
    waiting = replace(
        found.version, number=3, status=type(found.version.status)("registered"), findings=(), metrics={}
    )
    page = validation_page(replace(found, version=waiting, held_out=None))
    assert "It has not been validated yet" in page
    assert "<svg" not in page


def test_before_anything_is_registered_it_says_so(tmp_path: Path) -> None:
    """No page is written of nothing."""
    file = tmp_path / "validation.html"
    assert "nothing is registered yet" in run(Deployment(), "--html", str(file)).stdout
    assert not file.exists()
    assert json.loads(run(Deployment(), "--json").stdout) == {"endpoint": "fraud", "version": None}


def test_an_unknown_version_is_one_sentence(deployment: Deployment) -> None:
    """As JSON where JSON was asked for."""
    result = run(deployment, "--version", "9", "--json")
    assert result.exit_code == 1
    assert "no model version 9" in json.loads(result.stdout)["error"]
