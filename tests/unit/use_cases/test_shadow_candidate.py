"""A shadow: the candidate is asked what stable was asked, and no caller is the wiser."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from serinus.adapters.schemas.payloads import progress_payload
from serinus.domain.prediction import Crash
from serinus.domain.rollout import Outcome, Split
from serinus.domain.rollout_plan import RolloutPlan, ShadowPlan
from serinus.domain.serving import Serving
from serinus.domain.shadow_tally import ShadowTally
from serinus.domain.steering import Steering, Wish
from serinus.domain.table import Table
from serinus.domain.verdict import Verdict
from serinus.errors import ReleaseFailed, ReleaseNotFound, RevisionChanged
from serinus.settings import LATENCY_HEADER
from serinus.use_cases.end_rollout import Progress
from serinus.use_cases.publish_release import publish_release
from serinus.use_cases.roll_back import RollBack, roll_back
from tests.builders import FRAUD, PLAN, Died, World, a_policy, a_prediction, a_table, a_wish, built_once

SHADOW = ShadowPlan(requests=60, maximum_per_tick=25, window_minutes=60, horizon_seconds=300)
Event = Mapping[str, Any]
Reply = Callable[[Event], Mapping[str, object]]


def inputs_of(event: Event) -> dict[str, list[Any]]:
    """Return the data of each input of a request."""
    return {entry["name"]: entry["data"] for entry in json.loads(event["body"])["inputs"]}


def answering(
    *, score: Callable[[float], float] = lambda amount: 1 / (1 + np.exp(-amount)), latency_ms: float = 3.0
) -> Reply:
    """Return a release that scores amounts."""

    def reply(event: Event) -> Mapping[str, object]:
        amounts = inputs_of(event)["numbers"][::2]
        scores = [score(amount) for amount in amounts]
        data = [value for one in scores for value in (1 - one, one)]
        output = {"name": "probabilities", "datatype": "FP32", "shape": [len(amounts), 2], "data": data}
        headers = {LATENCY_HEADER: f"{latency_ms:.3f}"}
        return {"statusCode": 200, "headers": headers, "body": json.dumps({"outputs": [output]})}

    return reply


def failing_where(fails: Callable[[float], bool], *, status: int = 500) -> Reply:
    """Return a release that answers with an error where the amount says so."""

    def reply(event: Event) -> Mapping[str, object]:
        if fails(inputs_of(event)["numbers"][0]):
            return {"statusCode": status, "headers": {}, "body": json.dumps({"error": "no"})}
        return answering()(event)

    return reply


@built_once
def a_world(shadow: ShadowPlan | None = SHADOW, *, requests: int = 100, plan: RolloutPlan = PLAN) -> World:
    """Return a world with release 2 live, which has answered requests for some minutes."""
    world = World(a_policy(rollout=replace(plan, shadow=shadow)))
    world.invocations.reply = answering()
    world.published("1")
    for _ in range(10):
        world.later(30)
        world.serve(2, requests // 10)
    world.later(PLAN.watermark_seconds + 10)
    return world


def publish(world: World, rollout: str, *, shadows: bool = True) -> Progress:
    """Publish a rollout's candidate as the state machine does."""
    return publish_release(FRAUD, rollout, publishing=world.publishing, shadows=shadows)


def shadowing(world: World) -> str:
    """Begin the shadow of a second release; return the rollout's id."""
    rollout = world.started("2")
    assert status(publish(world, rollout)) == "shadowing"
    return rollout


def tally_of(world: World, rollout: str) -> ShadowTally:
    """Return what a rollout's shadow has counted."""
    tally = world.rollouts.get(FRAUD, rollout).shadow
    assert tally is not None
    return tally


def status(progress: Progress) -> object:
    """Return what the state machine reads."""
    return progress_payload(progress)["status"]


