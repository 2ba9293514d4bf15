"""How much does each feature matter to a model? By how far its scores move once the feature's values are shuffled."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from serinus.domain.table import Table

Reals = npt.NDArray[np.float64]

MOST_ROWS = 2_000


def permutation_importance(score: Callable[[Table], Reals], features: Table, *, seed: int) -> Mapping[str, float]:
    """Return the mean change of a row's score where one feature is shuffled, in standard deviations of the scores.

    It needs no labels (of those, permutation importance tells the loss of accuracy: Breiman 2001). What two features
    tell alike is shared by both. One that the model does not heed has 0, and so have all where scores do not vary.

    Args:
        score: the model.
        features: held-out rows; of many, `MOST_ROWS` are drawn.
        seed: of the draw and the shuffles.

    >>> rows = Table({"heeded": np.arange(100.0), "not": np.arange(100.0)})
    >>> found = permutation_importance(lambda table: np.asarray(table.columns["heeded"]) / 100, rows, seed=1)
    >>> found["heeded"] > 0.9, found["not"]
    (True, 0.0)
    """
    chance = np.random.default_rng(seed)
    if features.rows > MOST_ROWS:
        features = features.take(np.sort(chance.choice(features.rows, MOST_ROWS, replace=False)))
    usual = score(features)
    spread = float(np.std(usual)) if features.rows else 0.0
    found = {}
    for name, column in features.columns.items():
        shuffled = Table({**features.columns, name: column[chance.permutation(features.rows)]})
        found[name] = float(np.mean(np.abs(score(shuffled) - usual))) / spread if spread else 0.0
    return found
