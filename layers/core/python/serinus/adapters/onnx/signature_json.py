"""A signature from the JSON that `dataclasses.asdict` makes of it; without Pydantic, for the sake of start-up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature


def parse_signature(said: Mapping[str, Any]) -> Signature:
    """Return the signature; it was written by Serinus, so that anything amiss is a defect and raises."""
    return Signature(
        inputs=tuple(
            InputTensor(tensor["name"], Datatype(tensor["datatype"]), tuple(tensor["columns"]))
            for tensor in said["inputs"]
        ),
        outputs=tuple(
            OutputTensor(tensor["name"], Datatype(tensor["datatype"]), tuple(tensor["shape"]))
            for tensor in said["outputs"]
        ),
        score=Score(said["score"]["output"], said["score"]["column"]),
    )
