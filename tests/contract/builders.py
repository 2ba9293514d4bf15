"""Values of the domain with defaults, for what a contract test does not care about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from serinus.domain.bins import CategoricalBins, NumericBins
from serinus.domain.composition import Composition, Runtime
from serinus.domain.gates import Finding
from serinus.domain.guard import DEFAULT_GUARDS
from serinus.domain.layout import Layout
from serinus.domain.ledger import Action, LedgerEntry
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.model_version import Holdout, Manifest, Upload
from serinus.domain.policy import EndpointName, Policy, Retraining
from serinus.domain.profile import ProfilePart, RequestCounts
from serinus.domain.rollout import ChosenPlan, Release, Rollout
from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature
from serinus.domain.table import Table

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
FRAUD = EndpointName("fraud")


def after(seconds: float) -> datetime:
    """Return the instant so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def a_policy(endpoint: str = FRAUD, *, owner: str = "risk@example.com") -> Policy:
    """Return a policy that uses every optional part."""
    gate = MetricGate(Metric.ROC_AUC, minimum=0.7)
    return Policy(EndpointName(endpoint), owners=(owner,), gates=(gate,), retraining=Retraining())


def a_signature() -> Signature:
    """Return the signature of a model of two features."""
    return Signature(
        inputs=(InputTensor("features", Datatype.FP32, ("amount", "age")),),
        outputs=(OutputTensor("probabilities", Datatype.FP32, (-1, 2)),),
        score=Score("probabilities", 1),
    )


def a_manifest(model: str = "a") -> Manifest:
    """Return the manifest of an upload; other models have other digests."""
    holdout = Holdout("holdout.parquet", "h" * 64, "class")
    return Manifest("model.onnx", model * 64, a_signature(), holdout, {"git": "0123abc"})


def an_upload(upload: str = "upload-1", *, execution: str = "execution-1", endpoint: str = FRAUD) -> Upload:
    """Return an upload that an execution takes on."""
    return Upload(EndpointName(endpoint), upload, execution, NOON)


def a_finding(*, passed: bool = True) -> Finding:
    """Return what a gate found."""
    return Finding(
        "metric:roc_auc", passed, "roc_auc is 0.8125 on 400 held-out rows", {"value": 0.8125, "rows": 400.0}
    )


A_PLAN = ChosenPlan((5, 25, 50), DEFAULT_GUARDS, "as the policy says")


def a_rollout(rollout: str = "fraud-1", *, started: float = 0, endpoint: str = FRAUD) -> Rollout:
    """Return a rollout that has just started, so many seconds after noon."""
    return Rollout(
        rollout, EndpointName(endpoint), 1, a_policy(endpoint), A_PLAN, f"execution-{rollout}", after(started)
    )


def a_composition(runtime: Runtime, *, model: str = "a") -> Composition:
    """Return what a release of a model is made of."""
    return Composition(1, model * 64, runtime)


def a_release(number: int = 2, *, rollout: str = "fraud-1") -> Release:
    """Return a published release."""
    layer = "arn:aws:lambda:eu-west-1:1:layer:m:1"
    runtime = Runtime("assets", "infer.zip", "handler.handler", "python3.13", "x86_64", (layer,), 512, 5, {"A": "b"})
    return Release(FRAUD, number, 1, "c" * 64, layer, NOON, rollout, a_composition(runtime, model="c"))


def an_entry(
    entry: str = "deed-1", *, endpoint: str = FRAUD, **details: str | int | float | bool | None
) -> LedgerEntry:
    """Return a deed that is not chained yet."""
    return LedgerEntry(EndpointName(endpoint), entry, Action.MODEL_REGISTERED, "register_model", NOON, details)


def a_layout() -> Layout:
    """Return a layout with a numeric and a categorical feature."""
    return Layout(
        latency=NumericBins("latency_ms", (0.05, 1.0, 50.0)),
        score=NumericBins("score", (0.0, 0.25, 0.5, 1.0)),
        features=(NumericBins("amount", (0.1, 10.0), Datatype.FP32), CategoricalBins("country", ("ch", "at"))),
    )


def a_part(*requests: tuple[str, float, Sequence[int]], stream: str = "stream-1") -> ProfilePart:
    """Return a part of requests, each an id, its seconds after noon, and its slots."""
    counts = [RequestCounts(name, after(at), np.array(slots, dtype=np.int64)) for name, at, slots in requests]
    return ProfilePart(a_layout().digest, stream, tuple(counts))


def some_rows(*rows: tuple[str, int, float, float], **features: Sequence[float | str | None]) -> Table:
    """Return records, each a request, its row, its seconds after noon and its score, with features by name."""
    requests, numbers, seconds, scores = zip(*rows, strict=True)
    logged = {
        name: np.array(values, dtype=object if any(isinstance(value, str) for value in values) else np.float64)
        for name, values in features.items()
    }
    return Table(
        {
            "_request": np.array(requests, dtype=object),
            "_id": np.array(requests, dtype=object),
            "_row_id": np.full(len(requests), None, dtype=object),
            "_row": np.array(numbers, dtype=np.float64),
            "_at": np.array([after(second).timestamp() for second in seconds]),
            "_inputs": np.ones(len(requests)),
            "_score": np.array(scores, dtype=np.float64),
            "_latency_ms": np.full(len(requests), 2.5),
        }
        | logged
    )
