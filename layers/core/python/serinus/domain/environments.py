"""Do failures gather in one execution environment? Then a release is not to blame for what one instance of it does.

The comparison of releases takes each request for a draw of its own. An environment whose disk is full or whose
library loaded badly fails them all, and with four environments that looks like a quarter of the candidate. So once
failures are seen to gather, environment-minutes with a failure are counted instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from serinus.domain.evidence import Tally

_SUSPECTS = 8
_LOG_ODDS_OF_CHANCE = math.log(1_000)


@dataclass(frozen=True)
class EnvironmentMinute:
    """What one execution environment (one log stream) of a release did in one minute."""

    environment: str
    requests: int
    failures: int


@dataclass(frozen=True)
class EnvironmentCounts:
    """What one execution environment of a release did in one tick; of its minutes, bad ones had a failure."""

    environment: str
    requests: int = 0
    failures: int = 0
    minutes: int = 0
    bad_minutes: int = 0

    def observed(self, minute: EnvironmentMinute) -> EnvironmentCounts:
        """Return the counts with a minute more."""
        return EnvironmentCounts(
            self.environment,
            self.requests + minute.requests,
            self.failures + minute.failures,
            self.minutes + 1,
            self.bad_minutes + bool(minute.failures),
        )


@dataclass(frozen=True)
class SeenEnvironments:
    """What all execution environments of a release did in one tick; as small for thousands of them as for a few.

    Attributes:
        environments: how many there were.
        minutes: in how many minutes each of them was asked anything, summed over all.
        bad_minutes: those of the minutes in which a request failed.
        requests: of all of them.
        failures: likewise.
        suspects: those that were suspected before, and the eight others in which most requests failed: all that
            suspicion can fall on.
    """

    environments: int = 0
    minutes: int = 0
    bad_minutes: int = 0
    requests: int = 0
    failures: int = 0
    suspects: tuple[EnvironmentCounts, ...] = ()


NO_ENVIRONMENTS = SeenEnvironments()


@dataclass(frozen=True)
class Suspect:
    """An environment in which requests failed, counted since the tick of its first failure.

    Attributes:
        requests_before: what its release had been asked before that tick.
        failures_before: how many of them had failed.
    """

    environment: str
    requests: int
    failures: int
    requests_before: int
    failures_before: int


@dataclass(frozen=True)
class Cluster:
    """Failures that gathered in one environment: `failures` of the release's `of_failures` since it was suspected."""

    environment: str
    failures: int
    of_failures: int
    requests: int
    of_requests: int

    def __str__(self) -> str:
        return (
            f"{self.failures:,} of {self.of_failures:,} failures came from one execution environment, "
            f"which answered {self.requests:,} of {self.of_requests:,} requests"
        )