def to_the_end(world: World, rollout: str) -> Progress:
    """Look until the shadow is over."""
    for _ in range(60):
        progress = world.shadow(rollout)
        if status(progress) != "shadowing":
            return progress
        world.later(PLAN.tick_seconds)
    raise AssertionError(progress.reason)


def test_a_good_candidate_goes_from_its_shadow_to_its_first_step() -> None:
    """Traffic and alarms are as they were until the shadow is passed; the ledger says with what it was."""
    world = a_world()
    rollout = shadowing(world)
    progress = to_the_end(world, rollout)
    assert status(progress) == "shadowed"
    assert (world.split(), world.alarms.existing) == (Split(2), {})
    assert [release.number for release, _ in world.invocations.asked] == [3] * 60
    tally = tally_of(world, rollout)
    assert (tally.replayed, tally.scored, tally.rows, tally.agreed, tally.looks) == (60, 60, 60, 60, 3)
    assert (tally.stable_requests, tally.timed, tally.slow) == (100, 60, 0)
    assert status(publish(world, rollout)) == "in_progress"
    assert world.split() == Split(2, 3, 10)
    assert (FRAUD, 3) in world.alarms.existing
    assert world.entries()[-1].details["reason"] == (
        "shadow: 60 live requests were replayed, 0 failed, 0 were refused; 100.0% of 60 rows agreed, scores "
        "differing by 0.000: step 1 of 2"
    )
    assert [look.verdict for look in world.rollouts.decisions(FRAUD, rollout)] == [
        Verdict.HOLD,
        Verdict.HOLD,
        Verdict.ADVANCE,
    ]


def test_the_candidate_is_asked_just_what_stable_was_asked() -> None:
    """Each request once, with all of its rows, what was missing as null, and the mark that keeps it off the log."""
    world = a_world(requests=0)
    rows = Table({**a_table(3).columns, "age": np.array([20.0, np.nan, 40.0])})
    world.collect([a_prediction("r1", at=world.now, features=rows)], release=2)
    world.later(PLAN.watermark_seconds + 10)
    rollout = shadowing(world)
    world.later(SHADOW.horizon_seconds)
    world.shadow(rollout)
    ((_, event),) = world.invocations.asked
    amounts = rows.columns["amount"].tolist()
    assert event["serinus"] == {"probe": True}
    assert event["rawPath"] == "/v2/models/fraud/infer"
    assert inputs_of(event)["numbers"] == [amounts[0], 20.0, amounts[1], None, amounts[2], 40.0]
    assert inputs_of(event)["texts"] == rows.columns["colour"].tolist()


def test_a_candidate_that_fails_is_rolled_back_before_any_caller_saw_it() -> None:
    """The rollout ends with the reason, the lock is free, and no traffic ever moved."""
    world = a_world()
    world.invocations.reply = failing_where(lambda amount: amount > 1)
    rollout = shadowing(world)
    shifts = len(world.traffic.history)
    progress = to_the_end(world, rollout)
    assert progress.outcome is Outcome.ROLLED_BACK
    assert "live requests replayed to the candidate failed, 0 of" in progress.reason
    assert (len(world.traffic.history), world.split()) == (shifts, Split(2))
    assert world.rollouts.active(FRAUD) is None
    assert world.event_names()[-1] == "RolloutRolledBack"
    assert status(publish(world, rollout)) == "rolled_back"


def test_a_candidate_that_fails_no_more_than_stable_goes_on() -> None:
    """What stable did in the same time is what it is held against."""
    world = a_world(requests=20)
    world.serve(2, 40, failures=20)
    world.later(PLAN.watermark_seconds + 10)
    world.invocations.reply = failing_where(lambda amount: amount > 1)
    assert status(to_the_end(world, shadowing(world))) == "shadowed"


