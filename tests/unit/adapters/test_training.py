"""Recipes, and the conversion of scikit-learn estimators: what ONNX Runtime says is what scikit-learn said."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import LabelPropagation

from serinus.adapters.onnx.models import OnnxModels
from serinus.adapters.training.convert import sklearn_input, to_onnx
from serinus.adapters.training.recipes import SklearnTrainer
from serinus.domain.signature import Datatype
from serinus.domain.table import Table
from serinus.domain.task import Target, Task
from serinus.errors import DataRefused, ModelRefused

MODELS = OnnxModels()
TRAINER = SklearnTrainer()
RECIPES = ("gradient_boosting", "logistic_regression", "random_forest")


def some_rows(rows: int = 400, *, texts: bool = True) -> tuple[Table, npt.NDArray[np.float64]]:
    """Return features with missing values, and labels that depend on them."""
    random = np.random.default_rng(7)
    x, y = random.normal(size=rows), random.normal(size=rows)
    colour = np.array(["red", "green", "blue", None], dtype=object)[random.integers(0, 4, rows)]
    labels = (x + (colour == "red") + random.normal(size=rows) / 4 > 0.3).astype(np.float64)
    y[::9] = np.nan
    columns = {"x": x, "colour": colour, "y": y} if texts else {"x": x, "y": y}
    return Table(columns), labels


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("texts", [True, False])
def test_a_recipe_gives_a_servable_model_that_has_learned(recipe: str, texts: bool) -> None:
    """Missing values and texts included; and its lineage says how it was made."""
    features, labels = some_rows(texts=texts)
    trained = TRAINER.train(recipe, features, labels)
    assert MODELS.check(trained.onnx, trained.signature) == []
    scores = MODELS.load(trained.onnx, trained.signature).score(features)
    assert np.mean((scores > 0.5) == labels) > 0.75
    assert {feature.name for feature in trained.signature.features} == set(features.columns)
    assert trained.lineage["recipe"] == recipe
    assert trained.lineage["rows"] == "400"
    assert {"scikit-learn", "skl2onnx"} < set(trained.lineage)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("texts", [True, False])
def test_the_framework_says_of_other_rows_what_the_file_says(recipe: str, texts: bool) -> None:
    """Up to rounding; with values missing that were there in training, and categories it never saw."""
    features, labels = some_rows(1_200, texts=texts)
    trained = TRAINER.train(recipe, features.slice(0, 800), labels[:800])
    others = features.slice(800, 1_200)
    changed = {"x": np.where(np.arange(400) % 7 == 0, np.nan, others.columns["x"].astype(np.float64))}
    if texts:
        changed["colour"] = np.where(np.arange(400) % 11 == 0, "violet", others.columns["colour"])
    others = Table({**others.columns, **changed})
    served = MODELS.load(trained.onnx, trained.signature).score(others)
    assert np.abs(trained.predict(others) - served).max() < 1e-6
    assert served.std() > 0.1


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_learns_numbers_where_the_task_is_a_regression(recipe: str) -> None:
    """The score is the prediction, whatever its size."""
    features, _ = some_rows()
    wanted = 1e3 + 50 * np.asarray(features.columns["x"], dtype=np.float64)
    trained = TRAINER.train(recipe, features, wanted, Target(Task.REGRESSION))
    assert MODELS.check(trained.onnx, trained.signature) == []
    assert Target(Task.REGRESSION).faults(trained.signature) == ()
    scores = MODELS.load(trained.onnx, trained.signature).score(features)
    assert np.mean(np.abs(scores - wanted)) < 10
    assert TRAINER.train(recipe, features, wanted, Target(Task.REGRESSION)).onnx == trained.onnx
    assert np.allclose(trained.predict(features), scores, rtol=1e-6)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_tells_classes_apart_where_the_task_is_multiclass(recipe: str) -> None:
    """There is a column for each class, in the policy's order, and the score is the class and its chance."""
    features, _ = some_rows()
    x = np.asarray(features.columns["x"], dtype=np.float64)
    wanted, target = np.digitize(x, [-0.5, 0.5]).astype(np.float64), Target(Task.MULTICLASS, ("low", "mid", "high"))
    trained = TRAINER.train(recipe, features, wanted, target)
    assert MODELS.check(trained.onnx, trained.signature) == []
    assert target.faults(trained.signature) == ()
    model = MODELS.load(trained.onnx, trained.signature)
    chances, scores = model.columns(features), model.score(features)
    assert chances.shape == (features.rows, 3)
    assert np.abs(trained.predict(features) - chances).max() < 1e-6
    assert np.floor(scores).tolist() == np.argmax(chances, axis=1).tolist()
    assert np.mean(np.floor(scores) == wanted) > 0.9


