"""Sends a request to the model version that its caller names; the alias, which splits at random, is not asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serinus.domain.rollout import Outcome, Release
from serinus.errors import ReleaseNotFound, RequestRefused
from serinus.use_cases.ports.releases import Invocations
from serinus.use_cases.ports.rollouts import Rollouts

_VERSION = re.compile(r"/versions/(?P<version>[^/]+)(?=/|$)")
_NUMBER = re.compile(r"[1-9]\d{0,9}", re.ASCII)


@dataclass(frozen=True)
class Asking:
    """What asking a named version takes."""

    rollouts: Rollouts
    invocations: Invocations


def infer_version(endpoint: str, event: Mapping[str, object], *, asking: Asking) -> Mapping[str, object]:
    """Answer a request whose path names a model version.

    Of several releases of a version the latest that was promoted and is still there answers: a deploy of bad code
    that was rolled back is a release of the version too. What it is asked is no evidence of how it fares: the event
    says so, and it leaves no record.

    Raises:
        RequestRefused: 404, where there is no such version; the message names those that can be had.
        ReleaseFailed: the release gave no answer.
    """
    path = str(event.get("rawPath", ""))
    named = _VERSION.search(path)
    releases = [release for release in asking.rollouts.releases(endpoint) if release.retired_at is None]
    version = named["version"] if named else ""
    marked = dict(event) | {"rawPath": _VERSION.sub("", path, count=1), "serinus": {"named_version": True}}
    for release in _of(version, releases, asking.rollouts):
        try:
            return asking.invocations.ask(release, marked)
        except ReleaseNotFound:
            continue
    raise _unknown(endpoint, version, releases)


def _of(version: str, releases: Sequence[Release], rollouts: Rollouts) -> list[Release]:
    """Return the releases of a model version: those that were promoted, then the others, each latest first."""
    if not _NUMBER.fullmatch(version):
        return []
    found = [release for release in releases if release.model_version == int(version)]
    if len(found) == 1:
        return found
    return sorted(found, key=lambda release: (_was_promoted(release, rollouts), release.number), reverse=True)


def _was_promoted(release: Release, rollouts: Rollouts) -> bool:
    return rollouts.get(release.endpoint, release.rollout).outcome is Outcome.PROMOTED


def _unknown(endpoint: str, version: str, releases: Sequence[Release]) -> RequestRefused:
    others = sorted({release.model_version for release in releases if str(release.model_version) != version})
    there = f"ask for {', '.join(map(str, others))}" if others else "none was released yet"
    return RequestRefused(f"endpoint {endpoint!r} has no version {version[:40]!r} to ask: {there}", status=404)
