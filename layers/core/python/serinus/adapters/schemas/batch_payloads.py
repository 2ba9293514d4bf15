"""What the functions of a batch are called with and answer, as its state machine sends and reads it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from serinus.domain.batch import Batch
from serinus.use_cases.conclude_batch import ConcludedBatch

_Folder = Annotated[str, Field(pattern=r"^predictions/.+/$", max_length=200)]


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True)


class BatchWanted(_Payload):
    """What an execution is started with: prefixes in the data bucket."""

    endpoint: Annotated[str, Field(min_length=1, max_length=256)]
    source: str
    output: str | None = None


class PartWanted(_Payload):
    """One item of the map."""

    folder: _Folder
    part: Annotated[int, Field(ge=0)]


class BatchNamed(_Payload):
    """Called when the map is over."""

    folder: _Folder


def plan_payload(batch: Batch) -> dict[str, object]:
    """Return what the map runs over; each item says all that its part needs, as items know of nothing else."""
    return {
        "batch": batch.id,
        "folder": batch.folder,
        "items": [{"folder": batch.folder, "part": part.number} for part in batch.parts],
    }


def conclusion_payload(concluded: ConcludedBatch) -> dict[str, object]:
    """Return `succeeded` with the manifest's key, or `incomplete` with what is missing."""
    return {
        "folder": concluded.folder,
        "status": "succeeded" if concluded.manifest else "incomplete",
        "rows": concluded.rows,
        "parts": concluded.parts,
        "missing": concluded.missing,
        "missing_parts": list(concluded.named),
        "manifest": concluded.manifest,
    }
