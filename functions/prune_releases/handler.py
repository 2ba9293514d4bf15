"""The endpoint's schedule: remove the releases that nobody can return to."""

from __future__ import annotations

import dataclasses

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import PruningDue
from serinus.use_cases.prune_releases import prune_releases

_PRUNING = wiring.pruning(settings.read(settings.PruneReleasesSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer what was removed."""
    due = PruningDue.model_validate(event)
    return dataclasses.asdict(prune_releases(due.endpoint, pruning=_PRUNING))
