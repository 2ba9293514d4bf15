"""One check by whylogs: the new rows are profiled and scored against a profile of the reference, by its defaults."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np


def main(given: str, answer: str) -> None:
    """Read both sides; write which columns drifted."""
    beside: Any = import_module("measured")  # this folder's
    whylogs: Any = import_module("whylogs")
    algorithms: Any = import_module("whylogs.viz.drift.column_drift_algorithms")
    pandas: Any = import_module("pandas")
    said = np.load(given)
    reference = whylogs.log(pandas=beside.frame(pandas, said["numbers"], said["kinds"])).view()
    current = beside.frame(pandas, said["live_numbers"], said["live_kinds"])

    def check() -> dict[str, Any]:
        live = whylogs.log(pandas=current).view()
        told = algorithms.calculate_drift_scores(live, reference, with_thresholds=True)
        return {"drifted": [told[name]["drift_category"] == "DRIFT" for name in current.columns]}

    beside.measured(check, answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
