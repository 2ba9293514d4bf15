"""Compacting: however minutes are folded, by whom and while who reads, every request is counted once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.adapters.memory.objects import MemoryObjects
from serinus.adapters.schemas.payloads import CompactionDue
from serinus.adapters.stored.profile_parts import StoredProfileParts
from serinus.domain.bins import CategoricalBins, NumericBins
from serinus.domain.layout import Layout
from serinus.domain.prediction import Crash
from serinus.domain.profile import ProfilePart, RequestCounts, minute_of, of_parts
from serinus.errors import EndpointNotFound
from serinus.use_cases.compact_profiles import compact_profiles
from serinus.use_cases.ports.watching import Folded
from tests.builders import FRAUD, NOON, World, a_prediction, acting, die

EVENTS = Path(__file__).parents[3] / "events" / "compact_profiles"
REQUESTS = 40
BEGIN = datetime(2026, 3, 4, 21, 30, tzinfo=UTC)
EVERY = timedelta(minutes=7)  # so that forty requests span midnight
END = BEGIN + REQUESTS * EVERY
LONG_AFTER = END + timedelta(days=2)
LAYOUT = Layout(
    NumericBins("latency_ms", (0.0, 1.0)),
    NumericBins("score", (0.0, 1.0)),
    (CategoricalBins("who", tuple(str(number) for number in range(REQUESTS))),),
)
FIRST = LAYOUT.feature_section(0).start + CategoricalBins.SPECIAL


def at(number: int) -> datetime:
    """Return when a request was asked."""
    return BEGIN + number * EVERY


class InterruptedObjects(MemoryObjects):
    """Between any two calls of one process, others come to act: whatever the plan says of that call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.plan: dict[int, Callable[[], None]] = {}

    def _passed(self) -> None:
        self.calls += 1
        self.plan.pop(self.calls, lambda: None)()

    def get(self, key: str) -> bytes:
        """Return the object."""
        self._passed()
        return super().get(key)

    def create(self, key: str, body: bytes) -> None:
        """Write the object where there is none."""
        self._passed()
        super().create(key, body)
        self._passed()

    def delete(self, key: str) -> None:
        """Remove the object."""
        self._passed()
        super().delete(key)

    def list(self, prefix: str) -> Sequence[str]:
        """Return every key with that prefix."""
        self._passed()
        return super().list(prefix)


class Traffic:
    """Requests that count into a slot each, so that a profile tells who was counted, and how often."""

    def __init__(self, objects: MemoryObjects) -> None:
        self.parts = StoredProfileParts(objects, at_once=1)
        self.put: set[int] = set()

    def deliver(self, *numbers: int) -> None:
        """Store parts of these requests, one a minute."""
        for number in numbers:
            slots = np.array([0, FIRST + number], dtype=np.int64)
            part = ProfilePart(LAYOUT.digest, f"s{number}", (RequestCounts(f"r{number}", at(number), slots),))
            self.parts.put(FRAUD, 2, minute_of(at(number)), part)
            self.put.add(number)

    def counted(self, start: datetime = BEGIN, end: datetime = END) -> list[int]:
        """Return how often each request is counted in a window."""
        profile = of_parts(LAYOUT, self.parts.read(FRAUD, 2, start, end), start, end)
        counts: list[int] = profile.feature(0)[CategoricalBins.SPECIAL :].tolist()
        assert profile.requests == sum(counts)
        return counts

    def check(self, start: datetime = BEGIN, end: datetime = END) -> None:
        """Everything that was there before is counted once, nothing that was not there afterwards."""
        before = {number for number in self.put if start <= at(number) < end}
        counts = self.counted(start, end)
        after = {number for number in self.put if start <= at(number) < end}
        assert set(counts) <= {0, 1}
        counted = {number for number, count in enumerate(counts) if count}
        assert before <= counted <= after

    def fold(self, before: datetime = LONG_AFTER) -> Folded:
        """Fold what ended before an instant."""
        return self.parts.fold(FRAUD, before)


def test_a_window_is_a_handful_of_files_and_the_same_sums() -> None:
    """Forty minutes become five hours and two days; whole hours are read as their days' sums."""
    objects = MemoryObjects()
    traffic = Traffic(objects)
    traffic.deliver(*range(REQUESTS))
    assert traffic.fold() == Folded(hours=6, days=2) or traffic.fold().hours == 0
    assert objects.list("profiles/fraud/minutes/") == []
    assert len(objects.list("profiles/fraud/hours/")) == len({minute_of(at(n))[:13] for n in range(REQUESTS)})
    assert len(objects.list("profiles/fraud/days/")) == 2
    traffic.check()
    whole = list(traffic.parts.read(FRAUD, 2, BEGIN.replace(minute=0), END + timedelta(hours=1)))
    assert all(len(part.requests) == 1 for part in whole)


def test_folding_again_writes_nothing() -> None:
    """What is folded is left alone, generation and all."""
    objects = MemoryObjects()
    traffic = Traffic(objects)
    traffic.deliver(*range(REQUESTS))
    traffic.fold()
    stored = {key: objects.get(key) for key in objects.list("")}
    assert traffic.fold() == Folded(0, 0)
    assert {key: objects.get(key) for key in objects.list("")} == stored


def test_minutes_that_are_not_closed_stay() -> None:
    """They are read beside the hour that they will be folded into."""
    objects = MemoryObjects()
    traffic = Traffic(objects)
    traffic.deliver(*range(10))
    traffic.fold(at(5) + timedelta(seconds=59))
    assert len(objects.list("profiles/fraud/minutes/")) == 5
    traffic.check()


