"""The benchmark of watching: `python -m tests.benchmarks.watching [--only PART] [--quick] [--json FILE]`.

Every figure is measured beside its floor or its peers in the same run. The peers (Evidently, NannyML, whylogs) run as
they are, in environments of their own under build/bench; what takes longer than its bound is cut off, with a word.
The exit code is 1 where an agreement with a peer or a promise is broken; a goal of speed that is missed is told.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from tests.benchmarks.figures import Section
from tests.benchmarks.front_door import FrontDoor, Part
from tests.benchmarks.progress import Tell
from tests.benchmarks.watching import (
    checks,
    detection,
    drift,
    estimate,
    labels,
    market,
    profiles,
    small_label_files,
    speed,
    validation,
)

_PROCESSOR_SECONDS, _SOON = 60, 20  # that a peer may take


def _profiles(tell: Tell, quick: bool, _done: Sequence[Section]) -> Iterator[Section]:
    yield profiles.measure(
        tell, rounds=1 if quick else 3, large=not quick, processor_seconds=_SOON if quick else _PROCESSOR_SECONDS
    )


def _validation(tell: Tell, quick: bool, _done: Sequence[Section]) -> Iterator[Section]:
    yield validation.measure(tell, rows=100_000 if quick else 1_000_000, rounds=3)


def _drift(tell: Tell, quick: bool, _done: Sequence[Section]) -> Iterator[Section]:
    tell("one look")
    yield speed.measure()
    yield drift.count_false_alarms(tell, years=1 if quick else 2)
    yield drift.find_drifts(tell, runs=1 if quick else 3)
    yield market.looks_by_rules(tell)


def _detection(tell: Tell, quick: bool, _done: Sequence[Section]) -> Iterator[Section]:
    seconds = _SOON if quick else _PROCESSOR_SECONDS
    yield from checks.measure(tell, dict.fromkeys(list(checks.SHAPES)[:1], seconds) if quick else checks.SHAPES)
    yield market.looks_by_peers(tell, processor_seconds=seconds)
    yield detection.measure(tell, processor_seconds=seconds)


def _estimate(tell: Tell, quick: bool, _done: Sequence[Section]) -> Iterator[Section]:
    yield estimate.measure(tell, rows=100_000, processor_seconds=_SOON if quick else _PROCESSOR_SECONDS)


def _labels(tell: Tell, quick: bool, _done: Sequence[Section]) -> Iterator[Section]:
    yield labels.measure(tell, rows=100_000 if quick else 300_000, rounds=1 if quick else 3)
    yield small_label_files.measure(tell, files=2_000, rounds=1 if quick else 3)


_PARTS: dict[str, Part] = {
    "profiles": _profiles,
    "validation": _validation,
    "drift": _drift,
    "detection": _detection,
    "estimate": _estimate,
    "labels": _labels,
}


if __name__ == "__main__":
    lasts = "14 minutes of the processor, and two to make the peers' environments."
    raise SystemExit(FrontDoor("tests.benchmarks.watching", __doc__, lasts, _PARTS).run(sys.argv[1:]))
