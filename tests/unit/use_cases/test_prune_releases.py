"""Pruning: what nobody can return to goes; what serves, or could, stays."""

from __future__ import annotations

from functools import partial

import pytest

from serinus.domain.ledger import Action
from serinus.domain.policy import Keeping
from serinus.domain.rollout import Split
from serinus.errors import EndpointNotFound, ReleaseNotFound
from serinus.use_cases.prune_releases import Pruned, prune_releases
from serinus.use_cases.publish_release import publish_release
from serinus.use_cases.roll_back import RollBack, roll_back
from serinus.use_cases.start_rollout import start_rollout
from tests.builders import FRAUD, PLAN, Died, World, a_policy, a_runtime, built_once

_DAYS = 86_400


def prune(world: World) -> Pruned:
    """Prune."""
    return prune_releases(FRAUD, pruning=world.pruning)


def promote(world: World, rollout: str, stable: int) -> None:
    """Take a canary through all its steps."""
    while world.rollouts.active(FRAUD):
        world.later(PLAN.tick_seconds)
        for release in (stable, stable + 1):
            world.serve(release)
        world.later(PLAN.tick_seconds + PLAN.watermark_seconds)
        world.advance(rollout)


@built_once
def with_releases(count: int, *, keep: int = 2) -> World:
    """Return a world whose releases 2, 3, … were promoted in turn, days ago; the policy keeps so many."""
    world = World(a_policy(keeping=Keeping(keep)))
    world.published("1")
    for number in range(2, count + 1):
        promote(world, world.published(str(number)), number)
    world.later(2 * _DAYS)
    return world


def layer(world: World, number: int) -> str:
    """Return the layer of a release's model."""
    release = world.rollouts.release(FRAUD, number)
    assert release is not None
    return release.layer


def retired(world: World) -> list[int]:
    """Return the releases that are marked as retired."""
    return [release.number for release in world.rollouts.releases(FRAUD) if release.retired_at]


def test_what_the_policy_does_not_keep_is_removed_with_its_layer_and_recorded() -> None:
    """The two that served last stay; what goes stays known, as retired."""
    world = with_releases(4)
    pruned = prune(world)
    layers = tuple(sorted([layer(world, 2), layer(world, 3)]))
    assert (pruned.releases, pruned.layers) == ((2, 3), layers)
    assert world.releases.removed == [2, 3, *layers]
    assert retired(world) == [2, 3]
    deeds = [entry.action for entry in world.entries()][-4:]
    assert deeds == [Action.RELEASE_RETIRED] * 2 + [Action.LAYER_REMOVED] * 2
    assert world.split() == Split(5)


def test_pruning_again_changes_nothing() -> None:
    """Nothing is removed or recorded twice."""
    world = with_releases(4)
    prune(world)
    before = (world.deeds(), list(world.releases.removed))
    assert prune(world) == Pruned(FRAUD, (), ())
    assert (world.deeds(), world.releases.removed) == before


def test_what_was_pruned_cannot_be_returned_to() -> None:
    """It is refused in words, with what there is, and traffic stays."""
    world = with_releases(4)
    prune(world)
    with pytest.raises(ReleaseNotFound, match=r"no release 2 any more: it was retired at .* UTC; return to 4, 5"):
        roll_back(RollBack(FRAUD, "bad", "ann", to=2), conducting=world.conducting)
    assert roll_back(RollBack(FRAUD, "bad", "ann"), conducting=world.conducting).split == Split(4)
    with pytest.raises(ReleaseNotFound, match="no release 3 any more"):
        roll_back(RollBack(FRAUD, "bad", "ann", leaving=4), conducting=world.conducting)
    assert world.split() == Split(4)


def test_while_a_rollout_is_under_way_nothing_is_pruned() -> None:
    """The next run does it."""
    world = with_releases(4)
    world.published("5")
    assert prune(world) == Pruned(FRAUD, (), (), "a rollout is under way: the next run prunes")
    assert retired(world) == []


def test_a_layer_that_a_kept_release_shares_stays() -> None:
    """Deploys make more releases with the same model: with the first of them gone, its layer is still needed."""
    world = with_releases(2)
    for stable, memory_mb in ((3, 2_048), (4, 4_096)):
        world.deployments.deploy(FRAUD, a_runtime(memory_mb=memory_mb))
        deployment = world.deployments.current(FRAUD).id
        execution = f"deploy-{memory_mb}"
        started = start_rollout(FRAUD, None, execution=execution, starting=world.starting, deployment=deployment)
        publish_release(FRAUD, started.rollout or "", publishing=world.publishing)
        promote(world, started.rollout or "", stable)
    world.later(2 * _DAYS)
    pruned = prune(world)
    assert (pruned.releases, pruned.layers) == ((2, 3), (layer(world, 2),))
    assert layer(world, 3) == layer(world, 4) == layer(world, 5)


def test_a_rollout_that_starts_right_after_the_mark_takes_it_back() -> None:
    """Whatever it brings, be it that very release: nothing is removed from under it."""
    world = with_releases(4)
    number = world.validated("5")
    world.fate.after_write(1, partial(world.begin, number))
    assert prune(world).releases == ()
    assert (retired(world), world.releases.removed) == ([], [])


def test_a_roll_back_that_moves_traffic_right_after_the_mark_takes_it_back() -> None:
    """The alias is read after the mark."""
    world = with_releases(4)
    world.fate.after_write(1, partial(world.traffic.shift, FRAUD, Split(2)))
    assert prune(world).releases == (3,)
    assert retired(world) == [3]


def test_a_version_that_lambda_does_not_let_go_stays() -> None:
    """The alias was moved to it between our look and the removal."""
    world = with_releases(4)
    world.releases.in_use.add(2)
    assert prune(world).releases == (3,)
    assert retired(world) == [3]
    world.releases.in_use.clear()
    assert prune(world).releases == (2,)


def test_dying_after_any_write_changes_nothing_in_the_end() -> None:
    """The next run completes what the first began; each deed is on record once."""
    died = 0
    for number in range(1, 20):
        world = with_releases(3)
        whole = [*world.deeds(), "retired:2", f"removed:{layer(world, 2)}"]
        world.fate.die_after(number)
        try:
            prune(world)
        except Died:
            died += 1
        prune(world)
        assert retired(world) == [2], f"died after write {number}"
        assert world.deeds() == whole
        assert set(world.releases.removed) == {2, layer(world, 2)}
    assert died == 7  # the mark, the version, its entry and anchor, the layer, its entry and anchor


def test_an_endpoint_that_is_not_deployed_cannot_be_pruned() -> None:
    """It is an error."""
    with pytest.raises(EndpointNotFound):
        prune_releases("nobody", pruning=World().pruning)
