"""`Rollouts`: their states, their lock, and their releases, over documents."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from serinus.adapters.stored.rollouts import StoredRollouts
from serinus.domain.environments import EnvironmentMinute, ReleaseEnvironments
from serinus.domain.evidence import Tally
from serinus.domain.guard import DEFAULT_GUARDS, RolloutMetric
from serinus.domain.judgement import RolloutEvidence, Tick, judge, observe
from serinus.domain.label_counts import LabelledStratum
from serinus.domain.rollout import Decision, Outcome, Rollout
from serinus.domain.score_shift import ScoreShift
from serinus.domain.shadow_tally import ShadowTally
from serinus.domain.steering import Steering, Wish
from serinus.domain.verdict import Verdict
from serinus.errors import RevisionChanged, RolloutInProgress, RolloutNotFound
from serinus.use_cases.ports.rollouts import Rollouts
from tests.contract.builders import NOON, a_release, a_rollout, after
from tests.contract.clouds import Cloud


@pytest.fixture
def rollouts(cloud: Cloud) -> Rollouts:
    """The rollouts."""
    return StoredRollouts(cloud.documents)


def ended(rollouts: Rollouts, rollout: Rollout) -> Rollout:
    """End a rollout."""
    end = rollout.ended(Outcome.PROMOTED, "done", at=after(3_600))
    rollouts.save(end, replaced=rollout)
    return end


def test_a_started_rollout_holds_the_lock(rollouts: Rollouts) -> None:
    """It is read back with the policy it has pinned."""
    assert rollouts.active("fraud") is None
    started = rollouts.start(a_rollout())
    assert started == rollouts.get("fraud", "fraud-1") == rollouts.active("fraud") == a_rollout()


def test_a_shadow_is_kept_to_the_last_digit(rollouts: Rollouts) -> None:
    """What it has counted is compared with what is stored before it is replaced."""
    started = rollouts.start(a_rollout())
    tally = ShadowTally(after(60), visited=3, scored=3, rows=3, agreed=2, difference=0.1 + 0.2, slow_ms=1 / 3)
    counted = started.shadowed(tally)
    rollouts.save(counted, replaced=started)
    assert rollouts.get("fraud", "fraud-1") == counted
    with pytest.raises(RevisionChanged):
        rollouts.save(counted, replaced=started)
    rollouts.save(started, replaced=counted)


def test_another_rollout_waits(rollouts: Rollouts) -> None:
    """An endpoint has one rollout at a time; other endpoints have their own."""
    rollouts.start(a_rollout("fraud-1"))
    with pytest.raises(RolloutInProgress) as caught:
        rollouts.start(a_rollout("fraud-2"))
    assert caught.value.rollout == "fraud-1"
    assert rollouts.list("fraud") == [a_rollout("fraud-1")]
    rollouts.start(a_rollout("churn-1", endpoint="churn"))


def test_starting_again_returns_the_stored_one(rollouts: Rollouts) -> None:
    """A retried step finds its own rollout, in the state it has come to, even after its end."""
    started = rollouts.start(a_rollout())
    published = started.published(stable=2, candidate=3)
    rollouts.save(published, replaced=started)
    assert rollouts.start(a_rollout(started=60)) == published
    end = ended(rollouts, published)
    assert rollouts.start(a_rollout(started=120)) == end
    assert rollouts.active("fraud") is None


def test_the_end_frees_the_lock(rollouts: Rollouts) -> None:
    """The next rollout can start."""
    ended(rollouts, rollouts.start(a_rollout("fraud-1")))
    rollouts.start(a_rollout("fraud-2", started=60))
    active = rollouts.active("fraud")
    assert active is not None
    assert active.id == "fraud-2"


def test_an_end_never_frees_another_rollouts_lock(rollouts: Rollouts) -> None:
    """Saving what has ended already leaves the lock with whoever has it now."""
    end = ended(rollouts, rollouts.start(a_rollout("fraud-1")))
    rollouts.start(a_rollout("fraud-2", started=60))
    rollouts.save(replace(end, reason="said again"), replaced=end)
    active = rollouts.active("fraud")
    assert active is not None
    assert active.id == "fraud-2"


def test_a_state_is_replaced_only_by_who_read_it(rollouts: Rollouts) -> None:
    """Two that advance from the same state: the second must decide again."""
    started = rollouts.start(a_rollout())
    published = started.published(stable=2, candidate=3)
    rollouts.save(published, replaced=started)
    with pytest.raises(RevisionChanged):
        rollouts.save(started.ended(Outcome.FAILED, "late", at=after(60)), replaced=started)
    assert rollouts.get("fraud", "fraud-1") == published
    assert rollouts.active("fraud") == published


@pytest.mark.usefixtures("eager_threads")
def test_of_racing_states_one_is_stored(rollouts: Rollouts) -> None:
    """Compare-and-set holds between threads."""
    started = rollouts.start(a_rollout())

    def publish(candidate: int) -> int | None:
        try:
            rollouts.save(started.published(stable=2, candidate=candidate), replaced=started)
        except RevisionChanged:
            return None
        return candidate

    with ThreadPoolExecutor(5) as pool:
        winners = [candidate for candidate in pool.map(publish, range(3, 8)) if candidate]
    assert winners == [rollouts.get("fraud", "fraud-1").candidate]


@pytest.mark.usefixtures("eager_threads")
def test_of_racing_starts_one_has_the_lock(rollouts: Rollouts) -> None:
    """Five executions start five rollouts: one starts, four are told which."""

    def start(number: int) -> str | None:
        try:
            return rollouts.start(a_rollout(f"fraud-{number}")).id
        except RolloutInProgress:
            return None

    with ThreadPoolExecutor(5) as pool:
        winners = [found for found in pool.map(start, range(5)) if found]
    assert [rollout.id for rollout in rollouts.list("fraud")] == winners
    assert len(winners) == 1


def test_an_unknown_rollout_is_not_found(rollouts: Rollouts) -> None:
    """Neither to read nor to save."""
    with pytest.raises(RolloutNotFound):
        rollouts.get("fraud", "fraud-1")
    with pytest.raises(RolloutNotFound):
        rollouts.save(a_rollout(), replaced=a_rollout())


def test_rollouts_are_listed_by_start(rollouts: Rollouts) -> None:
    """By time, not by id; the lock is none of them."""
    for rollout in (a_rollout("z", started=0), a_rollout("active", started=10), a_rollout("a", started=20)):
        ended(rollouts, rollouts.start(rollout))
    assert [rollout.id for rollout in rollouts.list("fraud")] == ["z", "active", "a"]


def a_look(at: datetime, *, since: datetime | None = None, reason: str = "wait") -> Decision:
    """Return a look at a rollout, with all that a decision can carry where it weighed a tick."""
    if since is None:
        return Decision(at, Verdict.HOLD, reason)
    tick = Tick(
        hour=0,
        next_weight=0.5,
        strata={RolloutMetric.ERRORS: (Tally(900, 1, 100, 0),), RolloutMetric.LABELS: ()},
        stable_environments=ReleaseEnvironments().seen([EnvironmentMinute("stream", 900, 1)]),
        scores=((5, 7), (1, 0)),
    )
    evidence = observe(RolloutEvidence.at_start(DEFAULT_GUARDS), tick)
    judgement = judge(evidence, weight=0.1, next_weight=0.5)
    return Decision(at, judgement.verdict, reason, 10, since, tick, judgement.figures)


def test_decisions_are_kept_in_order(rollouts: Rollouts) -> None:
    """Every look at a rollout is there, in order of time, with all that it was said on."""
    rollout = rollouts.start(a_rollout("fraud-1"))
    looks = [a_look(after(60)), a_look(after(200), since=after(20)), a_look(after(200), since=after(80))]
    rollouts.save(rollout, replaced=rollout, looks=[looks[1], looks[2]])
    rollouts.save(rollout, replaced=rollout, looks=[looks[0]])
    assert rollouts.decisions("fraud", "fraud-1") == looks
    assert rollouts.decisions("fraud", "fraud-10") == []


def test_a_tick_is_kept_once_with_the_state_that_it_led_to(rollouts: Rollouts) -> None:
    """Of two that weighed the same tick the second has lost, whatever it made of it."""
    rollout = rollouts.start(a_rollout("fraud-1"))
    first, second = a_look(after(200), since=after(20)), a_look(after(201), since=after(20), reason="again")
    moved = rollout.advanced(at=after(200))
    rollouts.save(moved, replaced=rollout, looks=[first])
    for replaced in (rollout, moved):
        with pytest.raises(RevisionChanged):
            rollouts.save(moved.advanced(at=after(201)), replaced=replaced, looks=[second])
    assert rollouts.get("fraud", "fraud-1") == moved
    assert rollouts.decisions("fraud", "fraud-1") == [first]


def test_a_rollout_is_stored_with_its_evidence(rollouts: Rollouts) -> None:
    """To the last digit: what replaces it is compared with it."""
    rollout = rollouts.start(a_rollout("fraud-1"))
    tick = a_look(after(200), since=after(20)).tick
    assert tick is not None
    scores = ScoreShift.at_start(np.array([40, 60]))
    evidence = observe(RolloutEvidence.at_start(DEFAULT_GUARDS, scores=scores), tick)
    labelled = (LabelledStratum(0, 3, Tally(10, 1, 5, 0)),)
    weighed = rollout.weighed(evidence, until=after(80), labelled=labelled)
    rollouts.save(weighed, replaced=rollout)
    assert rollouts.get("fraud", "fraud-1") == weighed


def test_releases_are_kept_by_number(rollouts: Rollouts) -> None:
    """Release 10 comes after release 9; the version that answers 503 is no release."""
    for number in (10, 9, 2):
        rollouts.record_release(a_release(number))
    assert rollouts.release("fraud", 9) == a_release(9)
    assert rollouts.release("fraud", 1) is None
    assert [release.number for release in rollouts.releases("fraud")] == [2, 9, 10]


def test_a_release_is_recorded_once(rollouts: Rollouts) -> None:
    """Recording it again is harmless, and does not rewrite history."""
    rollouts.record_release(a_release(2))
    rollouts.record_release(a_release(2, rollout="fraud-9"))
    assert rollouts.release("fraud", 2) == a_release(2)


def test_a_change_is_made_to_the_stored_state(rollouts: Rollouts) -> None:
    """It is stored as it was decided; deciding on nothing new writes nothing; the rollout must be there."""
    started = rollouts.start(a_rollout())
    steering = Steering(Wish.PAUSE, "ann", "a look", after(5))
    changed = rollouts.change("fraud", started.id, lambda stored: stored.steered(steering))
    assert changed == started.steered(steering) == rollouts.get("fraud", started.id)
    assert rollouts.change("fraud", started.id, lambda stored: stored) == changed
    with pytest.raises(RolloutNotFound):
        rollouts.change("fraud", "fraud-9", lambda stored: stored)


def test_a_change_that_lost_a_race_decides_again(rollouts: Rollouts) -> None:
    """On the state that won."""
    started = rollouts.start(a_rollout())
    steering = Steering(Wish.PAUSE, "ann", "a look", after(5))
    published = started.published(stable=2, candidate=3)
    seen: list[Rollout] = []

    def decide(stored: Rollout) -> Rollout:
        seen.append(stored)
        if len(seen) == 1:
            rollouts.save(published, replaced=stored)
        return stored.steered(steering)

    assert rollouts.change("fraud", started.id, decide) == published.steered(steering)
    assert seen == [started, published]


def test_a_release_is_retired_by_compare_and_set(rollouts: Rollouts) -> None:
    """Who read another state, or none, must look again."""
    release = a_release(2)
    retired = replace(release, retired_at=NOON)
    with pytest.raises(RevisionChanged):
        rollouts.save_release(retired, replaced=release)
    rollouts.record_release(release)
    rollouts.save_release(retired, replaced=release)
    assert rollouts.release("fraud", 2) == retired
    with pytest.raises(RevisionChanged):
        rollouts.save_release(retired, replaced=release)
