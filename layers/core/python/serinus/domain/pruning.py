"""Which releases are kept, so that code storage does not grow for ever."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from serinus.domain.rollout import Release, Split


def prunable(
    releases: Iterable[Release], *, alone: Sequence[int], split: Split, keep: int, before: datetime
) -> tuple[Release, ...]:
    """Return the releases that nobody needs: neither live, nor one of those that can be rolled back to, nor young.

    Args:
        releases: those of the endpoint.
        alone: the releases that served all traffic, in the order in which they did.
        split: where traffic goes now.
        keep: how many of those that served all traffic last can be rolled back to.
        before: what was published later is kept: people still look into why it was rolled back.
    """
    latest = list(dict.fromkeys(reversed(alone)))[:keep]
    kept = {split.stable, split.candidate, *latest}
    return tuple(
        release
        for release in releases
        if release.retired_at is None and release.number not in kept and release.published_at < before
    )


def unused_layers(releases: Sequence[Release]) -> tuple[str, ...]:
    """Return the model layers that only retired releases are made with; several releases may share one."""
    used = {release.layer for release in releases if release.retired_at is None}
    return tuple(sorted({release.layer for release in releases} - used))
