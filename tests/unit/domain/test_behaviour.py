"""Behaviour: each kind of declared test passes a model that does so, and fails one that does not, with its rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.behaviour import MOST_ROWS, chosen_rows, judge_behaviour
from serinus.domain.gates import Finding
from serinus.domain.held_out import HeldOutRows, Reals
from serinus.domain.model_gates import Behaviour, Direction, Invariance, Minimum, MustNot, Value
from serinus.domain.table import Table
from serinus.errors import DataRefused, ModelFailed
from tests.builders import a_holdout, a_signature, an_object_column, scores_of

Script = Callable[[Table], Reals]


def judged(test: Behaviour, *, script: Script = scores_of, holdout: Table | None = None) -> Finding:
    """Carry out a test on a model that scores by the amount, or as it is told."""
    table = a_holdout() if holdout is None else holdout
    features = table.select(["amount", "age", "colour"])
    labels = np.asarray(table.columns["class"], dtype=np.float64)
    rows = HeldOutRows("holdout.parquet", table, labels, script(features))
    return judge_behaviour(test, a_signature(), rows, features, 0.5, score=script, seed=3)


def against_red(features: Table) -> Reals:
    """Score red rows lower than the same rows in another colour."""
    scores = scores_of(features)
    return np.where(features.columns["colour"] == "red", scores / 2, scores)


COLOUR = Invariance("colour is no reason", "colour", 0.01, values=("red", "blue"))


def test_a_score_that_does_not_depend_on_the_column_passes() -> None:
    """Whatever it is set to."""
    found = judged(COLOUR)
    assert found.gate == "behaviour:colour is no reason"
    assert found.passed
    assert found.message.startswith(
        "'colour is no reason': 0 of 400 held-out rows change their score by more than 0.01"
    )
    assert found.numbers["largest_change"] == 0


def test_a_score_that_depends_on_the_column_fails_with_counts_and_rows() -> None:
    """Every row changes when it is painted red, or from red to blue."""
    holdout = a_holdout()
    found = judged(COLOUR, script=against_red, holdout=holdout)
    features = holdout.select(["amount", "age", "colour"])
    plain = scores_of(features)
    changes = np.where(features.columns["colour"] == "red", plain / 2, plain / 2)
    wrong = np.flatnonzero(changes > 0.01)
    assert not found.passed
    assert found.numbers["wrong"] == len(wrong)
    assert found.numbers["largest_change"] == pytest.approx(changes.max())
    assert f"among them row {', '.join(map(str, (wrong[:5] + 1).tolist()))}" in found.message


def test_a_tolerated_share_of_rows_may_do_otherwise() -> None:
    """Just so many, and no more."""
    noisy = Invariance("a little more is nothing", "amount", 0.05, noise=0.1)
    share = judged(noisy).numbers["wrong"] / 400
    assert 0 < share < 0.5
    for tolerated, passed in ((share, True), (share - 0.001, False)):
        found = judged(Invariance("a little", "amount", 0.05, noise=0.1, tolerated_share=tolerated))
        assert found.passed is passed


def test_a_score_that_is_no_number_after_the_change_is_beyond_every_limit() -> None:
    """Not a comparison that is false."""

    def script(features: Table) -> Reals:
        return np.where(features.columns["colour"] == "mauve", np.nan, 0.5)

    found = judged(Invariance("any colour", "colour", 1e9, values=("mauve",)), script=script)
    assert not found.passed
    assert found.numbers["wrong"] == 400
    assert np.isfinite(list(found.numbers.values())).all()  # or the record could not be read back


@pytest.mark.parametrize(("by", "must_not", "passed"), [
    (0.5, MustNot.FALL, True),
    (0.5, MustNot.RISE, False),
    (-0.5, MustNot.RISE, True),
    (-0.5, MustNot.FALL, False),
])  # fmt: skip
def test_a_score_must_follow_the_feature(by: float, must_not: MustNot, passed: bool) -> None:
    """More is likelier, less is not."""
    assert judged(Direction("more is likelier", "amount", by, must_not)).passed is passed


def test_a_direction_is_tested_on_rows_that_have_the_feature() -> None:
    """What is missing cannot be raised."""
    holdout = a_holdout()
    ages = np.where(np.arange(400) < 100, np.nan, 30.0)
    found = judged(Direction("age", "age", 1.0, MustNot.FALL), holdout=Table({**holdout.columns, "age": ages}))
    assert found.passed
    assert found.numbers["rows"] == 300


def test_rows_of_the_policy_must_reach_their_score() -> None:
    """What a model must get right is written down, a row at a time; a feature that is left out is missing."""
    rows: tuple[dict[str, Value], ...] = ({"amount": 3.0, "colour": "red"}, {"amount": -3.0, "age": 40.0})
    found = judged(Minimum("large ones", rows=rows, minimum_score=0.9))
    assert not found.passed
    assert "1 of 2 rows of the policy have a score below 0.9" in found.message
    assert "row 2" in found.message
    assert judged(Minimum("large ones", rows=rows[:1], minimum_score=0.9)).passed
    assert judged(Minimum("small ones", rows=rows[1:], maximum_score=0.1)).passed


def test_chosen_rows_must_reach_a_score() -> None:
    """By the target too: positives must not score next to nothing."""
    found = judged(Minimum("positives", where={"class": (1.0,)}, minimum_score=0.5))
    holdout = a_holdout()
    positives = holdout.columns["class"] == 1
    below = positives & (scores_of(holdout) < 0.5)
    assert found.numbers["wrong"] == below.sum() > 0
    assert found.numbers["rows"] == positives.sum()
    assert f"row {', '.join(map(str, (np.flatnonzero(below)[:5] + 1).tolist()))}" in found.message


def test_chosen_rows_must_reach_a_metric() -> None:
    """The same metric as the gates'."""
    red = {"colour": ("red",)}
    assert judged(Minimum("red", where=red, metric="roc_auc", minimum=0.7)).passed
    found = judged(Minimum("red", where=red, metric="roc_auc", minimum=0.999))
    assert not found.passed
    assert "roc_auc is 0." in found.message
    assert "below 0.999" in found.message
    assert not judged(Minimum("red", where=red, metric="log_loss", maximum=0.001)).passed


