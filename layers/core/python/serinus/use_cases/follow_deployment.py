"""A deploy has changed what an endpoint's next release is made of: have that rolled out like a model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from serinus.domain.composition import Deployment
from serinus.domain.rollout import Release
from serinus.use_cases.ports.endpoints import Deployments
from serinus.use_cases.ports.releases import Traffic
from serinus.use_cases.ports.rollouts import Executions, Rollouts


@dataclass(frozen=True)
class Following:
    """What following a deploy needs of the world."""

    deployments: Deployments
    rollouts: Rollouts
    traffic: Traffic
    executions: Executions


@dataclass(frozen=True)
class Followed:
    """The result: the execution that rolls the deploy out, or why there is none."""

    endpoint: str
    execution: str | None
    reason: str


def follow_deployment(endpoint: str, *, following: Following) -> Followed:
    """Start the rollout of the latest deploy, with whatever model is live when its turn comes.

    The execution's name follows from the deploy: of two events, of an event and the schedule that looks after lost
    ones, one starts it. What ended badly is not tried again until something is deployed anew.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
    """
    deployment = following.deployments.current(endpoint)
    execution = execution_name(endpoint, deployment)
    against = _against(endpoint, deployment, execution, following)
    if against is not None:
        return Followed(endpoint, None, against)
    wanted = {"endpoint": endpoint, "version": None, "deployment": deployment.id}
    if not following.executions.start(execution, wanted):
        return Followed(endpoint, None, "this deploy was followed before")
    return Followed(endpoint, execution, "its rollout starts, or waits its turn")


def execution_name(endpoint: str, deployment: Deployment) -> str:
    """Return the name of the one execution that rolls a deploy out."""
    return f"{endpoint}-deploy-{hashlib.sha256(deployment.id.encode()).hexdigest()[:16]}"


def _against(endpoint: str, deployment: Deployment, execution: str, following: Following) -> str | None:
    rollouts = following.rollouts
    active = rollouts.active(endpoint)
    if active is not None:
        brings = active.composition is not None and active.composition.runtime == deployment.runtime
        return f"rollout {active.id}, which is under way, brings it" if brings else None
    live = _live(endpoint, following)
    if live is None:
        return "nothing is released yet: it goes live with the first model"
    if live.composition is not None and live.composition.runtime == deployment.runtime:
        return f"nothing that serves has changed: release {live.number} is made of the same"
    if any(rollout.execution.endswith(f":{execution}") for rollout in rollouts.list(endpoint)):
        return "this deploy was rolled out before"
    return None


def _live(endpoint: str, following: Following) -> Release | None:
    """Return the stable release. While an endpoint is first deployed, its alias may not be there to be asked."""
    if not following.rollouts.releases(endpoint):
        return None
    return following.rollouts.release(endpoint, following.traffic.current(endpoint).stable)