def test_refusing_what_stable_answered_rolls_back() -> None:
    """Callers would be told that they are at fault."""
    world = a_world()
    world.invocations.reply = failing_where(lambda amount: amount > 0, status=422)
    progress = to_the_end(world, shadowing(world))
    assert progress.outcome is Outcome.ROLLED_BACK
    assert "requests that stable had answered" in progress.reason


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (answering(score=lambda amount: 1 / (1 + np.exp(amount))), "same side of the operating threshold"),
        (answering(latency_ms=500.0), "took the candidate longer than 12.0 ms"),
    ],
    ids=["disagrees", "slower"],
)
def test_what_a_person_should_look_at_ends_inconclusive(reply: Reply, said: str) -> None:
    """A model may be better for disagreeing; nothing moved meanwhile."""
    world = a_world()
    world.invocations.reply = reply
    progress = to_the_end(world, shadowing(world))
    assert progress.outcome is Outcome.INCONCLUSIVE
    assert said in progress.reason
    assert world.split() == Split(2)
    assert world.rollouts.active(FRAUD) is None


@pytest.mark.parametrize(
    "body", ["no JSON", '{"outputs": []}', '{"outputs": [{"name": "probabilities", "data": [1]}]}']
)
def test_an_answer_without_scores_is_a_failure(body: str) -> None:
    """It says 200, but no caller could use it."""
    world = a_world()
    world.invocations.reply = lambda _: {"statusCode": 200, "body": body}
    assert to_the_end(world, shadowing(world)).outcome is Outcome.ROLLED_BACK


def test_a_candidate_that_crashes_is_not_asked_on_and_on() -> None:
    """The platform's errors are few enough not to ring the endpoint's alarm: it is about callers."""
    world = a_world()
    world.invocations.failure = "Task timed out after 10.00 seconds"
    rollout = shadowing(world)
    assert world.shadow(rollout).outcome is Outcome.ROLLED_BACK
    assert len(world.invocations.asked) == 4


def test_without_traffic_it_waits_for_the_horizon_and_says_so() -> None:
    """Nothing to replay is no evidence against the candidate, nor for it."""
    world = a_world(requests=0)
    rollout = shadowing(world)
    world.later(SHADOW.horizon_seconds - 1)
    assert status(world.shadow(rollout)) == "shadowing"
    world.later(1)
    progress = world.shadow(rollout)
    assert status(progress) == "shadowed"
    assert "no live request to replay came in 300 seconds" in progress.reason


def test_little_traffic_is_taken_from_before_the_rollout_and_from_what_comes() -> None:
    """Every request of the window, then the new ones, none of them twice."""
    world = a_world(replace(SHADOW, horizon_seconds=3_000), requests=30)
    rollout = shadowing(world)
    for _ in range(4):
        world.shadow(rollout)
        world.later(PLAN.tick_seconds)
    assert tally_of(world, rollout).replayed == 30
    world.serve(2, 30, prefix="new")
    assert status(to_the_end(world, rollout)) == "shadowed"
    bodies = [event["body"] for _, event in world.invocations.asked]
    assert (len(bodies), len(set(bodies))) == (60, 33)  # the same three rows came with each of the first ten calls


def test_requests_younger_than_the_watermark_are_left_for_later() -> None:
    """They may not all have been collected, and what is read once is not read again."""
    world = a_world(requests=0)
    rollout = shadowing(world)
    world.serve(2, 10)
    world.later(PLAN.watermark_seconds - 1)
    world.shadow(rollout)
    assert tally_of(world, rollout).replayed == 0
    world.later(2 * PLAN.tick_seconds)
    world.shadow(rollout)
    assert tally_of(world, rollout).replayed == 10


def test_much_traffic_is_sampled_from_many_minutes() -> None:
    """Ten of each of the five, not the first fifty of one of them."""
    world = a_world(replace(SHADOW, requests=50, maximum_per_tick=50), requests=1_000)
    rollout = shadowing(world)
    world.shadow(rollout)
    assert tally_of(world, rollout).replayed == 50
    amounts = {inputs_of(event)["numbers"][0] for _, event in world.invocations.asked}
    assert tally_of(world, rollout).visited == 5
    assert len(amounts) > 20


