"""The model that this process serves: the package `serinus_release` of the layer that its release was made with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from serinus.adapters.onnx.datatypes import NUMPY
from serinus.adapters.onnx.signature_json import parse_signature
from serinus.domain.signature import Signature

if TYPE_CHECKING:
    from serinus.use_cases.ports import Model

_PACKAGE = "serinus_release"


@dataclass(frozen=True)
class ReleasedModel:
    """A model ready to be asked, and what the prediction record says of it."""

    endpoint: str
    model_version: int
    content_digest: str
    signature: Signature
    model: Model


def load_released() -> ReleasedModel | None:
    """Load the released model and run it once, so that no caller waits for what is done on the first run.

    Returns:
        The model; `None` where no layer brings one: nothing is released yet.

    Raises:
        ModelRefused: ONNX Runtime cannot load it.
    """
    try:
        package = resources.files(_PACKAGE)
    except ModuleNotFoundError:
        return None
    from serinus.adapters.onnx.session import PythonSession

    said = json.loads(package.joinpath("release.json").read_bytes())
    signature = parse_signature(said["signature"])
    model = PythonSession(package.joinpath("model.onnx").read_bytes(), signature)
    _warm(model, signature)
    return ReleasedModel(said["endpoint"], said["model_version"], said["content_digest"], signature, model)


def _warm(model: Model, signature: Signature) -> None:
    """Run one row of zeros and empty texts."""
    model.run(
        {
            tensor.name: np.full(
                (1, len(tensor.columns)), 0 if tensor.datatype.is_number else "", dtype=NUMPY[tensor.datatype]
            )
            for tensor in signature.inputs
        }
    )
