"""`serinus report`: in the terminal, as JSON, and as a page that needs nothing else."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import CliRunner, Result

from serinus.adapters.onnx.models import OnnxModels
from serinus.cli.distributions import distribution
from serinus.cli.main import app
from serinus.domain.policy import Metric
from serinus.domain.prediction import LogBatch, Prediction
from serinus.domain.profile import CategoricalBins, NumericBins
from serinus.domain.table import Table
from serinus.use_cases.collect_predictions import Collecting, collect_predictions
from serinus.use_cases.register_model import model_home
from tests.unit.cli.world import FRAUD, Deployment, now, rows, write_holdout, write_model

_ROWS = 1_200


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """Return a deployment whose first release is live."""
    deployed = Deployment()
    holdout, model = write_holdout(tmp_path / "h.csv"), write_model(tmp_path / "m.onnx")
    args = ["push", "fraud", str(model), "--holdout", str(holdout), "--target", "fraud", "--timeout-minutes", "0"]
    assert CliRunner().invoke(app, args, obj=deployed.client).exit_code == 0
    return deployed


def serve(deployment: Deployment, *, late: float | None = None) -> None:
    """Let release 2 answer rows like the held-out ones within the last hour; with `late`, that late all of them."""
    table = rows(seed=9, count=_ROWS).select(["amount", "late"])
    if late is not None:
        table = Table({**table.columns, "late": np.full(_ROWS, late)})
    scores = scored(deployment, table)
    begun = now() - timedelta(minutes=60)
    predictions = tuple(
        Prediction(
            request=f"r{at}",
            id=f"id-{at}",
            at=begun + timedelta(seconds=2.9 * at),
            latency_ms=2.0,
            status=200,
            features=table.slice(at, at + 1),
            scores=scores[at : at + 1],
        )
        for at in range(_ROWS)
    )
    client = deployment.client
    records, parts = client.measuring.records, client.reading.parts
    collecting = Collecting(deployment.rollouts, deployment.references, records, parts)
    collect_predictions(LogBatch(FRAUD, 2, "s[2]", predictions, ()), collecting=collecting)


def run(deployment: Deployment, *args: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["report", *args], obj=deployment.client, env={"COLUMNS": "200"})


def scored(deployment: Deployment, table: Table) -> npt.NDArray[np.float64]:
    """Ask the model that is live."""
    version = deployment.versions.get(FRAUD, 1)
    body = deployment.artifacts.get(f"{model_home(FRAUD, version.manifest)}/model.onnx")
    return OnnxModels().load(body, version.manifest.signature).score(table)


class _Page(HTMLParser):
    """Collects what a page would fetch or run, and its pictures."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.pictures: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at every element."""
        told = dict(attrs)
        self.fetched += [str(value) for name, value in attrs if name in {"src", "href", "xlink:href"}]
        if tag in {"script", "link", "iframe", "object"}:
            self.fetched.append(tag)
        if tag == "svg":
            self.pictures.append(str(told["aria-label"]))


def test_drift_is_told_in_a_table_with_how_it_was_judged(deployment: Deployment) -> None:
    """Each column, the score first, then the furthest."""
    serve(deployment, late=30.0)
    told = run(deployment, "drift", "fraud")
    assert told.exit_code == 0, told.output
    assert re.search(r"late +│ distribution, unseen", told.stdout)
    assert told.stdout.index("score") < told.stdout.index("late ") < told.stdout.index("amount ")
    assert "Drifted, compared with the rows that the model was validated on. A shift counts where" in told.stdout
    assert "five times the limits count" in told.stdout


def test_drift_as_json_has_every_figure(deployment: Deployment) -> None:
    """One document; a release that has served too little says so."""
    serve(deployment)
    document = json.loads(run(deployment, "drift", "fraud", "--json").stdout)
    assert (document["release"], document["rows"], document["enough"], document["drifted"]) == (2, _ROWS, True, False)
    assert [column["name"] for column in document["columns"]] == ["score", "late", "amount"]
    impacts = [column["impact"] for column in document["columns"]]
    assert impacts[0] is None
    assert impacts[1] >= impacts[2] >= 0
    assert {"psi", "wasserstein", "chance", "design_effect", "moved"} <= document["columns"][1].keys()
    assert 0 < document["level"] < 1e-4


