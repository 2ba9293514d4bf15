"""One check by NannyML's univariate drift with its defaults: most of ten chunks alert."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np


def main(given: str, answer: str) -> None:
    """Read both sides; write which columns drifted, and the distance of the first category."""
    beside: Any = import_module("measured")  # this folder's
    nannyml: Any = import_module("nannyml")
    pandas: Any = import_module("pandas")
    said = np.load(given)
    reference = beside.frame(pandas, said["numbers"], said["kinds"])
    current = beside.frame(pandas, said["live_numbers"], said["live_kinds"])

    def check() -> dict[str, Any]:
        names = list(current.columns)
        categories = [name for name in names if name.startswith("c")]
        calculator = nannyml.UnivariateDriftCalculator(column_names=names, treat_as_categorical=categories)
        calculator.fit(reference)
        told = calculator.calculate(current).filter(period="analysis").to_df()
        return {"drifted": [told[(name, "jensen_shannon", "alert")].mean() >= 0.5 for name in names]}

    beside.measured(check, answer)
    whole = nannyml.UnivariateDriftCalculator(column_names=["c0"], treat_as_categorical=["c0"], chunk_number=1)
    whole.fit(reference)
    told = whole.calculate(current).filter(period="analysis").to_df()
    distance = np.array(float(told[("c0", "jensen_shannon", "value")].iloc[0]))
    np.savez(answer, **dict(np.load(answer)), jensenshannon=distance)


if __name__ == "__main__":
    main(*sys.argv[1:])
