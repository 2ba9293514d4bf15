"""Does the served model say what the framework says? Both scores of the same held-out rows, side by side."""

from __future__ import annotations

import numpy as np

from serinus.domain.gates import Finding
from serinus.domain.held_out import HeldOutRows
from serinus.domain.model_gates import ParityLimits
from serinus.domain.task import Task

_SHOWN = 3


def judge_parity(limits: ParityLimits, rows: HeldOutRows, column: str, threshold: float) -> Finding:
    """Compare the served scores with what the framework that trained the model said, row by row.

    It fails where any of them lies further apart than the policy allows, relative to scores above 1: exporting
    rounds, to seven digits or so, and does no more. The rows furthest apart are numbered from 1, as they stand in the
    held-out file.

    Args:
        limits: the policy's.
        rows: as the served model scored them.
        column: of the held-out rows, which holds the framework's own scores.
        threshold: the operating threshold, for telling how many decisions differ.
    """
    if rows.scores.ndim > 1:
        return _refused("parity takes one score a row, and the model gives a chance for each class: name no column")
    told = rows.table.columns.get(column)
    if told is None:
        return _refused(
            f"{rows.file} has no column {column!r}, which was to hold the framework's predictions: add it"
        )
    if told.dtype == object:
        return _refused(f"the framework's predictions, column {column!r}, hold texts: give the scores as numbers")
    framework = np.asarray(told, dtype=np.float64)
    if not np.all(np.isfinite(framework)):
        row = int(np.argmin(np.isfinite(framework)))
        return _refused(
            f"the framework's predictions, column {column!r}, hold no number in row {row + 1}: fill it in"
        )
    apart = np.abs(rows.scores - framework) / np.maximum(1, np.abs(framework))
    worst = np.argsort(-apart, kind="stable")[:_SHOWN]
    further = int((apart > limits.maximum_difference).sum())
    numbers = {
        "difference": float(apart.max()),
        "mean_difference": float(apart.mean()),
        "limit": limits.maximum_difference,
        "rows": float(rows.rows),
        "rows_beyond": float(further),
    }
    said = (
        f"served scores and the framework's own, column {column!r}, differ by at most {apart.max():.2g} on "
        f"{rows.rows} rows"
    )
    if rows.target.task is Task.BINARY and rows.refused_scores is None:
        differing = int(((rows.scores >= threshold) != (framework >= threshold)).sum())
        numbers["decisions"] = float(differing)
        said += f"; {differing} decisions differ"
    if further:
        said += (
            f"; {further} rows lie more than {limits.maximum_difference:g} apart, most of all row "
            f"{', '.join(str(row + 1) for row in worst[:further].tolist())}: export the model again, predict on the "
            "same rows in the precision that is served, or change [parity] maximum_difference"
        )
    return Finding("parity", passed=not further, message=said, numbers=numbers)


def _refused(why: str) -> Finding:
    return Finding("parity", passed=False, message=why)
