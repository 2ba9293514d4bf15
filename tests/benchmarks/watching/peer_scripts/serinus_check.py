"""One check by Serinus: a Parquet file is read, counted by the saved layout, and compared with the saved profile."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from serinus.adapters.stored.profile_documents import profile_of
from serinus.adapters.tables.arrow import ArrowTables
from serinus.domain.drift import compare
from serinus.domain.policy import DriftLimits
from serinus.domain.row_counts import expected_by, profile_of_batches


def main(given: str, answer: str) -> None:
    """Read what the files are; write which columns drifted, and the distances of the first category."""
    beside: Any = import_module("measured")  # this folder's
    said = np.load(given)
    saved, file, small = (Path(str(said[name])) for name in ("saved", "rows", "small"))

    def check(rows: Path = file) -> dict[str, Any]:
        reference = profile_of(json.loads(saved.read_text(encoding="utf-8")))
        with rows.open("rb") as opened:
            layout = reference.layout
            live = profile_of_batches(layout, ArrowTables().batches(rows.name, opened, expected=expected_by(layout)))
        report = compare(reference, [live], DriftLimits(minimum_rows=30))
        first = next(shift for shift in report.features if shift.name == "c0")
        drifted = [shift.drifted for shift in report.features]
        return {"drifted": drifted, "psi": first.psi, "jensenshannon": first.jensen_shannon}

    check(small)  # so that everything is loaded, as the peers' packages are
    beside.measured(check, answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
