"""`Trainer` by scikit-learn: a few recipes that hold up on tables as they come, missing values and texts included."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from serinus.adapters.training.convert import sklearn_input, to_onnx
from serinus.domain.signature import EVERY_COLUMN, Score
from serinus.domain.table import Column, Table
from serinus.domain.task import BINARY_TARGET, Target, Task
from serinus.errors import DataRefused
from serinus.use_cases.ports.models import TrainedModel

_SEED = 20_240_229  # any; fixed, so that the same data give the same model
_Texts = Mapping[int, list[str]]  # the categories of each column of texts, by position
_MOST_CATEGORIES = 100  # of one feature; rarer ones count as unknown


class SklearnTrainer:
    """`Trainer`: fits a recipe and converts it to ONNX."""

    def train(
        self, recipe: str, features: Table, labels: npt.NDArray[np.float64], target: Target = BINARY_TARGET
    ) -> TrainedModel:
        """Fit the named recipe for the target's task; the same data give the same bytes.

        A multi-class model has a column for each class of the policy only where the labels hold each of them.

        Raises:
            DataRefused: the recipe is unknown, there are no rows or features, or the labels are not what the task
                takes: 0 and 1 with both present, positions of classes with each present, or numbers.
        """
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

        build = _RECIPES.get(recipe)
        if build is None:
            raise DataRefused(f"there is no recipe {recipe!r}: set retraining.recipe to one of {', '.join(_RECIPES)}")
        _refuse_what_cannot_train(features, labels, target)
        rows = sklearn_input(_with_something_in_each(features))
        kinds = [column.dtype == object for column in features.columns.values()]
        texts = {position: _frequent(rows[:, position]) for position, is_text in enumerate(kinds) if is_text}
        numbers = [position for position, is_text in enumerate(kinds) if not is_text]
        estimator = build(numbers, texts, target.task is Task.REGRESSION)
        with threadpool_limits(1):  # how many threads add up decides the last digits, and so the bytes
            estimator.fit(rows, labels if target.task is Task.REGRESSION else labels.astype(np.int64))
        model, signature = to_onnx(estimator, features)
        if target.task is Task.MULTICLASS:
            signature = replace(signature, score=Score(signature.score.output, EVERY_COLUMN))
        names = list(features.columns)

        def predict(held_out: Table) -> npt.NDArray[np.float64]:
            asked = sklearn_input(held_out.select(names))
            with threadpool_limits(1):
                said = estimator.predict(asked) if target.task is Task.REGRESSION else estimator.predict_proba(asked)
            return np.asarray(said[:, 1] if target.task is Task.BINARY else said, dtype=np.float64)

        return TrainedModel(model, signature, _lineage(recipe, features.rows), predict)


def _refuse_what_cannot_train(features: Table, labels: npt.NDArray[np.float64], target: Target) -> None:
    if not features.columns:
        raise DataRefused("the training data have no features: name at least one column besides the target")
    if features.rows != len(labels):
        raise DataRefused(
            f"there are {features.rows} rows of features, but {len(labels)} labels: give one label a row"
        )
    if features.rows == 0:
        raise DataRefused("the training data have no rows: wait for labelled traffic, or widen the window")
    if target.task is Task.REGRESSION:
        _refuse_constant(labels)
        return
    if target.task is Task.MULTICLASS:
        _refuse_absent_classes(labels, target)
        return
    if not set(np.unique(labels).tolist()) <= {0.0, 1.0}:
        raise DataRefused(
            "the labels are not all 0 or 1, but the policy's task is binary: map the target to 0 and 1, or say "
            "task = 'multiclass' or 'regression'"
        )
    if len(np.unique(labels)) < 2:
        raise DataRefused(
            f"all {features.rows} labels are {labels[0]:.0f}: a classifier needs both 0 and 1; widen the window"
        )


def _refuse_constant(labels: npt.NDArray[np.float64]) -> None:
    if not np.all(np.isfinite(labels)):
        raise DataRefused("the labels are not all finite numbers: leave out the rows without one")
    if len(np.unique(labels)) < 2:
        raise DataRefused(f"all {len(labels)} labels are {labels[0]:g}: there is nothing to learn; widen the window")


def _refuse_absent_classes(labels: npt.NDArray[np.float64], target: Target) -> None:
    absent = [name for position, name in enumerate(target.classes) if not np.any(labels == position)]
    if absent:
        raise DataRefused(
            f"there are no labels of {', '.join(map(repr, absent))}: the model would lack a column; widen the window"
        )


def _with_something_in_each(features: Table) -> Table:
    """Fill columns without any value with zeros: the boosting cannot bin nothing, and learns nothing of zeros."""
    return Table({name: _or_zeros(column) for name, column in features.columns.items()})


def _or_zeros(column: Column) -> Column:
    nothing = column.dtype != object and bool(np.isnan(column.astype(np.float64)).all())
    return np.zeros(len(column)) if nothing else column


def _frequent(column: npt.NDArray[np.object_]) -> list[str]:
    names, counts = np.unique(column.astype(str), return_counts=True)
    most = np.argsort(-counts, kind="stable")[:_MOST_CATEGORIES]
    return sorted(str(names[index]) for index in most)


def _lineage(recipe: str, rows: int) -> dict[str, str]:
    packages = ("scikit-learn", "skl2onnx")
    return {"recipe": recipe, "rows": str(rows)} | {package: version(package) for package in packages}


def _gradient_boosting(numbers: Sequence[int], texts: _Texts, regression: bool) -> Any:  # noqa: ANN401 - no types
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    boosting = kind(max_iter=150, learning_rate=0.08, max_leaf_nodes=31, random_state=_SEED)
    return _after(_columns("passthrough", numbers, texts), boosting)


def _random_forest(numbers: Sequence[int], texts: _Texts, regression: bool) -> Any:  # noqa: ANN401 - no types
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestRegressor if regression else RandomForestClassifier
    forest = kind(n_estimators=60, max_depth=10, min_samples_leaf=5, n_jobs=1, random_state=_SEED)
    return _after(_columns(_imputer(), numbers, texts), forest)


def _linear(numbers: Sequence[int], texts: _Texts, regression: bool) -> Any:  # noqa: ANN401 - no types
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scaled = make_pipeline(_imputer(), StandardScaler())
    line = Ridge(random_state=_SEED) if regression else LogisticRegression(max_iter=1_000, random_state=_SEED)
    return _after(_columns(scaled, numbers, texts), line)


def _imputer() -> Any:  # noqa: ANN401 - scikit-learn has no types
    from sklearn.impute import SimpleImputer

    return SimpleImputer(strategy="median", keep_empty_features=True)


def _columns(for_numbers: Any, numbers: Sequence[int], texts: _Texts) -> Any:  # noqa: ANN401 - no types
    """Return what prepares the columns; without texts there is nothing to choose, and the graph stays simple."""
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder

    if not texts:
        return for_numbers
    one_hot = OneHotEncoder(categories=list(texts.values()), handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("numbers", for_numbers, list(numbers)), ("texts", one_hot, list(texts))])


def _after(preparation: Any, classifier: Any) -> Any:  # noqa: ANN401 - scikit-learn has no types
    from sklearn.pipeline import make_pipeline

    return classifier if preparation == "passthrough" else make_pipeline(preparation, classifier)


_RECIPES: dict[str, Callable[[Sequence[int], _Texts, bool], Any]] = {
    "gradient_boosting": _gradient_boosting,
    "logistic_regression": _linear,  # of a regression, its linear kin: ridge
    "random_forest": _random_forest,
}
