"""The rules of others, emulated on the same traffic, each with the numbers of its own documentation's example.

- AWS CodeDeploy, canary 10 % for 10 minutes: a CloudWatch alarm on the candidate's share of errors in a minute, above
  1 %; 1 of 1 or 2 of 3 data points; a minute without requests is no data point and does not alarm.
- Flagger: every minute, success rate of the last minute ≥ 99 %; a pass adds 10 % up to 50 %, then promotes; five
  failed checks roll back, and a minute without values is a failed check.
- Argo Rollouts: 20→40→60→80 %, ten minutes each; every five minutes the success rate of the last five ≥ 95 %;
  failureLimit 0, which is the default; no value is a failed measurement.
- Kayenta: 10 % candidate beside a baseline of the same size for an hour; Mann–Whitney on the minutes' error rates at
  98 %: it fails where the confidence interval of the shift lies above a quarter of the estimate.
"""

from __future__ import annotations

import numpy as np

from serinus.domain.evidence import Floats
from serinus.domain.guard import RolloutMetric
from tests.benchmarks.rollout.ours import End, Ends
from tests.benchmarks.rollout.traffic import Traffic

_ERRORS = (RolloutMetric.ERRORS,)
_ALARM_SHARE = 0.01
_NORMAL_99 = 2.326


def codedeploy(traffic: Traffic, *, points: int, of: int) -> Ends:
    """Return how CodeDeploy's canary ends."""
    ends, alive = Ends.none(traffic.rollouts), np.arange(traffic.rollouts)
    breaching = np.zeros((of, traffic.rollouts), dtype=bool)
    for minute in range(10):
        counts = _minute(traffic, minute, alive, np.full(alive.size, 0.10), ends)
        breaching[minute % of, alive] = counts[:, 3] > _ALARM_SHARE * counts[:, 2]
        alarmed = breaching[:, alive].sum(axis=0) >= points
        alive = _over(ends, alive, alarmed, End.ROLLED_BACK, minute)
    _over(ends, alive, np.ones(alive.size, dtype=bool), End.PROMOTED, 9)
    return ends


def flagger(traffic: Traffic) -> Ends:
    """Return how Flagger's analysis ends."""
    ends, alive = Ends.none(traffic.rollouts), np.arange(traffic.rollouts)
    weight, failed = np.full(traffic.rollouts, 0.10), np.zeros(traffic.rollouts)
    for minute in range(traffic.arrivals.shape[0]):
        counts = _minute(traffic, minute, alive, weight[alive], ends)
        passed = (counts[:, 2] > 0) & (counts[:, 2] - counts[:, 3] >= 0.99 * counts[:, 2])
        failed[alive] += ~passed
        weight[alive] += 0.10 * passed
        promoted = weight[alive] > 0.55
        alive = _over(ends, alive, promoted, End.PROMOTED, minute)
        alive = _over(ends, alive, failed[alive] >= 5, End.ROLLED_BACK, minute)
        if not alive.size:
            break
    return ends


def argo(traffic: Traffic) -> Ends:
    """Return how Argo Rollouts' background analysis ends."""
    ends, alive = Ends.none(traffic.rollouts), np.arange(traffic.rollouts)
    window = np.zeros((traffic.rollouts, 2))
    for minute in range(40):
        counts = _minute(traffic, minute, alive, np.full(alive.size, 0.2 * (1 + minute // 10)), ends)
        window[alive] += counts[:, 2:]
        if minute % 5 == 4:
            requests, bad = window[alive].T
            alive = _over(
                ends, alive, ~((requests > 0) & (requests - bad >= 0.95 * requests)), End.ROLLED_BACK, minute
            )
            window[:] = 0
    _over(ends, alive, np.ones(alive.size, dtype=bool), End.PROMOTED, 39)
    return ends


def kayenta(traffic: Traffic) -> Ends:
    """Return how Kayenta's judge ends."""
    ends, alive = Ends.none(traffic.rollouts), np.arange(traffic.rollouts)
    rates = np.zeros((2, traffic.rollouts, 60))
    for minute in range(60):
        counts = _minute(traffic, minute, alive, np.full(alive.size, 0.10), ends)
        stable, bad = counts[:, 0].astype(int), counts[:, 1].astype(int)
        baseline = traffic.random.binomial(stable, 0.10 / 0.90)
        baseline_bad = traffic.random.hypergeometric(bad, stable - bad, baseline)
        rates[0, :, minute] = baseline_bad / np.maximum(baseline, 1)
        rates[1, :, minute] = counts[:, 3] / np.maximum(counts[:, 2], 1)
    high = shifted_up(rates[0], rates[1])
    _over(ends, alive, high, End.ROLLED_BACK, 59)
    _over(ends, alive[~high], np.ones(int((~high).sum()), dtype=bool), End.PROMOTED, 59)
    return ends


def shifted_up(baseline: Floats, candidate: Floats) -> np.ndarray:
    """Whether the Mann–Whitney interval of the shift between [rollouts, minutes] lies above the tolerance."""
    size = baseline.shape[1]
    place = max(int(size**2 / 2 - _NORMAL_99 * np.sqrt(size**2 * (2 * size + 1) / 12)), 0)
    found = np.zeros(baseline.shape[0], dtype=bool)
    for at in range(baseline.shape[0]):
        shifts = np.sort((candidate[at][:, None] - baseline[at][None, :]).ravel())
        found[at] = shifts[place] > 0.25 * abs(shifts[shifts.size // 2])
    return found


def _minute(traffic: Traffic, minute: int, alive: np.ndarray, weight: Floats, ends: Ends) -> Floats:
    counts = traffic.tick(minute, alive, weight, _ERRORS)[RolloutMetric.ERRORS]
    ends.served[alive] += counts[:, 2]
    ends.bad[alive] += counts[:, 3]
    return counts


def _over(ends: Ends, alive: np.ndarray, over: np.ndarray, end: End, minute: int) -> np.ndarray:
    ends.end[alive[over]] = end
    ends.tick[alive[over]] = minute
    return np.asarray(alive[~over])
