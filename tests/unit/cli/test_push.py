"""`serinus push`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
from rich.text import Text
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from typer.testing import CliRunner, Result

from serinus.adapters.onnx.models import OnnxModels
from serinus.adapters.schemas.manifest import read_manifest
from serinus.adapters.tables.arrow import ArrowTables
from serinus.cli.client import push
from serinus.cli.main import app
from serinus.cli.push_reporting import finding_lines
from serinus.domain.gates import Finding
from serinus.domain.model_gates import FairnessRule
from serinus.domain.policy import Slicing
from serinus.domain.table import Table
from serinus.errors import DataRefused
from serinus.use_cases.push_model import Stage
from tests.builders import a_model_version
from tests.unit.cli.world import Deployment, rows, write_holdout, write_model


def run(deployment: Deployment, *args: object) -> Result:
    """Run the command against a deployment in memory."""
    return CliRunner().invoke(app, ["push", *map(str, args)], obj=deployment.client)


def pushed_rows(deployment: Deployment) -> Table:
    """Return the held-out rows as they were uploaded."""
    key = next(key for key in deployment.arrived if key.endswith("holdout.parquet"))
    return ArrowTables().read("holdout.parquet", deployment.artifacts.get(key))


def fitted(labels: Sequence[object] | None = None) -> object:
    """Return a pipeline fitted on `rows`, which does not know its columns' names."""
    table = rows()
    features = np.column_stack([table.columns["amount"], table.columns["late"]]).astype(np.float32)
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(
        features, table.columns["fraud"].astype(int) if labels is None else labels
    )


def test_a_good_onnx_model_goes_live_and_exits_with_0(tmp_path: Path) -> None:
    """The first release of an endpoint goes live after its smoke test; stdout says so, stderr how it came."""
    deployment = Deployment()
    model, holdout = write_model(tmp_path / "m.onnx"), write_holdout(tmp_path / "h.csv")
    result = run(deployment, "fraud", model, "--holdout", holdout, "--target", "fraud")
    assert result.exit_code == 0, result.output
    assert "fraud: version 1 was promoted." in result.stdout
    assert "Registered as version 1." in result.stderr
    assert "metric:roc_auc" in result.stderr
    assert deployment.traffic.current("fraud").stable == 2


def test_the_manifest_is_uploaded_last(tmp_path: Path) -> None:
    """Its arrival starts the pipeline, so everything else must be there."""
    deployment = Deployment()
    model, holdout = write_model(tmp_path / "m.onnx"), write_holdout(tmp_path / "h.csv")
    run(deployment, "fraud", model, "--holdout", holdout, "--target", "fraud")
    assert [key.rpartition("/")[2] for key in deployment.arrived] == [
        "model.onnx",
        "holdout.parquet",
        "manifest.json",
    ]
    assert len({key.rpartition("/")[0] for key in deployment.arrived}) == 1


def test_json_is_one_document_with_findings_and_metrics(tmp_path: Path) -> None:
    """Scripts read stdout whole."""
    model, holdout = write_model(tmp_path / "m.onnx"), write_holdout(tmp_path / "h.csv")
    result = run(Deployment(), "fraud", model, "--holdout", holdout, "--target", "fraud", "--json")
    document = json.loads(result.stdout)
    assert (document["stage"], document["succeeded"], document["version"]["version"]) == ("promoted", True, 1)
    assert document["version"]["metrics"]["roc_auc"] > 0.7
    assert all(finding["passed"] for finding in document["version"]["findings"])


