"""From a fitted scikit-learn estimator to ONNX, the same bytes for the same estimator."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from serinus.adapters.onnx.describe import infer_signature
from serinus.domain.signature import Signature
from serinus.domain.table import Table
from serinus.errors import ModelRefused

# Opsets that every supported ONNX Runtime reads, and in which skl2onnx writes tree models as TreeEnsembleClassifier.
_OPSETS = {"": 18, "ai.onnx.ml": 3}
_NAME = "serinus"  # skl2onnx would name the graph at random


def to_onnx(estimator: Any, features: Table) -> tuple[bytes, Signature]:  # noqa: ANN401 - any scikit-learn estimator
    """Convert an estimator that was fitted on these features.

    Where all features are numbers the graph has one FP32 input of all columns. Otherwise, or where the estimator
    calls its columns by name, it has one input for each column, of FP32 or of texts.

    Args:
        estimator: a fitted classifier, regressor or pipeline.
        features: the columns it was fitted on, in order; only names and kinds are looked at.

    Raises:
        ModelRefused: skl2onnx cannot convert it.
    """
    import skl2onnx
    from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator
    from sklearn.base import is_classifier

    options = {id(estimator): {"zipmap": False}} if is_classifier(estimator) else None
    try:
        with warnings.catch_warnings():
            # skl2onnx 1.20 hands booleans to integer fields, which protobuf 6 still takes.
            warnings.filterwarnings("ignore", message=".*got a boolean", category=DeprecationWarning)
            proto = skl2onnx.convert_sklearn(
                estimator,
                name=_NAME,
                initial_types=_initial_types(features, apart=_calls_columns_by_name(estimator)),
                target_opset=_OPSETS,
                options=options,
            )
    except (MissingConverter, MissingShapeCalculator, NotImplementedError) as error:
        said = str(error).splitlines()[0]
        raise ModelRefused(f"{type(estimator).__name__} cannot be converted to ONNX: {said}") from error
    except (RuntimeError, TypeError, ValueError) as error:  # texts where it was fitted on numbers, say
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelRefused(
            f"{type(estimator).__name__} cannot be converted to ONNX from columns of {_kinds(features)}: {said}: "
            "look whether each holds what the model was fitted on"
        ) from error
    proto.opset_import.sort(key=lambda opset: opset.domain)  # skl2onnx keeps them in a set, whose order is by chance
    model = bytes(proto.SerializeToString(deterministic=True))
    return model, infer_signature(model, list(features.columns))


def _kinds(features: Table) -> str:
    texts = [name for name, column in features.columns.items() if column.dtype == object]
    return f"texts ({', '.join(map(repr, texts))}) and numbers" if texts else "numbers alone"


def sklearn_input(features: Table) -> npt.NDArray[Any]:
    """Return features as scikit-learn is fitted on them, in the precision that will be served.

    All numbers: float32, [rows, columns]. Otherwise objects, with the empty text for a missing text; ONNX has none.
    """
    columns = list(features.columns.values())
    if all(column.dtype != object for column in columns):
        return np.column_stack([column.astype(np.float32) for column in columns])
    block = np.empty((features.rows, len(columns)), dtype=object)
    for position, column in enumerate(columns):
        if column.dtype == object:
            block[:, position] = ["" if value is None else value for value in column]
        else:
            block[:, position] = column.astype(np.float32)
    return block


def _initial_types(features: Table, *, apart: bool) -> list[tuple[str, Any]]:
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    if not apart and all(column.dtype != object for column in features.columns.values()):
        return [("features", FloatTensorType([None, len(features.columns)]))]
    return [
        (name, (StringTensorType if column.dtype == object else FloatTensorType)([None, 1]))
        for name, column in features.columns.items()
    ]


def _calls_columns_by_name(estimator: Any) -> bool:  # noqa: ANN401 - any scikit-learn estimator
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    if isinstance(estimator, Pipeline):
        return any(_calls_columns_by_name(step) for _, step in estimator.steps)
    if not isinstance(estimator, ColumnTransformer):
        return False
    chosen = [columns for _, _, columns in estimator.transformers]
    return any(isinstance(columns, str) or any(isinstance(name, str) for name in columns) for columns in chosen)
