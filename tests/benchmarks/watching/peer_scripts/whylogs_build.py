"""A profile of a file's rows by whylogs, which has them in memory."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np


def main(given: str, answer: str) -> None:
    """Read the file into a frame; write how long profiling it took."""
    beside: Any = import_module("measured")  # this folder's
    whylogs: Any = import_module("whylogs")
    pandas: Any = import_module("pandas")
    said = np.load(given)
    rows = pandas.read_parquet(str(said["rows"]))
    whylogs.log(pandas=rows.head(1_000)).view()  # so that everything is loaded

    def build() -> dict[str, Any]:
        return {"columns": len(whylogs.log(pandas=rows).view().get_columns())}

    beside.measured(build, answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
