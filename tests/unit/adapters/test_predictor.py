"""A model that scores tables gives what its graph gives."""

from __future__ import annotations

import numpy as np
import pytest

from serinus.adapters.onnx.predictor import TablePredictor
from serinus.domain.table import Table
from serinus.errors import DataRefused
from tests.models import mixed_model


def test_a_table_is_scored_by_its_columns() -> None:
    """Numbers and texts, in any order; every output of the signature."""
    countries = np.array(["ch", "de", None], dtype=object)
    table = Table({"country": countries, "amount": np.array([0.0, 1.0, np.nan])})
    outputs = TablePredictor(*mixed_model()).predict(table)
    assert outputs["label"].tolist()[:2] == [1, 1]
    probabilities = np.asarray(outputs["probabilities"], dtype=np.float64)
    np.testing.assert_allclose(probabilities[:2, 1], 1 / (1 + np.exp(-1.0)), rtol=1e-6)


def test_a_table_that_does_not_fit_is_refused() -> None:
    """It names the column."""
    with pytest.raises(DataRefused, match="'amount'"):
        TablePredictor(*mixed_model()).predict(Table({"country": np.array(["ch"], dtype=object)}))