@pytest.mark.parametrize(
    ("labels", "target", "said"),
    [
        (np.full(400, 7.0), Target(Task.REGRESSION), "all 400 labels are 7"),
        (np.full(400, np.nan), Target(Task.REGRESSION), "not all finite"),
        (np.arange(400.0) % 2, Target(Task.MULTICLASS, ("a", "b", "c")), "there are no labels of 'c'"),
    ],
)
def test_labels_that_cannot_train_the_task_are_refused(
    labels: npt.NDArray[np.float64], target: Target, said: str
) -> None:
    """A model that lacks a class's column would answer another question than the policy asks."""
    with pytest.raises(DataRefused, match=said):
        TRAINER.train("gradient_boosting", some_rows()[0], labels, target)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_same_data_give_the_same_bytes(recipe: str) -> None:
    """So that a retraining that is repeated is the same model version."""
    features, labels = some_rows()
    assert TRAINER.train(recipe, features, labels).onnx == TRAINER.train(recipe, features, labels).onnx


def test_a_category_that_training_never_saw_is_scored() -> None:
    """Live traffic brings new ones."""
    features, labels = some_rows()
    trained = TRAINER.train("logistic_regression", features, labels)
    unseen = Table({"x": np.zeros(1), "colour": np.array(["violet"], dtype=object), "y": np.zeros(1)})
    assert 0 < MODELS.load(trained.onnx, trained.signature).score(unseen)[0] < 1


def test_a_thousand_categories_do_not_make_a_thousand_columns() -> None:
    """An id column must not blow the model up: the hundred most frequent count."""
    random = np.random.default_rng(1)
    ids = np.array([f"id-{i}" for i in random.integers(0, 1_000, 2_000)], dtype=object)
    x = random.normal(size=2_000)
    trained = TRAINER.train("logistic_regression", Table({"x": x, "id": ids}), (x > 0).astype(np.float64))
    assert len(trained.onnx) < 10_000


@pytest.mark.parametrize(
    ("recipe", "features", "labels", "says"),
    [
        ("magic", *some_rows(), "there is no recipe 'magic': set retraining.recipe to one of gradient_boosting, "),
        ("random_forest", Table({}), np.zeros(0), "have no features"),
        ("random_forest", Table({"x": np.empty(0)}), np.empty(0), "have no rows"),
        ("random_forest", Table({"x": np.zeros(3)}), np.zeros(3), "all 3 labels are 0"),
        ("random_forest", Table({"x": np.zeros(3)}), np.array([0.0, 1.0, 2.0]), "labels are not all 0 or 1"),
        ("random_forest", Table({"x": np.zeros(2)}), np.array([0.0, np.nan]), "labels are not all 0 or 1"),
        ("random_forest", Table({"x": np.zeros(3)}), np.array([0.0, 1.0]), "3 rows of features, but 2 labels"),
    ],
)
def test_what_cannot_train_is_refused(
    recipe: str, features: Table, labels: npt.NDArray[np.float64], says: str
) -> None:
    """The refusal says what is wrong with the data, and what to do."""
    with pytest.raises(DataRefused) as refusal:
        TRAINER.train(recipe, features, labels)
    assert says in str(refusal.value)


