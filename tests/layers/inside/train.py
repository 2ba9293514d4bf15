"""Runs inside: trains every recipe on numbers alone and on numbers with texts, and writes the models to /tmp."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from serinus.adapters.stored.parquet import from_parquet, to_parquet
from serinus.domain.table import Column, Table

RECIPES = ("gradient_boosting", "logistic_regression", "random_forest")


def a_table(*, texts: bool) -> tuple[Table, npt.NDArray[np.float64]]:
    """Return features with missing values, and labels that follow them."""
    rng = np.random.default_rng(0)
    amount, age = rng.normal(size=300), rng.normal(size=300)
    labels = (amount + age > 0).astype(np.float64)
    amount[::7] = np.nan
    columns: dict[str, Column] = {"amount": amount, "age": age}
    if texts:
        columns["country"] = np.array([("ch", "de", "fr")[row % 3] for row in range(300)], dtype=object)
    return Table(columns), labels


if __name__ == "__main__":
    from serinus.adapters.training.recipes import SklearnTrainer

    for texts in (False, True):
        features, labels = a_table(texts=texts)
        for recipe in RECIPES:
            trained = SklearnTrainer().train(recipe, from_parquet(to_parquet(features)), labels)
            Path(f"/tmp/{recipe}-{texts}.onnx").write_bytes(trained.onnx)  # noqa: S108 - Lambda's
