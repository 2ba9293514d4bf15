"""The inference function: from API Gateway's event to its answer and one line in the log."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from serinus.domain.signature import Datatype, Signature
from serinus.domain.tensor import Tensor
from serinus.errors import ModelRefused, SettingMissing
from tests import models

EVENTS = Path(__file__).parents[3] / "events" / "infer"
HANDLER = "functions.infer.handler"
ENVIRONMENT = {
    "SERINUS_ENDPOINT": "fraud",
    "SERINUS_LOG_INPUTS": "all",
    "SERINUS_LOG_SHARE": "1.0",
    "SERINUS_PERSONAL": "[]",
    "SERINUS_ID_COLUMN": "null",
    "AWS_LAMBDA_FUNCTION_VERSION": "7",
}
Start = Callable[..., ModuleType]


@dataclass
class Context:
    """As much of Lambda's context as the function reads."""

    aws_request_id: str = "lambda-1"


def lay(root: Path, model: bytes, signature: Signature) -> None:
    """Put a model where its layer would."""
    package = root / "serinus_release"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "model.onnx").write_bytes(model)
    said = {"endpoint": "fraud", "model_version": 3, "content_digest": "digest", "signature": asdict(signature)}
    (package / "release.json").write_text(json.dumps(said))


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start the function afresh, with a model's layer or without."""

    def started(built: models.Built | None = None, **environment: str) -> ModuleType:
        if built is not None:
            lay(tmp_path, *built)
        monkeypatch.syspath_prepend(str(tmp_path))
        for name, value in (ENVIRONMENT | environment).items():
            monkeypatch.setenv(name, value)
        return importlib.import_module(HANDLER)

    def forget() -> None:
        for name in [name for name in sys.modules if name == HANDLER or name.startswith("serinus_release")]:
            del sys.modules[name]
        importlib.invalidate_caches()

    forget()
    yield started
    forget()


def sample(name: str) -> dict[str, Any]:
    """Return a sample event."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


EXPECTED = {
    "one_row": 200,
    "two_rows_nested": 200,
    "base64_body": 200,
    "probe": 200,
    "wrong_shape": 400,
    "malformed_json": 400,
    "another_endpoint": 404,
    "wrong_method": 405,
    "wrong_content_type": 415,
    "beyond_the_models_bound": 500,
    "server_metadata": 200,
    "server_ready": 200,
    "model_metadata": 200,
    "model_ready": 200,
    "binary_tensors": 200,
    "mlflow_dataframe_split": 200,
    "mlflow_records": 500,  # a missing value is an index that the guard of this model does not have
    "mlflow_csv": 200,
    "mlflow_unknown_column": 400,
    "named_version": 200,
    "gzip": 415,
}
UNRECORDED = {"probe", "named_version", "server_metadata", "server_ready", "model_metadata", "model_ready"}


@pytest.mark.parametrize("name", sorted(path.stem for path in EVENTS.glob("*.json")))
def test_every_sample_event_is_answered_and_leaves_one_line(
    name: str, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the status it stands for; what is no evidence of how a release fares leaves none."""
    answer = start(models.failing_model()).handler(sample(name), Context())
    assert answer["statusCode"] == EXPECTED[name], answer["body"]
    assert answer["isBase64Encoded"] == (name == "binary_tensors")
    if name != "binary_tensors":
        assert answer["headers"]["content-type"] == "application/json"
        assert isinstance(json.loads(answer["body"]), dict)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == (0 if name in UNRECORDED else 1)
    assert all(json.loads(line)["record"]["status"] == EXPECTED[name] for line in lines)


