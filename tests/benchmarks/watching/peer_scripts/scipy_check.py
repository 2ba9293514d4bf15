"""One check by SciPy: Kolmogorov–Smirnov of numbers, χ² of categories, 5 % for all columns together."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np


def main(given: str, answer: str) -> None:
    """Read both sides; write which columns drifted."""
    beside: Any = import_module("measured")  # this folder's
    stats: Any = import_module("scipy.stats")
    said = np.load(given)
    before, after = (said["numbers"], said["kinds"]), (said["live_numbers"], said["live_kinds"])
    level = 0.05 / (before[0].shape[1] + before[1].shape[1])

    def check() -> dict[str, Any]:
        chances = [stats.ks_2samp(one, two).pvalue for one, two in zip(before[0].T, after[0].T, strict=True)]
        for one, two in zip(before[1].T, after[1].T, strict=True):
            width = int(max(one.max(), two.max())) + 1
            table = np.stack([np.bincount(each, minlength=width) for each in (one, two)])
            chances.append(stats.chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue)
        return {"drifted": [chance < level for chance in chances]}

    beside.measured(check, answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
