"""Everything that can stand against serving a file, told before a session is made of it."""

from __future__ import annotations

import onnx
import onnx.checker

from serinus.adapters.onnx import graph_rules, signature_rules
from serinus.adapters.onnx.reading import parse
from serinus.domain.signature import Signature
from serinus.errors import ModelRefused

_LONGEST = 1_000  # characters; a hostile graph has names of megabytes


def faults(model: bytes, signature: Signature) -> list[str]:
    """Return each fault as one sentence that says what, where, and what to do; nothing where the file is fine.

    Touches no file: `onnx.checker`, which would follow external data, sees only models that have none.
    """
    try:
        proto = parse(model)
    except ModelRefused as refusal:
        return [str(refusal)]
    found = graph_rules.faults(proto) or _malformations(model) or signature_rules.faults(proto.graph, signature)
    return [fault[:_LONGEST] for fault in found]


def _malformations(model: bytes) -> list[str]:
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError, RuntimeError, MemoryError) as error:
        said = " ".join(str(error).split())[:400]
        return [f"the model is no well-formed ONNX model ({said}): export it again"]
    return []
