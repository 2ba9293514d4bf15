"""Stability: what moves the answers is named, what a model cannot answer is told, and nothing crashes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.gates import Finding
from serinus.domain.held_out import HeldOutRows, Reals
from serinus.domain.model_gates import StabilityLimits
from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature
from serinus.domain.stability import MOST_FEATURES, MOST_ROWS, Decide, judge_stability, noisy
from serinus.domain.table import Table
from serinus.errors import DataRefused, ModelFailed
from tests.builders import a_signature, a_table, scores_of

Script = Callable[[Table], Reals]


def judged(
    limits: StabilityLimits = StabilityLimits(),  # noqa: B008 - frozen
    *,
    script: Script = scores_of,
    features: Table | None = None,
    signature: Signature | None = None,
    seed: int = 1,
    decide: Decide | None = lambda scores: scores >= 0.5,
    time_is_up: Callable[[], bool] = lambda: False,
) -> dict[str, Finding]:
    """Return the findings by gate, of a model that scores by the amount."""
    table = a_table(600) if features is None else features
    rows = HeldOutRows("f", table, np.tile([0.0, 1.0], table.rows // 2), script(table))
    found = judge_stability(
        limits, signature or a_signature(), rows, table, score=script, decide=decide, seed=seed, time_is_up=time_is_up
    )
    return {finding.gate: finding for finding in found}


def by_amount_or(error: Exception | None, *, where_missing: str) -> Script:
    """Score by the amount; where a column is missing, raise the error, or give no score."""

    def script(features: Table) -> Reals:
        column = features.columns[where_missing]
        if all(value is None or value != value for value in column.tolist()):
            if error is not None:
                raise error
            return np.full(features.rows, np.nan)
        return scores_of(features)

    return script


def test_the_feature_that_matters_is_named_and_others_are_not() -> None:
    """The model scores by the amount alone."""
    found = judged(StabilityLimits(noise=0.3), script=by_amount_or(None, where_missing="amount"))
    assert "most sensitive to 'amount'" in found["stability:noise"].message
    assert "'age'" not in found["stability:noise"].message
    assert found["stability:noise"].numbers["flipped_share"] > 0.02
    assert found["stability:missing"].numbers["flipped_share"] == 1.0
    assert found["stability:missing"].numbers["flipped_share:colour"] == 0.0


@given(noise=st.floats(0.001, 2.0), seed=st.integers(0, 2**32))
def test_noise_flips_what_a_direct_computation_flips(noise: float, seed: int) -> None:
    """For a logistic score, a decision flips where the noisy amount has another sign; the rate is about noise / π."""
    found = judged(StabilityLimits(noise=noise), seed=seed)["stability:noise"]
    expected = np.arctan(noise) / np.pi  # of a normal amount, the angle between it and its noisy self
    assert found.numbers["flipped_share"] == pytest.approx(expected, abs=5 * np.sqrt(expected / 600) + 0.005)


def test_more_flips_than_allowed_fail_and_fewer_pass() -> None:
    """Each limit on its own."""
    noise = judged(StabilityLimits(noise=0.5, maximum_flipped_share=0.01))
    assert not noise["stability:noise"].passed
    assert "more than 1 % may" in noise["stability:noise"].message
    assert noise["stability:missing"].passed
    assert judged(StabilityLimits(noise=0.5, maximum_flipped_share=0.9))["stability:noise"].passed
    script = by_amount_or(None, where_missing="amount")
    missing = judged(StabilityLimits(maximum_flipped_share_when_missing=0.2), script=script)
    assert not missing["stability:missing"].passed
    assert missing["stability:noise"].passed


def test_nothing_fails_without_limits() -> None:
    """What is cheap is told; what is not demanded is not judged."""
    script = by_amount_or(ModelFailed("out of bounds"), where_missing="amount")
    assert all(finding.passed for finding in judged(StabilityLimits(noise=1.0), script=script).values())


@pytest.mark.parametrize("limit", [None, 0.99])
def test_a_model_that_fails_on_a_missing_value_is_told(limit: float | None) -> None:
    """It crashes nothing, and fails the gate where that has a limit, however high."""
    script = by_amount_or(ModelFailed("index out of bounds"), where_missing="age")
    found = judged(StabilityLimits(maximum_flipped_share_when_missing=limit), script=script)["stability:missing"]
    assert found.passed is (limit is None)
    assert "the model failed for 'age': index out of bounds" in found.message
    assert found.numbers["failed"] == 1


def test_a_model_that_refuses_a_missing_value_is_no_failure() -> None:
    """Callers are told, and it is their request that is wrong."""
    script = by_amount_or(DataRefused("nan, which is no INT64"), where_missing="age")
    found = judged(StabilityLimits(maximum_flipped_share_when_missing=1.0), script=script)["stability:missing"]
    assert found.passed
    assert "takes no missing value, for 'age'" in found.message


def test_a_model_that_fails_on_noise_is_told() -> None:
    """The rows as they are were the only ones that it answers."""
    known = a_table(600)

    def script(features: Table) -> Reals:
        if not np.isin(features.columns["amount"], known.columns["amount"]).all():
            raise ModelFailed("index out of bounds")
        return scores_of(features)

    assert judged(script=script, features=known)["stability:noise"].passed
    found = judged(StabilityLimits(maximum_flipped_share=0.5), script=script, features=known)["stability:noise"]
    assert not found.passed
    assert "index out of bounds" in found.message


def test_whole_numbers_stay_whole() -> None:
    """A category between two others is no input that occurs."""
    seen: list[npt.NDArray[np.float64]] = []

    def script(features: Table) -> Reals:
        seen.append(np.asarray(features.columns["age"], dtype=np.float64))
        return scores_of(features)

    judged(StabilityLimits(noise=0.2), script=script)
    ages = np.concatenate(seen)
    assert np.array_equal(ages[np.isfinite(ages)], np.round(ages[np.isfinite(ages)]))
    assert len({array.tobytes() for array in seen}) > 2


def test_what_no_noise_moves_is_said() -> None:
    """A constant feature has no standard deviation."""
    table = Table({**a_table(100).columns, "amount": np.full(100, 0.5), "age": np.full(100, 30.0)})
    found = judged(StabilityLimits(maximum_flipped_share=0.0), features=table)["stability:noise"]
    assert found.passed
    assert "moves none of the features" in found.message


def test_the_same_seed_finds_the_same() -> None:
    """A retry signs the same findings."""
    assert judged(seed=5) == judged(seed=5)
    assert judged(StabilityLimits(noise=0.3), seed=5) != judged(StabilityLimits(noise=0.3), seed=6)


def test_scores_that_are_no_chances_have_no_decisions_to_flip() -> None:
    """A regression is told how far its score moves; a limit on decisions does not apply, and says so."""

    def price(features: Table) -> Reals:
        return 100 + 10 * np.asarray(features.columns["amount"], dtype=np.float64)

    told = judged(StabilityLimits(noise=0.1), script=price, decide=None)["stability:noise"]
    assert told.passed
    assert "decisions" not in told.message
    assert told.numbers["mean_change"] == pytest.approx(0.8, abs=0.15)  # 10 x 0.1 x E|z|
    limits = StabilityLimits(noise=0.1, maximum_flipped_share=0.5)
    limited = judged(limits, script=price, decide=None)["stability:noise"]
    assert not limited.passed
    assert "leave it out" in limited.message


def test_classes_flip_where_another_is_the_likeliest() -> None:
    """And how far they move is how far the class does that moves most."""

    def classes(features: Table) -> Reals:
        first = scores_of(features) / 2
        return np.column_stack([first, 0.25 * np.ones(features.rows), 0.75 - first])

    def likeliest(scores: Reals) -> npt.NDArray[np.generic]:
        return np.asarray(np.argmax(scores, axis=1))

    found = judged(StabilityLimits(noise=0.5), script=classes, decide=likeliest)["stability:noise"]
    plain = judged(StabilityLimits(noise=0.5))["stability:noise"]
    assert 0 < found.numbers["flipped_share"] < 0.5
    assert found.numbers["mean_change"] == pytest.approx(plain.numbers["mean_change"] / 2)


def wide(features: int) -> tuple[Signature, Table]:
    """Return a signature of so many numbers, and rows."""
    names = tuple(f"f{number}" for number in range(features))
    chance = np.random.default_rng(0)
    signature = Signature(
        (InputTensor("x", Datatype.FP32, names),), (OutputTensor("p", Datatype.FP32, (-1,)),), Score("p")
    )
    return signature, Table({name: chance.random(2 * MOST_ROWS) for name in names})


def test_a_wide_model_is_asked_a_bounded_number_of_times_about_a_bounded_number_of_rows() -> None:
    """Whatever it is made of, validation ends."""
    asked: list[int] = []

    def script(features: Table) -> Reals:
        asked.append(features.rows)
        return np.full(features.rows, 0.5)

    signature, features = wide(3 * MOST_FEATURES)
    found = judged(script=script, features=features, signature=signature)
    assert len(asked) <= 2 + 2 * MOST_FEATURES
    assert max(asked[1:]) == MOST_ROWS
    assert f"{MOST_FEATURES} of {3 * MOST_FEATURES} features" in found["stability:missing"].message


def test_a_slow_model_is_looked_at_for_a_bounded_time() -> None:
    """The finding says how many features were looked at before time was up."""
    times = iter([False, True, True, False])
    found = judged(time_is_up=lambda: next(times, True))
    assert "1 of 3 features" in found["stability:missing"].message


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=2), noise=st.floats(0.01, 1))
def test_noise_keeps_what_is_missing_missing(values: list[float], noise: float) -> None:
    """And gives every other value a number."""
    column = np.array([*values, np.nan])
    moved = noisy(column, noise, np.random.default_rng(0))
    if moved is not None:
        assert np.array_equal(np.isnan(moved), np.isnan(column))
