"""Score labelled rows as their task's metrics take it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from serinus.domain.feature_columns import features_of
from serinus.domain.held_out import HeldOutRows
from serinus.domain.signature import Signature
from serinus.domain.table import Table
from serinus.domain.task import Target, Task
from serinus.errors import DataRefused, ModelFailed
from serinus.use_cases.ports.models import Model


def score_rows(model: Model, signature: Signature, rows: HeldOutRows) -> HeldOutRows:
    """Return the rows with the model's scores of them; of a multi-class target, with the chances of every class.

    Raises:
        DataRefused: the model is of another task, takes columns that the rows lack, or gives no scores of the task.
        ModelFailed: it fails on them.
    """
    faults = rows.target.faults(signature)
    if faults:
        raise DataRefused("; ".join(faults))
    features = features_of(signature, rows.table, file=rows.file)
    scored = rows.scored(answers_of(model, signature, features, rows.target))
    if scored.refused_scores:
        raise DataRefused(scored.refused_scores)
    return scored


def answers_of(model: Model, signature: Signature, features: Table, target: Target) -> npt.NDArray[np.float64]:
    """Return the model's scores, [rows]; of a multi-class target, the chances of every class, [rows, classes].

    Raises:
        DataRefused: a column does not hold what the graph takes.
        ModelFailed: the graph raised an error, or gives another number of classes.
    """
    if target.task is not Task.MULTICLASS:
        return model.score(features)
    chances = model.columns(features)
    if chances.shape != (features.rows, len(target.classes)):
        raise ModelFailed(
            f"the model returned {signature.score.output!r} of shape {list(chances.shape)} for {features.rows} rows "
            f"and {len(target.classes)} classes"
        )
    return chances
