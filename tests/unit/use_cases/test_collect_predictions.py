"""Collecting: the same sums and records, however the log is delivered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.domain.prediction import Crash, Prediction
from serinus.domain.profile import Profile, of_parts
from tests.builders import FRAUD, NOON, Died, World, a_prediction, a_table

DAY = timedelta(days=1)
PREDICTIONS = tuple(
    a_prediction(
        f"r{index:02d}",
        at=NOON + timedelta(seconds=9 * index),
        status=500 if index % 7 == 3 else 200,
        features=a_table(1 + index % 3, seed=index),
    )
    for index in range(20)
)
CRASHES = tuple(Crash(f"c{index}", NOON + timedelta(seconds=30 * index)) for index in range(5))


def a_live_world() -> World:
    """Return a world whose first release, number 2, is live."""
    world = World()
    world.published()
    return world


def seen(world: World) -> tuple[Profile, dict[str, list[object]]]:
    """Return what is counted and what is recorded of release 2."""
    digest = world.versions.get(FRAUD, 1).content_digest
    reference = world.references.get(FRAUD, digest)
    assert reference is not None
    records = world.records.read(FRAUD, 2, NOON - DAY, NOON + DAY)
    return (
        of_parts(reference.layout, world.every_part(2)),
        {name: column.tolist() for name, column in records.columns.items()},
    )


def delivered(deliveries: Sequence[tuple[Sequence[Prediction], Sequence[Crash]]]) -> tuple[Profile, object]:
    """Return what a world saw of these deliveries."""
    world = a_live_world()
    for predictions, crashes in deliveries:
        world.collect(predictions, release=2, crashes=crashes)
    return seen(world)


ONCE = delivered([(PREDICTIONS, CRASHES)])


def test_a_delivery_is_counted_and_recorded() -> None:
    """Every request counts, every scored row has a record, by minute."""
    profile, records = ONCE
    assert isinstance(records, dict)
    assert (profile.requests, profile.failures) == (25, 8)
    assert profile.rows == len(records["_request"]) == sum(len(one.scores) for one in PREDICTIONS)


def test_every_batch_twice_counts_once() -> None:
    """A redelivery writes the same objects under the same keys."""
    world = a_live_world()
    parts = world.collect(PREDICTIONS, release=2, crashes=CRASHES)
    stored = {key: world.data.get(key) for key in world.data.list("")}
    assert world.collect(PREDICTIONS, release=2, crashes=CRASHES) == parts == 3
    assert {key: world.data.get(key) for key in world.data.list("")} == stored


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=4), st.booleans())
def test_however_it_is_split_the_sums_and_records_are_the_same(cuts: list[tuple[int, int]], turned: bool) -> None:
    """Overlapping slices, out of order, beside one delivery of everything."""
    slices: list[tuple[Sequence[Prediction], Sequence[Crash]]] = [
        (PREDICTIONS[min(cut) : max(cut)], CRASHES[: cut[0] % 6]) for cut in cuts
    ]
    whole: list[tuple[Sequence[Prediction], Sequence[Crash]]] = [(PREDICTIONS, CRASHES)]
    assert delivered(whole + slices if turned else slices + whole) == ONCE


def test_dying_after_any_write_loses_and_doubles_nothing() -> None:
    """Killed between records and part, or after any object, the redelivery completes it."""
    counting = a_live_world()
    counting.fate.after_write(-1, lambda: None)
    counting.collect(PREDICTIONS, release=2, crashes=CRASHES)
    for number in range(1, counting.fate.writes + 1):
        world = a_live_world()
        world.fate.die_after(number)
        with pytest.raises(Died):
            world.collect(PREDICTIONS, release=2, crashes=CRASHES)
        world.collect(PREDICTIONS, release=2, crashes=CRASHES)
        assert seen(world) == ONCE, f"died after write {number}"


def test_what_an_unreleased_version_logs_is_passed_over() -> None:
    """Version 1, which answers 503, and versions nobody knows have no profile."""
    world = a_live_world()
    assert world.collect(PREDICTIONS, release=1) == world.collect(PREDICTIONS, release=99) == 0
    assert world.data.list("") == []


def test_a_release_whose_reference_is_gone_is_passed_over() -> None:
    """Without a layout nothing can be counted."""
    world = a_live_world()
    world.rollouts.record_release(
        type(world.rollouts.releases(FRAUD)[0])(FRAUD, 7, 1, "0" * 64, "layer", NOON, "rollout")
    )
    assert world.collect(PREDICTIONS, release=7) == 0


def test_a_minute_of_failures_has_a_part_and_no_records() -> None:
    """Requests without rows are counted only."""
    world = a_live_world()
    assert world.collect([a_prediction(status=500)], release=2) == 1
    assert world.data.list("records/") == []


def test_where_inputs_are_not_logged_scores_are_counted_and_nothing_is_recorded() -> None:
    """A record without features could not be trained on."""
    world = a_live_world()
    logged = a_prediction("r1", features=a_table(2))
    silent = Prediction(logged.request, logged.id, logged.at, 1.0, 200, None, logged.scores)
    assert world.collect([silent], release=2) == 1
    profile, records = seen(world)
    assert (profile.rows, records["_request"]) == (2, [])
    assert int(profile.feature(0).sum()) == 0
