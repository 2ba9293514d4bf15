"""whylogs' drift scores with their defaults: is any feature's category of drift "DRIFT" at each look?"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np


def main(given: str, answer: str) -> None:
    """Read the reference, all rows and where each window begins and ends; write an alarm a look."""
    whylogs: Any = import_module("whylogs")
    algorithms: Any = import_module("whylogs.viz.drift.column_drift_algorithms")
    pandas: Any = import_module("pandas")
    said = np.load(given)
    names = [f"x{number}" for number in range(said["rows"].shape[1])]
    reference = whylogs.log(pandas=pandas.DataFrame(said["reference"], columns=names)).view()
    alarms = []
    for start, stop in said["windows"]:
        rows = whylogs.log(pandas=pandas.DataFrame(said["rows"][start:stop], columns=names)).view()
        told = algorithms.calculate_drift_scores(rows, reference, with_thresholds=True)
        alarms.append(any(score is not None and score["drift_category"] == "DRIFT" for score in told.values()))
    np.savez(answer, alarms=np.array(alarms))


if __name__ == "__main__":
    main(*sys.argv[1:])
