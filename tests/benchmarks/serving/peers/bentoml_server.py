"""BentoML's server with the model: `python bentoml_server.py PORT MODEL`, which becomes `bentoml serve`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bentoml
import numpy as np
import onnxruntime


@bentoml.service(name="benchmark", workers=1, traffic={"timeout": 15})
class Serving:
    """The model, one thread, as everywhere in this comparison."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    @bentoml.api
    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Answer one request."""
        (probabilities,) = self.session.run(["probabilities"], {self.input: rows.astype(np.float32)})
        return probabilities


if __name__ == "__main__":
    os.environ["MODEL"] = sys.argv[2]
    here = Path(__file__)
    os.chdir(here.parent)
    command = [sys.executable, "-m", "bentoml", "serve", f"{here.stem}:Serving", "--host", "127.0.0.1"]
    os.execv(sys.executable, [*command, "--port", sys.argv[1]])  # noqa: S606 - the server must be what was started
