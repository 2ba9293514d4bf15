"""What encoding trees anew saves: CPU time of making a session, bytes of the file, and what it costs a request.

    python -m tests.benchmarks.tree_encoding

Both files are measured in turns in one process; the best of a few rounds counts, as others only add to it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from serinus.adapters.onnx.encoding import cheaper_encoding
from serinus.adapters.onnx.reencode import reencode
from serinus.adapters.onnx.session import PythonSession
from serinus.adapters.training.convert import to_onnx
from serinus.domain.signature import Signature
from serinus.domain.table import Table

_COLUMNS, _ROWS = 30, 8_000
_ROUNDS, _REQUESTS = 5, 300


def main() -> None:
    """Print one line a model."""
    features = _table(_ROWS)
    print(f"{'model':<34}{'bytes':>22}{'ratio':>7}{'session ms':>16}{'ratio':>7}{'one row µs':>16}  served")
    for name, build in _models().items():
        model, signature = build(features)
        _print(name, model, signature)


def _print(name: str, model: bytes, signature: Signature) -> None:
    encoded = reencode(model)
    before, after = _measured(model, encoded, signature)
    found = cheaper_encoding(model, signature, _table(500, seed=2))
    served = "anew" if found is not None and found.model is not None else "as uploaded"
    difference = "" if found is None or found.model is None else f", differs by {found.numbers['difference']:.1e}"
    print(
        f"{name:<34}{len(model):>12,}{len(encoded):>10,}{len(encoded) / len(model):>7.2f}"
        f"{before[0] * 1e3:>8.1f}{after[0] * 1e3:>8.1f}{after[0] / before[0]:>7.2f}"
        f"{before[1] * 1e6:>8.1f}{after[1] * 1e6:>8.1f}  {served}{difference}"
    )


def _models() -> dict[str, Callable[[Table], tuple[bytes, Signature]]]:
    from sklearn.ensemble import HistGradientBoostingClassifier as Boosting
    from sklearn.ensemble import RandomForestClassifier as Forest

    return {
        "forest of 100": _fitted(Forest(100, min_samples_leaf=2, n_jobs=2, random_state=1)),
        "boosting of 300, 31 leaves": _fitted(Boosting(max_iter=300, early_stopping=False, random_state=1)),
        "boosting of 300, 127 leaves": _fitted(
            Boosting(max_iter=300, max_leaf_nodes=127, early_stopping=False, random_state=1)
        ),
        "forest of 100, three classes": _fitted(Forest(100, min_samples_leaf=2, n_jobs=2, random_state=1), classes=3),
    }


def _fitted(estimator: Any, classes: int = 2) -> Callable[[Table], tuple[bytes, Signature]]:  # noqa: ANN401 - no types
    def build(features: Table) -> tuple[bytes, Signature]:
        rows = np.column_stack([column.astype(np.float32) for column in features.columns.values()])
        noise = np.random.default_rng(3).normal(size=len(rows)) / 2
        score = rows[:, 0] + rows[:, 1] * rows[:, 2] + noise
        labels = np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return to_onnx(estimator.fit(rows, labels), features)

    return build


def _table(rows: int, seed: int = 1) -> Table:
    draw = np.random.default_rng(seed)
    return Table({f"c{position}": draw.normal(size=rows) for position in range(_COLUMNS)})


def _measured(model: bytes, encoded: bytes, signature: Signature) -> list[tuple[float, float]]:
    """Return CPU seconds of making a session and of one run with one row, for each."""
    row = {"features": np.zeros((1, _COLUMNS), dtype=np.float32)}
    best = [(np.inf, np.inf), (np.inf, np.inf)]
    for _ in range(_ROUNDS):
        for position, each in enumerate((model, encoded)):
            begun = time.process_time()
            session = PythonSession(each, signature)
            made = time.process_time()
            for _ in range(_REQUESTS):
                session.run(row)
            ran = (time.process_time() - made) / _REQUESTS
            best[position] = (min(best[position][0], made - begun), min(best[position][1], ran))
    return best


if __name__ == "__main__":
    main()