def test_the_page_of_drift_draws_every_column_and_needs_nothing_else(deployment: Deployment, tmp_path: Path) -> None:
    """No script, no font, no picture from elsewhere."""
    serve(deployment, late=30.0)
    file = tmp_path / "drift.html"
    assert str(file.name) in run(deployment, "drift", "fraud", "--html", str(file)).stdout.replace("\n", "")
    text = file.read_text(encoding="utf-8")
    page = _Page(text)
    assert page.fetched == []
    impacts = ["Impact of late", "Impact of amount"]
    assert page.pictures == [*impacts, *(f"Shares of {name}, before and now" for name in ("score", "late", "amount"))]
    assert "&gt; " in text
    assert "100.0 % now" in text


def test_performance_is_told_by_estimate_beside_the_labels(deployment: Deployment, tmp_path: Path) -> None:
    """As table, as JSON and as a page; the floor is the gate where none is declared."""
    serve(deployment)
    labels = "\n".join(["id,row,label", *(f"id-{at},0,{at % 2}" for at in range(_ROWS))])
    deployment.data.put("labels/fraud/labels.csv", labels.encode())
    told = run(deployment, "performance", "fraud")
    assert told.exit_code == 0, told.output
    assert f"{_ROWS} rows scored, {_ROWS} of them labelled" in told.stdout
    assert re.search(r"roc_auc +│ 0\.\d{4} +│ 0\.\d{4} to [01]\.\d{4} +│ 0\.\d{4} +│ ≥ 0\.7", told.stdout)
    file = tmp_path / "performance.html"
    document = json.loads(
        run(deployment, "performance", "fraud", "--json", "--minutes", "70", "--html", str(file)).stdout
    )
    (release,) = document["releases"]
    assert document["minutes"] == 70
    assert release["estimated"]["metrics"]["roc_auc"]["low"] > 0.5
    assert release["metrics"]["roc_auc"] == pytest.approx(0.5, abs=0.1)
    page = _Page(file.read_text(encoding="utf-8"))
    assert page.fetched == []
    assert page.pictures == [f"{metric} from 0 to 1" for metric in Metric]


def test_status_shows_the_estimate_beside_what_labels_say(deployment: Deployment) -> None:
    """Before any label has come."""
    serve(deployment)
    asked = ["status", "fraud", "--minutes", "70"]
    result = CliRunner().invoke(app, asked, obj=deployment.client, env={"COLUMNS": "250"})
    assert re.search(r"roc_auc 0\.\d+ \(0\.\d+ to [01]\.\d+\)", result.stdout), result.stdout


@pytest.mark.parametrize("kind", ["drift", "performance"])
def test_before_anything_was_served_it_says_so(deployment: Deployment, kind: str, tmp_path: Path) -> None:
    """No table of nothing; the page can be written all the same."""
    file = tmp_path / "page.html"
    told = run(deployment, kind, "fraud", "--html", str(file))
    assert told.exit_code == 0, told.output
    assert "Too few rows" in told.stdout or "No requests were collected" in told.stdout
    assert "<svg" not in file.read_text(encoding="utf-8")


def test_before_anything_is_released_it_says_so() -> None:
    """The alias points at the version that answers 503."""
    assert "nothing is released yet" in run(Deployment(), "drift", "fraud").stdout
    assert json.loads(run(Deployment(), "drift", "fraud", "--json").stdout) == {"endpoint": "fraud", "release": None}


@pytest.mark.parametrize("kind", ["drift", "performance"])
def test_an_unknown_endpoint_is_one_sentence(kind: str) -> None:
    """As JSON where JSON was asked for."""
    result = run(Deployment(), kind, "frod", "--json")
    assert result.exit_code == 1
    assert "no endpoint 'frod'" in json.loads(result.stdout)["error"]


def test_groups_are_named_by_what_falls_into_them() -> None:
    """Ranges and values of numbers, names of categories; what neither side has is left out."""
    numbers = distribution(NumericBins("x", (0.0, 1.0, 2.5)), np.array([0, 0, 5, 5, 0]), np.array([0, 0, 5, 0, 5]))
    assert [(group.label, group.reference, group.live) for group in numbers] == [
        ("0 – 1", 0.5, 0.5),
        ("1 – 2.5", 0.5, 0.0),
        ("> 2.5", 0.0, 0.5),
    ]
    rare = tuple(f"c{number}" for number in range(40))
    counts = np.array([1, 0, 960, *[1] * 40])
    texts = distribution(CategoricalBins("c", ("usual", *rare)), counts, counts)
    assert [group.label for group in texts] == ["missing", "usual", "c0, c1, c2 and 37 more"]