def test_a_metric_of_one_class_alone_cannot_be_measured() -> None:
    """That is no pass."""
    found = judged(Minimum("positives", where={"class": (1.0,)}, metric="roc_auc", minimum=0.1))
    assert not found.passed
    assert "cannot be measured" in found.message


@pytest.mark.parametrize(("test", "said"), [
    (Invariance("x", "postcode", 0.1, values=("1",)), "'postcode' is no feature of the model"),
    (Invariance("x", "age", 0.1, values=("old",)), "cannot be 'old'"),
    (Invariance("x", "colour", 0.1, noise=0.1), "which no noise moves"),
    (Invariance("x", "age", 0.1, noise=1e-6), "moves no 'age'"),
    (Direction("x", "colour", 1.0, MustNot.FALL), "holds texts, of which none is higher"),
    (Minimum("x", where={"country": ("ch",)}, minimum_score=0.1), "has no column 'country'"),
    (Minimum("x", where={"colour": ("mauve",)}, minimum_score=0.1), "nothing is tested"),
    (Minimum("x", rows=({"weight": 1.0},), minimum_score=0.1), "'weight', which is no feature"),
])  # fmt: skip
def test_a_test_that_cannot_be_carried_out_fails_and_says_why(test: Behaviour, said: str) -> None:
    """One that tests nothing must not look passed."""
    found = judged(test)
    assert not found.passed
    assert said in found.message


@pytest.mark.parametrize("error", [ModelFailed("index out of bounds"), DataRefused("no INT64")])
def test_a_model_that_cannot_answer_fails_the_test(error: Exception) -> None:
    """And nothing crashes."""

    def script(features: Table) -> Reals:
        if (features.columns["colour"] == "red").all():
            raise error
        return scores_of(features)

    found = judged(COLOUR, script=script)
    assert not found.passed
    assert str(error) in found.message


def test_of_classes_only_invariance_is_tested() -> None:
    """The class whose chance moves most counts; there is no one score that could fall or be reached."""

    def classes(features: Table) -> Reals:
        scores = against_red(features)
        return np.column_stack([scores, 1 - scores])

    plain, found = judged(COLOUR, script=against_red), judged(COLOUR, script=classes)
    assert found.numbers["wrong"] == plain.numbers["wrong"] > 0
    for test in (
        Direction("more", "amount", 1.0, MustNot.FALL),
        Minimum("red", where={"colour": ("red",)}, minimum_score=0.1),
    ):
        refused = judged(test, script=classes)
        assert not refused.passed
        assert "a chance for each class" in refused.message


def test_no_value_of_a_row_is_repeated() -> None:
    """Findings go onto record; what identifies people does not."""
    holdout = a_holdout()
    secret = an_object_column(["hush"] * 400)
    found = judged(COLOUR, script=against_red, holdout=Table({**holdout.columns, "name": secret}))
    assert "hush" not in found.message
    assert all(str(value) not in found.message for value in holdout.columns["amount"].tolist())


def test_many_rows_are_asked_about_a_part_of() -> None:
    """Validation ends; the rows it names are still those of the file."""
    asked: list[int] = []

    def script(features: Table) -> Reals:
        asked.append(features.rows)
        return against_red(features)

    found = judged(COLOUR, script=script, holdout=a_holdout(MOST_ROWS + 1_000))
    assert set(asked[1:]) == {MOST_ROWS}
    assert found.numbers["rows"] == MOST_ROWS


@given(
    ages=st.lists(st.one_of(st.just(np.nan), st.integers(0, 5).map(float)), min_size=1),
    wanted=st.lists(st.integers(0, 5).map(float), min_size=1).map(tuple),
)
def test_conditions_choose_just_the_rows_that_meet_them(ages: list[float], wanted: tuple[float, ...]) -> None:
    """A missing value meets none."""
    found = chosen_rows({"age": wanted}, Table({"age": np.array(ages)}), file="f")
    assert found.tolist() == [row for row, age in enumerate(ages) if age in wanted]


def test_a_number_chooses_texts_that_spell_it() -> None:
    """A column of codes may have come as texts."""
    codes = Table({"code": an_object_column(["7", "2.5", None])})
    assert chosen_rows({"code": (7.0, 2.5)}, codes, file="f").tolist() == [0, 1]
