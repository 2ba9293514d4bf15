"""What a rollout will take at today's traffic, and the plan that fits it: evidence has a price in requests.

A forecast runs a few hundred imagined rollouts of a good candidate, from a fixed seed, through the code that decides
real ones, in ticks as coarse as the outcome allows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from serinus.domain.evidence import Floats
from serinus.domain.guard import Guard, RolloutMetric, weights
from serinus.domain.judgement import BETA
from serinus.domain.promotion import nearest_worse
from serinus.domain.simulated_rollouts import SimulatedRollouts
from serinus.domain.stable_past import StablePast

_ROLLOUTS, _TICKS, _SEED = 300, 200, 20_260
_LONGEST = 4.0  # times the estimate, after which an imagined rollout is given up
_FAULTS = (0.05, 0.5)
_PLANS = ((5, 25, 50), (10, 25, 50), (10, 50), (20, 50), (50,))
_WIDENED = (1, 2, 4, 6)
_UNKNOWN_SHARE = 0.005
_PAST_HOURS = 24
_PLAUSIBLE, _HOPELESS = 1.2, 50  # horizons that an estimate may take to be looked into, or to be told


@dataclass(frozen=True)
class Demand:
    """What an endpoint is asked today.

    Attributes:
        requests_per_hour: all of them, on average.
        bad_shares: the share of them that is bad by each metric, for stable; half a percent where none is known.
    """

    requests_per_hour: float
    bad_shares: Mapping[RolloutMetric, float]

    def bad_share(self, metric: RolloutMetric) -> float:
        """The share that is bad, kept off 0, from which nothing can be told apart."""
        return min(max(self.bad_shares.get(metric, _UNKNOWN_SHARE), 1e-5), 0.99)

    def past(self, guards: Sequence[Guard]) -> Mapping[RolloutMetric, tuple[float, float]]:
        """Return what stable did in the day before, by each guarded metric, as a rollout takes it in."""
        requests = round(_PAST_HOURS * self.requests_per_hour)
        past = StablePast(
            {guard.metric: (requests, round(requests * self.bad_share(guard.metric))) for guard in guards}
        )
        return {metric: (float(n), float(bad)) for metric, (n, bad) in past.lightened.items()}


@dataclass(frozen=True)
class Pace:
    """How a rollout is looked at, in seconds: how often, how late logs may be, and when it ends undecided."""

    tick_seconds: int
    watermark_seconds: int
    horizon_seconds: int


@dataclass(frozen=True)
class StepForecast:
    """What one step takes, of those good candidates that get that far; `None` where too few do to say.

    Attributes:
        percent: the candidate's share of traffic in it.
        requests: all requests in the median, to both releases.
        candidate_requests: those to the candidate.
        hours: in the median, the watermark included.
        hours_p95: in 95 of 100 rollouts.
    """

    percent: int
    requests: float | None
    candidate_requests: float | None
    hours: float | None
    hours_p95: float | None


@dataclass(frozen=True)
class Forecast:
    """What a rollout of a good candidate takes, and what one of a bad candidate costs.

    Attributes:
        hours: until all traffic is on the candidate, in the median; `None` where most take longer than was looked at.
        hours_p95: in 95 of 100 rollouts; `None` likewise.
        in_time: the share promoted within the horizon.
        at_risk: bad requests served, on average, by a candidate of which 5 % fail, or half, whichever are more.
    """

    steps: tuple[StepForecast, ...]
    hours: float | None
    hours_p95: float | None
    in_time: float
    at_risk: float


@dataclass(frozen=True)
class AutomaticPlan:
    """The steps and guards that fit the traffic.

    Attributes:
        steps: the candidate's share of traffic at each, in percent; 100 is implied at the end.
        guards: those of the policy, with the margins that the steps need.
        fits: whether the median fits the horizon within the risk; if not, this is the plan that comes nearest.
        reason: why this one, in words with numbers.
    """

    steps: tuple[int, ...]
    guards: tuple[Guard, ...]
    forecast: Forecast
    fits: bool
    reason: str


def forecast(steps: Sequence[int], guards: Sequence[Guard], demand: Demand, pace: Pace) -> Forecast:
    """Say what a rollout will take.

    >>> errors = Guard(RolloutMetric.ERRORS, margin=0.005, tolerance=1.0, guards_promotion=True)
    >>> found = forecast((5, 25, 50), [errors], Demand(200 * 60, {RolloutMetric.ERRORS: 0.005}), Pace(60, 0, 86_400))
    >>> found.hours is not None and 60 < found.hours * 60 < 90
    True

    Args:
        steps: the candidate's share of traffic at each, in percent, rising, below 100.
        guards: the policy's.
        demand: today's.
        pace: the policy's.
    """
    plan, horizon, lateness = _plan(steps), pace.horizon_seconds / 3600, pace.watermark_seconds / 3600
    risk = bad_served(steps, guards, demand, pace)
    guarding = [guard for guard in guards if guard.guards_promotion]
    estimate = _estimated_hours(plan, guarding, demand)
    if not guarding or estimate > _HOPELESS * horizon:
        return Forecast(tuple(StepForecast(step, None, None, None, None) for step in steps), None, None, 0.0, risk)
    tick_hours = max(pace.tick_seconds / 3600, _LONGEST * estimate / _TICKS)
    imagining = _Imagining(plan, guarding, weights(guards), demand, tick_hours)
    ended = _imagined(imagining, math.ceil(_LONGEST * estimate / tick_hours)).ended
    found, since = [], np.zeros(ended.shape[1])
    for at, percent in enumerate(steps):
        begun = np.isfinite(since)
        hours, hours_p95 = _quantiles(ended[at][begun] - since[begun] + lateness)
        requests = None if hours is None else hours * demand.requests_per_hour
        candidate = None if requests is None else requests * percent / 100
        found.append(StepForecast(percent, requests, candidate, hours, hours_p95))
        since = ended[at]
    whole = ended[-1] + lateness * len(steps)
    good = whole[~np.isnan(whole)]
    in_time = float((good <= horizon).mean()) if good.size else 0.0
    return Forecast(tuple(found), *_quantiles(whole), in_time, risk)


def bad_served(steps: Sequence[int], guards: Sequence[Guard], demand: Demand, pace: Pace) -> float:
    """Return how many bad requests a bad candidate serves on average before it is rolled back, or the horizon ends.

    The worse of a candidate of which 5 % more fail and one of which half do, without the hard alarm.
    """
    errors = [guard for guard in guards if guard.metric is RolloutMetric.ERRORS]
    if not errors or not demand.requests_per_hour:
        return 0.0
    horizon, plan = pace.horizon_seconds / 3600, _plan(steps)
    one_request = 1 / (demand.requests_per_hour * plan[0])  # finer ticks than that hold nothing to look at
    tick_hours = min(max(pace.tick_seconds / 3600, one_request), horizon)
    imagining = _Imagining(plan, errors, weights(guards), demand, tick_hours)
    ticks = min(math.ceil(horizon / tick_hours), _TICKS)
    return max(float(_imagined(imagining, ticks, more).bad.mean()) for more in _FAULTS)


def automatic_plan(guards: Sequence[Guard], demand: Demand, pace: Pace, *, at_risk: float) -> AutomaticPlan:
    """Choose steps and margins from the traffic: the narrowest margins that fit, and with them the least risk.

    The policy's margins are doubled, quadrupled and sextupled in turn, for the guards that a promotion waits for.

    Args:
        guards: the policy's.
        demand: today's.
        pace: the policy's.
        at_risk: the most bad requests that the policy is willing to serve from a bad candidate, on average.
    """
    horizon = pace.horizon_seconds / 3600
    affordable = [steps for steps in _PLANS if bad_served(steps, guards, demand, pace) <= at_risk] or list(_PLANS[:1])
    choices = [
        (steps, tuple(_widened(guard, times) for guard in guards)) for times in _WIDENED for steps in affordable
    ]
    estimates = [_estimated_hours(_plan(steps), widened, demand) for steps, widened in choices]
    nearest = int(np.argmin(estimates))
    for at, (steps, widened) in enumerate(choices):
        if estimates[at] > _PLAUSIBLE * horizon and at != nearest:
            continue
        found = forecast(steps, widened, demand, pace)
        chosen = AutomaticPlan(steps, widened, found, fits=_fits(found, horizon, at_risk), reason="")
        if chosen.fits:
            return replace(chosen, reason=_why(chosen, demand, horizon, at_risk))
    steps, widened = choices[nearest]
    chosen = AutomaticPlan(steps, widened, forecast(steps, widened, demand, pace), fits=False, reason="")
    return replace(chosen, reason=_why_not(chosen, demand, horizon, at_risk))


def _fits(found: Forecast, horizon: float, at_risk: float) -> bool:
    return found.hours is not None and found.hours <= horizon and found.at_risk <= at_risk


def _widened(guard: Guard, times: int) -> Guard:
    return replace(guard, margin=min(guard.margin * times, 0.99)) if guard.guards_promotion else guard


def _why(plan: AutomaticPlan, demand: Demand, horizon: float, at_risk: float) -> str:
    return (
        f"steps of {_percent(plan.steps)} with margins of {_margins(plan.guards)}: at "
        f"{demand.requests_per_hour:,.1f} requests an hour a good candidate takes {_hours(plan.forecast.hours)} in "
        f"the median, within the {horizon:g} h of the policy ({plan.forecast.in_time:.0%} make it), and a bad one "
        f"serves {plan.forecast.at_risk:.0f} bad requests on average, of {at_risk:g} that the policy is willing to"
    )


def _why_not(plan: AutomaticPlan, demand: Demand, horizon: float, at_risk: float) -> str:
    return (
        f"nothing fits: at {demand.requests_per_hour:,.1f} requests an hour the nearest are steps of "
        f"{_percent(plan.steps)} with margins of {_margins(plan.guards)}, by which a good candidate takes "
        f"{_hours(plan.forecast.hours)} in the median, where the policy gives {horizon:g} h, and a bad one serves "
        f"{plan.forecast.at_risk:.0f} bad requests on average, where the policy is willing to serve {at_risk:g}. A "
        "longer horizon, wider margins, more requests at risk or a shadow step would help"
    )


def _percent(steps: Sequence[int]) -> str:
    return "→".join(str(step) for step in (*steps, 100)) + " %"


def _margins(guards: Sequence[Guard]) -> str:
    return ", ".join(f"{guard.margin * 100:g} points ({guard.metric})" for guard in guards if guard.guards_promotion)


def _hours(hours: float | None) -> str:
    if hours is None:
        return "longer than can be said"
    return f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.0f} min"


def _plan(steps: Sequence[int]) -> tuple[float, ...]:
    return (*(step / 100 for step in steps), 1.0)


def _estimated_hours(plan: Sequence[float], guards: Sequence[Guard], demand: Demand) -> float:
    """Estimate a rollout's length from the evidence that a request brings, a relative entropy (Wald 1945)."""
    if not demand.requests_per_hour:
        return math.inf
    requests = 0.0
    for weight, following in pairwise(plan):
        growths = [
            _growth(weight, demand.bad_share(guard.metric), guard.difference(following))
            for guard in guards
            if guard.guards_promotion
        ]
        requests += math.log(1 / BETA) / min(growths, default=math.inf)
    return requests / demand.requests_per_hour


