"""Rows in S3 are scored in parts, on the state machine that production uses."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import onnxruntime
import pytest
from sklearn.ensemble import RandomForestClassifier
from typer.testing import CliRunner, Result

from serinus import wiring
from serinus.adapters.tables.arrow import ArrowTables
from serinus.cli.client import push
from serinus.cli.main import app
from serinus.domain.table import Table
from serinus.use_cases.push_model import Stage
from serinus.use_cases.register_model import served_model_key
from tests.e2e.callers import a_holdout, a_population

pytestmark = pytest.mark.e2e

_ENDPOINT = "batch"


@pytest.fixture(scope="module")
def live(client: wiring.Client) -> wiring.Client:
    """An endpoint with a forest."""
    features, labels = a_population(3_000)
    rows = np.column_stack([column.astype(np.float32) for column in features.columns.values()])
    forest = RandomForestClassifier(100, min_samples_leaf=2, random_state=1).fit(rows, labels)
    pushed = push(_ENDPOINT, forest, a_holdout(), target="target", client=client, timeout_minutes=2)
    assert pushed.stage is Stage.PROMOTED, pushed.reason
    return client


def _predict(client: wiring.Client, folder: str) -> Result:
    source = f"s3://{client.resources.data_bucket}/batch/{folder}/"
    return CliRunner().invoke(app, ["predict", _ENDPOINT, "--input", source, "--json"])


def _csv(features: Table, first: int) -> bytes:
    rows = zip(features.columns["b"].tolist(), features.columns["a"].tolist(), strict=True)
    return "\n".join(["b,customer,a", *(f"{b!r},c{first + row},{a!r}" for row, (b, a) in enumerate(rows))]).encode()


def test_a_batch_is_scored_and_what_is_done_stays_done(live: wiring.Client) -> None:
    """Scores are those of the served model, the profile counts all, and a second start does only what is missing."""
    features, _ = a_population(700, seed=9)
    halves = features.slice(0, 300), features.slice(300, 700)
    live.data.put("batch/march/1.csv", _csv(halves[0], 0))
    live.data.put("batch/march/2.parquet", ArrowTables().write(halves[1]))
    live.data.put("batch/march/_SUCCESS", b"")

    first = _predict(live, "march")
    assert first.exit_code == 0, first.output
    said = json.loads(first.stdout)
    assert (said["status"], said["rows"], said["parts"]) == ("succeeded", 700, 2)

    folder = said["output"].removeprefix(f"s3://{live.resources.data_bucket}/")
    manifest = json.loads(live.data.get(f"{folder}manifest.json"))
    assert [(part["source"], part["rows"]) for part in manifest["parts"]] == [
        ("batch/march/1.csv", 300),
        ("batch/march/2.parquet", 400),
    ]
    results = [ArrowTables().read("part.parquet", live.data.get(part["key"])) for part in manifest["parts"]]
    version = live.versions.get(_ENDPOINT, manifest["model_version"])
    model = live.artifacts.get(served_model_key(version))
    assert hashlib.sha256(model).hexdigest() == version.served_digest
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    rows = np.column_stack([features.columns[name].astype(np.float32) for name in ("a", "b")])
    (expected,) = session.run(["probabilities"], {session.get_inputs()[0].name: rows})
    scores = np.concatenate([result.columns["score"] for result in results])
    np.testing.assert_array_equal(scores.astype(np.float32), expected[:, 1])
    assert results[0].columns["customer"].tolist() == [f"c{row}" for row in range(300)]

    profile = json.loads(live.data.get(f"{folder}profile.json"))
    assert sum(profile["times"]) == 700 * 5  # a score, two features and two counts of how they go together

    live.data.delete(manifest["parts"][1]["key"])
    live.data.delete(f"{folder}manifest.json")
    live.data.put(manifest["parts"][0]["key"], b"as it was left")
    again = _predict(live, "march")
    assert json.loads(again.stdout) == said, again.output
    assert live.data.get(manifest["parts"][0]["key"]) == b"as it was left"
    restored = ArrowTables().read("part.parquet", live.data.get(manifest["parts"][1]["key"]))
    np.testing.assert_array_equal(restored.columns["score"], results[1].columns["score"])


def test_a_batch_with_a_bad_object_says_which_and_keeps_the_rest(live: wiring.Client) -> None:
    """The command fails with the function's own sentence; the other part is there, and there is no manifest."""
    features, _ = a_population(50, seed=10)
    live.data.put("batch/april/1.csv", _csv(features, 0))
    live.data.put("batch/april/2.jsonl", b'{"a": "much", "b": 1.0}\n')
    answer = _predict(live, "april")
    assert answer.exit_code == 1
    error = json.loads(answer.stdout)["error"]
    assert "batch/april/2.jsonl" in error
    assert "holds text such as 'much'" in error
    written = [key for key in live.data.list(f"predictions/{_ENDPOINT}/") if "manifest" in key or ".parquet" in key]
    plans = [key for key in live.data.list(f"predictions/{_ENDPOINT}/") if key.endswith("plan.json")]
    (april,) = (key for key in plans if b"batch/april" in live.data.get(key))
    folder = april.removesuffix("plan.json")
    assert [key for key in written if key.startswith(folder)] == [f"{folder}parts/00000.parquet"]


def test_rows_elsewhere_are_out_of_reach(live: wiring.Client) -> None:
    """Before anything is started."""
    answer = CliRunner().invoke(app, ["predict", _ENDPOINT, "--input", "s3://elsewhere/batch/", "--json"])
    assert answer.exit_code == 1
    assert "copy rows there first" in json.loads(answer.stdout)["error"]
    assert live.resources.data_bucket in json.loads(answer.stdout)["error"]