def test_a_rejected_model_exits_with_1_and_says_why(tmp_path: Path) -> None:
    """A gate that fails is no error: the command tells its numbers."""
    model, holdout = write_model(tmp_path / "m.onnx"), write_holdout(tmp_path / "h.csv")
    result = run(Deployment(minimum_auc=0.999), "fraud", model, "--holdout", holdout, "--target", "fraud", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert document["stage"] == "rejected"
    assert "below the minimum of 0.999" in document["reason"]


def test_a_pickled_pipeline_is_the_same_version_whichever_process_converts_it(tmp_path: Path) -> None:
    """The digest of what is pushed does not depend on the order of sets, in which these processes differ."""
    code = (
        "import sys; from serinus.cli.preparing import Choices, prepare; "
        "package = prepare(sys.argv[1], sys.argv[2], choices=Choices(target='fraud'), lineage={}); "
        "print(package.manifest.content_digest)"
    )
    table = rows()
    features = np.column_stack([table.columns["amount"], table.columns["late"]]).astype(np.float32)
    curved = make_pipeline(StandardScaler(), PolynomialFeatures(), LogisticRegression())
    joblib.dump(curved.fit(features, table.columns["fraud"].astype(int)), tmp_path / "m.joblib")
    holdout = write_holdout(tmp_path / "h.csv")
    found = {
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "m.joblib"), str(holdout)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(found) == 1


def test_pushing_the_same_again_says_that_it_is_live_already(tmp_path: Path) -> None:
    """The same content is the same version: nothing is rolled out twice, and the caller does not wait for it."""
    deployment = Deployment()
    model, holdout = write_model(tmp_path / "m.onnx"), write_holdout(tmp_path / "h.csv")
    for expected in ("promoted", "live_already"):
        result = run(
            deployment, "fraud", model, "--holdout", holdout, "--target", "fraud", "--json",
            "--lineage", f"turn={expected}",
        )  # fmt: skip
        assert json.loads(result.stdout)["version"]["version"] == 1
        assert json.loads(result.stdout)["stage"] == expected


def test_time_that_is_up_while_rolling_out_is_no_failure(tmp_path: Path) -> None:
    """The second model has a rollout of hours before it: the caller is told where to look, and the exit code is 0."""
    deployment = Deployment()
    holdout = write_holdout(tmp_path / "h.csv")
    run(deployment, "fraud", write_model(tmp_path / "m1.onnx"), "--holdout", holdout, "--target", "fraud")
    second = write_model(tmp_path / "m2.onnx", seed=3)
    result = run(deployment, "fraud", second, "--holdout", holdout, "--target", "fraud", "--timeout-minutes", "0")
    assert result.exit_code == 0, result.output
    assert "validated and being rolled out" in result.stdout
    assert "serinus status fraud" in result.stdout
    assert "step 1 of 3" in result.stderr


def test_time_that_is_up_before_validation_is_a_failure(tmp_path: Path) -> None:
    """Nobody took the upload on: a script must not go on as if the model were good."""
    deployment = Deployment()
    deployment.pipeline = lambda _key: None
    model, holdout = write_model(tmp_path / "m.onnx"), write_holdout(tmp_path / "h.csv")
    result = run(
        deployment, "fraud", model, "--holdout", holdout, "--target", "fraud", "--timeout-minutes", "0", "--json"
    )
    assert result.exit_code == 1
    assert json.loads(result.stdout)["stage"] == "uploaded"


def test_without_waiting_the_upload_is_all(tmp_path: Path) -> None:
    """`--no-wait` exits with 0 once the manifest is there."""
    deployment = Deployment()
    deployment.pipeline = lambda _key: None
    model, holdout = write_model(tmp_path / "m.onnx"), write_holdout(tmp_path / "h.csv")
    result = run(deployment, "fraud", model, "--holdout", holdout, "--target", "fraud", "--no-wait", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["upload"] in deployment.arrived[-1]


def test_a_pickled_pipeline_is_converted_here_and_said_so(tmp_path: Path) -> None:
    """Only ONNX is uploaded, and the lineage says what made it."""
    deployment = Deployment()
    joblib.dump(fitted(), tmp_path / "m.joblib")
    holdout = write_holdout(tmp_path / "h.csv")
    result = run(
        deployment, "fraud", tmp_path / "m.joblib", "--holdout", holdout, "--target", "fraud",
        "--lineage", "ticket=ML-7",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "only the ONNX file is uploaded" in result.stderr
    manifest = read_manifest(deployment.artifacts.get(deployment.arrived[-1]))
    assert OnnxModels().check(deployment.artifacts.get(deployment.arrived[0]), manifest.signature) == []
    assert manifest.lineage["ticket"] == "ML-7"
    assert {"python", "scikit-learn", "skl2onnx", "serinus"} <= set(manifest.lineage)


@pytest.mark.parametrize(("positive", "column"), [("Yes", 1), ("No", 0)])
def test_the_score_is_the_probability_of_the_positive_class(tmp_path: Path, positive: str, column: int) -> None:
    """An estimator fitted on texts sorts its classes: the positive one may be either column."""
    deployment = Deployment()
    table = rows()
    named = ["Yes" if label else "No" for label in table.columns["fraud"]]
    joblib.dump(fitted(named), tmp_path / "m.joblib")
    held_out = rows(seed=2)
    texts = np.array(["Yes" if label else "No" for label in held_out.columns["fraud"]], dtype=object)
    holdout = write_holdout(tmp_path / "h.csv", Table({**held_out.columns, "fraud": texts}))
    result = run(
        deployment, "fraud", tmp_path / "m.joblib", "--holdout", holdout, "--target", "fraud", "--positive", positive
    )
    assert result.exit_code == 0, result.output
    manifest = read_manifest(deployment.artifacts.get(deployment.arrived[-1]))
    assert manifest.signature.score.column == column
    labels = pushed_rows(deployment).columns["fraud"]
    assert labels.tolist() == [float(text == positive) for text in texts]


def test_columns_that_the_model_does_not_use_are_not_uploaded(tmp_path: Path) -> None:
    """An estimator that knows its columns picks them, finds the target, and takes nobody's name along."""
    deployment = Deployment()
    estimator = fitted()
    estimator.steps[0][1].feature_names_in_ = np.array(["amount", "late"], dtype=object)  # type: ignore[attr-defined]  # as a data frame would
    joblib.dump(estimator, tmp_path / "m.pkl")
    table = rows(seed=2)
    names = np.array(["somebody"] * table.rows, dtype=object)
    holdout = write_holdout(tmp_path / "h.csv", Table({"name": names, **table.columns}))
    result = run(deployment, "fraud", tmp_path / "m.pkl", "--holdout", holdout, "--target", "fraud")
    assert result.exit_code == 0, result.output
    assert list(pushed_rows(deployment).columns) == ["amount", "late", "fraud"]


def test_columns_that_the_policy_looks_at_are_taken_along(tmp_path: Path) -> None:
    """A group that the model may not see is uploaded with the features it does see; nothing else is."""
    deployment = Deployment()
    policy = deployment.policies.get("fraud")
    deployment.policies.deploy(replace(policy, fairness=(FairnessRule("sex"),), slices=(Slicing("amount"),)))
    table = rows(seed=2)
    sexes = np.array(["f", "m"] * (table.rows // 2), dtype=object)
    holdout = write_holdout(tmp_path / "h.csv", Table({"sex": sexes, **table.columns}))
    model = write_model(tmp_path / "m.onnx")
    unsure = run(deployment, "fraud", model, "--holdout", holdout, "--target", "fraud")
    assert unsure.exit_code == 1
    assert "the policy looks at 'amount', 'sex': name with --beside which of them are no features" in unsure.output
    result = run(deployment, "fraud", model, "--holdout", holdout, "--target", "fraud", "--beside", "sex")
    assert result.exit_code == 0, result.output
    assert sorted(pushed_rows(deployment).columns) == ["amount", "fraud", "late", "sex"]
    manifest = read_manifest(deployment.artifacts.get(deployment.arrived[-1]))
    assert [feature.name for feature in manifest.signature.features] == ["amount", "late"]
    assert "selection_rate by sex lies" in result.stderr


def test_the_column_that_names_rows_is_taken_along(tmp_path: Path) -> None:
    """So that the gate on it can see that a row comes twice."""
    deployment = Deployment()
    policy = deployment.policies.get("fraud")
    deployment.policies.deploy(replace(policy, data=replace(policy.data, id_column="order")))
    table = rows(seed=2)
    orders = np.array([f"o{min(row, table.rows - 2)}" for row in range(table.rows)], dtype=object)
    holdout = write_holdout(tmp_path / "h.csv", Table({"order": orders, **table.columns}))
    model = write_model(tmp_path / "m.onnx")
    result = run(deployment, "fraud", model, "--holdout", holdout, "--target", "fraud", "--beside", "order")
    assert "order" in pushed_rows(deployment).columns
    assert "'order'" in result.output


def test_an_estimator_that_names_its_features_needs_no_word_of_the_others(tmp_path: Path) -> None:
    """What the policy looks at is taken along, and is no feature."""
    deployment = Deployment()
    policy = deployment.policies.get("fraud")
    deployment.policies.deploy(replace(policy, fairness=(FairnessRule("sex"),)))
    estimator = fitted()
    estimator.steps[0][1].feature_names_in_ = np.array(["amount", "late"], dtype=object)  # type: ignore[attr-defined]  # as a data frame would
    joblib.dump(estimator, tmp_path / "m.pkl")
    table = rows(seed=2)
    sexes = np.array(["f", "m"] * (table.rows // 2), dtype=object)
    holdout = write_holdout(tmp_path / "h.csv", Table({"sex": sexes, "note": sexes, **table.columns}))
    result = run(deployment, "fraud", tmp_path / "m.pkl", "--holdout", holdout, "--target", "fraud")
    assert result.exit_code == 0, result.output
    assert sorted(pushed_rows(deployment).columns) == ["amount", "fraud", "late", "sex"]


def test_a_column_that_the_model_and_the_policy_both_use_stays_a_feature(tmp_path: Path) -> None:
    """And is uploaded once."""
    deployment = Deployment()
    policy = deployment.policies.get("fraud")
    deployment.policies.deploy(replace(policy, fairness=(FairnessRule("late", edges=(0.5,)),)))
    model, holdout = write_model(tmp_path / "m.onnx"), write_holdout(tmp_path / "h.csv")
    result = run(deployment, "fraud", model, "--holdout", holdout, "--target", "fraud")
    assert result.exit_code == 0, result.output
    assert "selection_rate by late lies" in result.stderr


@pytest.mark.parametrize(("error", "promoted"), [(0.0, True), (0.01, False)])
def test_the_frameworks_predictions_are_held_against_the_served_ones(
    tmp_path: Path, error: float, promoted: bool
) -> None:
    """Never a feature, always uploaded; a model that says something else in ONNX is rejected."""
    deployment = Deployment()
    estimator = fitted()
    joblib.dump(estimator, tmp_path / "m.joblib")
    table = rows(seed=2)
    block = np.column_stack([table.columns["amount"], table.columns["late"]]).astype(np.float32)
    said = estimator.predict_proba(block)[:, 1] + error  # type: ignore[attr-defined]  # a pipeline's
    holdout = write_holdout(tmp_path / "h.csv", Table({"said": said, **table.columns}))
    result = run(
        deployment, "fraud", tmp_path / "m.joblib", "--holdout", holdout, "--target", "fraud",
        "--framework-predictions", "said", "--json",
    )  # fmt: skip
    document = json.loads(result.stdout)
    assert document["stage"] == ("promoted" if promoted else "rejected"), document
    (parity,) = [finding for finding in document["version"]["findings"] if finding["gate"] == "parity"]
    assert parity["numbers"]["difference"] == pytest.approx(error, abs=1e-6)
    assert "said" in pushed_rows(deployment).columns
    manifest = read_manifest(deployment.artifacts.get(deployment.arrived[-1]))
    assert manifest.holdout.framework_predictions == "said"
    assert [feature.name for feature in manifest.signature.features] == ["amount", "late"]


def test_findings_of_a_kind_stand_together_and_what_failed_stands_first() -> None:
    """A person finds the reason without reading everything."""
    version = a_model_version().validated(
        (
            Finding("onnx", passed=True, message="sound"),
            Finding("fairness:sex:selection_rate", passed=True, message="alike"),
            Finding("fairness:sex:true_positive_rate", passed=False, message="apart [see]"),
            Finding("stability:noise", passed=True, message="steady"),
            Finding("stability:missing", passed=True, message="robust"),
        ),
        {},
        attestation=None,
    )
    printed = [Text.from_markup(line).plain for line in finding_lines(version)]
    assert printed == [
        "  ✓ onnx: sound",
        "  ✗ fairness: 1 of 2 failed",
        "      ✗ apart [see]",
        "      ✓ alike",
        "  ✓ stability: 2 passed",
        "      ✓ steady",
        "      ✓ robust",
    ]


def _without(column: str) -> Table:
    return Table({name: values for name, values in rows(seed=2).columns.items() if name != column})


def _texts() -> Table:
    table = rows(seed=2)
    return Table({**table.columns, "fraud": np.array(["Yes", "No"] * (table.rows // 2), dtype=object)})


@pytest.mark.parametrize(
    ("held_out", "options", "said"),
    [
        (rows(seed=2), ["--target", "frod"], "no column 'frod'"),
        (rows(seed=2), [], "name it with --target"),
        (_without("late"), ["--target", "fraud"], "takes 2 columns, but there are 1"),
        (_texts(), ["--target", "fraud"], "say with --positive which counts as 1"),
        (_texts(), ["--target", "fraud", "--positive", "Maybe"], "is never 'Maybe'"),
        (rows(seed=2), ["--target", "fraud", "--score-output", "nonesuch"], "no output 'nonesuch'"),
        (rows(seed=2), ["--target", "fraud", "--framework-predictions", "said"], "no column 'said'"),
        (rows(seed=2), ["--target", "fraud", "--framework-predictions", "late"], "takes 2 columns, but there are 1"),
        (rows(seed=2), ["--target", "fraud", "--framework-predictions", "fraud"], "cannot name it"),
        (rows(seed=2), ["--target", "fraud", "--beside", "sex"], "no column 'sex', which --beside names"),
        (rows(seed=2), ["--target", "fraud", "--lineage", "k=" + "v" * 3_000], "manifest cannot be written"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_uploaded(
    tmp_path: Path, held_out: Table, options: list[str], said: str
) -> None:
    """One sentence, exit code 1, no traceback, and nothing in the bucket."""
    deployment = Deployment()
    model, holdout = write_model(tmp_path / "m.onnx"), write_holdout(tmp_path / "h.csv", held_out)
    result = run(deployment, "fraud", model, "--holdout", holdout, *options, "--json")
    assert result.exit_code == 1, result.output
    assert said in json.loads(result.stdout)["error"]
    assert deployment.arrived == []


def test_an_unknown_endpoint_is_said_before_the_model_is_read(tmp_path: Path) -> None:
    """Not even the files are looked at."""
    result = run(Deployment(), "frod", tmp_path / "none.onnx", "--holdout", tmp_path / "none.csv")
    assert result.exit_code == 1
    assert "there is no endpoint 'frod' (deployed are: fraud)" in result.stderr
    assert result.stdout == ""


def test_missing_and_strange_files_are_named(tmp_path: Path) -> None:
    """A file that is not there, a kind that is not known, a pickle that is none."""
    holdout = write_holdout(tmp_path / "h.csv")
    (tmp_path / "m.txt").write_text("x")
    (tmp_path / "m.pkl").write_bytes(b"no pickle")
    for model, said in (("none.onnx", "there is no file"), ("m.txt", "of no kind"), ("m.pkl", "cannot be loaded")):
        result = run(Deployment(), "fraud", tmp_path / model, "--holdout", holdout, "--target", "fraud")
        assert result.exit_code == 1
        assert said in result.stderr
    result = run(Deployment(), "fraud", write_model(tmp_path / "m.onnx"), "--holdout", tmp_path / "none.csv")
    assert "there is no file" in result.stderr


def test_lineage_without_a_value_is_wrong_usage(tmp_path: Path) -> None:
    """Exit code 2, as for every wrong option."""
    result = run(Deployment(), "fraud", tmp_path / "m.onnx", "--holdout", tmp_path / "h.csv", "--lineage", "ticket")
    assert result.exit_code == 2
    assert "KEY=VALUE" in result.stderr


def test_python_takes_an_estimator_and_columns_in_memory() -> None:
    """A notebook has neither file."""
    deployment = Deployment()
    seen: list[Stage] = []
    columns = {name: values.tolist() for name, values in rows(seed=2).columns.items()}
    pushed = push(
        "fraud", fitted(), columns, target="fraud", client=deployment.client,
        uploads=deployment, report=lambda progress: seen.append(progress.stage),
    )  # fmt: skip
    assert pushed.stage is Stage.PROMOTED
    assert seen == [Stage.PROMOTED]


def test_python_refuses_what_is_no_table() -> None:
    """With the type's name, and what would do."""
    with pytest.raises(DataRefused, match="int is no table"):
        push("fraud", fitted(), 3, target="fraud", client=Deployment().client)