@pytest.mark.parametrize("kind", ["personal", "no inputs"])
def test_what_the_log_lacks_is_not_asked(kind: str) -> None:
    """A stable release that was published under another policy may have kept columns, or all inputs, to itself."""
    world = a_world(requests=0)
    features = a_table(30)
    if kind == "personal":
        features = features.select(["amount", "colour"])
    for row in range(30):
        asked = a_prediction(f"r{row}", at=world.now, features=features.slice(row, row + 1))
        world.collect([replace(asked, features=None) if kind == "no inputs" else asked], release=2)
    world.later(PLAN.watermark_seconds + 10)
    rollout = shadowing(world)
    progress = to_the_end(world, rollout)
    assert status(progress) == "shadowed"
    assert world.invocations.asked == []
    assert tally_of(world, rollout).unreplayable == (30 if kind == "personal" else 0)


def test_a_policy_that_logs_no_inputs_has_no_shadow() -> None:
    """Publishing goes on to the first step."""
    world = a_world(None)
    world.deploy(a_policy(serving=Serving(personal=("age",))))
    assert status(publish(world, world.started("2"))) == "in_progress"
    assert world.split() == Split(2, 3, 10)


def test_a_policy_may_leave_the_shadow_out() -> None:
    """With requests = 0."""
    world = a_world(replace(SHADOW, requests=0))
    assert status(publish(world, world.started("2"))) == "in_progress"


def test_an_execution_of_an_older_definition_goes_on_without() -> None:
    """It would take the unknown word for the end, and leave the lock held; nor may it be left in a begun shadow."""
    world = a_world()
    rollout = world.started("2")
    assert status(publish(world, rollout, shadows=False)) == "in_progress"
    assert world.split() == Split(2, 3, 10)
    other = a_world()
    rollout = shadowing(other)
    assert status(publish(other, rollout, shadows=False)) == "in_progress"
    assert other.split() == Split(2, 3, 10)


def test_the_first_release_has_no_shadow() -> None:
    """There is nothing to replay."""
    world = World(a_policy(rollout=replace(PLAN, shadow=SHADOW)))
    assert publish(world, world.started()).outcome is Outcome.PROMOTED


def test_publishing_again_in_the_shadow_changes_nothing() -> None:
    """The event may come twice."""
    world = a_world()
    rollout = shadowing(world)
    world.shadow(rollout)
    before = (world.rollouts.get(FRAUD, rollout), len(world.releases.probed), world.deeds())
    assert status(publish(world, rollout)) == "shadowing"
    assert (world.rollouts.get(FRAUD, rollout), len(world.releases.probed), world.deeds()) == before


def test_a_tick_after_the_shadow_changes_nothing() -> None:
    """Passed, at a step, or ended."""
    world = a_world()
    rollout = shadowing(world)
    to_the_end(world, rollout)
    asked = len(world.invocations.asked)
    assert status(world.shadow(rollout)) == "shadowed"
    publish(world, rollout)
    assert status(world.shadow(rollout)) == "in_progress"
    roll_back(RollBack(FRAUD, "enough", "ann"), conducting=world.conducting)
    assert status(world.shadow(rollout)) == "rolled_back"
    assert len(world.invocations.asked) == asked


def test_two_ticks_at_once_count_once() -> None:
    """The one that is slower finds the tally changed, and counts nothing."""
    world = a_world()
    rollout = shadowing(world)
    inner = world.invocations.reply
    assert inner is not None

    def overtaken(event: Event) -> Mapping[str, object]:
        world.invocations.reply = inner
        assert status(world.shadow(rollout)) == "shadowing"
        return inner(event)

    world.invocations.reply = overtaken
    assert world.shadow(rollout).reason == "somebody else was quicker"
    assert (tally_of(world, rollout).replayed, tally_of(world, rollout).looks) == (25, 1)


