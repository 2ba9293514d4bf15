"""MLServer with the model in its own process: `python mlserver_server.py PORT MODEL`."""

from __future__ import annotations

import asyncio
import socket
import sys

import numpy as np
import onnxruntime
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec
from mlserver.settings import ModelParameters
from mlserver.types import InferenceRequest, InferenceResponse


class Serving(MLModel):
    """The model, one thread, as everywhere in this comparison."""

    async def load(self) -> bool:
        """Make the session."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            self.settings.parameters.uri, options, providers=["CPUExecutionProvider"]
        )
        self.input = self.session.get_inputs()[0].name
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer one request."""
        features = NumpyCodec.decode_input(payload.inputs[0]).astype(np.float32)
        label, probabilities = self.session.run(["label", "probabilities"], {self.input: features})
        return InferenceResponse(
            model_name=self.name,
            outputs=[
                NumpyCodec.encode_output("label", label),
                NumpyCodec.encode_output("probabilities", probabilities),
            ],
        )


def free_port() -> int:
    """Return a port for what cannot be switched off."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def main(port: int, model: str) -> None:
    """Serve without worker processes: the fastest that MLServer can be on one core."""
    settings = Settings(
        host="127.0.0.1",
        http_port=port,
        grpc_port=free_port(),
        metrics_endpoint=None,
        parallel_workers=0,
        debug=False,
        load_models_at_startup=False,
    )
    server = MLServer(settings)
    described = ModelSettings(name="benchmark", implementation=Serving, parameters=ModelParameters(uri=model))
    await server.start([described])


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
