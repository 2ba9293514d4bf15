"""`serinus report`: in the terminal, as JSON, and as a page that needs nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import CliRunner, Result

from serinus.adapters.onnx.models import OnnxModels
from serinus.adapters.stored.records import StoredRecords
from serinus.cli.distributions import distribution
from serinus.cli.documents import drift_document
from serinus.cli.main import app
from serinus.cli.performance_lines import HEIGHT, lines_of
from serinus.cli.report import print_drift
from serinus.cli.report_page import drift_page, performance_page
from serinus.cli.report_performance import main_metric, print_performance
from serinus.domain.bins import CategoricalBins, NumericBins
from serinus.domain.metric import METRICS, Metric, MetricGate, told_by_labels
from serinus.domain.policy import DriftLimits, Slicing
from serinus.domain.prediction import LogBatch, Prediction
from serinus.domain.realised import RealisedGroup
from serinus.domain.realised_tasks import logged_answers
from serinus.domain.table import Table
from serinus.domain.task import Target, Task
from serinus.use_cases.collect_predictions import Collecting, collect_predictions
from serinus.use_cases.look_for_drift import look_for_drift
from serinus.use_cases.measure_performance import measure_performance
from serinus.use_cases.register_model import model_home
from tests.builders import World, a_policy, a_table
from tests.unit.cli.world import FRAUD, Deployment, now, pushed, rows

_ROWS = 1_200


@pytest.fixture
def deployment() -> Deployment:
    """Return a deployment whose first release is live."""
    return pushed(1)


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
    records = StoredRecords(deployment.data)
    collecting = Collecting(deployment.rollouts, deployment.references, records, client.reading.parts)
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
    """Each column: the score first and what is counted jointly, then the furthest."""
    serve(deployment, late=30.0)
    told = run(deployment, "drift", "fraud")
    assert told.exit_code == 0, told.output
    assert re.search(r"late +│ distribution, unseen", told.stdout)
    assert (
        told.stdout.index("score")
        < told.stdout.index("joint ")
        < told.stdout.index("late ")
        < told.stdout.index("amount ")
    )
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
    assert document["joint"]["name"].startswith("joint (")
    assert not document["joint"]["drifted"]
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
    names = ("score", "joint (component 1)", "late", "amount")
    assert page.pictures == [*impacts, *(f"Shares of {name}, before and now" for name in names)]
    assert "&gt; " in text
    assert "100.0 % now" in text


def test_profiled_slices_are_told_and_raise_no_alarm(capsys: pytest.CaptureFixture[str]) -> None:
    """In the table, as JSON and on the page: where it moved, beside what chance makes of it."""
    limits = DriftLimits(every_minutes=60, window_minutes=60, minimum_rows=200)
    world = World(a_policy(drift=limits, slices=(Slicing("colour", profiled=True),)))
    world.published()
    live = a_table(900, seed=5)
    live.columns["age"][live.columns["colour"] == "red"] += 60
    world.serve(2, features=live)
    look = look_for_drift(FRAUD, at=world.now + timedelta(minutes=30), reading=world.reading)
    assert look is not None
    print_drift(look)
    printed = capsys.readouterr().out
    assert "Slices raise no alarm" in printed
    assert re.search(r"colour +│ red ", printed)
    document = drift_document(FRAUD, look)
    told = {each["name"]: each for each in json.loads(json.dumps(document["slices"]))}
    assert told["red"]["features"][0]["name"] == "age"
    assert told["red"]["features"][0]["psi"] > 1 > told["blue"]["features"][0]["psi"]
    page = _Page(drift_page(look))
    assert page.fetched == []
    assert "Share of colour red, before and now" in page.pictures


def test_slices_of_classes_are_headed_by_what_labels_tell() -> None:
    """An area takes every class's chance, which no log carries; what labels tell is what late answers measure."""
    gates = (MetricGate(Metric.MACRO_ROC_AUC, minimum=0.7), MetricGate(Metric.WORST_CLASS_RECALL, minimum=0.5))
    policy = a_policy(task=Task.MULTICLASS, classes=("a", "b", "c"), gates=gates)
    assert main_metric(policy) is Metric.WORST_CLASS_RECALL
    assert main_metric(replace(policy, gates=gates[:1])) is Metric.MACRO_F1
    assert main_metric(a_policy()) is Metric.ROC_AUC
    chance = np.random.default_rng(0)
    for task in Task:
        target = Target(task, ("a", "b", "c") if task is Task.MULTICLASS else ())
        labels = chance.integers(0, 2, 200).astype(np.float64)
        told = logged_answers(target, chance.random(200), labels, 0.5).measured()
        assert set(told) == set(told_by_labels(task))


