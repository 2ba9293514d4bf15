"""The function that Powertools' documentation leads to: resolver with validation, logger, and metrics."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
from pydantic import BaseModel

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


class Input(BaseModel):
    """One input of the request."""

    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class Request(BaseModel):
    """An inference request, values flat."""

    inputs: list[Input]
    outputs: list[dict[str, str]] | None = None
    id: str | None = None


class Output(BaseModel):
    """One output of the answer."""

    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class Answer(BaseModel):
    """An inference answer."""

    model_name: str
    id: str | None
    outputs: list[Output]


def powertools_handler(session: onnxruntime.InferenceSession) -> Handler:
    """Return the handler over a session."""
    os.environ |= {"POWERTOOLS_SERVICE_NAME": "fraud", "POWERTOOLS_METRICS_NAMESPACE": "Benchmark"}
    from aws_lambda_powertools import Logger, Metrics
    from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
    from aws_lambda_powertools.metrics import MetricUnit

    app, logger, metrics = APIGatewayHttpResolver(enable_validation=True), Logger(), Metrics()

    @app.post("/v2/models/fraud/infer")
    def infer(asked: Request) -> Answer:
        (given,) = asked.inputs
        features = np.array(given.data, dtype=np.float32).reshape(given.shape)
        (found,) = session.run(["probabilities"], {"features": features})
        metrics.add_metric("Requests", MetricUnit.Count, 1)
        metrics.add_metric("Rows", MetricUnit.Count, len(found))
        logger.info("prediction", extra={"features": given.data, "scores": found[:, 1].tolist()})
        answered = Output(name="probabilities", shape=list(found.shape), datatype="FP32", data=found.ravel().tolist())
        return Answer(model_name="fraud", id=asked.id, outputs=[answered])

    @logger.inject_lambda_context
    @metrics.log_metrics
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context
        return app.resolve(event, context)

    return handler