def test_the_answer_and_its_record_are_of_one_release(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    """The record carries what a rollout and a drift check need to tell releases and models apart."""
    answer = json.loads(start(models.logistic_model()).handler(sample("one_row"), Context())["body"])
    record = json.loads(capsys.readouterr().out)["record"]
    assert (answer["model_version"], record["version"]) == ("3", 3)
    assert answer["id"] == record["id"] == "order-17"
    assert (record["request"], record["release"], record["model"]) == ("lambda-1", "7", "digest")
    assert record["features"] == [{"columns": ["a", "b"], "data": [0.5, -1.5]}]
    assert record["scores"] == [answer["outputs"][1]["data"][1]]
    assert record["latency_ms"] > 0


def test_a_rollout_that_asks_is_told_how_long_it_took(start: Start) -> None:
    """By a header that no caller gets: only the rollout's own requests carry the mark."""
    module = start(models.failing_model())
    failing = {**sample("beyond_the_models_bound"), "serinus": {"probe": True}}
    for event in (sample("probe"), failing):
        assert float(module.handler(event, Context())["headers"]["x-serinus-latency-ms"]) > 0
    for name in ("one_row", "named_version"):
        assert "x-serinus-latency-ms" not in module.handler(sample(name), Context())["headers"]


def test_an_endpoint_may_log_no_inputs(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    """As its policy says."""
    start(models.logistic_model(), SERINUS_LOG_INPUTS="none").handler(sample("one_row"), Context())
    record = json.loads(capsys.readouterr().out)["record"]
    assert "features" not in record
    assert record["scores"]


def test_before_the_first_release_it_answers_503(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    """The version that the alias is created with has no model."""
    answer = start().handler(sample("one_row"), Context())
    assert answer["statusCode"] == 503
    assert json.loads(answer["body"])["error"].startswith("nothing released yet")
    line = json.loads(capsys.readouterr().out)
    assert line["record"]["status"] == 503
    assert line["ServerErrors"] == 1


def test_the_wrong_method_is_answered_with_the_right_one(start: Start) -> None:
    """As HTTP asks of a 405."""
    answer = start(models.logistic_model()).handler(sample("wrong_method"), Context())
    assert answer["headers"]["allow"] == "POST"


def test_a_model_that_cannot_be_loaded_fails_the_start(start: Start) -> None:
    """Not the first request: then the release's smoke test finds out, before any traffic."""
    with pytest.raises(ModelRefused, match="cannot load"):
        start((b"garbage", models.logistic_model()[1]))


def test_a_missing_setting_fails_the_start_with_its_name(start: Start) -> None:
    """So that a wrong deployment is found at once."""
    with pytest.raises(SettingMissing, match="SERINUS_ENDPOINT"):
        start(SERINUS_ENDPOINT="")


def test_the_model_is_warm_before_the_first_request(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has run once when the function has started."""
    from serinus.adapters.onnx.c_api.session import CApiSession

    rows: list[tuple[int, ...]] = []
    run = CApiSession.run_tensors

    def counted(self: CApiSession, inputs: Any, outputs: Any) -> Any:  # noqa: ANN401 - as the original
        rows.extend(tensor.shape for tensor in inputs.values())
        return run(self, inputs, outputs)

    monkeypatch.setattr(CApiSession, "run_tensors", counted)
    start(models.mixed_model())
    assert set(rows) == {(1, 1)}


_THREADS = """
import os, sys
if sys.argv[1] == "binding":
    sys.modules["serinus.adapters.onnx.c_api.session"] = None
import functions.infer.handler
print(len(os.listdir("/proc/self/task")), "onnxruntime" in sys.modules)
"""


@pytest.mark.parametrize("session", ["C API", "binding"])
def test_the_model_has_a_thread_for_each_processor(session: str, tmp_path: Path) -> None:
    """As many as the function's memory buys; the one that serves is among them."""
    lay(tmp_path, *models.logistic_model())
    found = [
        python(_THREADS, session, path=tmp_path, AWS_LAMBDA_FUNCTION_MEMORY_SIZE=memory).split()
        for memory in ("1769", "5307")
    ]
    assert int(found[1][0]) - int(found[0][0]) == 2
    assert {binding for _, binding in found} == {str(session == "binding")}


def python(code: str, *arguments: str, path: Path, **environment: str) -> str:
    """Run code in an interpreter of its own, as the function; return what it prints."""
    root = Path(__file__).parents[3]
    places = os.pathsep.join(map(str, (path, root, root / "layers/core/python")))
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | ENVIRONMENT | {"PYTHONPATH": places, "OPENBLAS_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_without_the_c_api_the_ordinary_binding_serves(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that cannot be driven slows the start down, and changes no answer."""
    quick = start(models.logistic_model())._RELEASED
    monkeypatch.setitem(sys.modules, "serinus.adapters.onnx.c_api.session", None)
    from serinus.adapters.open_inference.released import load_released

    slow = load_released()
    assert slow is not None
    assert type(slow.model) is not type(quick.model)
    row = {"features": Tensor.of(Datatype.FP32, (1, 2), [0.5, -1.5])}
    found = [model.run_tensors(row, ["label", "probabilities"]) for model in (quick.model, slow.model)]
    assert found[0] == found[1]


def test_nothing_that_serves_draws_what_a_snapshot_would_repeat(tmp_path: Path) -> None:
    """Ids are Lambda's, one an invocation: no module draws one, which environments of one snapshot would share."""
    ours = "{name: module for name, module in sys.modules.items() if name.startswith(('serinus', 'functions'))}"
    drawing = "{'random', 'secrets', 'uuid', 'numpy.random'}"
    lay(tmp_path, *models.logistic_model())
    code = (
        f"import sys; import {HANDLER}; "
        f"print(len({ours}), *(name for name, module in {ours}.items() for held in vars(module).values() "
        f"if str(getattr(held, '__name__', '')) in {drawing} or str(getattr(held, '__module__', '')) in {drawing}))"
    )
    found = python(code, path=tmp_path).split()
    assert int(found[0]) > 10
    assert found[1:] == []


def test_starting_imports_nothing_slow(tmp_path: Path) -> None:
    """In a process of its own: no AWS SDK, Pydantic, Powertools, onnx, nor anything for training or files."""
    lay(tmp_path, *models.logistic_model())
    code = f"import gc, sys; import {HANDLER} as infer; print(infer._RELEASED.endpoint, gc.isenabled(), *sys.modules)"
    endpoint, collecting, *modules = python(code, path=tmp_path).split()
    loaded = {module.split(".")[0] for module in modules}
    assert (endpoint, collecting) == ("fraud", "True")
    slow = {
        "numpy",
        "onnxruntime",
        "pybase64",
        "boto3",
        "botocore",
        "pydantic",
        "aws_lambda_powertools",
        "onnx",
        "pyarrow",
        "sklearn",
        "scipy",
        "pandas",
    }
    assert not loaded & slow
