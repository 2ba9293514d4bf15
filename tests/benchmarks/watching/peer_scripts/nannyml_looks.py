"""NannyML's univariate drift with its defaults: does any feature alert at each look?"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np


def main(given: str, answer: str) -> None:
    """Read the reference, all rows and where each window begins and ends; write an alarm a look."""
    nannyml: Any = import_module("nannyml")
    pandas: Any = import_module("pandas")
    said = np.load(given)
    names = [f"x{number}" for number in range(said["rows"].shape[1])]
    window = int(np.median(said["windows"][:, 1] - said["windows"][:, 0]))  # its thresholds follow chunks as large
    calculator = nannyml.UnivariateDriftCalculator(column_names=names, chunk_size=window)
    calculator.fit(pandas.DataFrame(said["reference"], columns=names))
    alarms = []
    for start, stop in said["windows"]:
        rows = pandas.DataFrame(said["rows"][start : min(stop, start + window)], columns=names)
        frame = calculator.calculate(rows).filter(period="analysis").to_df()
        alarms.append(bool(frame.xs("alert", axis=1, level=2).to_numpy().any()))
    np.savez(answer, alarms=np.array(alarms))


if __name__ == "__main__":
    main(*sys.argv[1:])
