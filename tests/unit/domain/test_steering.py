"""What a person wishes of a rollout, and how it bears on a look."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.rollout import Decision, Outcome, heed_steering
from serinus.domain.steering import Steering, Wish
from serinus.domain.verdict import Verdict
from tests.builders import NOON, a_rollout, a_wish

LOOKS = [Decision(NOON, verdict, "the numbers") for verdict in Verdict]


def test_the_last_wish_stands() -> None:
    """A pause gives way to a promotion, and a promotion to a pause."""
    paused = a_rollout(step=0).steered(a_wish(Wish.PAUSE))
    assert (paused.paused, paused.promoted_by_hand) == (True, False)
    promoted = paused.steered(a_wish(Wish.PROMOTE))
    assert (promoted.paused, promoted.promoted_by_hand) == (False, True)
    assert promoted.steered(a_wish(Wish.PAUSE)).paused


@pytest.mark.parametrize("wish", [Wish.PAUSE, Wish.PROMOTE])
def test_the_same_wish_again_changes_nothing(wish: Wish) -> None:
    """Whoever wished it first is who wished it."""
    once = a_rollout(step=0).steered(a_wish(wish, actor="ann"))
    again = a_wish(wish, actor="bob", at=NOON + timedelta(seconds=9))
    assert once.steered(again) == once


def test_force_is_something_new() -> None:
    """A promotion may be forced later; asking once more without force takes none of it back."""
    rollout = a_rollout(step=0).steered(a_wish(Wish.PROMOTE))
    forced = rollout.steered(a_wish(Wish.PROMOTE, forced=True))
    assert forced.steering is not None
    assert forced.steering.forced
    assert forced.steered(a_wish(Wish.PROMOTE, actor="bob")) == forced


@pytest.mark.parametrize("before", [None, a_wish(Wish.PROMOTE), a_wish(Wish.RESUME, actor="bob")])
def test_only_a_pause_can_be_resumed(before: Steering | None) -> None:
    """A promotion that was asked for is not taken back by a resumption that comes late."""
    assert a_wish(Wish.RESUME).after(before) == before


def test_a_resumed_rollout_is_paused_no_more() -> None:
    """Who resumed it stays on record."""
    resumed = a_rollout(step=0).steered(a_wish(Wish.PAUSE)).steered(a_wish(Wish.RESUME, actor="bob"))
    assert not resumed.paused
    assert resumed.steering == a_wish(Wish.RESUME, actor="bob")


def test_an_ended_rollout_cannot_be_steered() -> None:
    """It stays as it ended."""
    ended = a_rollout(step=0).ended(Outcome.PROMOTED, "done", at=NOON)
    assert ended.steered(a_wish(Wish.PAUSE)) == ended


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("steering", [None, a_wish(Wish.RESUME)])
def test_without_a_wish_a_look_is_what_it_is(look: Decision, steering: Steering | None) -> None:
    """Nor does a resumption change one."""
    assert heed_steering(look, steering) == look


@pytest.mark.parametrize(
    ("look", "wish", "forced", "verdict"),
    [
        (Verdict.ADVANCE, Wish.PAUSE, False, Verdict.HOLD),
        (Verdict.HOLD, Wish.PAUSE, False, Verdict.HOLD),
        (Verdict.ROLL_BACK, Wish.PAUSE, False, Verdict.ROLL_BACK),
        (Verdict.ADVANCE, Wish.PROMOTE, False, Verdict.ADVANCE),
        (Verdict.HOLD, Wish.PROMOTE, False, Verdict.ADVANCE),
        (Verdict.ROLL_BACK, Wish.PROMOTE, False, Verdict.ROLL_BACK),
        (Verdict.ROLL_BACK, Wish.PROMOTE, True, Verdict.ADVANCE),
    ],
)
def test_how_a_wish_bears_on_a_look(look: Verdict, wish: Wish, forced: bool, verdict: Verdict) -> None:
    """A pause stops an advance; a promotion waits for no proof, but unforced it heeds what is against it."""
    decision = heed_steering(Decision(NOON, look, "the numbers"), a_wish(wish, forced=forced))
    assert decision.verdict is verdict
    assert "the numbers" in decision.reason


@given(look=st.sampled_from(LOOKS), wish=st.sampled_from(Wish), forced=st.booleans())
def test_whatever_a_wish_changes_says_who_and_why(look: Decision, wish: Wish, forced: bool) -> None:
    """A decision that a person bent cannot be taken for the evidence's own."""
    decision = heed_steering(look, a_wish(wish, actor="ann", reason="a hunch", forced=forced))
    assert decision == look or "by ann: a hunch" in decision.reason
