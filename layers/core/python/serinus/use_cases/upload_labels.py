"""Record a file of labels, once it has been checked."""

from __future__ import annotations

from dataclasses import dataclass

from serinus.domain.label_files import LabelsRead
from serinus.use_cases.record_labels import Recording


@dataclass(frozen=True)
class UploadedLabels:
    """What a file says, and whether it is new."""

    endpoint: str
    read: LabelsRead
    new: bool


def upload_labels(endpoint: str, name: str, body: bytes, *, recording: Recording) -> UploadedLabels:
    """Record a file as it is, under a name made of its content; the same file again is the same.

    Args:
        endpoint: whose predictions it is about.
        name: the file's, which tells its kind.
        body: what is in it.
        recording: what it needs of the world.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
        DataRefused: of which nothing would count; the message says what is wrong, and where.
    """
    policy = recording.policies.get(endpoint)
    read = recording.labels.check(name, body, task=policy.task, id_column=policy.labels.id_column)
    return UploadedLabels(endpoint, read, recording.labels.record(endpoint, name, body))
