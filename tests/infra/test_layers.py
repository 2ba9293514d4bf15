"""The layers of third-party packages."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from infra_cdk.layers import (
    CORE,
    BuildFailed,
    LayerNotBuilt,
    LayersTooLarge,
    build,
    building,
    check_fits,
    debian,
    interpreter,
    sizes,
    third_party,
)
from infra_cdk.layers.__main__ import main
from infra_cdk.layers.errors import PythonNotAtHand
from infra_cdk.layers.files import files
from infra_cdk.layers.interpreter import Interpreter
from infra_cdk.layers.rules import RULES, Rule
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

    monkeypatch.setattr(sizes, "LIMIT_BYTES", 1_048_576)

    with pytest.raises(LayersTooLarge, match=r"serinus-detect-drift unzip to 1\.9 MB \(data 1\.9\).*takes 1"):
        check_fits("serinus-detect-drift", ["data"], tmp_path)


def test_a_missing_layer_is_named(tmp_path: Path) -> None:
    """The message says what to run."""
    with pytest.raises(LayerNotBuilt, match="'data' has not been built: run `make layers`"):
        check_fits("serinus-detect-drift", ["data"], tmp_path)


def test_an_unknown_layer_is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The message lists those that there are."""
    monkeypatch.setattr(interpreter, "fetched", lambda: Interpreter([sys.executable]))

    assert main(["pandas"]) == 2
    assert "there is no layer 'pandas'; there are: core, data, handlers" in capsys.readouterr().err


def test_every_layer_has_a_rule() -> None:
    """A folder with requirements is a layer, and what it keeps of them is said in one place."""
    assert set(RULES) == {CORE, *third_party()}


def test_a_layer_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there and made of the same is left alone; what failed is not taken for built."""
    commands: list[str] = []

    def run(command: list[str]) -> None:
        commands.append(command[0])
        if "--target" in command:
            package = Path(command[-1]) / "pyarrow"
            (package / "include").mkdir(parents=True)
            (package / "include" / "arrow.h").touch()
            (package / "lib.so").touch()

    monkeypatch.setattr(building, "run", run)
    monkeypatch.setattr(interpreter, "at_hand", lambda _version: None)

    assert build("data", into=tmp_path)
    assert not build("data", into=tmp_path)
    assert len(commands) == 2  # install and strip
    assert [path.name for path in (tmp_path / "data").rglob("*") if path.is_file()] == ["lib.so"]
    assert build("data", into=tmp_path, python_version="3.14")


def test_a_layer_that_was_not_compiled_is_built_again_once_it_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a Python of that version the sources are shipped; with one, they are compiled."""
    monkeypatch.setattr(interpreter, "at_hand", lambda _version: None)
    assert build(CORE, into=tmp_path)
    assert not list(tmp_path.rglob("*.pyc"))

    monkeypatch.setattr(interpreter, "at_hand", lambda _version: Interpreter([sys.executable]))
    assert build(CORE, into=tmp_path)
    assert not build(CORE, into=tmp_path)
    assert len(list(tmp_path.rglob("*.pyc"))) == len(list(tmp_path.rglob("*.py"))) > 0


def test_compiled_modules_do_not_depend_on_where_or_when_they_were_made(tmp_path: Path) -> None:
    """They carry the hash of their source, which nobody checks, and the path that Lambda gives them."""
    compiled = []
    for name in ("here", "there"):
        (tmp_path / name / "python").mkdir(parents=True)
        (tmp_path / name / "python" / "module.py").write_text("VALUES = {'a', 'b'}\n", encoding="utf-8")
        Interpreter([sys.executable]).compile(tmp_path / name, sources=False)
        compiled.append({path.name: path.read_bytes() for path in files(tmp_path / name)})

    assert compiled[0] == compiled[1]
    assert list(compiled[0]) == ["module.pyc"]
    assert b"/opt/python/module.py" in compiled[0]["module.pyc"]
    assert compiled[0]["module.pyc"][4:8] == bytes([1, 0, 0, 0])  # PEP 552: by hash, unchecked


