"""Compare what the live release serves with what it was validated on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from serinus.domain.drift import DriftReport, baseline_of, compare
from serinus.domain.policy import DriftLimits, Policy
from serinus.domain.profile import Profile
from serinus.domain.seasons import PastWindow, telling
from serinus.domain.slice_drift import SliceDrift, slice_drifts
from serinus.use_cases.live_window import LiveWindow, Reading, live_release, live_window, past_windows

_STRETCHES = 4  # how many are looked through for past windows: of the live release and two or three before it


@dataclass(frozen=True)
class DriftLook:
    """What a look at the live window found, and what it was compared with."""

    policy: Policy
    window: LiveWindow
    baseline: Profile
    report: DriftReport

    @property
    def slices(self) -> tuple[SliceDrift, ...]:
        """How far each slice has moved that profiles count apart; they raise no alarm."""
        return slice_drifts(self.baseline, self.window.profile, self.report) if self.report.enough else ()


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
    _, baseline = baseline_of(window.reference, policy.drift, past)
    importance = reading.references.importance(endpoint, window.release.content_digest)
    report = compare(window.reference, window.periods, policy.drift, past, importance)
    return DriftLook(policy, window, baseline, report)


def _past(window: LiveWindow, limits: DriftLimits, reading: Reading) -> Sequence[PastWindow]:
    """Return the past windows of the latest release that has served long enough to tell how far windows stray."""
    if window.profile.rows < limits.minimum_rows:
        return []  # nothing will be compared
    each = islice(past_windows(window, limits.compare_with, reading=reading), _STRETCHES)
    return next((known for known in each if telling(known, minimum_rows=limits.minimum_rows)), ())
