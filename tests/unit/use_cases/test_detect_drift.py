"""Watching for drift: announced once, by the release that serves, and not while the cure is on its way."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from itertools import pairwise

import pytest

from serinus.domain.policy import Retraining
from serinus.domain.table import Table
from serinus.errors import EndpointNotFound
from serinus.use_cases.detect_drift import DriftCheck, detect_drift
from serinus.use_cases.roll_back import RollBack, roll_back
from tests.builders import DRIFT, FRAUD, Died, World, a_policy, a_prediction, a_table, built_once

ROWS = 600


def check(world: World) -> DriftCheck:
    """Look once."""
    return detect_drift(FRAUD, watching=world.watching)


def ask(world: World, rows: Table) -> None:
    """Let release 2 answer one request of many rows now."""
    world.collect([a_prediction(world.now.isoformat(), at=world.now, features=rows)], release=2)


@built_once
def drifted_world(*, retraining: Retraining | None = None) -> World:
    """Return a world whose live release has served drifted rows."""
    world = World(a_policy(retraining=retraining))
    world.published()
    ask(world, a_table(ROWS, seed=3, shift=2.0))
    world.later(60)
    return world


def test_drift_is_announced_with_what_has_moved() -> None:
    """Ledger and bus name the release, the features and the numbers, and whether to retrain."""
    world = drifted_world(retraining=Retraining())
    found = check(world)
    assert (found.release, found.announced) == (2, True)
    assert "amount (PSI " in found.reason
    (event,) = [event for event in world.events.published if event.name == "DriftDetected"]
    assert (event.detail["retrain"], event.detail["version"], event.detail["rows"]) == (True, 1, ROWS)
    assert world.deeds()[-1].startswith("drift:2:")
    ((endpoint, release, figures),) = world.metrics.put_so_far
    assert (endpoint, release, figures.of_endpoint) == ("fraud", 2, {"Drifted": 1.0})
    assert json.loads(json.dumps(asdict(found)))["report"]["drifted"] is True


def test_an_announcement_tells_what_weighs_most_for_the_model() -> None:
    """What validation measured, times how far each feature has moved; nothing where it is not known."""
    world = drifted_world()
    check(world)
    told = str(world.events.published[-1].detail["impact"])
    name, impact = told.split(", ")[0].split()
    assert (name, float(impact) > 0.1) == ("amount", True)
    bare = drifted_world()
    bare.references.put_importance(FRAUD, bare.versions.get(FRAUD, 1).content_digest, {})
    check(bare)
    assert "impact" not in bare.events.published[-1].detail


def test_without_retraining_the_announcement_says_so() -> None:
    """The rule that starts retraining does not match."""
    world = drifted_world()
    check(world)
    assert world.events.published[-1].detail["retrain"] is False


def test_traffic_as_before_is_no_drift() -> None:
    """Rows of the reference's population announce nothing."""
    world = World()
    world.published()
    ask(world, a_table(ROWS, seed=3))
    world.later(60)
    found = check(world)
    assert (found.announced, found.reason) == (False, "no drift")


def test_too_few_rows_say_nothing() -> None:
    """However far they are."""
    world = World()
    world.published()
    ask(world, a_table(DRIFT.minimum_rows - 1, seed=3, shift=5.0))
    world.later(60)
    assert check(world).reason == "499 of 500 rows in the last 60 minutes"


def test_rows_before_the_window_are_forgotten() -> None:
    """What drifted two hours ago is history."""
    world = drifted_world()
    world.later(7_200)
    assert "0 of 500 rows" in check(world).reason


def test_before_anything_is_released_there_is_nothing_to_compare() -> None:
    """An endpoint that answers 503 has no drift; one that is not deployed is an error."""
    assert check(World()).reason == "nothing is released yet"
    with pytest.raises(EndpointNotFound):
        detect_drift("nobody", watching=World().watching)


@pytest.mark.parametrize("offset_seconds", [0, 1_000, 3_480])
@pytest.mark.parametrize("wait_minutes", [None, 90])
def test_drift_is_announced_once_per_cooling_time(wait_minutes: int | None, offset_seconds: int) -> None:
    """From an announcement to the next the cooling time passes, wherever on the clock the first fell."""
    retraining = Retraining(labels_wait_minutes=wait_minutes) if wait_minutes else None
    cooling = 60 * (wait_minutes or DRIFT.window_minutes)
    world = drifted_world(retraining=retraining)
    world.later(offset_seconds)
    announced: list[datetime] = []
    for _ in range(25):
        ask(world, a_table(ROWS, seed=3, shift=2.0))
        world.later(cooling / 10)
        if check(world).announced:
            announced.append(world.now)
    assert len(announced) >= 2
    assert all((later - earlier).total_seconds() >= cooling for earlier, later in pairwise(announced))


def test_drift_is_not_announced_while_a_rollout_is_under_way() -> None:
    """The cure may be on its way; once it has ended, drift that is still there is announced."""
    world = drifted_world()
    rollout = world.started("2")
    found = check(world)
    assert (found.announced, found.report is not None and found.report.drifted) == (False, True)
    roll_back(RollBack(FRAUD, "no cure", "ann", rollout=rollout), conducting=world.conducting)
    assert check(world).announced


def test_dying_after_any_write_announces_again_and_records_once() -> None:
    """An announcement is sent before it is recorded, so that it is never lost."""
    for number in range(1, 4):
        world = drifted_world()
        world.fate.die_after(number)
        with pytest.raises(Died):
            check(world)
        check(world)
        assert [deed for deed in world.deeds() if deed.startswith("drift:")] == [world.deeds()[-1]]
        assert "DriftDetected" in world.event_names()


def test_drift_of_the_score_alone_is_named_first() -> None:
    """The predictions have moved most, and the reason says so."""
    world = World(a_policy(drift=replace(DRIFT, feature_psi=50.0)))
    world.published()
    ask(world, a_table(ROWS, seed=3, shift=2.0))
    world.later(60)
    assert check(world).reason.startswith("score (PSI ")
