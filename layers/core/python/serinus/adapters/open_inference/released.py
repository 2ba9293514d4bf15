"""The model that this process serves: the package `serinus_release` of the layer that its release was made with."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from serinus.adapters.onnx.runner import load_runner
from serinus.adapters.onnx.signature_json import parse_signature
from serinus.adapters.open_inference.release_layer import released_file
from serinus.domain.signature import Datatype, InputTensor, Signature
from serinus.domain.tensor import Tensor
from serinus.use_cases.infer import Runner


class ReleasedModel(NamedTuple):
    """A model ready to be asked, and what the prediction record says of it."""

    endpoint: str
    model_version: int
    content_digest: str
    signature: Signature
    model: Runner


def load_released(*, threads: int = 1) -> ReleasedModel | None:
    """Load the released model and run it once, so that no caller waits for what is done on the first run.

    Args:
        threads: that share the model's work.

    Returns:
        The model; `None` where no layer brings one: nothing is released yet.

    Raises:
        ModelRefused: ONNX Runtime cannot load it.
    """
    release, onnx = released_file("release.json"), released_file("model.onnx")
    if release is None or onnx is None:
        return None
    said = orjson.loads(release)
    signature = parse_signature(said["signature"])
    model = load_runner(onnx, signature, threads=threads)
    _warm(model, signature)
    return ReleasedModel(said["endpoint"], said["model_version"], said["content_digest"], signature, model)


def _warm(model: Runner, signature: Signature) -> None:
    """Run one row of zeros and empty texts, twice: a session may make ready for the second in the first."""
    row = {tensor.name: _zeros(tensor) for tensor in signature.inputs}
    for _ in range(2):
        model.run_tensors(row, [signature.score.output])


def _zeros(tensor: InputTensor) -> Tensor:
    zero: Any = {Datatype.BYTES: "", Datatype.BOOL: False}.get(tensor.datatype, 0)
    columns = len(tensor.columns)
    return Tensor.of(tensor.datatype, (1, columns), [zero] * columns)
