"""How far may shares of a window stray by chance? Traffic is not independent rows, and the answer heeds that.

Rows come in bursts, callers send several at once, hours and weekdays differ: a share of a window's rows strays
further than a binomial's would. The *design effect* says by how much: that many rows tell as much as one independent
row. It is read off the counts themselves, between the periods of a window or between past windows (Rao & Scott 1984;
the second-order correction keeps the tail right where all bins move together, as they do when a mean moves).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from serinus.domain.profile import Counts

Reals = npt.NDArray[np.float64]

_EFFICIENCY = 2 / 3  # of differences of neighbours, as an estimate of variance
_STEPS = 300
_TINY = 1e-300


@dataclass(frozen=True)
class Noise:
    """How far the shares of groups stray.

    Attributes:
        design_effect: how many rows tell as much as one independent row, at least 1.
        directions: in how many directions the groups stray independently, between 1 and the groups less one.
        degrees: how many degrees of freedom this was learned with: of the periods, less one, in each direction
            (Thomas & Rao 1987); infinite where rows are taken to be independent.
    """

    design_effect: float
    directions: float
    degrees: float


def independent(groups: int) -> Noise:
    """Return the noise of rows that are independent."""
    return Noise(1.0, max(groups - 1.0, 1.0), math.inf)


def noise_within(periods: Counts) -> Noise:
    """Learn the noise of a window from its consecutive periods, [periods, groups].

    By differences of neighbours (von Neumann), so that a level which changes once, or slowly, hardly counts as noise.
    A window of one period, such as a nightly batch, does not show its noise: its rows are taken to be independent.

    >>> steady = np.tile(np.array([50, 50]), (12, 1))
    >>> noise_within(steady).design_effect
    1.0
    >>> bursts = np.tile(np.array([[90, 10], [10, 90]]), (6, 1))
    >>> noise_within(bursts).design_effect > 100
    True
    """
    kept = periods[periods.sum(axis=1) > 0]
    residuals = _residuals(kept)
    if len(kept) < 2:
        return independent(periods.shape[1])
    steps = np.diff(residuals, axis=0)
    total = float(kept.sum())
    covariance = steps.T @ steps / 2 * len(kept) / (len(kept) - 1) / total
    return _noise(covariance, kept, _EFFICIENCY * (len(kept) - 1), unbiased=True)


def noise_between(windows: Counts) -> Noise:
    """Learn the noise of windows as long as the one that is judged, from those before it, [windows, groups].

    It holds whatever makes one window differ from the next: bursts, days of the week, the weather.
    """
    kept = windows[windows.sum(axis=1) > 0]
    residuals = _residuals(kept)
    if len(kept) < 2:
        return independent(windows.shape[1])
    scaled = residuals / np.sqrt(kept.sum(axis=1, keepdims=True))
    return _noise(scaled.T @ scaled / (len(kept) - 1), kept, len(kept) - 1, unbiased=False)


def chance_of(reference: Counts, live: Counts, noise: Noise) -> float:
    """Return how likely shares as far apart as these are, were both samples of one population: a p-value.

    Pearson's χ² of two samples, both with the noise's design effect, against an F distribution that heeds how well
    the noise is known. Groups that neither sample has do not count.

    >>> reference, live = np.array([500, 500]), np.array([560, 440])
    >>> round(chance_of(reference, live, independent(2)), 4)
    0.0072
    >>> round(chance_of(reference, live, Noise(4.0, 1.0, 23.0)), 4)
    0.192
    """
    squared, directions = chi_squared(reference, live)
    if directions == 0:
        return 1.0
    ratio = squared / noise.design_effect / directions
    return f_survival(ratio, min(noise.directions, directions), noise.degrees)


def chi_squared(reference: Counts, live: Counts) -> tuple[float, int]:
    """Return Pearson's χ² of homogeneity of two samples over the same groups, and its degrees of freedom.

    >>> chi_squared(np.array([10, 30]), np.array([30, 10]))
    (20.0, 1)
    """
    both = (reference + live).astype(np.float64)
    present = both > 0
    before, after = float(reference.sum()), float(live.sum())
    if before == 0 or after == 0:
        return 0.0, 0
    apart = math.sqrt(before / after) * live[present] - math.sqrt(after / before) * reference[present]
    return float(np.sum(apart**2 / both[present])), int(present.sum()) - 1


def f_survival(value: float, above: float, below: float) -> float:
    """Return P(F ≥ value) of an F distribution; with infinitely many degrees below, of χ² / above.

    >>> round(f_survival(3.0, 4.0, 20.0), 5), round(f_survival(21.0, 1.0, float("inf")) * 1e6, 2)
    (0.0432, 4.59)
    """
    if value <= 0:
        return 1.0
    if math.isinf(below):
        below = 1e7  # indistinguishable from the χ² that it tends to, within 1e-4 at the tails used here
    return _incomplete_beta(below / (below + above * value), below / 2, above / 2)


def _residuals(counts: Counts) -> Reals:
    rows = counts.sum(axis=1, keepdims=True)
    shares = counts.sum(axis=0) / max(float(rows.sum()), 1.0)
    return np.asarray(counts - rows * shares, dtype=np.float64)


def _noise(covariance: Reals, counts: Counts, degrees: float, *, unbiased: bool) -> Noise:
    """Compare a covariance of shares with the multinomial's, whose generalised inverse is diagonal: 1 / share.

    Few periods make any noise look as if it had few directions. Between windows, whose seasons do have few, that errs
    on the safe side and is left; within one it is corrected (Srivastava 2005), or a short window could say nothing.
    """
    shares = counts.sum(axis=0) / counts.sum()
    present = shares > 0
    directions = int(present.sum()) - 1
    if directions < 1:
        return independent(counts.shape[1])
    root = np.sqrt(shares[present])
    effects = covariance[present][:, present] / np.outer(root, root)
    total, squares = float(np.trace(effects)), float(np.sum(effects**2))
    if unbiased and degrees > 1:
        squares = degrees**2 / ((degrees - 1) * (degrees + 2)) * (squares - total**2 / degrees)
    alike = total**2 / squares if squares * directions > total**2 else float(directions)
    return Noise(max(total / directions, 1.0), max(alike, 1.0), degrees * max(alike, 1.0))


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b), by Lentz's continued fraction."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    fraction = d
    for step in range(1, _STEPS):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            fraction *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return front * fraction / a


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
