"""MLflow's scoring server: `python mlflow_server.py PORT MODEL`, which becomes `mlflow models serve`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import mlflow.onnx
import numpy as np
import onnx
from mlflow.models.signature import ModelSignature
from mlflow.types.schema import Schema, TensorSpec

if __name__ == "__main__":
    port, model = sys.argv[1:]
    saved = Path(model).with_name("mlflow")
    shutil.rmtree(saved, ignore_errors=True)
    loaded = onnx.load(model)
    (width,) = (tensor.type.tensor_type.shape.dim[1].dim_value for tensor in loaded.graph.input)
    mlflow.onnx.save_model(
        loaded,
        str(saved),
        signature=ModelSignature(
            inputs=Schema([TensorSpec(np.dtype("float32"), (-1, width), loaded.graph.input[0].name)])
        ),
        onnx_execution_providers=["CPUExecutionProvider"],
        onnx_session_options={"intra_op_num_threads": 1, "inter_op_num_threads": 1},
        pip_requirements=[],
    )
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(saved), "--env-manager", "local"]
    os.execv(  # noqa: S606 - the server must be the process that was started
        sys.executable, [*command, "--host", "127.0.0.1", "--port", port, "--workers", "1"]
    )
