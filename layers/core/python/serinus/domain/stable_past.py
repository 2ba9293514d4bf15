"""What stable did before a rollout: what to expect of the requests to come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from serinus.domain.guard import RolloutMetric
from serinus.domain.latency import slow_requests
from serinus.domain.layout import Outcome
from serinus.domain.profile import Profile

_HEAVIEST = 1_000  # requests: today may be another day


@dataclass(frozen=True)
class StablePast:
    """For each metric how many requests there were, and how many of them were bad.

    Declared outcomes and labels are not among them: a profile counts the rows of requests, not what they came to.
    """

    counts: Mapping[RolloutMetric, tuple[int, int]]

    @classmethod
    def of(cls, profile: Profile, *, slow_from_ms: float) -> StablePast:
        """Read it from a profile; answers are slow from that latency on."""
        timed = int(profile.counts[profile.layout.latency_section].sum())
        return cls(
            {
                RolloutMetric.ERRORS: (profile.requests, profile.failures),
                RolloutMetric.REFUSALS: (profile.requests, profile.outcome(Outcome.CLIENT_ERROR)),
                RolloutMetric.LATENCY: (timed, slow_requests(profile, from_ms=slow_from_ms)),
            }
        )

    @property
    def bad_shares(self) -> Mapping[RolloutMetric, float]:
        """The share of requests that was bad, for the metrics of which there were any."""
        return {metric: bad / requests for metric, (requests, bad) in self.counts.items() if requests}

    @property
    def lightened(self) -> Mapping[RolloutMetric, tuple[int, int]]:
        """The counts with the weight of a thousand requests at the most, for evidence to start from.

        >>> StablePast({RolloutMetric.ERRORS: (200_000, 1_000)}).lightened
        {<RolloutMetric.ERRORS: 'errors'>: (1000, 5)}
        """
        scales = {metric: min(1.0, _HEAVIEST / max(requests, 1)) for metric, (requests, _) in self.counts.items()}
        return {
            metric: (round(requests * scales[metric]), round(bad * scales[metric]))
            for metric, (requests, bad) in self.counts.items()
        }
