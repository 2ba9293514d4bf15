"""Asking for a rollout: one execution for what is asked, however often it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from serinus.adapters.memory.executions import MemoryExecutions
from serinus.domain.ledger import Action
from serinus.domain.rollout import rollout_id
from serinus.errors import EndpointNotFound, ModelVersionNotFound, VersionNotReleasable
from serinus.use_cases.request_rollout import RequestedRollout, RequestStatus, request_rollout
from serinus.use_cases.roll_back import RollBack, roll_back
from serinus.use_cases.start_rollout import StartStatus, start_rollout
from tests.builders import FRAUD, Died, World
from tests.unit.use_cases.steering import requesting


def request(world: World, number: int, executions: MemoryExecutions, *, actor: str = "ann") -> RequestedRollout:
    """Ask for a rollout."""
    return request_rollout(
        FRAUD, number, actor=actor, reason="it was the data", requesting=requesting(world, executions)
    )


def _returned() -> World:
    """Return a world in which version 2 was rolled back, and version 1 serves."""
    world = World()
    world.canary()
    roll_back(RollBack(FRAUD, "enough", "ann"), conducting=world.conducting)
    return world


def test_an_execution_is_begun_and_who_asked_is_on_record() -> None:
    """It is told which rollout it will be."""
    world, executions = _returned(), MemoryExecutions()
    requested = request(world, 2, executions)
    ((name, begun),) = executions.started.items()
    assert begun == {"endpoint": FRAUD, "version": 2}
    assert name.startswith("fraud-v2-")
    assert requested.status is RequestStatus.REQUESTED
    entry = world.entries()[-1]
    assert (entry.action, entry.actor, entry.details["reason"]) == (
        Action.ROLLOUT_REQUESTED,
        "ann",
        "it was the data",
    )
    start = start_rollout(FRAUD, 2, execution=f"execution:{name}", starting=world.starting)
    assert (start.status, start.rollout) == (StartStatus.STARTED, requested.rollout)
    assert requested.rollout == rollout_id(2, f"execution:{name}")


def test_the_same_request_twice_is_one() -> None:
    """Before its rollout has begun, and while it is under way."""
    world, executions = _returned(), MemoryExecutions()
    first = request(world, 2, executions)
    deeds = world.deeds()
    assert request(world, 2, executions, actor="bob") == first
    assert world.deeds() == deeds
    (name,) = executions.started
    start_rollout(FRAUD, 2, execution=f"execution:{name}", starting=world.starting)
    again = request(world, 2, executions)
    assert (again.status, again.rollout) == (RequestStatus.IN_PROGRESS, first.rollout)
    assert list(executions.started) == [name]


def test_a_rollout_that_begins_while_it_is_asked_for_again_is_no_other_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The execution takes the lock between any two of the request's reads."""
    for number in range(1, 5):
        world, executions = _returned(), MemoryExecutions()
        request(world, 2, executions)
        (name,) = executions.started
        reads = 0

        def reading(
            read: Callable[[str], object], world: World = world, name: str = name, at: int = number
        ) -> object:
            def counted(endpoint: str) -> object:
                nonlocal reads
                found = read(endpoint)
                reads += 1
                if reads == at:
                    start_rollout(FRAUD, 2, execution=f"execution:{name}", starting=world.starting)
                return found

            return counted

        with monkeypatch.context() as patch:
            for port, method in ((world.rollouts, "list"), (world.rollouts, "active"), (world.traffic, "current")):
                patch.setattr(port, method, reading(getattr(port, method)))
            request(world, 2, executions)
        assert list(executions.started) == [name], number


def test_dying_in_between_leaves_no_rollout_that_nobody_asked_for() -> None:
    """The record comes first; the next request completes it."""
    world, executions = _returned(), MemoryExecutions()
    world.fate.die_after(1)
    with pytest.raises(Died):
        request(world, 2, executions)
    assert executions.started == {}
    request(world, 2, executions)
    requests = [entry for entry in world.entries() if entry.action is Action.ROLLOUT_REQUESTED]
    assert len(requests) == len(executions.started) == 1


def test_after_a_rollout_the_same_request_is_another_one() -> None:
    """What was taken back can be tried again."""
    world, executions = _returned(), MemoryExecutions()
    first = request(world, 2, executions)
    (name,) = executions.started
    executions.ended.add(name)
    start_rollout(FRAUD, 2, execution=f"execution:{name}", starting=world.starting)
    roll_back(RollBack(FRAUD, "enough", "ann"), conducting=world.conducting)
    assert request(world, 2, executions).rollout != first.rollout
    assert len(executions.started) == 2


def test_an_execution_that_failed_before_it_was_a_rollout_is_tried_anew() -> None:
    """Its name is used up, so that another one is found."""
    world, executions = _returned(), MemoryExecutions()
    first = request(world, 2, executions)
    executions.ended.update(executions.started)
    assert request(world, 2, executions).rollout != first.rollout


def test_behind_another_rollout_it_waits() -> None:
    """And says for which."""
    world, executions = World(), MemoryExecutions()
    under_way = world.canary()
    world.validated("3")
    requested = request(world, 3, executions)
    assert (requested.status, requested.waits_for) == (RequestStatus.WAITING, under_way)


def test_what_is_live_is_not_rolled_out() -> None:
    """Nothing would change."""
    world, executions = _returned(), MemoryExecutions()
    with pytest.raises(VersionNotReleasable, match="is live already"):
        request(world, 1, executions)
    assert executions.started == {}


def test_what_did_not_pass_validation_is_not_rolled_out() -> None:
    """Nor what was not validated yet."""
    world, executions = _returned(), MemoryExecutions()
    number = world.registered("3")
    with pytest.raises(VersionNotReleasable, match="not validated"):
        request(world, number, executions)
    assert executions.started == {}


def test_endpoint_and_version_must_be_there() -> None:
    """Each is told apart."""
    world, executions = _returned(), MemoryExecutions()
    with pytest.raises(ModelVersionNotFound):
        request(world, 9, executions)
    with pytest.raises(EndpointNotFound):
        request_rollout("frod", 1, actor="ann", requesting=requesting(world, executions))
