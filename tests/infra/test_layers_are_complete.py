"""Every handler imports from its layers alone, as it will on Lambda, where nothing else is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from infra_cdk.constructs.function import FUNCTIONS
from infra_cdk.layers import BUILT, CORE, SOURCES, build, third_party
from tests.infra.assembly import Assembly, Resource

_OF_THE_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def built() -> Path:
    """The layers, built by the same code and trimmed in the same way, for the interpreter that runs the tests."""
    folder = BUILT.with_name(f"layers-python{_PYTHON}")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: build(name, into=folder, python_version=_PYTHON), third_party()))
    return folder


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Lambda's Python runtime brings along: boto3 and what it needs."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in _OF_THE_RUNTIME:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)
    return folder


def _layer_names(aws: Assembly, function: Resource) -> list[str]:
    layers = aws.templates[function.stack]["Resources"]
    names = [layers[layer["Ref"]]["Properties"]["LayerName"] for layer in function.properties["Layers"]]
    return [name.rsplit("-", 1)[1] for name in names]


def test_every_handler_imports_from_its_layers_alone(aws: Assembly, built: Path, runtime: Path) -> None:
    """Each handler, wired, in an interpreter that sees its layers, the runtime's own packages, and no others."""
    folders = {path.name for path in FUNCTIONS.iterdir() if (path / "handler.py").is_file()}

    def fault(function: Resource) -> str:
        name = function.properties["FunctionName"].removeprefix("serinus-").replace("-", "_")
        folder = FUNCTIONS / (name if name in folders else "infer")
        layers = [SOURCES / CORE if layer == CORE else built / layer for layer in _layer_names(aws, function)]
        path = [folder, *(layer / "python" for layer in layers), runtime]
        told = dict.fromkeys(function.properties["Environment"]["Variables"], "told")
        ran = subprocess.run(
            [sys.executable, "-S", "-c", "import handler"],
            env={"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "eu-central-1", "PYTHONDONTWRITEBYTECODE": "1"}
            | {"PYTHONPATH": os.pathsep.join(map(str, path))}
            | told,
            capture_output=True,
            text=True,
            check=False,
        )
        return f"{folder.name}: {ran.stderr}" if ran.returncode else ""

    with ThreadPoolExecutor(2) as pool:
        faults = [found for found in pool.map(fault, aws.functions().values()) if found]

    assert not faults, "\n".join(faults)
