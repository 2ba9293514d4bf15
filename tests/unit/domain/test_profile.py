"""Profiles: counts that merge, whatever was delivered how often."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.adapters.stored.part_files import decoded, encoded
from serinus.domain.bins import CategoricalBins, NumericBins, Special
from serinus.domain.layout import Outcome, layout_from
from serinus.domain.profile import Profile, ProfilePart, RequestCounts, empty, of_parts, of_rows
from serinus.domain.signature import Datatype, InputTensor, Score, Signature
from serinus.domain.table import Table
from tests.builders import (
    NOON,
    a_holdout,
    a_layout,
    a_prediction,
    a_signature,
    a_table,
    an_object_column,
    scores_of,
)

LAYOUT = a_layout()
REQUESTS = tuple(
    a_prediction(f"r{index}", at=NOON + timedelta(seconds=7 * index), features=a_table(1, seed=index)).counted(LAYOUT)
    for index in range(24)
)
DELIVERIES = st.lists(st.sets(st.integers(0, 23), min_size=1, max_size=24), min_size=1, max_size=8)


def a_part(indices: set[int] | range, *, stream: str = "s") -> ProfilePart:
    """Return the part that counts these requests."""
    return ProfilePart(LAYOUT.digest, stream, tuple(REQUESTS[index] for index in indices))


def one_feature(datatype: Datatype) -> Signature:
    """Return the signature of a model of one feature."""
    return Signature((InputTensor("X", datatype, ("x",)),), (), Score("p"))


def bins_of(values: list[float], datatype: Datatype = Datatype.FP32) -> NumericBins:
    """Return the bins chosen for a number."""
    column = np.array(values, dtype=np.float64)
    bins = layout_from(one_feature(datatype), Table({"x": column}), np.full(len(values), 0.5)).features[0]
    assert isinstance(bins, NumericBins)
    return bins


@given(DELIVERIES, st.randoms(use_true_random=False))
def test_any_redelivery_overlap_and_split_sums_the_same(deliveries: list[set[int]], chance: object) -> None:
    """Delivered in any order, twice, and split in any way, each request counts once."""
    parts = [a_part(indices, stream=f"s{number}") for number, indices in enumerate(deliveries)]
    once = of_parts(LAYOUT, [a_part(set().union(*deliveries))])
    again = [*parts, *reversed(parts)]
    chance.shuffle(again)  # type: ignore[attr-defined]  # hypothesis types it as object
    assert of_parts(LAYOUT, again) == once
    assert once.requests == len(set().union(*deliveries))


@given(DELIVERIES, DELIVERIES, DELIVERIES)
def test_the_union_of_parts_is_associative_commutative_and_idempotent(
    one: list[set[int]], two: list[set[int]], three: list[set[int]]
) -> None:
    """Uniting in any grouping gives the same sum, and uniting with oneself changes nothing."""
    a, b, c = ([a_part(indices) for indices in delivery] for delivery in (one, two, three))
    assert of_parts(LAYOUT, (a + b) + c) == of_parts(LAYOUT, a + (b + c))
    assert of_parts(LAYOUT, a + b) == of_parts(LAYOUT, b + a)
    assert of_parts(LAYOUT, a + a) == of_parts(LAYOUT, a)


@given(st.integers(0, 24))
def test_profiles_of_disjoint_requests_add(cut: int) -> None:
    """A window is the sum of its pieces, and nobody's profile is the zero."""
    left, right = of_parts(LAYOUT, [a_part(range(cut))]), of_parts(LAYOUT, [a_part(range(cut, 24))])
    assert left + right == right + left == of_parts(LAYOUT, [a_part(range(24))])
    assert left + empty(LAYOUT) == left


@given(st.integers(0, 170), st.integers(0, 170))
def test_a_window_takes_its_start_and_leaves_its_end(first: int, last: int) -> None:
    """A request at the start is inside, one at the end is outside, to the second."""
    start, end = NOON + timedelta(seconds=first), NOON + timedelta(seconds=last)
    inside = [index for index in range(24) if first <= 7 * index < last]
    assert of_parts(LAYOUT, [a_part(range(24))], start, end).requests == len(inside)


def test_windows_that_touch_share_no_request() -> None:
    """Splitting a window at any instant loses and doubles nothing."""
    whole = of_parts(LAYOUT, [a_part(range(24))])
    for second in (0, 7, 70, 71):
        middle = NOON + timedelta(seconds=second)
        parts = [a_part(range(24))]
        assert of_parts(LAYOUT, parts, None, middle) + of_parts(LAYOUT, parts, middle, None) == whole


def test_parts_of_another_layout_are_passed_over() -> None:
    """What was counted for another model version does not count here."""
    stranger = ProfilePart("f" * 64, "s", (REQUESTS[0],))
    assert of_parts(LAYOUT, [stranger]) == empty(LAYOUT)


