"""Which releases are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.pruning import prunable, unused_layers
from serinus.domain.rollout import Release, Split
from tests.builders import NOON, a_release

NUMBERS = st.integers(2, 12)


def pruned(
    alone: list[int], split: Split, *, keep: int = 2, releases: list[Release] | None = None, age_days: float = 2
) -> list[int]:
    """Return what is pruned of releases 2 to 12, all published so many days before the limit."""
    known = [a_release(number) for number in range(2, 13)] if releases is None else releases
    before = NOON + timedelta(days=age_days)
    return [found.number for found in prunable(known, alone=alone, split=split, keep=keep, before=before)]


def test_the_latest_that_served_alone_are_kept_and_the_rest_goes() -> None:
    """Each counts once, however often it came back; one that never served alone counts not at all."""
    assert pruned([2, 3, 4, 3], Split(3)) == [2, *range(5, 13)]
    assert pruned([2, 3, 4, 3], Split(3), keep=3) == [*range(5, 13)]


def test_what_gets_traffic_is_kept_whatever_the_record_says() -> None:
    """Both sides of a split, even where the ledger knows of neither."""
    assert not {7, 8} & set(pruned([2, 3], Split(7, 8, 50)))


def test_the_young_and_the_retired_are_left_alone() -> None:
    """The one is still looked into, the other is gone."""
    assert pruned([12], Split(12), age_days=0) == []
    retired = [replace(a_release(2), retired_at=NOON), a_release(3)]
    assert pruned([12], Split(12), releases=retired) == [3]


@given(st.lists(NUMBERS, min_size=1, max_size=20), st.integers(2, 5), NUMBERS, NUMBERS)
def test_nothing_live_and_nothing_that_can_be_returned_to_is_ever_pruned(
    alone: list[int], keep: int, stable: int, candidate: int
) -> None:
    """For any history: of the releases that served alone, the last `keep` stay, and of the rest nothing else does."""
    gone = set(pruned(alone, Split(stable, candidate, 50), keep=keep))
    latest: list[int] = []
    for number in reversed(alone):
        if number not in latest:
            latest.append(number)
    kept = {stable, candidate, *latest[:keep]}
    assert gone == set(range(2, 13)) - kept


def test_a_layer_goes_with_the_last_release_that_was_made_with_it() -> None:
    """Several releases share the layer of one model."""
    one, two, other = a_release(2), replace(a_release(3), layer="layer:2"), a_release(4)
    gone = replace(one, retired_at=NOON)
    assert unused_layers([gone, two, other]) == ()
    assert unused_layers([gone, replace(two, retired_at=NOON), other]) == ("layer:2",)
