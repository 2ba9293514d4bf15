"""The floor of a check: the Parquet file is read by pyarrow as one table, and nothing else."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from pyarrow import parquet as pq


def main(given: str, answer: str) -> None:
    """Read what the file is; write how long reading it took."""
    beside: Any = import_module("measured")  # this folder's
    said = np.load(given)
    file, small = (Path(str(said[name])) for name in ("rows", "small"))

    def read(rows: Path = file) -> dict[str, Any]:
        return {"rows": pq.ParquetFile(rows).read().num_rows}

    read(small)  # so that everything is loaded
    beside.measured(read, answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
