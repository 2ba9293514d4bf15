"""Lays one release out as Lambda does, so that `infer` serves the benchmark's model from a process of its own."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np

import serinus
from serinus.adapters.aws.model_layers import layer_zip
from serinus.adapters.onnx.session import PythonSession
from serinus.adapters.schemas.infer_settings import infer_settings
from serinus.domain.layout import Layout, layout_from
from serinus.domain.model_version import Holdout, Manifest, ModelVersion
from serinus.domain.policy import EndpointName, Policy
from serinus.domain.table import Table
from serinus.settings import as_environment
from tests.benchmarks.serving.model import FEATURES, rows, served_model

ENDPOINT = EndpointName("benchmark")
POLICY = Policy(endpoint=ENDPOINT, owners=("benchmark@example.com",))
RELEASE = 7
ROOT = Path(__file__).parents[3]
_REFERENCE_ROWS = 1_000


@cache
def model_version() -> ModelVersion:
    """Return the benchmark's model as it is registered."""
    served = served_model()
    manifest = Manifest(
        "model.onnx",
        hashlib.sha256(served.onnx).hexdigest(),
        served.signature,
        Holdout("holdout.parquet", "", "class"),
    )
    registered = datetime(2026, 1, 1, tzinfo=UTC)
    return ModelVersion(ENDPOINT, 3, manifest.content_digest, manifest, len(served.onnx), "upload", registered)


@cache
def layout() -> Layout:
    """Return what its profiles count."""
    served, features = served_model(), rows(_REFERENCE_ROWS, seed=3)
    (tensor,) = served.signature.inputs
    answers = PythonSession(served.onnx, served.signature).run({tensor.name: features.astype(np.float32)})
    scores = np.asarray(answers["probabilities"], dtype=np.float64)[:, 1]
    return layout_from(served.signature, Table({name: features[:, at] for at, name in enumerate(FEATURES)}), scores)


def lay(root: Path) -> Path:
    """Unpack the release's layer below a folder; return what belongs on the module path."""
    layer = layer_zip(model_version(), served_model().onnx, layout())
    with zipfile.ZipFile(io.BytesIO(layer)) as archive:
        archive.extractall(root)
    return root / "python"


def environment(python_path: Path) -> Mapping[str, str]:
    """Return the environment of a process that serves the release laid out there.

    What it imports is compiled by the first process and kept, whatever this machine's settings are: a layer ships
    its modules compiled.
    """
    path = (str(python_path), str(Path(serinus.__path__[0]).parent), str(ROOT))
    told = {
        "AWS_LAMBDA_FUNCTION_VERSION": str(RELEASE),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(POLICY.serving.memory_mb),
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONPYCACHEPREFIX": str(python_path.parent / "compiled"),
        "PYTHONDONTWRITEBYTECODE": "",
    }
    return os.environ | as_environment(infer_settings(POLICY)) | told
