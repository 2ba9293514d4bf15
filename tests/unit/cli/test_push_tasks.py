"""A regression and a multi-class model, from `serinus push` to `serinus report validation`."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from typer.testing import CliRunner, Result

from serinus.adapters.memory.metrics import MemoryMetrics
from serinus.adapters.onnx.c_api.session import CApiSession
from serinus.adapters.onnx.models import OnnxModels
from serinus.adapters.schemas.manifest import write_manifest
from serinus.adapters.stored.records import StoredRecords
from serinus.adapters.stored.snapshots import StoredSnapshots
from serinus.adapters.tables.arrow import ArrowTables
from serinus.adapters.training.recipes import SklearnTrainer
from serinus.cli.main import app
from serinus.domain.metric import METRICS, Metric, MetricGate
from serinus.domain.model_version import Status
from serinus.domain.multiclass import class_bins
from serinus.domain.policy import PerformanceLimits, Retraining, Slicing
from serinus.domain.prediction import LogBatch, Prediction
from serinus.domain.signature import EVERY_COLUMN, Datatype
from serinus.domain.table import Table
from serinus.domain.task import Task
from serinus.domain.tensor import Tensor
from serinus.use_cases.collect_predictions import Collecting, collect_predictions
from serinus.use_cases.estimate_performance import Estimating, estimate_performance
from serinus.use_cases.infer import InferenceRequest, infer
from serinus.use_cases.register_model import model_home
from serinus.use_cases.review_performance import Reviewing, review_performance
from serinus.use_cases.snapshot_data import Snapshotting, snapshot_data
from serinus.use_cases.train_model import Training, train_model
from tests.builders import an_object_column
from tests.unit.cli.test_report import _Page
from tests.unit.cli.world import FRAUD, Deployment, now

CLASSES = ("bike", "car", "train")
GATES = {
    Task.REGRESSION: (
        MetricGate(Metric.R2, minimum=0.5),
        MetricGate(Metric.RMSE, maximum=9, worse_than_stable_by=0.5),
    ),
    Task.MULTICLASS: (
        MetricGate(Metric.MACRO_ROC_AUC, minimum=0.7, worse_than_stable_by=0.02),
        MetricGate(Metric.WORST_CLASS_RECALL, minimum=0.3),
    ),
}


def rows(seed: int, count: int = 600) -> dict[str, Any]:
    """Return features, a number that follows them, and a class that does."""
    chance = np.random.default_rng(seed)
    distance, age = chance.uniform(0, 10, count), chance.integers(18, 90, count).astype(np.float64)
    price = 3 * distance + chance.normal(0, 2, count) + 40
    mode = np.digitize(distance + chance.normal(0, 1, count), [3, 7])
    return {"distance": distance, "age": age, "price": price, "mode": [CLASSES[at] for at in mode]}


def a_deployment(task: Task) -> Deployment:
    """Return a deployment whose endpoint has that task."""
    deployed = Deployment()
    policy = deployed.policies.get(FRAUD)
    classes = CLASSES if task is Task.MULTICLASS else ()
    slices = (Slicing("age", (50.0,), guarded=True),)
    deployed.policies.deploy(replace(policy, task=task, classes=classes, gates=GATES[task], slices=slices))
    return deployed


def push(
    deployment: Deployment,
    folder: Path,
    estimator: Any,  # noqa: ANN401 - scikit-learn has no types
    target: str,
    *more: str,
    seed: int = 2,
    noise: float = 0.0,
) -> Result:
    """Fit an estimator, spoil its features by noise, and push it with rows of a seed."""
    train, held_out = rows(1), rows(seed)
    x = np.column_stack([train["distance"] + noise * np.random.default_rng(9).normal(0, 1, 600), train["age"]])
    joblib.dump(estimator.fit(x.astype(np.float32), train[target]), folder / "m.joblib")
    other = {"price", "mode"} - {target}
    lines = [{name: held_out[name][at] for name in held_out if name not in other} for at in range(600)]
    (folder / "h.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    args = ["push", "fraud", str(folder / "m.joblib"), "--holdout", str(folder / "h.jsonl"), "--target", target]
    return CliRunner().invoke(app, [*args, "--timeout-minutes", "0", *more], obj=deployment.client)


def report(deployment: Deployment, *args: str) -> str:
    """Return what the report says of the latest version."""
    told = CliRunner().invoke(
        app, ["report", "validation", "fraud", *args], obj=deployment.client, env={"COLUMNS": "160"}
    )
    assert told.exit_code == 0, told.output
    return told.stdout


def test_a_regression_is_pushed_validated_compared_and_drawn(tmp_path: Path) -> None:
    """Its metrics, its slices, its reference and its comparison with stable are those of a number."""
    deployed = a_deployment(Task.REGRESSION)
    assert push(deployed, tmp_path, Ridge(), "price").exit_code == 0
    push(deployed, tmp_path, Ridge(alpha=1e6), "price", seed=3)
    first, second = deployed.versions.list(FRAUD)
    assert (first.status, second.status) == (Status.VALIDATED, Status.REJECTED)
    assert set(first.metrics) == set(METRICS[Task.REGRESSION])
    assert first.metrics[Metric.RMSE] == pytest.approx(2, abs=0.3)
    gates = {finding.gate: finding for finding in second.findings}
    assert not gates["against_stable:rmse"].passed
    assert not gates["against_stable:rmse:rows_of_version_1"].passed
    assert not gates["against_stable:rmse:slice:age"].passed
    assert "r2 by age is worst for" in gates["slice:age:r2"].message
    reference = deployed.references.get(FRAUD, first.content_digest)
    assert reference is not None
    assert len(reference.layout.score.edges) == 41
    assert reference.rows == 600
    assert deployed.references.held_out(FRAUD, first.content_digest) is None
    document = json.loads(report(deployed, "--json", "--version", "1"))
    assert (document["task"], document["curves"], len(document["regression"]["points"])) == ("regression", None, 10)
    file = tmp_path / "page.html"
    assert re.search(r"rmse +│ rows of version 1 +│", report(deployed, "--html", str(file)))
    assert _Page(file.read_text()).pictures[0] == "Mean target by mean prediction"


def test_a_multiclass_model_is_pushed_validated_compared_and_drawn(tmp_path: Path) -> None:
    """Class names are the target; the score is the class and the confidence in it."""
    deployed = a_deployment(Task.MULTICLASS)
    assert push(deployed, tmp_path, LogisticRegression(), "mode").exit_code == 0
    push(deployed, tmp_path, LogisticRegression(), "mode", seed=3, noise=6.0)
    first, second = deployed.versions.list(FRAUD)
    assert first.status is Status.VALIDATED, first.findings
    assert second.status is Status.REJECTED
    assert first.manifest.signature.score.column == EVERY_COLUMN
    assert set(first.metrics) == set(METRICS[Task.MULTICLASS])
    gates = {finding.gate: finding for finding in second.findings}
    assert not gates["against_stable:macro_roc_auc"].passed or not gates["metric:worst_class_recall"].passed
    assert "against_stable:macro_roc_auc:rows_of_version_1" in gates
    assert "against_stable:worst_class_recall:slice:age" in gates
    assert "recall is worst for" in gates["classes"].message
    reference = deployed.references.get(FRAUD, first.content_digest)
    assert reference is not None
    assert reference.layout.score.edges == class_bins(3).edges
    predicted = reference.scores[2:-1].reshape(3, -1).sum(axis=1)
    assert predicted.sum() == 600
    assert (predicted > 50).all()
    document = json.loads(report(deployed, "--json", "--version", "1"))
    assert {name for name, _, _ in document["classes"]["recalls"]} == set(CLASSES)
    file = tmp_path / "page.html"
    assert re.search(r"macro_roc_auc +│ rows of version 1 +│", report(deployed, "--html", str(file)))
    assert _Page(file.read_text()).pictures[:2] == ["Share of right answers by mean confidence", "Recall by class"]


@pytest.mark.parametrize(
    ("task", "estimator", "target", "more", "said"),
    [
        (Task.REGRESSION, LogisticRegression(), "mode", (), "but the policy's task is regression"),
        (Task.REGRESSION, Ridge(), "price", ("--positive", "1"), "--positive goes with a binary task"),
        (Task.MULTICLASS, Ridge(), "price", (), "1 columns, but the policy names 3 classes"),
        (Task.BINARY, Ridge(), "price", (), "not 0 and 1"),
    ],
)
def test_a_model_of_another_task_is_refused_before_anything_is_uploaded(
    tmp_path: Path,
    task: Task,
    estimator: Any,  # noqa: ANN401 - scikit-learn has no types
    target: str,
    more: tuple[str, ...],
    said: str,
) -> None:
    """One sentence says which task the policy has."""
    deployed = Deployment() if task is Task.BINARY else a_deployment(task)
    result = push(deployed, tmp_path, estimator, target, *more)
    assert result.exit_code == 1
    assert said in " ".join(result.stderr.split())
    assert deployed.arrived == []


def test_classes_in_another_order_than_the_policys_are_refused(tmp_path: Path) -> None:
    """The columns would be taken for each other."""
    deployed = a_deployment(Task.MULTICLASS)
    deployed.policies.deploy(replace(deployed.policies.get(FRAUD), classes=("car", "bike", "train")))
    result = push(deployed, tmp_path, LogisticRegression(), "mode")
    assert result.exit_code == 1
    assert "the model's classes are bike, car, train, in this order" in " ".join(result.stderr.split())


def test_a_class_that_the_policy_does_not_name_is_refused(tmp_path: Path) -> None:
    """With the row that holds it."""
    deployed = a_deployment(Task.MULTICLASS)
    table = Table({"x": np.arange(3.0), "mode": an_object_column(["bike", "boat", "car"])})
    estimator = LogisticRegression().fit(rows(1)["distance"].reshape(-1, 1).astype(np.float32), rows(1)["mode"])
    joblib.dump(estimator, tmp_path / "m.joblib")
    (tmp_path / "h.csv").write_text(
        "x,mode\n" + "\n".join(f"{x},{mode}" for x, mode in zip(*table.columns.values(), strict=True))
    )
    args = ["push", "fraud", str(tmp_path / "m.joblib"), "--holdout", str(tmp_path / "h.csv"), "--target", "mode"]
    result = CliRunner().invoke(app, args, obj=deployed.client)
    assert result.exit_code == 1
    assert "row 2, is 'boat', which is none of the policy's classes bike, car, train" in " ".join(
        result.stderr.split()
    )


def serve(deployment: Deployment, count: int = 600) -> dict[str, Any]:
    """Let release 2 answer rows within the last hour; return the truth about them."""
    asked = rows(seed=8, count=count)
    version = deployment.versions.get(FRAUD, 1)
    body = deployment.artifacts.get(f"{model_home(FRAUD, version.manifest)}/model.onnx")
    names = [feature.name for feature in version.manifest.signature.features]
    table = Table(dict(zip(names, (asked["distance"], asked["age"]), strict=True)))
    scores = OnnxModels().load(body, version.manifest.signature).score(table)
    begun = now() - timedelta(minutes=59)
    predictions = tuple(
        Prediction(
            request=f"r{at}",
            id=f"id-{at}",
            at=begun + timedelta(seconds=5 * at),
            latency_ms=2.0,
            status=200,
            features=table.slice(at, at + 1),
            scores=scores[at : at + 1],
        )
        for at in range(count)
    )
    reading = deployment.client.reading
    collecting = Collecting(deployment.rollouts, deployment.references, StoredRecords(deployment.data), reading.parts)
    collect_predictions(LogBatch(FRAUD, 2, "s[2]", predictions, ()), collecting=collecting)
    return asked


def performance(deployment: Deployment) -> Any:  # noqa: ANN401 - JSON
    """Return what `serinus report performance` says of the one release."""
    told = CliRunner().invoke(
        app, ["report", "performance", "fraud", "--json", "--minutes", "70"], obj=deployment.client
    )
    assert told.exit_code == 0, told.output
    (release,) = json.loads(told.stdout)["releases"]
    return release


def test_a_regressions_performance_is_measured_by_late_labels(tmp_path: Path) -> None:
    """Numbers join the predictions; without labels nothing is estimated, and the check says why."""
    deployed = a_deployment(Task.REGRESSION)
    push(deployed, tmp_path, Ridge(), "price")
    truth = serve(deployed)
    assert performance(deployed)["metrics"] == performance(deployed)["estimated"]["metrics"] == {}
    lines = "\n".join(["id,label", *(f"id-{at},{price}" for at, price in enumerate(truth["price"]))])
    deployed.data.put("labels/fraud/late.csv", lines.encode())
    found = performance(deployed)
    assert found["labelled_rows"] == 600
    assert found["metrics"]["rmse"] == pytest.approx(2, abs=0.3)
    assert set(found["metrics"]) == set(METRICS[Task.REGRESSION])
    assert found["estimated"]["metrics"] == {}
    checked = estimate_performance(
        FRAUD, estimating=Estimating(deployed.client.reading, deployed.ledger, deployed.events, MemoryMetrics(), now)
    )
    assert "only a binary score tells its performance without labels" in checked.reason


def test_a_multiclass_models_performance_is_measured_by_late_labels(tmp_path: Path) -> None:
    """Class names join; one that the policy does not name counts as none, and that is told."""
    deployed = a_deployment(Task.MULTICLASS)
    push(deployed, tmp_path, LogisticRegression(), "mode")
    truth = serve(deployed)
    names = ["boat", *truth["mode"][1:]]
    lines = "\n".join(["id,label", *(f"id-{at},{name}" for at, name in enumerate(names))])
    deployed.data.put("labels/fraud/late.csv", lines.encode())
    found = performance(deployed)
    assert found["labelled_rows"] == 599
    assert found["notes"] == ["1 of 600 labels name none of the policy's classes, and count as not come"]
    version = deployed.versions.get(FRAUD, 1)
    for metric in ("accuracy", "balanced_accuracy", "macro_f1", "worst_class_recall"):
        assert found["metrics"][metric] == pytest.approx(version.metrics[Metric(metric)], abs=0.07)
    assert "macro_roc_auc" not in found["metrics"]


@pytest.mark.parametrize("task", [Task.REGRESSION, Task.MULTICLASS])
def test_a_model_of_any_task_retrains_itself_from_labelled_traffic(tmp_path: Path, task: Task) -> None:
    """Logged inputs and late labels make a snapshot, a recipe a model, and validation holds it against stable."""
    deployed = a_deployment(task)
    target, estimator = ("price", Ridge()) if task is Task.REGRESSION else ("mode", LogisticRegression())
    push(deployed, tmp_path, estimator, target)
    truth = serve(deployed)
    names = [truth[target][0] if task is Task.REGRESSION else "boat", *truth[target][1:]]
    lines = "\n".join(["id,label", *(f"id-{at},{value}" for at, value in enumerate(names))])
    deployed.data.put("labels/fraud/late.csv", lines.encode())
    policy = replace(deployed.policies.get(FRAUD), retraining=Retraining("logistic_regression", minimum_rows=500))
    deployed.policies.deploy(policy)
    client, snapshots = deployed.client, StoredSnapshots(deployed.data, ArrowTables())
    snapshotting = Snapshotting(
        deployed.policies,
        deployed.rollouts,
        client.measuring.labels,
        snapshots,
        deployed.ledger,
        deployed.events,
        now,
    )
    taken = snapshot_data(FRAUD, started_at=now(), reason="drift", snapshotting=snapshotting)
    assert taken.snapshot is not None, taken.reason
    uploads: Any = deployed
    training = Training(deployed.policies, snapshots, SklearnTrainer(), ArrowTables(), uploads, write_manifest)
    train_model(FRAUD, taken.snapshot, training=training)
    retrained = deployed.versions.list(FRAUD)[-1]
    assert retrained.number == 2
    assert retrained.status is Status.VALIDATED, [found for found in retrained.findings if not found.passed]
    compared = [found.gate for found in retrained.findings if found.gate.startswith("against_stable")]
    assert f"against_stable:{GATES[task][0].metric}:rows_of_version_1" in compared


@pytest.mark.parametrize("task", [Task.REGRESSION, Task.MULTICLASS])
def test_what_is_served_carries_the_same_score_as_validation_knows(tmp_path: Path, task: Task) -> None:
    """One row or many, through ONNX Runtime's C API and without numpy; the caller gets the output whole."""
    deployed = a_deployment(task)
    target, estimator = ("price", Ridge()) if task is Task.REGRESSION else ("mode", LogisticRegression())
    push(deployed, tmp_path, estimator, target)
    version = deployed.versions.get(FRAUD, 1)
    signature = version.manifest.signature
    body = deployed.artifacts.get(f"{model_home(FRAUD, version.manifest)}/model.onnx")
    asked, (tensor,) = rows(seed=11, count=50), signature.inputs
    table = Table(dict(zip(tensor.columns, (asked["distance"], asked["age"]), strict=True)))
    known, session = OnnxModels().load(body, signature), CApiSession(body, signature)
    values = np.column_stack(list(table.columns.values())).astype(np.float32)
    for some in (values[:1], values):
        given = Tensor.of(Datatype.FP32, some.shape, some.ravel().tolist())
        request = InferenceRequest(signature, {tensor.name: given}, len(some), signature.output_names, written={})
        answered = infer(session, signature, request)
        assert answered.scores == pytest.approx(known.score(table.slice(0, len(some))).tolist(), abs=1e-5)
        assert answered.outputs[signature.score.output].shape == (len(some), 1 if task is Task.REGRESSION else 3)