@pytest.mark.parametrize("reply", [answering(), failing_where(lambda amount: amount > 1)], ids=["good", "failing"])
def test_dying_after_any_write_counts_nothing_twice(reply: Reply) -> None:
    """The next tick comes to the same end, with the same counts, ledger, lock and traffic."""

    def outcome(world: World, rollout: str) -> object:
        state = world.rollouts.get(FRAUD, rollout)
        tally = state.shadow
        assert tally is not None
        counts = (tally.replayed, tally.failed, tally.visited, tally.looks, bool(tally.passed))
        return counts, state.outcome, world.deeds(), world.rollouts.active(FRAUD) is None, world.split()

    @built_once
    def prepared() -> tuple[World, str]:
        world = a_world()
        world.invocations.reply = reply
        return world, shadowing(world)

    unharmed, rollout = prepared()
    to_the_end(unharmed, rollout)
    for number in range(1, 10):
        world, rollout = prepared()
        world.fate.die_after(number)
        try:
            to_the_end(world, rollout)
        except Died:
            to_the_end(world, rollout)
        assert outcome(world, rollout) == outcome(unharmed, rollout), f"died after write {number}"


def test_a_person_ends_a_shadow() -> None:
    """Traffic has never left stable; a tick that is under way meanwhile finds the rollout ended."""
    world = a_world()
    rollout = shadowing(world)
    inner = world.invocations.reply
    assert inner is not None

    def aborted(event: Event) -> Mapping[str, object]:
        world.invocations.reply = inner
        roll_back(RollBack(FRAUD, "not today", "ann"), conducting=world.conducting)
        return inner(event)

    world.invocations.reply = aborted
    progress = world.shadow(rollout)
    assert (progress.outcome, progress.reason) == (Outcome.ROLLED_BACK, "not today")
    assert world.split() == Split(2)
    assert world.rollouts.active(FRAUD) is None
    assert tally_of(world, rollout).replayed == 0


def steer(world: World, rollout: str, wished: Steering) -> None:
    """Have a person wish something of a rollout."""
    state = world.rollouts.get(FRAUD, rollout)
    world.rollouts.save(state.steered(wished), replaced=state)


def test_a_pause_holds_the_shadow_and_goes_on_counting() -> None:
    """Until it is resumed, or the time of the whole rollout is over."""
    world = a_world()
    rollout = shadowing(world)
    steer(world, rollout, a_wish(Wish.PAUSE))
    for _ in range(5):
        world.later(1)
        assert status(world.shadow(rollout)) == "shadowing"
    assert tally_of(world, rollout).replayed == 60
    resumed = a_world()
    again = shadowing(resumed)
    steer(resumed, again, a_wish(Wish.PAUSE))
    resumed.shadow(again)
    steer(resumed, again, a_wish(Wish.RESUME))
    assert status(to_the_end(resumed, again)) == "shadowed"
    world.later(PLAN.horizon_seconds)
    assert world.shadow(rollout).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("forced", [False, True])
def test_a_promotion_passes_the_shadow_at_once(forced: bool) -> None:
    """A person may let through what disagrees; what fails on live requests only where that was forced."""
    world = a_world()
    rollout = shadowing(world)
    steer(world, rollout, a_wish(Wish.PROMOTE, forced=forced))
    assert status(world.shadow(rollout)) == "shadowed"
    assert world.invocations.asked == []
    publish(world, rollout)
    world.later(1)
    assert world.advance(rollout).outcome is Outcome.PROMOTED
    failing = a_world()
    failing.invocations.reply = failing_where(lambda amount: amount > 0)
    rollout = shadowing(failing)
    failing.fate.die_after(1)
    with pytest.raises(Died):
        failing.shadow(rollout)
    failing.later(1)
    steer(failing, rollout, a_wish(Wish.PROMOTE, forced=forced))
    progress = failing.shadow(rollout)
    assert (progress.outcome, status(progress)) == (
        (None, "shadowed") if forced else (Outcome.ROLLED_BACK, "rolled_back")
    )