def _growth(weight: float, share: float, difference: float) -> float:
    q = np.array(share)
    a = float(nearest_worse(np.array(1 - weight), np.array(weight), q, q, np.array(difference)))
    return (1 - weight) * _relative_entropy(share, a) + weight * _relative_entropy(share, a + difference)


def _relative_entropy(p: float, q: float) -> float:
    return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


@dataclass(frozen=True)
class _Imagining:
    """What is imagined: the plan, the guards simulated, w_k, the demand, and a tick's length."""

    plan: tuple[float, ...]
    guards: Sequence[Guard]
    shares: Mapping[RolloutMetric, float]
    demand: Demand
    tick_hours: float


@dataclass(frozen=True, eq=False)
class _Imagined:
    """What came of it.

    Attributes:
        ended: [steps, rollouts]: when each step ended, in hours; infinite if never, NaN if it was rolled back first.
        bad: [rollouts]: the bad requests that the candidate served.
    """

    ended: Floats
    bad: Floats


def _imagined(imagining: _Imagining, ticks: int, more_bad: float = 0.0) -> _Imagined:
    """Roll out candidates of which this share more is bad than stable's."""
    random, plan, demand = np.random.default_rng(_SEED), imagining.plan, imagining.demand
    state = SimulatedRollouts.at_start(
        plan,
        imagining.guards,
        _ROLLOUTS,
        shares=imagining.shares,
        stable_past=demand.past(imagining.guards),
    )
    ended, bad, alive = np.full((len(plan) - 1, _ROLLOUTS), np.inf), np.zeros(_ROLLOUTS), np.arange(_ROLLOUTS)
    for tick in range(ticks):
        requests = random.poisson(demand.requests_per_hour * imagining.tick_hours, alive.size)
        candidate = random.binomial(requests, state.weight)
        counts = {}
        for guard in imagining.guards:
            share = demand.bad_share(guard.metric)
            stable_bad = random.binomial(requests - candidate, share)
            candidate_bad = random.binomial(candidate, min(share + more_bad, 1.0))
            rows = np.stack([requests - candidate, stable_bad, candidate, candidate_bad], axis=1)
            counts[guard.metric] = rows.astype(np.float64)
            bad[alive] += candidate_bad
        state = state.observed(counts, hour=int(tick * imagining.tick_hours))
        convicted, advancing = state.convicted, state.proven
        ended[state.step[advancing], alive[advancing]] = (tick + 1) * imagining.tick_hours
        lost = alive[convicted]
        ended[:, lost] = np.where(np.isinf(ended[:, lost]), np.nan, ended[:, lost])
        over = convicted | (advancing & (state.step == len(plan) - 2))
        state = state.advanced(advancing & ~over)
        alive, state = alive[~over], state.kept(~over)
        if not alive.size:
            break
    return _Imagined(ended, bad)


def _quantiles(hours: Floats) -> tuple[float | None, float | None]:
    """Return median and 95th percentile; `None` for one that is not reached."""
    hours = hours[~np.isnan(hours)]
    if not hours.size:
        return None, None
    median, p95 = (float(value) for value in np.quantile(hours, [0.5, 0.95], method="higher"))
    return None if math.isinf(median) else median, None if math.isinf(p95) else p95
