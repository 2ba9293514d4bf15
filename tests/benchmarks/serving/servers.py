"""Every way of serving the benchmark's model over HTTP: how it starts, how it is asked, what it answers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.environments import PEERS, interpreter
from tests.benchmarks.serving import release

Row = list[float]
_NOBODY_IS_TOLD = {  # no server may tell its makers anything
    "BENTOML_DO_NOT_TRACK": "True",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
}


@dataclass(frozen=True)
class Server:
    """One way of serving.

    Attributes:
        peer: whose environment it runs in; `None` for ours.
        body: the request that asks for one row.
        score: the probability that an answer gives.
    """

    name: str
    peer: str | None
    path: str
    body: Callable[[Row], object]
    score: Callable[[Any], float]

    def command(self, port: int, model: Path) -> list[str]:
        """Return what starts it.

        Raises:
            PeerSkipped: its packages cannot be had.
        """
        if self.peer is None:
            return [sys.executable, "-m", "tests.benchmarks.serving.loopback", str(port)]
        return [str(interpreter(self.peer)), str(PEERS / f"{self.peer}_server.py"), str(port), str(model)]

    def environment(self, laid: Path, scratch: Path) -> Mapping[str, str]:
        """Return its environment: ours is the release's, a peer's tells nobody anything and writes only here."""
        if self.peer is None:
            return release.environment(laid)
        path = os.pathsep.join([str(interpreter(self.peer).parent), os.environ["PATH"]])
        return os.environ | _NOBODY_IS_TOLD | {"HOME": str(scratch), "BENTOML_HOME": str(scratch), "PATH": path}

    def bodies(self, rows: list[Row]) -> list[str]:
        """Return the requests for these rows."""
        return [json.dumps(self.body(row)) for row in rows]


def _inference(row: Row) -> object:
    tensor = {"name": "features", "shape": [1, len(row)], "datatype": "FP32", "data": row}
    return {"id": "a-request", "inputs": [tensor]}


def _inference_score(said: Any) -> float:  # noqa: ANN401 - JSON
    (data,) = (output["data"] for output in said["outputs"] if output["name"] == "probabilities")
    return float(data[1])


_INFER = "/v2/models/benchmark/infer"
OURS = Server("Serinus", None, f"/v2/models/{release.ENDPOINT}/infer", _inference, _inference_score)
KSERVE = Server("KServe", "kserve", _INFER, _inference, _inference_score)
ML_SERVER = Server("MLServer", "mlserver", _INFER, _inference, _inference_score)
MLFLOW = Server(
    "MLflow",
    "mlflow",
    "/invocations",
    lambda row: {"inputs": [row]},
    lambda said: float(said["predictions"]["probabilities"][0][1]),
)
BENTO_ML = Server("BentoML", "bentoml", "/predict", lambda row: {"rows": [row]}, lambda said: float(said[0][1]))
SERVERS = (OURS, KSERVE, ML_SERVER, MLFLOW, BENTO_ML)
