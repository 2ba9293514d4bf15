"""NannyML's CBPE of one window: six metrics, and the processor time of fitting and estimating, the best of three."""

from __future__ import annotations

import sys
import time
from importlib import import_module
from typing import Any

import numpy as np

_METRICS = ("roc_auc", "average_precision", "precision", "recall", "f1", "accuracy")


def main(given: str, answer: str) -> None:
    """Read held-out scores and labels and a window's scores; write its metrics."""
    nannyml: Any = import_module("nannyml")
    pandas: Any = import_module("pandas")
    said = np.load(given)
    threshold = float(said["threshold"])
    held_out = pandas.DataFrame({"p": said["held_out"], "y": said["labels"].astype(int)})
    window = pandas.DataFrame({"p": said["window"]})
    for frame in (held_out, window):
        frame["predicted"] = (frame["p"] >= threshold).astype(int)
    seconds = []
    for _ in range(3):
        begun = time.process_time()
        estimator = nannyml.CBPE(
            y_pred_proba="p",
            y_pred="predicted",
            y_true="y",
            problem_type="classification_binary",
            metrics=list(_METRICS),
            chunk_size=len(window),
        )
        estimator.fit(held_out)
        found = estimator.estimate(window).filter(period="analysis").to_df()
        seconds.append(time.process_time() - begun)
    values = {name: np.array(float(found[(name, "value")].iloc[0])) for name in _METRICS}
    told = {"seconds": np.array(min(seconds)), "calibrated": np.array(estimator.needs_calibration), **values}
    np.savez(answer, **told)  # type: ignore[arg-type]  # its stub takes a keyword of its own for one of them


if __name__ == "__main__":
    main(*sys.argv[1:])
