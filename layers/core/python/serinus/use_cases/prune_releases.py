"""Remove what nobody can return to: Lambda versions and model layers of releases that have had their time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from serinus.domain.ledger import Action, Detail, LedgerEntry, what_was_live
from serinus.domain.policy import EndpointName
from serinus.domain.pruning import prunable, unused_layers
from serinus.domain.rollout import Release
from serinus.errors import ReleaseInUse
from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.ledger import Ledger
from serinus.use_cases.ports.releases import Releases, Traffic
from serinus.use_cases.ports.rollouts import Rollouts

_ACTOR = "prune_releases"
_YOUNG = timedelta(days=1)


@dataclass(frozen=True)
class Pruning:
    """What pruning needs of the world."""

    policies: Policies
    rollouts: Rollouts
    traffic: Traffic
    releases: Releases
    ledger: Ledger
    clock: Clock


@dataclass(frozen=True)
class Pruned:
    """The result: the numbers of the releases and the ARNs of the layers that were removed, or why none was."""

    endpoint: str
    releases: tuple[int, ...]
    layers: tuple[str, ...]
    reason: str = ""


def prune_releases(endpoint: str, *, pruning: Pruning) -> Pruned:
    """Retire the releases that the policy does not keep, and remove what they are made of; again is harmless.

    It takes no lock: a roll-back must not wait for it. A release is marked as retired first, and what is in use is
    looked at after that. Whoever takes it up before the mark is seen in that look, or by Lambda itself, which removes
    no version that an alias names; whoever comes after it reads the mark, or is told that the version is gone.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
    """
    policy = pruning.policies.get(endpoint)
    if pruning.rollouts.active(endpoint) is not None:
        return Pruned(endpoint, (), (), "a rollout is under way: the next run prunes")
    known = pruning.rollouts.releases(endpoint)
    lived = what_was_live(pruning.ledger.entries(endpoint))
    due = prunable(
        known,
        alone=[span.stable for span in lived if span.candidate is None],
        split=pruning.traffic.current(endpoint),
        keep=policy.releases.keep,
        before=pruning.clock() - _YOUNG,
    )
    begun = [release for release in known if _is_begun(release, pruning)]
    removed = [release.number for release in (*begun, *due) if _retire(release, policy.releases.keep, pruning)]
    return Pruned(endpoint, tuple(removed), _remove_layers(policy.endpoint, pruning))


def _is_begun(release: Release, pruning: Pruning) -> bool:
    """Whether an earlier run marked it, and died before it could record that it is removed."""
    return (
        release.retired_at is not None and pruning.ledger.find(release.endpoint, f"retired:{release.number}") is None
    )


def _retire(release: Release, keep: int, pruning: Pruning) -> bool:
    """Mark it, remove its version and record that; where it is in use, take the mark back and return `False`."""
    retired = release if release.retired_at else replace(release, retired_at=pruning.clock())
    if retired != release:
        pruning.rollouts.save_release(retired, replaced=release)
    if not _remove(retired, pruning):
        pruning.rollouts.save_release(replace(retired, retired_at=None), replaced=retired)
        return False
    details: dict[str, Detail] = {
        "release": retired.number,
        "version": retired.model_version,
        "reason": f"it is none of the {keep} releases that served all traffic last",
    }
    _record(retired.endpoint, f"retired:{retired.number}", Action.RELEASE_RETIRED, details, pruning)
    return True


def _remove(retired: Release, pruning: Pruning) -> bool:
    """Look whether it is in use after all, now that nobody can take it up without reading the mark."""
    if _is_in_use(retired, pruning):
        return False
    try:
        pruning.releases.remove(retired)
    except ReleaseInUse:
        return False
    return True


def _is_in_use(release: Release, pruning: Pruning) -> bool:
    current = pruning.traffic.current(release.endpoint)
    return pruning.rollouts.active(release.endpoint) is not None or release.number in {
        current.stable,
        current.candidate,
    }


def _remove_layers(endpoint: EndpointName, pruning: Pruning) -> tuple[str, ...]:
    """Remove the layers that no kept release is made with. A rollout that was about to use one publishes it anew."""
    removed = []
    for layer in unused_layers(pruning.rollouts.releases(endpoint)):
        deed = f"removed:{layer}"
        if pruning.ledger.find(endpoint, deed) is None and pruning.rollouts.active(endpoint) is None:
            pruning.releases.remove_layer(endpoint, layer)
            _record(endpoint, deed, Action.LAYER_REMOVED, {"layer": layer}, pruning)
            removed.append(layer)
    return tuple(removed)


def _record(endpoint: EndpointName, deed: str, action: Action, details: dict[str, Detail], pruning: Pruning) -> None:
    pruning.ledger.append(LedgerEntry(endpoint, deed, action, _ACTOR, pruning.clock(), details))