def test_a_column_without_any_value_still_trains() -> None:
    """A feature can be missing throughout a window."""
    features, labels = some_rows(texts=False)
    emptied = Table({**features.columns, "y": np.full(features.rows, np.nan)})
    for recipe in RECIPES:
        trained = TRAINER.train(recipe, emptied, labels)
        assert np.isfinite(MODELS.load(trained.onnx, trained.signature).score(emptied)).all()


def _parity(estimator: Any, features: Table, labels: npt.NDArray[np.float64]) -> None:  # noqa: ANN401 - scikit-learn
    rows = sklearn_input(features)
    estimator.fit(rows, labels.astype(np.int64))
    model, signature = to_onnx(estimator, features)
    assert MODELS.check(model, signature) == []
    scores = MODELS.load(model, signature).score(features)
    np.testing.assert_allclose(scores, estimator.predict_proba(rows)[:, 1], atol=2e-5)


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        HistGradientBoostingClassifier(max_iter=30),
        RandomForestClassifier(n_estimators=20, max_depth=6),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_numbers_score_as_scikit_learn_scores_them(estimator: Any) -> None:  # noqa: ANN401 - scikit-learn has no types
    """All-numeric features go into one FP32 tensor."""
    features, labels = some_rows(texts=False)
    whole = Table({name: np.nan_to_num(column.astype(np.float64)) for name, column in features.columns.items()})
    _parity(estimator, whole, labels)


def test_texts_score_as_scikit_learn_scores_them() -> None:
    """Mixed features go into one input a column, in the order of the table."""
    features, labels = some_rows()
    whole = Table({**features.columns, "y": np.zeros(features.rows)})
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    preparation = ColumnTransformer([("numbers", StandardScaler(), [0, 2]), ("texts", one_hot, [1])])
    _parity(make_pipeline(preparation, LogisticRegression()), whole, labels)
    signature = to_onnx(make_pipeline(preparation, LogisticRegression()).fit(sklearn_input(whole), labels), whole)[1]
    assert [(feature.name, feature.datatype) for feature in signature.features] == [
        ("x", Datatype.FP32),
        ("colour", Datatype.BYTES),
        ("y", Datatype.FP32),
    ]


def test_a_regressor_is_scored_by_its_only_column() -> None:
    """It has no probabilities."""
    features = Table({"x": np.array([0.0, 1.0, 2.0])})
    estimator = LinearRegression().fit(sklearn_input(features), [1.0, 3.0, 5.0])
    model, signature = to_onnx(estimator, features)
    np.testing.assert_allclose(MODELS.load(model, signature).score(features), [1.0, 3.0, 5.0], atol=1e-5)


def test_columns_of_another_kind_than_it_was_fitted_on_are_refused() -> None:
    """Texts where the estimator was fitted on numbers: the message names them, and no traceback of a converter."""
    features, labels = some_rows(texts=False)
    name = next(iter(features.columns))
    scaled = ColumnTransformer([("scaled", StandardScaler(), [0])])
    estimator = make_pipeline(scaled, LogisticRegression()).fit(sklearn_input(features), labels)
    texts = np.full(features.rows, "12,5", dtype=object)
    with pytest.raises(ModelRefused, match=f"columns of texts \\('{name}'\\) and numbers: .* fitted on"):
        to_onnx(estimator, Table({**features.columns, name: texts}))


def test_an_estimator_without_a_converter_is_refused() -> None:
    """By its name."""
    features = Table({"x": np.arange(6.0)})
    estimator = LabelPropagation().fit(sklearn_input(features), [0, 1, 0, 1, 0, 1])
    with pytest.raises(ModelRefused, match="LabelPropagation cannot be converted to ONNX"):
        to_onnx(estimator, features)
