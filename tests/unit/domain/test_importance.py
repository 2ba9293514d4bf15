"""What matters to a model: told without labels, the same each time, and bounded in what it asks of the model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from serinus.domain.importance import MOST_ROWS, permutation_importance
from serinus.domain.table import Table
from tests.builders import a_table, scores_of


def linear(table: Table) -> npt.NDArray[np.float64]:
    """Score by two numbers, the first of which weighs twice as much, and by a category."""
    blue = np.array([value == "blue" for value in table.columns["kind"]])
    return np.asarray(2 * table.columns["x"] + table.columns["y"] + blue, dtype=np.float64)


def a_mix(rows: int, seed: int = 1) -> Table:
    """Two numbers, a category and a column that is not heeded."""
    chance = np.random.default_rng(seed)
    kinds = np.array(["blue", "red"], dtype=object)[chance.integers(0, 2, rows)]
    drawn = {name: chance.normal(size=rows) for name in ("x", "y", "unheeded")}
    return Table({**drawn, "kind": kinds})


def test_importance_is_the_change_of_the_score_in_its_standard_deviations() -> None:
    """Of a normal feature with weight w, w times 2 / √π over the scores' spread."""
    found = permutation_importance(linear, a_mix(2_000), seed=1)
    spread = np.sqrt(4 + 1 + 0.25)
    assert found["x"] == pytest.approx(2 * 2 / np.sqrt(np.pi) / spread, rel=0.05)
    assert found["y"] == pytest.approx(found["x"] / 2, rel=0.05)
    assert found["kind"] == pytest.approx(0.5 / spread, rel=0.1)
    assert found["unheeded"] == 0


def test_the_same_seed_tells_the_same() -> None:
    """Validating twice stores the same bytes."""
    first, again = (permutation_importance(linear, a_mix(300), seed=3) for _ in range(2))
    assert first == again
    assert first != permutation_importance(linear, a_mix(300), seed=4)


def test_the_model_is_asked_of_a_bounded_number_of_rows() -> None:
    """Once as they are, and once for each feature."""
    asked: list[int] = []

    def counting(table: Table) -> npt.NDArray[np.float64]:
        asked.append(table.rows)
        return scores_of(table)

    features = a_table(MOST_ROWS + 500)
    permutation_importance(counting, features, seed=1)
    assert asked == [MOST_ROWS] * (1 + len(features.columns))


def test_scores_that_do_not_vary_make_nothing_matter() -> None:
    """Nor do no rows at all."""
    constant = permutation_importance(lambda table: np.full(table.rows, 0.5), a_table(50), seed=1)
    assert set(constant.values()) == {0.0}
    assert set(permutation_importance(scores_of, a_table(0), seed=1).values()) == {0.0}
