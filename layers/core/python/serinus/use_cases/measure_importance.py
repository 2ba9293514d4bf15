"""Keep how much each feature matters to a model, so that drift can be told by what it may do."""

from __future__ import annotations

from serinus.domain.importance import permutation_importance
from serinus.domain.model_version import ModelVersion
from serinus.domain.table import Table
from serinus.errors import DataRefused, ModelFailed
from serinus.use_cases.ports.models import Model
from serinus.use_cases.ports.registry import References


def measure_importance(version: ModelVersion, model: Model, features: Table, *, references: References) -> None:
    """Measure it on held-out rows, and keep it beside the reference.

    A model that fails on shuffled rows, which it never was to see, has none: nothing is judged by it.
    """
    try:
        importance = permutation_importance(model.score, features, seed=version.seed)
    except (DataRefused, ModelFailed):
        return
    references.put_importance(version.endpoint, version.content_digest, importance)
