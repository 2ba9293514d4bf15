"""The handler that most people would write: Powertools four times, Pydantic, boto3 and ONNX Runtime."""

from __future__ import annotations

import os

import boto3
import numpy as np
import onnxruntime
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.metrics import MetricUnit
from pydantic import BaseModel, create_model

FEATURES = [f"feature_{at:02}" for at in range(30)]
Row = create_model("Row", **dict.fromkeys(FEATURES, (float, ...)))


class Request(BaseModel):
    """What is asked: rows by name."""

    rows: list[Row]


logger, metrics, tracer = Logger(), Metrics(), Tracer()
app = APIGatewayHttpResolver()
s3 = boto3.client("s3")
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])


@app.post("/predict")
@tracer.capture_method
def predict() -> dict[str, object]:
    """Answer with the probability of each row."""
    asked = Request.model_validate(app.current_event.json_body)
    features = np.array([[getattr(row, name) for name in FEATURES] for row in asked.rows], dtype=np.float32)
    (probabilities,) = session.run(["probabilities"], {session.get_inputs()[0].name: features})
    metrics.add_metric("Rows", MetricUnit.Count, len(asked.rows))
    logger.info("predicted", rows=len(asked.rows))
    return {"scores": probabilities[:, 1].tolist()}


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
def handler(event: dict[str, object], context: object) -> dict[str, object]:
    """Answer one event."""
    return app.resolve(event, context)
