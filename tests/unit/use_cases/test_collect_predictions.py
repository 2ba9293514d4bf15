"""Collecting: the same sums and records, however the log is delivered."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.domain.layout import Layout, Outcome
from serinus.domain.prediction import Binned, Crash, Prediction
from serinus.domain.profile import Profile, of_parts
from serinus.domain.row_counts import without_joint
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


def test_where_inputs_are_not_logged_rows_are_recorded_without_them() -> None:
    """Labels join with their scores, and nothing trains on them."""
    world = a_live_world()
    logged = a_prediction("r1", features=a_table(2))
    silent = Prediction(logged.request, logged.id, logged.at, 1.0, 200, None, logged.scores)
    assert world.collect([silent], release=2) == 1
    profile, records = seen(world)
    assert (profile.rows, int(profile.feature(0).sum())) == (2, 0)
    assert (records["_request"], records["_row"], records["_inputs"]) == (["r1", "r1"], [0, 1], [0, 0])
    assert "amount" not in records


def binned(prediction: Prediction, layout: Layout) -> Prediction:
    """Return the prediction as the log tells it where inputs are not logged."""
    if prediction.features is None:
        return prediction
    columns = {bins.name: bins.slots(prediction.features.columns[bins.name]) for bins in layout.features}
    return replace(prediction, features=None, binned=Binned(layout.digest, columns))


def sampled(prediction: Prediction, layout: Layout) -> Prediction:
    """Return the prediction as the log tells it where its rows do not fit: its last row, and the counts of all."""
    if prediction.features is None:
        return prediction
    slots, times = np.unique(
        layout.without_joint.row_slots(prediction.features, prediction.scores), return_counts=True
    )
    last = len(prediction.scores) - 1
    return replace(
        prediction,
        features=prediction.features.slice(last, last + 1),
        scores=prediction.scores[last:],
        row_numbers=np.array([last]),
        binned=Binned(layout.digest, {}, (slots, times)),
    )


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from(["whole", "binned", "sampled"]), min_size=20, max_size=20), st.integers(0, 20))
def test_whatever_the_log_says_of_inputs_the_sums_are_the_same(ways: list[str], cut: int) -> None:
    """Whole, as bin numbers, or as a sample with the counts of all; delivered whole and in two halves.

    What is counted jointly is so of the sample alone.
    """
    world = a_live_world()
    reference = world.references.get(FRAUD, world.versions.get(FRAUD, 1).content_digest)
    assert reference is not None
    says = {"whole": lambda one, _: one, "binned": binned, "sampled": sampled}
    said = [says[way](one, reference.layout) for way, one in zip(ways, PREDICTIONS, strict=True)]
    for delivery in (said[cut:], said, said[:cut]):
        world.collect(delivery, release=2, crashes=CRASHES)
    assert without_joint(seen(world)[0]) == without_joint(ONCE[0])


@pytest.mark.parametrize(
    "nonsense",
    [
        Binned("0" * 64, {"amount": np.array([3])}),
        Binned("", {"amount": np.array([10_000])}),
        Binned("", {"nothing": np.array([1])}),
        Binned("", {}, (np.array([0]), np.array([5]))),
        Binned("", {}, (np.array([10**6]), np.array([5]))),
        Binned("", {}, (np.array([], dtype=np.int64), np.array([], dtype=np.int64))),
    ],
    ids=["another layout", "no bin", "no feature", "an outcome", "no slot", "nothing"],
)
def test_bins_that_are_none_are_passed_over(nonsense: Binned) -> None:
    """The request and its score are counted all the same."""
    world = a_live_world()
    reference = world.references.get(FRAUD, world.versions.get(FRAUD, 1).content_digest)
    assert reference is not None
    claimed = replace(nonsense, layout=nonsense.layout or reference.layout.digest)
    logged = a_prediction("r1", features=a_table(1))
    world.collect([replace(logged, features=None, binned=claimed)], release=2)
    profile, _ = seen(world)
    assert (profile.requests, profile.rows, int(profile.feature(0).sum())) == (1, 1, 0)


@given(st.permutations(["record", "report", "record", "report", "both"]))
@settings(max_examples=10, deadline=None)
def test_a_request_that_left_a_record_and_ended_badly_is_one_failure(deliveries: list[str]) -> None:
    """In whatever order and however often the two come; its rows were scored."""
    world = a_live_world()
    record, report = a_prediction("r1", features=a_table(3)), Crash("r1", NOON)
    for delivery in deliveries:
        world.collect(
            [record] if delivery != "report" else [], release=2, crashes=[report] if delivery != "record" else []
        )
    profile, records = seen(world)
    assert (profile.requests, profile.failures, profile.rows) == (1, 1, 3)
    assert profile.outcome(Outcome.CRASHED) == 1
    assert len(records["_request"]) == 3


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=3), st.integers(1, 12), st.integers(0, 3))
def test_dying_and_splitting_and_folding_change_no_sum(cuts: list[tuple[int, int]], dies: int, folds: int) -> None:
    """Overlapping slices, each delivered twice, the first time to a collector that dies, with folding in between."""
    world = a_live_world()
    slices = [(PREDICTIONS[min(cut) : max(cut)], CRASHES[: cut[0] % 6]) for cut in cuts]
    for number, (predictions, crashes) in enumerate([*slices, (PREDICTIONS, CRASHES)]):
        world.fate.die_after(dies)
        with suppress(Died):
            world.collect(predictions, release=2, crashes=crashes)
        world.fate.after_write(-1, lambda: None)
        if number <= folds:
            world.parts.fold(FRAUD, NOON + DAY)
        world.collect(predictions, release=2, crashes=crashes)
    assert seen(world) == ONCE
