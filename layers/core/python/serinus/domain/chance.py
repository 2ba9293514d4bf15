"""How far may shares of a window stray by chance? Traffic is not independent rows, and the answer heeds that.

Rows come in bursts, callers send several at once, hours and weekdays differ: a share of a window's rows strays
further than a binomial's would. The *design effect* says by how much: that many rows tell as much as one independent
row. It is read off the counts themselves, between the periods of a window or between past windows (Rao & Scott 1984).
Where a mean moves, all bins move together: χ² is then a sum of few large terms, of a longer tail than its mean tells.

Counts come as [..., groups], one column or many at once; what is told of them has the shape [...].
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import Counts

Reals = npt.NDArray[np.float64]
_Scaled = tuple[Reals, Reals, float]  # residuals of unit rows, [samples, columns, groups]; shares; degrees

_EFFICIENCY = 2 / 3  # of differences of neighbours, as an estimate of variance
_MOST_LASTING = 0.9  # correlation of neighbours; beyond it a few windows tell hardly anything
_LEAST_EXPECTED = 1.0  # rows of a group: a single row where next to none is expected is no evidence
_STEPS = 300
_TINY = 1e-300
_MANY = 1e7  # degrees of freedom that are indistinguishable from infinitely many, within 1e-4 at the tails used here


@dataclass(frozen=True)
class Noise:
    """How far the shares of groups stray; of many columns, each is an array.

    Attributes:
        design_effect: how many rows tell as much as one independent row, at least 1.
        directions: in how many directions the groups stray independently, between 1 and the groups less one.
        scale: what χ² is divided by, to stray as that of so many directions does.
        degrees: how many degrees of freedom this was learned with: of the periods, less one, in each direction
            (Thomas & Rao 1987); infinite where rows are taken to be independent.
    """

    design_effect: Reals
    directions: Reals
    scale: Reals
    degrees: Reals

    def times(self, factor: Reals) -> Noise:
        """Return the noise of shares that stray by so much more."""
        return replace(self, design_effect=self.design_effect * factor, scale=self.scale * factor)

    def where(self, chosen: npt.NDArray[np.bool_], other: Noise) -> Noise:
        """Return this noise for the chosen columns, and another for the rest."""
        pairs = zip(self.figures, other.figures, strict=True)
        return Noise(*(np.where(chosen, mine, others) for mine, others in pairs))

    @property
    def figures(self) -> tuple[Reals, Reals, Reals, Reals]:
        """All of them."""
        return self.design_effect, self.directions, self.scale, self.degrees


def independent(groups: int) -> Noise:
    """Return the noise of rows that are independent."""
    return Noise(np.array(1.0), np.array(max(groups - 1.0, 1.0)), np.array(1.0), np.array(math.inf))


def noise_within(periods: Counts) -> Noise:
    """Learn the noise of a window from its consecutive periods, [periods, ..., groups].

    By differences of neighbours (von Neumann), so that a level which changes once, or slowly, hardly counts as noise.
    A window of one period, such as a nightly batch, does not show its noise: its rows are taken to be independent.

    >>> steady = np.tile(np.array([50, 50]), (12, 1))
    >>> float(noise_within(steady).design_effect)
    1.0
    >>> bursts = np.tile(np.array([[90, 10], [10, 90]]), (6, 1))
    >>> bool(noise_within(bursts).design_effect > 100)
    True
    """

    def scaled(kept: Counts, _which: Counts) -> _Scaled:
        residuals, shares = _residuals(kept)
        rows = kept.sum(axis=(0, 2))[:, None] * (len(kept) - 1) / len(kept)
        return np.diff(residuals, axis=0) / np.sqrt(2 * rows), shares, _EFFICIENCY * (len(kept) - 1)

    return _learned(periods, scaled, lasting=False)


def noise_between(windows: Counts, seasons: Counts | None = None) -> Noise:
    """Learn the noise of windows as long as the one that is judged, from those before it, [windows, ..., groups].

    It holds whatever makes one window differ from the next: bursts, the weather. Where each window's season is told,
    such as its day of the week, windows are held against those of their season alone. What lasts for more than one
    window makes them tell less than as many independent ones: windows come in the order of time, and that is heeded.

    >>> sundays = np.tile([1, 0, 0, 0, 0, 0, 0], 4)
    >>> windows = np.stack([500 + 300 * sundays, 500 - 300 * sundays], axis=1)
    >>> bool(noise_between(windows).design_effect > 40), float(noise_between(windows, sundays).design_effect)
    (True, 1.0)
    """

    def scaled(kept: Counts, which: Counts) -> _Scaled:
        residuals = np.empty(kept.shape)
        season = np.zeros(len(windows)) if seasons is None else seasons
        each = np.unique(season[which])
        for one in each:
            residuals[season[which] == one] = _residuals(kept[season[which] == one])[0]
        degrees = max(len(kept) - len(each), 1)
        rows = kept.sum(axis=2, keepdims=True) * degrees
        return residuals / np.sqrt(rows), _shares(kept), float(degrees)

    return _learned(windows, scaled, lasting=True)


def noise_of_pairs(windows: Counts, earlier: Counts) -> Noise:
    """Learn how far a window strays from one earlier, such as the same hours last week, [pairs, ..., groups] each.

    A window may be in two pairs, once as the later: so pairs tell less than as many independent ones.

    >>> windows, week_before = np.array([[60, 40], [30, 70]]), np.array([[60, 40], [30, 70]])
    >>> float(noise_of_pairs(windows, week_before).design_effect)
    1.0
    """

    def scaled(kept: Counts, _which: Counts) -> _Scaled:
        half = kept.shape[2] // 2
        later, before = kept[..., :half], kept[..., half:]
        of_later, of_before = (counts.sum(axis=2, keepdims=True) for counts in (later, before))
        rows = np.divide(of_later * of_before, of_later + of_before)
        apart = (later / np.maximum(of_later, 1) - before / np.maximum(of_before, 1)) * np.sqrt(rows)
        return apart / math.sqrt(len(kept)), _shares(later + before), _EFFICIENCY * len(kept)

    return _learned(np.concatenate([windows, earlier], axis=-1), scaled, lasting=True)


def chance_of(reference: Counts | Reals, live: Counts, noise: Noise) -> Reals:
    """Return how likely shares as far apart as these are, were both samples of one population: a p-value.

    Pearson's χ² of two samples, both with the noise's design effect, against an F distribution that heeds how well
    the noise is known. Groups that neither sample has do not count.

    >>> reference, live = np.array([500, 500]), np.array([560, 440])
    >>> round(float(chance_of(reference, live, independent(2))), 4)
    0.0072
    >>> noise = replace(independent(2).times(np.array(4.0)), degrees=np.array(23.0))
    >>> round(float(chance_of(reference, live, noise)), 4)
    0.192
    """
    return f_survival(*_f_statistic(reference, live, noise))


def greatest_chance(reference: Counts | Reals, live: Counts, noises: tuple[Noise, Noise]) -> tuple[Reals, Noise]:
    """Return the greater of the chances by two noises, and the noise that it is by: what excuses most counts."""
    statistics = zip(*(_f_statistic(reference, live, noise) for noise in noises), strict=True)
    one, two = f_survival(*(np.stack(np.broadcast_arrays(*each)) for each in statistics))
    return np.maximum(one, two), noises[0].where(one >= two, noises[1])


def chi_squared(reference: Counts | Reals, live: Counts, *, least_expected: float = 0.0) -> tuple[Reals, Counts]:
    """Return Pearson's χ² of homogeneity of two samples over the same groups, and its degrees of freedom.

    Args:
        reference: counts by group.
        live: the same.
        least_expected: how many rows each group is taken to let expect in the smaller sample, at the least.

    >>> squared, degrees = chi_squared(np.array([10, 30]), np.array([30, 10]))
    >>> float(squared), int(degrees)
    (20.0, 1)
    """
    both = reference + live
    before, after = reference.sum(axis=-1, keepdims=True), live.sum(axis=-1, keepdims=True)
    some = np.logical_and(before > 0, after > 0)
    ratio = np.sqrt(np.where(some, before, 1) / np.where(some, after, 1))
    apart = ratio * live - reference / ratio
    least = least_expected * (before + after) / np.maximum(np.minimum(before, after), 1)
    squared = np.sum(apart**2 / np.maximum(np.where(both > 0, both, 1), least), axis=-1, where=some)
    degrees = np.where(some[..., 0], np.count_nonzero(both, axis=-1) - 1, 0)
    return squared, degrees


def f_survival(value: Reals, above: Reals, below: Reals) -> Reals:
    """Return P(F ≥ value) of an F distribution; with infinitely many degrees below, of χ² / above.

    >>> np.round(f_survival(np.array([3.0, 21.0]), np.array([4.0, 1.0]), np.array([20.0, np.inf])), 8).tolist()
    [0.043201, 4.59e-06]
    """
    value, above, below = np.broadcast_arrays(*map(np.asarray, (value, above, np.minimum(below, _MANY))))
    x = below / (below + above * np.maximum(value, 0.0))
    return _incomplete_beta(x, below / 2, above / 2)


def _f_statistic(reference: Counts | Reals, live: Counts, noise: Noise) -> tuple[Reals, Reals, Reals]:
    squared, directions = chi_squared(reference, live, least_expected=_LEAST_EXPECTED)
    known = np.maximum(directions, 1)
    above = np.minimum(noise.directions, known)
    value = 1 + (squared - noise.design_effect * known) / noise.scale / above
    return np.where(directions > 0, value, 0.0), above, noise.degrees


def _shares(counts: Counts) -> Reals:
    """Return the shares of all samples together, [samples, columns, groups] → [columns, groups]."""
    rows = counts.sum(axis=(0, 2))
    return np.asarray(counts.sum(axis=0) / np.maximum(rows, 1)[:, None], dtype=np.float64)


def _residuals(counts: Counts) -> tuple[Reals, Reals]:
    shares = _shares(counts)
    return np.asarray(counts - counts.sum(axis=2, keepdims=True) * shares, dtype=np.float64), shares


def _learned(counts: Counts, scaled: Callable[[Counts, Counts], _Scaled], *, lasting: bool) -> Noise:
    """Learn from the samples of each column that hold any rows; columns that have the same are learned at once."""
    of_columns = counts.reshape(len(counts), math.prod(counts.shape[1:-1]), counts.shape[-1])
    told = np.full((4, of_columns.shape[1]), np.nan)
    present = of_columns.sum(axis=2) > 0
    for pattern in np.unique(present, axis=1).T:
        alike = np.flatnonzero((present == pattern[:, None]).all(axis=0))
        kept = np.flatnonzero(pattern)
        if len(kept) < 2:
            noise = independent(counts.shape[-1])
        else:
            noise = _noise(*scaled(of_columns[np.ix_(kept, alike)], kept), lasting=lasting)
        told[:, alike] = np.reshape(np.broadcast_arrays(*noise.figures), (4, -1))
    return Noise(*(each.reshape(counts.shape[1:-1]) for each in told))


def _noise(scaled: Reals, shares: Reals, degrees: float, *, lasting: bool) -> Noise:
    """Compare a covariance of shares with the multinomial's, whose generalised inverse is diagonal: 1 / share.

    Under it χ² is Σ λᵢ·χ²₁, the λ being the eigenvalues of the comparison. A mean that moves makes one of them large,
    so the sum is matched by three moments, which keeps the far tail (Buckley & Eagleson 1988).
    """
    varied = np.count_nonzero(shares, axis=1) > 1
    groups = np.maximum(np.count_nonzero(shares, axis=1) - 1, 1)
    unit = (scaled / np.sqrt(np.where(shares > 0, shares, 1.0))).transpose(1, 2, 0)
    effects = unit @ unit.transpose(0, 2, 1)
    one, two, three = _moments(effects, groups, degrees)
    steady = one <= 0
    directions = np.where(steady, groups, two**3 / np.where(steady, 1.0, three**2))
    scale = np.where(steady, 1.0, np.sqrt(two / directions))
    underrated, kept = _lasting(unit, effects) if lasting else (np.float64(1.0), np.float64(1.0))
    found = Noise(np.where(steady, 1.0, one / groups), directions, scale, degrees * kept * directions)
    found = found.times(np.where(steady, 1.0, np.maximum(underrated, 1 / found.design_effect)))
    return found.where(varied, independent(shares.shape[1]))


def _moments(effects: Reals, groups: Counts, degrees: float) -> tuple[Reals, Reals, Reals]:
    """Return Σλ, Σλ² and Σλ³ of a covariance, [columns, groups, groups], known with so many degrees of freedom.

    Few degrees make the λ of a sample look more unequal than they are, which is corrected (Srivastava 2005).
    """
    one, two = np.trace(effects, axis1=1, axis2=2), np.sum(effects**2, axis=(1, 2))
    three = np.sum(effects @ effects * effects, axis=(1, 2))
    n = degrees
    if n > 2:
        three = three - 3 / n * two * one + 2 / n**2 * one**3
        three = three * n**4 / ((n - 1) * (n - 2) * (n + 2) * (n + 4))
        two = (two - one**2 / n) * n**2 / ((n - 1) * (n + 2))
    two = np.clip(two, one**2 / groups, one**2)
    least, most = two**2 / np.where(one > 0, one, 1.0), two**1.5
    return one, two, np.clip(three, least, most)


def _lasting(unit: Reals, effects: Reals) -> tuple[Reals, Reals]:
    """Return by how much a variance is underrated, and the share of its degrees that are left, as windows last.

    Of an autoregression whose neighbours correlate by r, n values tell of a mean as much as n·(1 − r)/(1 + r), and of
    a variance as much as n·(1 − r²)/(1 + r²) independent ones (Bartlett 1946). What strays most counts most in r.

    Args:
        unit: residuals in the order of time, [columns, groups, windows].
        effects: their covariance, [columns, groups, groups].
    """
    weighted = effects @ unit
    total = np.sum(weighted * unit, axis=(1, 2))
    together = np.sum(weighted[..., 1:] * unit[..., :-1], axis=(1, 2))
    r = np.clip(together / np.where(total > 0, total, 1.0), 0.0, _MOST_LASTING)
    lost = np.minimum((1 + r) / (1 - r) / unit.shape[2], 0.5)
    return 1 / (1 - lost), (1 - r**2) / (1 + r**2)


def _incomplete_beta(x: Reals, a: Reals, b: Reals) -> Reals:
    """Return the regularised incomplete beta function I_x(a, b), by Lentz's continued fraction."""
    swapped = x > (a + 1) / (a + b + 2)
    x, a, b = np.where(swapped, 1 - x, x), np.where(swapped, b, a), np.where(swapped, a, b)
    inside = np.clip(x, _TINY, 1 - 1e-16)
    front = np.exp(_log_beta_inverse(a, b) + a * np.log(inside) + b * np.log1p(-inside))
    c, d = np.ones(x.shape), 1 / _away_from_zero(1 - (a + b) * inside / (a + 1))
    fraction = d
    for step in range(1, _STEPS):
        even = step * (b - step) * inside / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * inside / ((a + 2 * step) * (a + 2 * step + 1))
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            fraction = fraction * c * d
        if np.all(np.abs(c * d - 1) < 1e-14):
            break
    found = np.where(x <= 0, 0.0, front * fraction / a)
    return np.where(swapped, 1 - found, found)[()]


def _log_beta_inverse(a: Reals, b: Reals) -> Reals:
    pairs = zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)
    logs = [math.lgamma(one + two) - math.lgamma(one) - math.lgamma(two) for one, two in pairs]
    return np.reshape(logs, a.shape)


def _away_from_zero(value: Reals) -> Reals:
    return np.where(np.abs(value) > _TINY, value, _TINY)