def test_performance_is_told_by_estimate_beside_the_labels(deployment: Deployment, tmp_path: Path) -> None:
    """As table, as JSON and as a page; the floor is the gate where none is declared."""
    serve(deployment)
    labels = "\n".join(["id,row,label", *(f"id-{at},0,{at % 2}" for at in range(_ROWS))])
    deployment.data.put("labels/fraud/labels.csv", labels.encode())
    told = run(deployment, "performance", "fraud")
    assert told.exit_code == 0, told.output
    assert f"{_ROWS} rows scored, {_ROWS} of them labelled" in told.stdout
    interval = r"[01]\.\d{4} to [01]\.\d{4}"
    row = rf"roc_auc +│ 0\.\d{{4}} +│ {interval} +│ 0\.\d{{4}} +│ {interval} +│ {interval} \(not so\) +│ ≥ 0\.7"
    assert re.search(row, told.stdout)
    file = tmp_path / "performance.html"
    document = json.loads(
        run(deployment, "performance", "fraud", "--json", "--minutes", "70", "--html", str(file)).stdout
    )
    (release,) = document["releases"]
    assert document["minutes"] == 70
    assert release["estimated"]["metrics"]["roc_auc"]["low"] > 0.5
    assert release["metrics"]["roc_auc"] == pytest.approx(0.5, abs=0.1)
    assert release["realised"]["realised"]["roc_auc"]["value"] == release["metrics"]["roc_auc"]
    assert release["realised"]["as_expected"]["roc_auc"] is False
    assert sum(day["labelled_rows"] for day in release["days"]) == release["labelled_rows"] == _ROWS
    assert document["labels"] == {
        "files": 1,
        "rows": _ROWS,
        "labels": _ROWS,
        "corrected": 0,
        "unmet": 0,
        "findings": [],
    }
    page = _Page(file.read_text(encoding="utf-8"))
    assert page.fetched == []
    binary = METRICS[Task.BINARY]
    assert page.pictures[: len(binary)] == [f"{metric} from 0 to 1" for metric in binary]


def test_days_are_drawn_with_what_labels_say_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    """The estimate's band over all, a point with its interval where labels have come; what surprises stands out."""
    world = World(replace(a_policy(), slices=(Slicing("colour"), Slicing("shop"))))
    world.published()
    start, chance = world.now, np.random.default_rng(3)
    said: dict[str, float] = {}
    for day in range(3):
        rows = a_table(300, seed=day)
        world.serve(2, features=rows, prefix=f"{day}-")
        skill = 2.0 if day == 0 else 0.0
        truth = skill * np.asarray(rows.columns["amount"], dtype=np.float64) + chance.logistic(size=300) > 0
        if day < 2:
            said |= {f"id-{day}-{world.now.timestamp():.0f}-2-{row}": float(truth[row]) for row in range(300)}
        world.later(86_400)
    world.label({**said, "never asked": 1.0})
    world.data.put("labels/fraud/broken.csv", b"id,label\na,?\n")
    measured = measure_performance(FRAUD, start=start, end=world.now, measuring=world.measuring)
    (release,) = measured.releases
    assert [(day.name, day.labelled_rows) for day in release.days] == [
        ("2026-03-04", 300),
        ("2026-03-05", 300),
        ("2026-03-06", 0),
    ]
    assert [day.is_expected(Metric.ROC_AUC) for day in release.days] == [True, False, None]
    assert sorted(group.name for group in release.slices["colour"]) == ["blue", "green", "red"]
    assert release.notes == ("requests carry no 'shop', so there is nothing to tell of its [[slices]]",)
    picture = lines_of(release.days, Metric.ROC_AUC, world.policy.floors)
    assert picture is not None
    assert [mark.as_expected for mark in picture.marks] == [True, False]
    assert picture.marks[0].y < picture.marks[1].y
    assert all(0 <= y <= HEIGHT for mark in picture.marks for y in (mark.y, mark.high_y, mark.low_y))
    page = performance_page(world.policy, measured, minutes=4_320, at=world.now)
    assert "roc_auc by day, by estimate and by the labels" in _Page(page).pictures
    assert "broken.csv, row 1" in page
    print_performance(measured, world.policy, 4_320)
    printed = capsys.readouterr().out
    assert all(
        said in printed for said in ("by day (UTC)", "by colour", "broken.csv", "1 labels are of no prediction")
    )


def test_one_day_is_no_line() -> None:
    """Nor is a metric that nothing is known of."""
    day = RealisedGroup("2026-03-04", 10, 0)
    assert lines_of([day], Metric.ROC_AUC, ()) is None
    assert lines_of([day, day], Metric.ROC_AUC, ()) is None


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