def test_profiles_of_different_layouts_neither_add_nor_equal() -> None:
    """Adding counts of different bins is an error, not nonsense."""
    other = layout_from(one_feature(Datatype.FP64), Table({"x": np.arange(3.0)}), np.zeros(3))
    assert empty(LAYOUT) != empty(other)
    assert empty(LAYOUT) != "a profile"
    with pytest.raises(ValueError, match="different layouts"):
        empty(LAYOUT) + empty(other)


def test_a_part_keeps_its_key_and_counts_through_storage() -> None:
    """The same part is the same object under the same key, in whatever order its requests stand."""
    part = a_part(range(5))
    turned = ProfilePart(part.layout_digest, part.stream, tuple(reversed(part.requests)))
    assert part.key == turned.key == decoded(encoded(part)).key
    assert encoded(part) == encoded(turned)
    assert of_parts(LAYOUT, [decoded(encoded(part))]) == of_parts(LAYOUT, [part])


def test_keys_differ_with_what_is_counted() -> None:
    """Other requests, another stream or another layout are another object."""
    part = a_part(range(5))
    others = (
        a_part(range(6)),
        a_part(range(5), stream="t"),
        ProfilePart("f" * 64, part.stream, part.requests),
    )
    assert len({part.key, *(other.key for other in others)}) == 4


def test_a_number_falls_into_the_bin_its_edges_say() -> None:
    """Missing, below, each bin closed to the left, the last closed on both sides, above."""
    bins = NumericBins("x", (0.0, 1.0, 2.0))
    values = np.array([np.nan, -0.1, 0.0, 0.999, 1.0, 2.0, 2.1, np.inf, -np.inf])
    assert bins.slots(values).tolist() == [0, 1, 2, 2, 3, 3, 4, 4, 1]
    assert bins.width == 5


def test_one_edge_makes_one_bin_for_just_that_value() -> None:
    """A constant's bins tell the constant from what is less and more."""
    bins = NumericBins("x", (3.0,))
    assert bins.slots(np.array([2.9, 3.0, 3.1, np.nan])).tolist() == [1, 2, 3, 0]


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=60))
def test_no_reference_value_is_out_of_its_own_range(values: list[float]) -> None:
    """The reference's least and greatest lie inside, in float32 as in float64, as they stand and rounded."""
    for datatype in (Datatype.FP32, Datatype.FP64):
        bins = bins_of(values, datatype)
        slots = bins.slots(np.array(values, dtype=np.float64))
        assert slots.min() >= NumericBins.SPECIAL
        assert slots.max() < bins.inner.stop


@given(st.lists(st.floats(), max_size=60), st.lists(st.floats(), max_size=60))
def test_every_value_there_is_falls_into_one_slot(reference: list[float], live: list[float]) -> None:
    """NaN, infinities and numbers beyond float32 count too, once each and without a warning."""
    bins = bins_of(reference or [0.0])
    counts = np.bincount(bins.slots(np.array(live, dtype=np.float64)), minlength=bins.width)
    assert counts.sum() == len(live)
    assert len(counts) == bins.width
    assert counts[0] == sum(value != value for value in live)


def test_a_float32_on_the_wire_meets_the_edge_it_came_from() -> None:
    """0.1 as a float32 is not below an edge of 0.1, though it is another number in float64."""
    bins = NumericBins("x", (0.1, 0.7), Datatype.FP32)
    wire = np.array([0.1, 0.7], dtype=np.float32).astype(np.float64)
    assert bins.slots(wire).tolist() == bins.slots(np.array([0.1, 0.7])).tolist() == [2, 2]


def test_the_two_values_of_a_flag_have_a_bin_each() -> None:
    """0 and 1 are told apart, else a flag that flips would go unseen."""
    slots = bins_of([0.0] * 90 + [1.0] * 10).slots(np.array([0.0, 1.0]))
    assert slots[0] != slots[1]


def test_each_of_a_few_values_has_a_bin_of_its_own() -> None:
    """The days of the week make seven bins."""
    days = [float(day) for day in range(7)] * 30
    assert len(set(bins_of(days).slots(np.arange(7.0)).tolist())) == 7


@pytest.mark.parametrize("datatype", [Datatype.FP32, Datatype.FP64, Datatype.INT64])
def test_what_comes_beside_a_nearly_constant_value_is_told_from_it(datatype: Datatype) -> None:
    """A column of zeros with one outlier keeps a bin for the zero alone."""
    bins = bins_of([0.0] * 999 + [1_000.0], datatype)
    slots = bins.slots(np.array([0.0, 1e-3, 5.0, 1_000.0]))
    assert slots[0] not in slots[1:].tolist()


def test_a_column_without_any_value_has_bins_too() -> None:
    """An empty feature is all missing, and what comes later is below or above."""
    bins = bins_of([np.nan, np.nan])
    assert bins.slots(np.array([np.nan, -1.0, 1.0])).tolist() == [0, 1, bins.specials[Special.ABOVE]]


