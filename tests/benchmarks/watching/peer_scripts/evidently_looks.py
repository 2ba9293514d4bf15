"""Evidently's data drift preset with its defaults: is the data set drifted at each look?"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np


def main(given: str, answer: str) -> None:
    """Read the reference, all rows and where each window begins and ends; write an alarm a look."""
    evidently: Any = import_module("evidently")
    presets: Any = import_module("evidently.presets")
    pandas: Any = import_module("pandas")
    said = np.load(given)
    names = [f"x{number}" for number in range(said["rows"].shape[1])]
    reference = pandas.DataFrame(said["reference"], columns=names)
    report = evidently.Report([presets.DataDriftPreset()])
    alarms = []
    for start, stop in said["windows"]:
        rows = pandas.DataFrame(said["rows"][start:stop], columns=names)
        found = report.run(rows, reference).dict()["metrics"][0]["value"]
        alarms.append(found["share"] >= 0.5)  # its drift_share
    np.savez(answer, alarms=np.array(alarms))


if __name__ == "__main__":
    main(*sys.argv[1:])
