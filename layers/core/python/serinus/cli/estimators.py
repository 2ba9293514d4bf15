"""scikit-learn estimators: loaded here, on the user's own machine, and converted here; only ONNX leaves it."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from serinus.cli.targets import is_named
from serinus.domain.signature import Score, Signature
from serinus.domain.table import Table
from serinus.errors import DataRefused, ModelRefused

if TYPE_CHECKING:
    from serinus.cli.preparing import Choices

# What unpickling raises on a file that is damaged, or that needs what is not installed here.
_UNPICKLING = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    ImportError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
)


def load_estimator(path: str | Path) -> Any:  # noqa: ANN401 - any scikit-learn estimator
    """Load a pickled estimator. That runs what the pickle says, so it must be the user's own.

    Raises:
        ModelRefused: it cannot be loaded, or is no estimator.
    """
    import joblib

    try:
        estimator = joblib.load(path)
    except _UNPICKLING as error:
        raise ModelRefused(
            f"{path} cannot be loaded ({error}): install what it was made with, or save it again with joblib.dump"
        ) from error
    return estimator


def columns_of(estimator: Any) -> tuple[str, ...] | None:  # noqa: ANN401 - any scikit-learn estimator
    """Return the columns an estimator was fitted on, where it remembers them: one fitted on a data frame does.

    Raises:
        ModelRefused: it is no estimator.
    """
    if not hasattr(estimator, "fit"):
        raise ModelRefused(
            f"a {type(estimator).__name__} is no scikit-learn estimator: push the fitted pipeline itself"
        )
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else tuple(map(str, names))


def converted(estimator: Any, table: Table, target: str, choices: Choices) -> tuple[bytes, Signature]:  # noqa: ANN401
    """Convert an estimator to ONNX.

    The score is the probability of the class that `--positive` names, wherever it stands among the estimator's own
    classes.

    Raises:
        DataRefused: the held-out data lack a column it was fitted on, or have others than it was fitted on.
        ModelRefused: skl2onnx cannot convert it.
    """
    from serinus.adapters.onnx.describe import infer_signature
    from serinus.adapters.training.convert import to_onnx

    features = table.select(_features(estimator, table, target))
    model, signature = to_onnx(estimator, features)
    if choices.score_output is not None:
        signature = infer_signature(model, list(features.columns), choices.score_output)
    return model, _scored_for(choices.positive, estimator, signature)


def _features(estimator: Any, table: Table, target: str) -> list[str]:  # noqa: ANN401
    named = columns_of(estimator)
    if named is not None:
        missing = [name for name in named if name not in table.columns]
        if missing:
            raise DataRefused(
                f"the held-out data have no column {', '.join(map(repr, missing))}, which the model was fitted on"
            )
        return list(named)
    others = [name for name in table.columns if name != target]
    expected = getattr(estimator, "n_features_in_", len(others))
    if expected != len(others):
        raise DataRefused(
            f"the model was fitted on {expected} columns, but the held-out data have {len(others)} besides the "
            f"target: {', '.join(map(repr, others))}; drop or add some, or fit the model on a data frame, whose "
            "names it keeps"
        )
    return others


def classes_of(estimator: Any) -> tuple[str, ...]:  # noqa: ANN401 - any scikit-learn estimator
    """Return the names of the classes that an estimator tells apart, in its order; none of a regressor."""
    names = (_plain(value) for value in getattr(estimator, "classes_", ()))
    return tuple(str(int(name)) if isinstance(name, float) and name.is_integer() else str(name) for name in names)


def _scored_for(positive: str | None, estimator: Any, signature: Signature) -> Signature:  # noqa: ANN401
    classes = [_plain(value) for value in getattr(estimator, "classes_", ())]
    named = [position for position, value in enumerate(classes) if is_named(value, positive or "1")]
    output = next(output for output in signature.outputs if output.name == signature.score.output)
    if len(named) != 1 or len(output.shape) != 2 or output.shape[1] not in {-1, len(classes)}:
        return signature
    return replace(signature, score=Score(output.name, named[0]))


def _plain(value: Any) -> object:  # noqa: ANN401 - a class label, of numpy or not
    return value.item() if hasattr(value, "item") else value