@dataclass(frozen=True)
class ReleaseEnvironments:
    """Which environments of a release fail: the eight with most failures are kept, and a cluster once found.

    >>> sound = [EnvironmentMinute(f"e{i}", 50, 0) for i in range(3)]
    >>> release = ReleaseEnvironments()
    >>> for _ in range(3):
    ...     release = release.observed(release.seen([*sound, EnvironmentMinute("ill", 50, 20)]))
    >>> str(release.cluster)
    '20 of 20 failures came from one execution environment, which answered 50 of 200 requests'
    """

    requests: int = 0
    failures: int = 0
    environments: int = 1
    suspects: tuple[Suspect, ...] = ()
    cluster: Cluster | None = None

    def seen(self, minutes: Sequence[EnvironmentMinute]) -> SeenEnvironments:
        """Return what matters of a tick's environment-minutes to whoever observes it in this state."""
        counted: dict[str, EnvironmentCounts] = {}
        for minute in minutes:
            before = counted.get(minute.environment, EnvironmentCounts(minute.environment))
            counted[minute.environment] = before.observed(minute)
        known = [counted[suspect.environment] for suspect in self.suspects if suspect.environment in counted]
        failing = [counts for counts in counted.values() if counts.failures and counts not in known]
        failing.sort(key=lambda counts: (-counts.failures, counts.environment))
        return SeenEnvironments(
            environments=len(counted),
            minutes=len(minutes),
            bad_minutes=sum(counts.bad_minutes for counts in counted.values()),
            requests=sum(counts.requests for counts in counted.values()),
            failures=sum(counts.failures for counts in counted.values()),
            suspects=(*known, *failing[:_SUSPECTS]),
        )

    def observed(self, seen: SeenEnvironments) -> ReleaseEnvironments:
        """Return the state with a tick more; a cluster stays found."""
        counted = {counts.environment: counts for counts in seen.suspects}
        suspects = [
            replace(suspect, requests=suspect.requests + counts.requests, failures=suspect.failures + counts.failures)
            for suspect in self.suspects
            for counts in [counted.pop(suspect.environment, EnvironmentCounts(suspect.environment))]
        ]
        suspects += [
            Suspect(counts.environment, counts.requests, counts.failures, self.requests, self.failures)
            for counts in counted.values()
        ]
        suspects.sort(key=lambda suspect: (-suspect.failures, suspect.environment))
        state = replace(
            self,
            requests=self.requests + seen.requests,
            failures=self.failures + seen.failures,
            environments=max(self.environments, seen.environments),
            suspects=tuple(suspects[:_SUSPECTS]),
        )
        return state if state.cluster else replace(state, cluster=state._found())

    @property
    def doubt(self) -> Cluster | None:
        """The cluster found, or else the worst environment where the others fail less than half as much as all do.

        A few failures are enough to convict a release, and too few to find a cluster for good.
        """
        if self.cluster or not self.suspects:
            return self.cluster
        worst = self._since(self.suspects[0])
        others = worst.of_requests - worst.requests
        if not others:
            return None
        share, of_all = (worst.of_failures - worst.failures) / others, worst.of_failures / worst.of_requests
        return worst if share < of_all / 2 else None

    def _found(self) -> Cluster | None:
        clusters = (self._since(suspect) for suspect in self.suspects)
        return next((cluster for cluster in clusters if gathered(cluster, self.environments)), None)

    def _since(self, suspect: Suspect) -> Cluster:
        return Cluster(
            suspect.environment,
            suspect.failures,
            self.failures - suspect.failures_before,
            suspect.requests,
            self.requests - suspect.requests_before,
        )


def gathered(cluster: Cluster, environments: int) -> bool:
    """Whether one environment's share of the failures is far above its share of the requests.

    That is: more than halfway from the one to all of them, and by chance rarer than one in a thousand for any of the
    environments (Chernoff's bound: the chance is at most exp(−F·KL(share of failures ‖ share of requests))).

    >>> gathered(Cluster("one", 40, 40, 100, 400), environments=4)
    True
    >>> gathered(Cluster("one", 3, 4, 100, 400), environments=4)
    False
    >>> gathered(Cluster("only", 40, 40, 400, 400), environments=1)
    False
    """
    expected, share = cluster.requests / cluster.of_requests, cluster.failures / cluster.of_failures
    if share <= (1 + expected) / 2:
        return False
    divergence = share * math.log(share / expected)
    if share < 1:
        divergence += (1 - share) * math.log((1 - share) / (1 - expected))
    return cluster.of_failures * divergence >= _LOG_ODDS_OF_CHANCE + math.log(environments)


def environment_tally(
    stable: SeenEnvironments, candidate: SeenEnvironments, *, leaving_out: str | None = None
) -> Tally:
    """Count environment-minutes, and as bad those with at least one failure.

    Args:
        stable: of the tick.
        candidate: of the tick.
        leaving_out: the candidate's environment with most failures: what the others do is then no fault of its.
    """
    left = [counts for counts in candidate.suspects if counts.environment == leaving_out]
    return Tally(
        stable.minutes,
        stable.bad_minutes,
        candidate.minutes - sum(counts.minutes for counts in left),
        candidate.bad_minutes - sum(counts.bad_minutes for counts in left),
    )
