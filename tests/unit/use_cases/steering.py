"""The ports of the control API's use cases, of one world."""

from __future__ import annotations

from serinus.adapters.memory.executions import MemoryExecutions
from serinus.adapters.memory.roll_backs import MemoryRollBacks
from serinus.use_cases.find_rollout import Looking
from serinus.use_cases.request_roll_back import Returning
from serinus.use_cases.request_rollout import Requesting
from serinus.use_cases.steer_rollout import Guiding
from tests.builders import World


def guiding(world: World) -> Guiding:
    """Return what steering needs."""
    return Guiding(world.policies, world.rollouts, world.alarms, world.ledger, world.events, world.clock)


def looking(world: World) -> Looking:
    """Return what looking needs."""
    return Looking(world.policies, world.rollouts)


def returning(world: World) -> Returning:
    """Return what having traffic returned needs."""
    return Returning(world.policies, world.rollouts, MemoryRollBacks(world.conducting))


def requesting(world: World, executions: MemoryExecutions) -> Requesting:
    """Return what requesting a rollout needs."""
    return Requesting(
        world.policies,
        world.versions,
        world.rollouts,
        world.traffic,
        executions,
        world.ledger,
        world.clock,
        world.deployments,
    )