def test_an_alias_moved_by_hand_meanwhile_is_not_overwritten() -> None:
    """The first step is refused; the state machine then rolls back."""
    world = a_world()
    rollout = shadowing(world)
    to_the_end(world, rollout)
    world.traffic.shift(FRAUD, Split(1))
    with pytest.raises(RevisionChanged, match="alias"):
        publish(world, rollout)


def test_lambda_without_room_is_nobodys_fault() -> None:
    """The tick ends early, for callers need the room more; the requests come again."""
    world = a_world(replace(SHADOW, maximum_per_tick=60))
    rollout = shadowing(world)
    world.invocations.busy = 1
    world.shadow(rollout)
    assert tally_of(world, rollout).replayed == 0
    assert status(to_the_end(world, rollout)) == "shadowed"
    assert tally_of(world, rollout).replayed == 60


def test_a_candidate_whose_version_was_deleted_fails_the_tick() -> None:
    """The state machine tries again, and then takes the rollout back."""
    world = a_world()
    rollout = shadowing(world)
    world.invocations.pruned.add(3)
    with pytest.raises(ReleaseNotFound):
        world.shadow(rollout)
    cause = RollBack(FRAUD, "the rollout itself failed", "rollout", rollout=rollout, outcome=Outcome.FAILED)
    roll_back(cause, conducting=world.conducting)
    assert world.rollouts.get(FRAUD, rollout).outcome is Outcome.FAILED
    assert world.split() == Split(2)


def test_a_tick_stops_in_good_time() -> None:
    """However slow the candidate is, what it answered within a minute is counted."""
    world = a_world()
    rollout = shadowing(world)
    slow = answering()

    def slowly(event: Event) -> Mapping[str, object]:
        world.later(25)
        return slow(event)

    world.invocations.reply = slowly
    world.shadow(rollout)
    assert tally_of(world, rollout).replayed == 3


def test_crashes_of_stable_count_beside_its_errors() -> None:
    """A request that left no record is a failed one, of stable as of the candidate."""
    world = a_world(requests=60)
    crashes = [Crash(f"lost-{number}", world.now) for number in range(30)]
    world.collect([], release=2, crashes=crashes)
    world.later(PLAN.watermark_seconds + 10)
    rollout = shadowing(world)
    to_the_end(world, rollout)
    assert (tally_of(world, rollout).stable_requests, tally_of(world, rollout).stable_failures) == (90, 30)


def test_the_evidence_of_a_shadow_is_none_of_the_traffic() -> None:
    """The first step begins with nothing counted."""
    world = a_world()
    rollout = shadowing(world)
    to_the_end(world, rollout)
    publish(world, rollout)
    world.later(PLAN.watermark_seconds + timedelta(minutes=1).total_seconds())
    assert "no request to the candidate, at 10% of traffic, is counted yet" in world.advance(rollout).reason
    assert world.every_part(3) == []


def test_an_answer_that_is_no_http_answer_is_a_failure() -> None:
    """And one whose latency is nonsense is merely not timed."""
    world = a_world()
    world.invocations.reply = lambda event: {**answering()(event), "headers": {LATENCY_HEADER: "soon"}}
    rollout = shadowing(world)
    assert status(to_the_end(world, rollout)) == "shadowed"
    assert tally_of(world, rollout).timed == 0
    other = a_world()
    other.invocations.reply = lambda _: {"hello": "world"}
    assert to_the_end(other, shadowing(other)).outcome is Outcome.ROLLED_BACK


def test_what_befalls_the_adapter_is_told_apart() -> None:
    """The memory adapter fails as the test says."""
    world = a_world()
    world.invocations.failure = "gone"
    release = world.rollouts.release(FRAUD, 2)
    assert release is not None
    with pytest.raises(ReleaseFailed, match="gone"):
        world.invocations.ask(release, {})
