"""Which one number tells a joint change best: counts along principal components, or a classifier of old and new rows?

    python -m tests.benchmarks.watching.joint [--windows 60]

Every method is granted the same false alarms: on made rows its limit is what 5 % of windows without drift exceed, on
the electricity market what no window before row 17,424 exceeds. What is counted is judged by χ² over ten groups of
about equal weight; classifiers by how well they tell the window's rows from as many of the reference,
cross-validated.
Components are those of values as they are (in standard deviations, missing ones as the mean), or of bin numbers alone
(a bin's normal score), which are known even where a policy logs no inputs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from serinus.cli.demo.market import VICTORIA_JOINS, load_market
from serinus.domain.chance import chi_squared

Reals = npt.NDArray[np.float64]
Score = Callable[[Reals], float]  # of a window's rows, [rows, columns]; more is further off

_REFERENCE, _WINDOW, _COLUMNS, _FACTORS = 10_000, 1_000, 10, 3
_GRANTED = 0.05
_BINS, _GROUPS = 40, 10
_HELD_OUT = slice(5_664, 11_328)  # rows of the market
_DAY, _WEEK = 48, 336


def main() -> None:
    """Print both tables."""
    windows = _arguments().windows
    _print_made(windows)
    _print_market()


def columns_alone(reference: Reals) -> Score:
    """Look at each column alone, as drift of features is found; the furthest counts."""
    return _furthest(reference, lambda rows: rows)


def components(reference: Reals, *, kept: int, binned: bool) -> Score:
    """Look along the first components, and at how far rows lie off them; the furthest of these counts."""
    project = _projection(reference, kept, binned=binned)
    return _furthest(reference, project)


def reconstruction_error(reference: Reals, *, kept: int, binned: bool) -> Score:
    """Look at how far rows lie off the first components alone."""
    project = _projection(reference, kept, binned=binned)
    return _furthest(reference, lambda rows: project(rows)[:, -1:])


def distance_from_centre(reference: Reals, *, binned: bool) -> Score:
    """Look at Mahalanobis's distance (Hotelling's T² of a row)."""
    standard = _standard(reference, binned=binned)
    values, vectors = np.linalg.eigh(np.cov(standard(reference).T))
    kept = values > 1e-6 * values[-1]
    white = vectors[:, kept] / np.sqrt(values[kept])
    return _furthest(reference, lambda rows: ((standard(rows) @ white) ** 2).sum(axis=1)[:, None])


def classifier(reference: Reals, *, trees: bool) -> Score:
    """Tell a window's rows from as many of the reference: the cross-validated area under the curve."""

    def auc(rows: Reals) -> float:
        chosen = np.random.default_rng(0).choice(len(reference), len(rows), replace=False)
        both = np.nan_to_num(np.vstack([reference[chosen], rows]))
        labels = np.repeat([0, 1], len(rows))
        model = HistGradientBoostingClassifier(max_iter=40, random_state=0) if trees else LogisticRegression()
        standard = (both - both.mean(axis=0)) / np.maximum(both.std(axis=0), 1e-12)
        chances = cross_val_predict(model, standard, labels, cv=3, method="predict_proba")[:, 1]
        return float(roc_auc_score(labels, chances))

    return auc


METHODS: Mapping[str, Callable[[Reals], Score]] = {
    "columns alone": columns_alone,
    "3 components and the error": partial(components, kept=3, binned=False),
    "the error off 3 components": partial(reconstruction_error, kept=3, binned=False),
    "distance from the centre": partial(distance_from_centre, binned=False),
    "of bins: 1 component and the error": partial(components, kept=1, binned=True),
    "of bins: 3 components and the error": partial(components, kept=3, binned=True),
    "of bins: 5 components and the error": partial(components, kept=5, binned=True),
    "of bins: the error off 3 components": partial(reconstruction_error, kept=3, binned=True),
    "of bins: distance from the centre": partial(distance_from_centre, binned=True),
    "classifier: logistic regression": partial(classifier, trees=False),
    "classifier: boosted trees": partial(classifier, trees=True),
}


def _furthest(reference: Reals, project: Callable[[Reals], Reals]) -> Score:
    """Judge each column of a projection by χ² over groups at the reference's quantiles; the greatest counts."""
    of_reference = project(reference)
    cuts = [np.unique(np.quantile(column, np.linspace(0, 1, _GROUPS + 1)[1:-1])) for column in of_reference.T]
    before = _grouped(cuts, of_reference)

    def greatest(rows: Reals) -> float:
        squared, degrees = chi_squared(before, _grouped(cuts, project(rows)))
        return float(np.max((squared - degrees) / np.sqrt(2 * np.maximum(degrees, 1))))

    return greatest


def _grouped(cuts: list[Reals], rows: Reals) -> npt.NDArray[np.int64]:
    counts = [
        np.bincount(np.searchsorted(cut, column, "right"), minlength=_GROUPS)
        for cut, column in zip(cuts, rows.T, strict=True)
    ]
    return np.array(counts)


def _projection(reference: Reals, kept: int, *, binned: bool) -> Callable[[Reals], Reals]:
    """Return the scores along the first components, and last the squared distance from what they span."""
    standard = _standard(reference, binned=binned)
    loadings = np.linalg.eigh(np.cov(standard(reference).T))[1][:, ::-1][:, :kept]

    def project(rows: Reals) -> Reals:
        values = standard(rows)
        along = values @ loadings
        return np.column_stack([along, (values**2).sum(axis=1) - (along**2).sum(axis=1)])

    return project