def test_a_stand_in_on_the_path_is_no_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Version managers put names on the path for what is not installed."""
    stand_in = tmp_path / "python3.99"
    stand_in.write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert interpreter.at_hand("3.99") is None
    with pytest.raises(PythonNotAtHand, match=r"no Python 3\.99 at hand: install python3\.99"):
        interpreter.fetched("3.99")


def test_libraries_that_auditwheel_moved_are_never_stripped() -> None:
    """Stripping numpy's OpenBLAS breaks it: its sections have been moved."""
    for rule in RULES.values():
        assert not rule.strips("numpy.libs/libscipy_openblas64_-4b78795a.so")
    assert RULES["handlers"].strips("numpy/_core/_multiarray_umath.cpython-313-x86_64-linux-gnu.so")


def test_a_rule_may_keep_a_few_files_only() -> None:
    """What matches no `keep` goes, and what matches `drop` goes though it matches `keep`."""
    rule = Rule(keep=("onnxruntime/capi/*.so*",), drop=("*_state.*",))

    assert rule.keeps("onnxruntime/capi/libonnxruntime.so.1.32.0")
    assert not rule.keeps("onnxruntime/capi/onnxruntime_pybind11_state.so")
    assert not rule.keeps("onnxruntime/__init__.py")


def test_protobuf_is_one_that_boosting_converts_with() -> None:
    """skl2onnx 1.20 hands booleans to integer fields, which protobuf 7 refuses."""
    found = re.search(r"^protobuf==(\d+)", (building.SOURCES / "requirements.lock").read_text(), re.MULTILINE)
    assert found is not None
    assert int(found[1]) < 7


_DEB822 = """Types: deb
URIs: http://mirror.example
Suites: bookworm bookworm-updates bookworm-security
Components: main

Types: deb
URIs: http://vendor.example
Suites: tool-bookworm
Components: main
"""
_ONE_LINE = """deb [signed-by=/k.gpg] http://mirror.example bookworm main
deb http://mirror.example bookworm-updates main
deb-src http://mirror.example bookworm main
deb http://vendor.example tool-bookworm main
"""


def test_the_machines_own_mirror_is_asked_for_another_release() -> None:
    """Debian's suites are renamed, in either format; other vendors' are left out."""
    (stanza,) = debian.sources(_DEB822, "bookworm")
    assert "Suites: trixie trixie-updates trixie-security" in stanza
    assert "mirror.example" in stanza

    assert list(debian.sources(_ONE_LINE, "bookworm")) == [
        "deb [signed-by=/k.gpg] http://mirror.example trixie main",
        "deb http://mirror.example trixie-updates main",
    ]


def test_a_machine_that_is_no_debian_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install instead."""
    monkeypatch.setattr(debian, "_OS_RELEASE", tmp_path / "os-release")

    with pytest.raises(PythonNotAtHand, match=r"no Python 3\.13 at hand: install python3\.13.*no Debian"):
        debian.unpacked(tmp_path / "root")


def test_a_tool_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build without its tools says which."""
    monkeypatch.setattr("sys.executable", str(tmp_path / "nowhere"))
    monkeypatch.setattr(interpreter, "at_hand", lambda _version: None)

    with pytest.raises(BuildFailed, match="nowhere is not installed"):
        build("data", into=tmp_path)


@pytest.mark.parametrize("name", third_party())
def test_every_package_of_a_layer_is_pinned(name: str) -> None:
    """A layer is built from the lock file's versions, so it holds what the tests ran with."""
    lock = (building.SOURCES / "requirements.lock").read_text(encoding="utf-8")
    lines = (building.SOURCES / name / "requirements.txt").read_text(encoding="utf-8").splitlines()
    for package in (line for line in lines if not line.startswith("#")):
        assert re.search(rf"^{package}==", lock, re.MULTILINE), package


@pytest.mark.parametrize("where", ["aws", "local"])
def test_nothing_is_shipped_that_runs_on_laptops_only(where: str, request: pytest.FixtureRequest) -> None:
    """The core layer is the package without its command line and without the local cloud."""
    assembly: Assembly = request.getfixturevalue(where)
    (core,) = [path for path in assembly.directory.glob("asset.*") if (path / "python" / "serinus").is_dir()]

    shipped = {path.name for path in (core / "python" / "serinus").iterdir()}

    assert {"domain", "use_cases", "adapters", "settings.py"} <= shipped
    assert not {"cli", "local_cloud"} & shipped