def test_categories_tell_missing_from_unseen() -> None:
    """Missing, other, then the known ones."""
    bins = CategoricalBins("colour", ("red", "blue"))
    assert bins.slots(an_object_column([None, "mauve", "red", "blue"])).tolist() == [0, 1, 2, 3]
    assert bins.slots(np.array([np.nan])).tolist() == [0]


def test_the_most_frequent_categories_are_kept() -> None:
    """Of more than 200 categories the rare ones are only remembered; ties are in the order of names."""
    colours = [f"c{index:03d}" for index in range(250)] * 2 + ["zebra"] * 5
    table = Table({"x": an_object_column(colours)})
    bins = layout_from(one_feature(Datatype.BYTES), table, np.zeros(len(colours))).features[0]
    assert isinstance(bins, CategoricalBins)
    assert bins.categories[:2] == ("zebra", "c000")
    assert len(bins.categories) == 200
    assert bins.slots(an_object_column(["c249", "c001", "mauve"])).tolist() == [bins.specials[Special.OTHER], 4, 1]


def test_scores_get_a_thousand_bins_though_a_sum_of_float32_overshoots() -> None:
    """A forest's probability of 1.000001 does not turn chances into margins."""
    scores = np.array([0.0, 0.5, 1.000001])
    layout = layout_from(one_feature(Datatype.FP32), Table({"x": np.zeros(3)}), scores)
    assert len(layout.score.edges) == 1_001


def test_scores_that_are_no_chances_get_bins_at_their_quantiles() -> None:
    """Margins are binned like any number."""
    scores = np.linspace(-5, 5, 100)
    layout = layout_from(one_feature(Datatype.FP32), Table({"x": np.zeros(100)}), scores)
    assert layout.score.edges[0] == -5.0
    assert len(layout.score.edges) < 50


def test_the_same_reference_gives_the_same_layout() -> None:
    """A layout's digest depends on the data alone."""
    holdout = a_holdout()
    one, two = (layout_from(a_signature(), holdout, scores_of(holdout)) for _ in range(2))
    assert one.digest == two.digest
    assert one.digest != layout_from(a_signature(), a_holdout(seed=9), scores_of(holdout)).digest


def test_a_held_out_table_is_counted_once_a_section() -> None:
    """Rows that were no requests count in the score and in every feature, not among requests."""
    table = a_table(100)
    layout = layout_from(a_signature(), table, scores_of(table))
    profile = of_rows(layout, table, scores_of(table))
    assert (profile.rows, profile.requests) == (100, 0)
    assert [int(profile.feature(position).sum()) for position in range(3)] == [100, 100, 100]


def test_outcomes_and_failures_are_counted_by_whose_fault_it_was() -> None:
    """A 4xx is the caller's fault; a 5xx and a crash are ours."""
    statuses = [200, 200, 400, 500]
    requests = tuple(
        a_prediction(f"r{index}", status=status).counted(LAYOUT) for index, status in enumerate(statuses)
    )
    crash = RequestCounts("r9/crash", NOON, LAYOUT.request_slots(Outcome.CRASHED, None))
    profile = of_parts(LAYOUT, [ProfilePart(LAYOUT.digest, "s", (*requests, crash))])
    assert (profile.requests, profile.failures, profile.rows) == (5, 2, 2)
    assert profile.outcome(Outcome.CLIENT_ERROR) == 1


def test_a_request_without_logged_inputs_counts_its_score_alone() -> None:
    """Where the policy logs no inputs, the features stay empty."""
    slots = np.concatenate(
        [LAYOUT.request_slots(Outcome.ANSWERED, 1.0), LAYOUT.row_slots(Table({}), np.array([0.5]))]
    )
    profile = Profile(LAYOUT, np.bincount(slots, minlength=LAYOUT.size).astype(np.int64))
    assert (profile.rows, int(profile.feature(0).sum())) == (1, 0)


@pytest.mark.parametrize("quantile", [0.5, 0.95, 0.99])
def test_latency_quantiles_are_upper_bounds_within_15_percent(quantile: float) -> None:
    """The bound is never below the quantile that numpy finds, and at most 15 % above."""
    table = a_table(10)
    layout = layout_from(a_signature(), table, scores_of(table))
    latencies = np.random.default_rng(0).lognormal(2, 1, 2_000)
    slots = np.concatenate([layout.request_slots(Outcome.ANSWERED, float(latency)) for latency in latencies])
    profile = Profile(layout, np.bincount(slots, minlength=layout.size).astype(np.int64))
    exact = float(np.quantile(latencies, quantile, method="inverted_cdf"))
    bound = profile.latency_ms(quantile)
    assert bound is not None
    assert exact <= bound <= exact * 1.1501


def test_nobody_has_no_latency() -> None:
    """A window without requests has no quantile."""
    assert empty(LAYOUT).latency_ms(0.5) is None
