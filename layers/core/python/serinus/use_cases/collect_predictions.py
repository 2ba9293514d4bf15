"""Turn one delivery of the log into prediction records and profile parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from serinus.domain.layout import Layout
from serinus.domain.prediction import Crash, LogBatch, Prediction, counted, records_of
from serinus.domain.profile import ProfilePart, minute_of
from serinus.use_cases.ports.registry import References
from serinus.use_cases.ports.rollouts import Rollouts
from serinus.use_cases.ports.watching import ProfileParts, Records


@dataclass(frozen=True)
class Collecting:
    """What collecting needs of the world."""

    rollouts: Rollouts
    references: References
    records: Records
    parts: ProfileParts


def collect_predictions(batch: LogBatch, *, collecting: Collecting) -> int:
    """Count a delivery once, however often and however split it comes; return the number of parts written.

    Records are written before the part that counts them, both under the part's own key: a collector that dies in
    between leaves nothing that the next delivery does not write again. What an unreleased version logged is passed
    over: it serves nothing.
    """
    layout = _layout(batch, collecting)
    if layout is None:
        return 0
    written = 0
    for minute, predictions, crashes in _by_minute(batch):
        requests = (*counted(predictions, layout), *(crash.counted(layout) for crash in crashes))
        part = ProfilePart(layout.digest, batch.stream, requests)
        rows = records_of(predictions)
        if rows.rows:
            collecting.records.put(batch.endpoint, batch.release, minute, part.key, rows)
        collecting.parts.put(batch.endpoint, batch.release, minute, part)
        written += 1
    return written


def _layout(batch: LogBatch, collecting: Collecting) -> Layout | None:
    release = collecting.rollouts.release(batch.endpoint, batch.release)
    reference = collecting.references.get(batch.endpoint, release.content_digest) if release else None
    return reference.layout if reference else None


def _by_minute(batch: LogBatch) -> Iterator[tuple[str, list[Prediction], list[Crash]]]:
    predictions: dict[str, list[Prediction]] = defaultdict(list)
    crashes: dict[str, list[Crash]] = defaultdict(list)
    for prediction in batch.predictions:
        predictions[minute_of(prediction.at)].append(prediction)
    for crash in batch.crashes:
        crashes[minute_of(crash.at)].append(crash)
    for minute in sorted(predictions.keys() | crashes.keys()):
        yield minute, predictions[minute], crashes[minute]
