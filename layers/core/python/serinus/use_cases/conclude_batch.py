"""Say that a batch is done: sum up its profile and write its manifest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from serinus.domain.profile import Profile
from serinus.errors import ReleaseFailed
from serinus.use_cases.ports.batches import Batches
from serinus.use_cases.ports.registry import References

_NAMED = 10  # of the parts that are missing


@dataclass(frozen=True)
class Concluding:
    """What concluding a batch needs of the world."""

    batches: Batches
    references: References


@dataclass(frozen=True)
class ConcludedBatch:
    """How a batch stands.

    Attributes:
        manifest: the key of its manifest; `None` while parts are missing.
        missing: how many parts are.
        named: the first of these.
    """

    folder: str
    rows: int
    parts: int
    missing: int = 0
    named: tuple[int, ...] = ()
    manifest: str | None = None


def conclude_batch(folder: str, *, concluding: Concluding) -> ConcludedBatch:
    """Write the profile and the manifest where every part is done; a folder with a manifest is whole.

    Raises:
        ObjectNotFound: there is no such batch.
        ReleaseFailed: the model's reference profile has gone.
    """
    batch = concluding.batches.get(folder)
    done = set(concluding.batches.done(folder))
    missing = [part.number for part in batch.parts if part.number not in done]
    if missing:
        return ConcludedBatch(folder, 0, len(batch.parts), len(missing), tuple(missing[:_NAMED]))
    reference = concluding.references.get(batch.endpoint, batch.content_digest)
    if reference is None:
        raise ReleaseFailed(f"version {batch.model_version} has no reference profile: validate it again")
    summaries = concluding.batches.summaries(folder, [part.number for part in batch.parts])
    counts = np.zeros(reference.layout.size, dtype=np.int64)
    for summary in summaries:
        if summary.layout_digest != reference.layout.digest:
            raise ReleaseFailed(
                f"part {summary.number} was counted by another profile: remove {folder} and start again"
            )
        counts[list(summary.slots)] += np.array(summary.counts, dtype=np.int64)
    manifest = concluding.batches.conclude(batch, summaries, Profile(reference.layout, counts))
    return ConcludedBatch(folder, sum(summary.rows for summary in summaries), len(summaries), manifest=manifest)
