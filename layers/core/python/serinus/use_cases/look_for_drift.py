"""Compare what the live release serves with what it was validated on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from serinus.domain.drift import DriftReport, compare, telling
from serinus.domain.policy import DriftLimits, Policy
from serinus.domain.profile import Profile
from serinus.use_cases.live_window import LiveWindow, Reading, live_release, live_window, past_windows

_RELEASES = 3  # how many are looked through for past windows: the live one and two before it


@dataclass(frozen=True)
class DriftLook:
    """What a look at the live window found."""

    policy: Policy
    window: LiveWindow
    report: DriftReport


def look_for_drift(endpoint: str, *, at: datetime, reading: Reading) -> DriftLook | None:
    """Compare the live window of the stable release with its reference; `None` where nothing is released yet.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
    """
    policy = reading.policies.get(endpoint)
    live = live_release(endpoint, reading=reading)
    if live is None:
        return None
    start = at - timedelta(minutes=policy.drift.window_minutes)
    window = live_window(*live, parts=reading.parts, start=start, end=at)
    past = _past(window, policy.drift, reading)
    return DriftLook(policy, window, compare(window.reference, window.periods, policy.drift, past))


def _past(window: LiveWindow, limits: DriftLimits, reading: Reading) -> Sequence[Profile]:
    """Return the past windows of the latest release that has served long enough to tell how far windows stray."""
    if window.profile.rows < limits.minimum_rows:
        return []  # nothing will be compared
    each = past_windows(window, reading=reading)
    return next((known for known in islice(each, _RELEASES) if telling(known, limits)), ())
