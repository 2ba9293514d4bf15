"""A network of PyTorch: exported as its exporters write it, pushed, released, and asked."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import CliRunner

from serinus.adapters.tables.arrow import ArrowTables
from serinus.cli.main import app
from serinus.domain.model_version import Status
from serinus.domain.table import Table
from serinus.use_cases.register_model import served_model_key
from tests.unit.adapters.test_onnx_served import ROWS, check_parity
from tests.unit.cli.world import Deployment

if TYPE_CHECKING:
    import torch
else:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: it is hundreds of megabytes")

_COLUMNS = ("a", "b", "c", "d")
Rows = npt.NDArray[np.float32]
Export = Callable[["torch.nn.Module", Path], None]


def _rows() -> tuple[Rows, npt.NDArray[np.float32]]:
    """Return rows, and labels that follow the first column and a product of two others."""
    draw = np.random.default_rng(4)
    rows = draw.normal(size=(500, len(_COLUMNS))).astype(np.float32)
    return rows, (rows[:, 0] + rows[:, 1] * rows[:, 2] > 0).astype(np.float32)


def _trained() -> torch.nn.Module:
    """Return a network that has learnt a little."""
    torch.manual_seed(4)
    network = torch.nn.Sequential(
        torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1), torch.nn.Sigmoid()
    )
    rows, labels = map(torch.from_numpy, _rows())
    descent = torch.optim.Adam(network.parameters(), lr=0.05)
    for _ in range(60):
        descent.zero_grad()
        torch.nn.functional.binary_cross_entropy(network(rows)[:, 0], labels).backward()
        descent.step()
    return network.eval()


def _by_torch_export(network: torch.nn.Module, path: Path) -> None:
    """The exporter that is the default from PyTorch 2.9 on."""
    pytest.importorskip("onnxscript", reason="PyTorch's exporter needs onnxscript, which is not installed")
    given = (torch.zeros(2, 4),)
    varying = ({0: torch.export.Dim("rows")},)
    torch.onnx.export(
        network, given, path, input_names=["x"], output_names=["p"], dynamic_shapes=varying, dynamo=True
    )


def _by_torch_script(network: torch.nn.Module, path: Path) -> None:
    """The one before it."""
    named: dict[str, Any] = {"input_names": ["x"], "output_names": ["p"]}
    varying = {"x": {0: "rows"}, "p": {0: "rows"}}
    torch.onnx.export(network, (torch.zeros(2, 4),), path, **named, dynamic_axes=varying, dynamo=False)


@pytest.mark.parametrize("export", [_by_torch_export, _by_torch_script])
def test_a_network_goes_live_and_answers_as_it_did(tmp_path: Path, export: Export) -> None:
    """Registered, validated and released from its file; served bit for bit as ONNX Runtime has it, and as PyTorch."""
    network, (rows, labels) = _trained(), _rows()
    model, holdout = tmp_path / "network.onnx", tmp_path / "holdout.parquet"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what PyTorch has deprecated within itself
        export(network, model)
    columns = {name: rows[:, at].astype(np.float64) for at, name in enumerate(_COLUMNS)}
    holdout.write_bytes(ArrowTables().write(Table(columns | {"fraud": labels.astype(np.float64)})))

    deployed = Deployment()
    arguments = [
        "push",
        "fraud",
        str(model),
        "--holdout",
        str(holdout),
        "--target",
        "fraud",
        "--timeout-minutes",
        "0",
    ]
    pushed = CliRunner().invoke(app, arguments, obj=deployed.client)
    version = deployed.versions.get("fraud", 1)
    assert version.status is Status.VALIDATED, pushed.output
    assert deployed.rollouts.releases("fraud")[0].model_version == 1

    signature = version.manifest.signature
    served = deployed.artifacts.get(served_model_key(version))
    check_parity(served, signature, {"x": rows[:ROWS]})
    (found,) = _run(served, rows)
    with torch.no_grad():
        assert found == pytest.approx(network(torch.from_numpy(rows)).numpy(), abs=1e-6)


def _run(model: bytes, rows: Rows) -> Any:  # noqa: ANN401 - onnxruntime is untyped
    import onnxruntime

    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(["p"], {"x": rows})
