"""A profile as a JSON document: its layout, and the slots that anything counts into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from serinus.domain.layout import Layout
from serinus.domain.profile import Profile
from serinus.errors import ProfileRefused


def profile_document(profile: Profile) -> dict[str, Any]:
    """Return the document; the same profile gives the same."""
    slots = np.flatnonzero(profile.counts)
    return {
        "layout": dict(profile.layout.document),
        "slots": slots.tolist(),
        "times": profile.counts[slots].tolist(),
    }


def profile_of(said: Mapping[str, Any]) -> Profile:
    """Return the profile that a document says; before format 2 it had a count for every slot.

    Raises:
        ProfileRefused: it is none, is damaged, or of a format that this version does not read.
    """
    if not isinstance(said.get("layout"), Mapping):
        raise ProfileRefused("the document is no profile: it has no layout")
    layout = Layout.of_document(said["layout"])
    counts = np.zeros(layout.size, dtype=np.int64)
    try:
        slots = np.array(said["slots"], dtype=np.int64) if "slots" in said else np.arange(layout.size)
        times = np.array(said["times" if "slots" in said else "counts"], dtype=np.int64)
        counts[slots] = times
        sound = slots.size == times.size and (not slots.size or (slots.min() >= 0 <= times.min()))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ProfileRefused(f"the profile's counts are damaged ({error!r}): make it anew") from error
    if not sound:
        raise ProfileRefused("the profile's counts do not fit its layout: make it anew")
    return Profile(layout, counts)