def _standard(reference: Reals, *, binned: bool) -> Callable[[Reals], Reals]:
    """Return how values are made comparable: by the reference's mean and deviation, or by their bins alone."""
    edges = [np.unique(np.quantile(column, np.linspace(0, 1, _BINS + 1))) for column in reference.T]
    scores = np.array([NormalDist().inv_cdf((at + 0.5) / (_BINS + 2)) for at in range(_BINS + 2)])

    def values(rows: Reals) -> Reals:
        if not binned:
            return rows
        return np.column_stack(
            [
                scores[np.searchsorted(edge, column, "right") * (_BINS + 1) // len(edge)]
                for edge, column in zip(edges, rows.T, strict=True)
            ]
        )

    known = values(reference)
    mean, deviation = known.mean(axis=0), np.maximum(known.std(axis=0), 1e-12)
    return lambda rows: (values(rows) - mean) / deviation


def _print_made(windows: int) -> None:
    chance = np.random.default_rng(1)
    loadings = chance.normal(size=(_FACTORS, _COLUMNS)) * (np.arange(_COLUMNS) < 7)  # the last three alone
    loadings /= np.sqrt((loadings**2).sum(axis=0) + 1)
    usual = np.where(np.arange(_COLUMNS) < 7, np.sqrt(1 - (loadings**2).sum(axis=0)), 1.0)

    def rows(count: int, change: str = "") -> Reals:
        made = chance.normal(size=(count, _FACTORS)) @ loadings + chance.normal(size=(count, _COLUMNS)) * usual
        return _CHANGES[change](made, chance) if change else made

    reference = rows(_REFERENCE)
    print(
        f"{_COLUMNS} normal columns, seven of them of {_FACTORS} factors; {_REFERENCE} rows before, windows of "
        f"{_WINDOW}, {windows} of each; share seen with {_GRANTED:.0%} false alarms, and the time of one look"
    )
    print(f"  {'':<38}" + "".join(f"{name:>14}" for name in _CHANGES))
    still = [rows(_WINDOW) for _ in range(4 * windows)]
    changed = {name: [rows(_WINDOW, name) for _ in range(windows)] for name in _CHANGES}
    for method, fit in METHODS.items():
        print(f"\r{method}", end="", file=sys.stderr, flush=True)
        score, begin = fit(reference), time.perf_counter()
        limit = np.quantile([score(window) for window in still], 1 - _GRANTED)
        took = (time.perf_counter() - begin) / len(still)
        seen = {name: np.mean([score(window) > limit for window in each]) for name, each in changed.items()}
        print(f"\r  {method:<38}" + "".join(f"{share:>14.0%}" for share in seen.values()) + f"{1e3 * took:>9.1f} ms")


def _uncoupled(made: Reals, chance: np.random.Generator) -> Reals:
    return np.column_stack([made[:, :1], chance.permutation(made[:, 1]), made[:, 2:]])


def _all_uncoupled(made: Reals, chance: np.random.Generator) -> Reals:
    return np.column_stack([chance.permutation(column) for column in made.T])


def _coupled(made: Reals, _chance: np.random.Generator) -> Reals:
    return np.column_stack([made[:, :-1], 0.5 * made[:, -2] + np.sqrt(0.75) * made[:, -1]])


def _signs_coupled(made: Reals, chance: np.random.Generator) -> Reals:
    sign = np.where(chance.random(len(made)) < 0.5, np.sign(made[:, -2] * made[:, -3]), np.sign(made[:, -1]))
    return np.column_stack([made[:, :-1], sign * np.abs(made[:, -1])])


def _moved(made: Reals, _chance: np.random.Generator) -> Reals:
    return np.column_stack([made[:, :1] + 0.2, made[:, 1:]])


def _all_moved(made: Reals, _chance: np.random.Generator) -> Reals:
    return made + 0.1


_CHANGES: Mapping[str, Callable[[Reals, np.random.Generator], Reals]] = {
    "1 uncoupled": _uncoupled,
    "all uncoupled": _all_uncoupled,
    "2 coupled": _coupled,
    "3 by sign": _signs_coupled,
    "1 by 0.2 sd": _moved,
    "all by 0.1 sd": _all_moved,
}


def _print_market() -> None:
    market = load_market()
    every = np.column_stack([np.asarray(column) for column in market.features.columns.values()])
    names = list(market.features.columns)
    nows = list(range(_HELD_OUT.stop + _WEEK, VICTORIA_JOINS + 4 * _WEEK, _DAY))
    print(
        f"\nElectricity, a look a day at the last week; the limit is what none of "
        f"{sum(now <= VICTORIA_JOINS for now in nows)} looks before row {VICTORIA_JOINS} exceeds. Hours until it is "
        "seen, and share of looks that see it"
    )
    chosen = {
        "all columns but the date": [name for name in names if name != "date"],
        "New South Wales alone": [name for name in names if name in {"day", "period", "nswprice", "nswdemand"}],
    }
    print(f"  {'':<38}" + "".join(f"{name:>26}" for name in chosen))
    for method, fit in METHODS.items():
        print(f"\r{method}", end="", file=sys.stderr, flush=True)
        told = [_of_market(every[:, [names.index(name) for name in kept]], fit, nows) for kept in chosen.values()]
        print(f"\r  {method:<38}" + "".join(f"{each:>26}" for each in told))


def _of_market(rows: Reals, fit: Callable[[Reals], Score], nows: list[int]) -> str:
    score = fit(rows[_HELD_OUT])
    found = {now: score(rows[now - _WEEK : now]) for now in nows}
    limit = max(value for now, value in found.items() if now <= VICTORIA_JOINS)
    after = {now: value > limit for now, value in found.items() if now > VICTORIA_JOINS}
    first = next((now for now, seen in after.items() if seen), None)
    return "never" if first is None else f"{(first - VICTORIA_JOINS) / 2:.0f} h, {np.mean(list(after.values())):.0%}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=60, help="windows of each change on made rows")
    return parser.parse_args()


if __name__ == "__main__":
    main()
