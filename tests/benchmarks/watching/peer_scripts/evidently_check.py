"""One check by Evidently's data drift preset, and its PSI and Jensen–Shannon of the first category."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np


def main(given: str, answer: str) -> None:
    """Read both sides; write which columns drifted."""
    beside: Any = import_module("measured")  # this folder's
    evidently: Any = import_module("evidently")
    metrics: Any = import_module("evidently.metrics")
    presets: Any = import_module("evidently.presets")
    pandas: Any = import_module("pandas")
    said = np.load(given)
    reference = beside.frame(pandas, said["numbers"], said["kinds"])
    current = beside.frame(pandas, said["live_numbers"], said["live_kinds"])

    def check() -> dict[str, Any]:
        told = evidently.Report([presets.DataDriftPreset()]).run(current, reference).dict()["metrics"]
        values = {each["config"]["column"]: each["value"] for each in told if "column" in each.get("config", {})}
        limits = {each["config"]["column"]: each["config"] for each in told if "column" in each.get("config", {})}
        return {"drifted": [_drifted(values[name], limits[name]) for name in current.columns]}

    beside.measured(check, answer)
    found = dict(np.load(answer))
    for method in ("psi", "jensenshannon"):
        metric = metrics.ValueDrift(column="c0", method=method)
        (told,) = evidently.Report([metric]).run(current[["c0"]], reference[["c0"]]).dict()["metrics"]
        in_bits = np.sqrt(np.log(2)) if method == "jensenshannon" else 1.0  # its distance is of nats, ours of bits
        found[method] = np.array(float(told["value"]) / in_bits)
    np.savez(answer, **found)


def _drifted(value: Any, config: dict[str, Any]) -> bool:  # noqa: ANN401 - a number of its own kind
    limit = float(config.get("threshold") or 0.1)
    return float(value) < limit if "p_value" in str(config.get("method")) else float(value) >= limit


if __name__ == "__main__":
    main(*sys.argv[1:])
