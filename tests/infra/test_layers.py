"""The layers of third-party packages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra_cdk import layers as built_layers
from infra_cdk.layers import BuildFailed, LayerNotBuilt, LayersTooLarge, build, check_fits, main, third_party
from tests.infra.assembly import Assembly, a_policy, synthesise


def test_a_synth_for_aws_needs_the_layers(tmp_path: Path) -> None:
    """Without them it ends with the command that builds them, rather than deploying functions that cannot start."""
    with pytest.raises(LayerNotBuilt, match="make layers"):
        synthesise(tmp_path / "out", layers=tmp_path, policies=[a_policy()])


def test_a_function_that_lambda_would_refuse_is_refused_at_synth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figure and the parts of it are named."""
    (tmp_path / "data" / "python").mkdir(parents=True)
    (tmp_path / "data" / "python" / "large.so").write_bytes(bytes(2_000_000))
    check_fits("serinus-detect-drift", ["data"], tmp_path)

    monkeypatch.setattr(built_layers, "LIMIT_BYTES", 1_048_576)

    with pytest.raises(LayersTooLarge, match=r"serinus-detect-drift unzip to 1\.9 MB \(data 1\.9\).*takes 1"):
        check_fits("serinus-detect-drift", ["data"], tmp_path)


def test_a_missing_layer_is_named(tmp_path: Path) -> None:
    """The message says what to run."""
    with pytest.raises(LayerNotBuilt, match="'data' has not been built: run `make layers`"):
        check_fits("serinus-detect-drift", ["data"], tmp_path)


def test_an_unknown_layer_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The message lists those that there are."""
    assert main(["pandas"]) == 2
    assert "there is no layer 'pandas'; there are: data, handlers" in capsys.readouterr().err


def test_a_layer_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there and made of the same is left alone; what failed is not taken for built."""
    commands: list[str] = []

    def run(command: list[str]) -> None:
        commands.append(command[0])
        if "--target" in command:
            (Path(command[-1]) / "pyarrow" / "include").mkdir(parents=True)
            (Path(command[-1]) / "pyarrow" / "include" / "arrow.h").touch()
            (Path(command[-1]) / "pyarrow" / "lib.so").touch()

    monkeypatch.setattr(built_layers, "_run", run)

    assert build("data", into=tmp_path)
    assert not build("data", into=tmp_path)
    assert len(commands) == 2  # install and strip
    assert [path.name for path in (tmp_path / "data").rglob("*") if path.is_file()] == ["lib.so"]
    assert build("data", into=tmp_path, python_version="3.14")


def test_a_tool_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build without its tools says which."""
    monkeypatch.setattr("sys.executable", str(tmp_path / "nowhere"))

    with pytest.raises(BuildFailed, match="nowhere is not installed"):
        build("data", into=tmp_path)


@pytest.mark.parametrize("name", third_party())
def test_every_package_of_a_layer_is_pinned(name: str) -> None:
    """A layer is built from the lock file's versions, so it holds what the tests ran with."""
    lock = (built_layers.SOURCES / "requirements.lock").read_text(encoding="utf-8")
    lines = (built_layers.SOURCES / name / "requirements.txt").read_text(encoding="utf-8").splitlines()
    for package in (line for line in lines if not line.startswith("#")):
        assert re.search(rf"^{package}==", lock, re.MULTILINE), package


def test_nothing_is_shipped_that_runs_on_laptops_only(aws: Assembly) -> None:
    """The core layer is the package without its command line and without the local cloud."""
    (core,) = [path for path in aws.directory.glob("asset.*") if (path / "python" / "serinus").is_dir()]

    shipped = {path.name for path in (core / "python" / "serinus").iterdir()}

    assert {"domain", "use_cases", "adapters", "settings.py"} <= shipped
    assert not {"cli", "local_cloud", "__pycache__"} & shipped
