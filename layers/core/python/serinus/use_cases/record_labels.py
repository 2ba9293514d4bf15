"""Record labels that a caller sends."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from serinus.domain.label_files import Label
from serinus.domain.task import Task
from serinus.errors import DataRefused, RequestTooLarge
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.watching import Labels

MOST_LABELS = 10_000

_MUST_BE = {
    Task.BINARY: "0 or 1, or false or true",
    Task.REGRESSION: "a number that FP32 holds",
    Task.MULTICLASS: "the name of a class",
}


@dataclass(frozen=True)
class RecordedLabels:
    """What was recorded: how many labels, of how many predictions, and whether any of it is new."""

    endpoint: str
    labels: int
    predictions: int
    new: bool


@dataclass(frozen=True)
class Recording:
    """What recording labels needs of the world."""

    policies: Policies
    labels: Labels


def record_labels(endpoint: str, labels: Sequence[Label], *, recording: Recording) -> RecordedLabels:
    """Record all of them or none, as a file whose name is made of what it says: sent again, it is the same file.

    Predictions are not looked up: a label may come before the log that its prediction is in.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
        RequestTooLarge: there are more than are taken at once.
        DataRefused: one of them is not what the endpoint's labels are; the message says which.
    """
    policy = recording.policies.get(endpoint)
    if len(labels) > MOST_LABELS:
        raise RequestTooLarge(f"there are {len(labels):,} labels, above {MOST_LABELS:,}: send them in parts")
    task = policy.task
    for number, label in enumerate(labels):
        if not label.is_of(task):
            raise DataRefused(f"labels.{number}.label: it must be {_MUST_BE[task]}")
        if label.row_id is not None and policy.labels.id_column is None:
            raise DataRefused(
                f"labels.{number}.row_id: the policy of {endpoint!r} names no labels.id_column: send id and row"
            )
    lines = [json.dumps(_line(label, policy.labels.id_column), sort_keys=True) for label in labels]
    new = recording.labels.record(endpoint, "sent.jsonl", "".join(f"{line}\n" for line in lines).encode())
    return RecordedLabels(endpoint, len(labels), len({label.prediction for label in labels}), new)


def _line(label: Label, id_column: str | None) -> dict[str, object]:
    named = {"id": label.id, "row": label.row} if label.row_id is None else {id_column or "": label.row_id}
    at = {} if label.time is None else {"time": label.time.astimezone(UTC).isoformat()}
    return {**named, "label": float(label.value) if isinstance(label.value, int) else label.value, **at}