def test_what_comes_late_counts_once_and_is_folded_by_the_next_run() -> None:
    """A redelivery of what has been folded adds nothing; what is new is counted at once, and sums follow."""
    objects = MemoryObjects()
    traffic = Traffic(objects)
    traffic.deliver(*range(0, REQUESTS, 2))
    traffic.fold()
    traffic.deliver(*range(REQUESTS))
    traffic.check()
    traffic.fold()
    assert objects.list("profiles/fraud/minutes/") == []
    traffic.check()
    assert traffic.counted() == [1] * REQUESTS


@given(st.integers(0, REQUESTS * 7), st.integers(0, REQUESTS * 7))
def test_any_window_has_the_same_sums_folded_or_not(first: int, last: int) -> None:
    """To the minute, at both ends."""
    start, end = BEGIN + timedelta(minutes=min(first, last)), BEGIN + timedelta(minutes=max(first, last))
    assert FOLDED.counted(start, end) == UNFOLDED.counted(start, end)


UNFOLDED, FOLDED = Traffic(MemoryObjects()), Traffic(MemoryObjects())
UNFOLDED.deliver(*range(REQUESTS))
FOLDED.deliver(*range(REQUESTS))
FOLDED.fold()


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 3, 5, 8, 20]),
        st.sampled_from(["fold", "late", "again", "read", "die"]),
        st.integers(0, REQUESTS - 1),
    ),
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(st.sets(st.integers(0, REQUESTS - 1), min_size=1, max_size=8), ACTIONS)
def test_whoever_comes_between_whichever_calls_every_request_counts_once(
    first: set[int], actions: list[tuple[int, str, int]]
) -> None:
    """Folders, readers, late deliveries, redeliveries and deaths, between any two calls of any of them."""
    objects = InterruptedObjects()
    traffic = Traffic(objects)
    traffic.deliver(*first)
    call = objects.calls
    for gap, name, number in actions:
        call += gap
        does = {
            "fold": acting(traffic.fold),
            "late": acting(partial(traffic.deliver, number)),
            "again": acting(partial(traffic.deliver, *sorted(first)[: number + 1])),
            "read": acting(traffic.check),
            "die": die,
        }
        objects.plan[call] = does[name]
    for _ in range(3):
        acting(traffic.fold)()
        acting(traffic.check)()
    objects.plan.clear()
    traffic.check()
    traffic.fold()
    traffic.fold()
    assert objects.list("profiles/fraud/minutes/") == []
    traffic.check()


def test_of_two_folders_at_one_generation_the_later_leaves_off() -> None:
    """What the earlier has folded besides is not overwritten."""
    objects = InterruptedObjects()
    traffic = Traffic(objects)
    traffic.deliver(0)

    def others() -> None:
        traffic.deliver(1)
        traffic.fold()

    objects.plan[objects.calls + 4] = others  # after listing minutes, listing generations and reading one minute
    traffic.fold()
    assert traffic.counted()[:2] == [1, 1]


def test_a_folder_that_slept_through_generations_removes_nothing() -> None:
    """It creates anew a generation that was superseded and removed, and sees that it is not the last."""
    objects = InterruptedObjects()
    traffic = Traffic(objects)
    traffic.deliver(0, 1)
    (unseen,) = objects.list(f"profiles/fraud/minutes/{minute_of(at(1))}")

    def others() -> None:
        """Fold twice, both having listed minutes before request 1 came."""
        body = objects.get(unseen)
        objects.delete(unseen)
        traffic.fold()
        traffic.deliver(2)
        traffic.fold()
        objects.put(unseen, body)

    objects.plan[objects.calls + 5] = others  # after listing minutes, listing generations and reading two minutes
    traffic.fold()
    assert [key[-14:] for key in objects.list("profiles/fraud/hours/")] == ["000001.json.gz", "000002.json.gz"]
    assert traffic.counted()[:3] == [1, 1, 1]
    traffic.fold()
    assert traffic.counted()[:3] == [1, 1, 1]


def test_a_request_that_left_a_record_and_crashed_is_folded_as_one() -> None:
    """In the sums as well: a failed request whose rows were scored."""
    world = World()
    world.published()
    world.collect([a_prediction("r1", at=NOON)], release=2, crashes=[Crash("r1", NOON)])
    digest = world.versions.get(FRAUD, 1).content_digest
    reference = world.references.get(FRAUD, digest)
    assert reference is not None
    before = of_parts(reference.layout, world.every_part(2))
    world.later(7_200)
    assert compact_profiles(FRAUD, compacting=world.compacting) == Folded(1, 1)
    after = of_parts(reference.layout, world.every_part(2))
    assert (before.requests, before.failures, before.rows) == (1, 1, 1)
    assert after == before


def test_only_what_is_older_than_the_watermark_and_some_is_folded() -> None:
    """Predictions are still being collected for younger minutes."""
    world = World()
    world.published()
    world.serve(2, requests=3)
    world.later(60 + 30 + 15 * 60 - 1)
    assert compact_profiles(FRAUD, compacting=world.compacting).hours == 0
    world.later(1)
    assert compact_profiles(FRAUD, compacting=world.compacting).hours == 1


def test_an_endpoint_that_is_not_deployed_is_an_error() -> None:
    """Its schedule should have gone with it."""
    with pytest.raises(EndpointNotFound):
        compact_profiles("nowhere", compacting=World().compacting)


@pytest.mark.parametrize("event", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_sample_event_names_the_endpoint(event: Path) -> None:
    """As the schedule sends it."""
    assert CompactionDue.model_validate(json.loads(event.read_text())).endpoint == FRAUD