@pytest.mark.parametrize("task", [Task.REGRESSION, Task.MULTICLASS])
def test_a_broken_gate_is_announced_once_labels_tell(tmp_path: Path, task: Task) -> None:
    """There are no estimates to warn of it; the gates are the floors, and what labels say counts."""
    deployed = a_deployment(task)
    target, estimator = ("price", Ridge()) if task is Task.REGRESSION else ("mode", LogisticRegression())
    push(deployed, tmp_path, estimator, target)
    truth = serve(deployed)
    reversed_truth = list(truth[target][::-1])
    lines = "\n".join(["id,label", *(f"id-{at},{value}" for at, value in enumerate(reversed_truth))])
    deployed.data.put("labels/fraud/late.csv", lines.encode())
    policy = deployed.policies.get(FRAUD)
    deployed.policies.deploy(replace(policy, performance=PerformanceLimits(minimum_rows=500)))
    client = deployed.client
    review = review_performance(
        FRAUD,
        reviewing=Reviewing(client.reading, client.measuring, deployed.ledger, deployed.events, MemoryMetrics(), now),
    )
    assert review.announced == ("PerformanceDropped",)
    broken = {each.floor.metric for each in review.broken}
    assert (Metric.R2 if task is Task.REGRESSION else Metric.WORST_CLASS_RECALL) in broken
