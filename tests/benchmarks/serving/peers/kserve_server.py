"""KServe's own server with the model behind its Open Inference Protocol: `python kserve_server.py PORT MODEL`."""

from __future__ import annotations

import sys

import numpy as np
import onnxruntime
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer


class Serving(Model):
    """The model, one thread, as everywhere in this comparison."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.ready = True

    def predict(
        self,
        payload: InferRequest,
        headers: dict[str, str] | None = None,  # noqa: ARG002 - the server passes it
        response_headers: object = None,  # noqa: ARG002 - likewise
    ) -> InferResponse:
        """Answer one request."""
        features = payload.inputs[0].as_numpy().astype(np.float32)
        label, probabilities = self.session.run(["label", "probabilities"], {self.input: features})
        outputs = [
            InferOutput("label", list(label.shape), "INT64", label.tolist()),
            InferOutput("probabilities", list(probabilities.shape), "FP32", probabilities.ravel().tolist()),
        ]
        return InferResponse(payload.id, self.name, outputs)


if __name__ == "__main__":
    server = ModelServer(http_port=int(sys.argv[1]), workers=1, enable_grpc=False)
    server.start([Serving("benchmark", sys.argv[2])])
