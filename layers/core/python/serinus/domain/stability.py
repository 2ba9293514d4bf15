"""How much do answers depend on any one input? Rows asked again with a feature missing, or with a little noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from serinus.domain.gates import Finding
from serinus.domain.held_out import HeldOutRows, Reals
from serinus.domain.model_gates import StabilityLimits
from serinus.domain.signature import Datatype, Feature, Signature
from serinus.domain.table import Column, Table
from serinus.domain.task import GREATEST_NUMBER
from serinus.errors import DataRefused, ModelFailed

# As a model does; raises what it raises. [rows], or [rows, classes] where a model gives the chance of each class.
Score = Callable[[Table], Reals]
Decide = Callable[[Reals], npt.NDArray[np.generic]]  # from scores to what is decided of each row, [rows]

MOST_ROWS = 1_000
MOST_FEATURES = 50  # are looked at one by one
_SHOWN = 3

EVERYTHING = "all numbers at once"


@dataclass(frozen=True)
class Answer:
    """What a perturbation did to the answers.

    Attributes:
        feature: what was perturbed.
        flipped: the share of rows whose decision is another; one without a score counts.
        change: of the score (of classes' chances, of the one that moves most), on average, where there is one.
        fault: why there are no scores; the rest is then 0.
        failed: whether that is the model's failure, rather than a refusal.
    """

    feature: str
    flipped: float = 0.0
    change: float = 0.0
    fault: str | None = None
    failed: bool = False


def without(features: Table, feature: Feature) -> Table:
    """Return the rows with one feature missing in all of them."""
    nothing: Column = np.full(features.rows, np.nan)
    if not feature.datatype.is_number:
        nothing = np.full(features.rows, None, dtype=object)
    return Table({**features.columns, feature.name: nothing})


def noisy(column: Column, noise: float, chance: np.random.Generator) -> Reals | None:
    """Move a column of numbers by normal noise; `None` where nothing moves.

    A column of whole numbers stays one: half an hour, or a category between two others, is no input that occurs.

    Args:
        column: numbers, [rows].
        noise: its standard deviation, in the column's own.
        chance: draws it.

    >>> noisy(np.array([0.5, 1.5, np.nan]), 0.1, np.random.default_rng(0)).round(2).tolist()
    [0.51, 1.49, nan]
    >>> noisy(np.array([1.0, 2.0, 3.0]), 0.01, np.random.default_rng(0)) is None
    True
    """
    values = np.asarray(column, dtype=np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    moved = values + noise * float(finite.std()) * chance.standard_normal(len(values))
    if np.array_equal(finite, np.round(finite)):
        moved = np.round(moved)
    return None if np.array_equal(moved, values, equal_nan=True) else np.asarray(moved, dtype=np.float64)


def moves(after: Reals, before: Reals) -> Reals:
    """Return how far each row's score went; of classes' chances, how far the one did that went furthest.

    >>> moves(np.array([[0.2, 0.8], [0.5, 0.5]]), np.array([[0.3, 0.7], [0.5, 0.5]])).round(3).tolist()
    [0.1, 0.0]
    """
    apart = np.abs(after - before)
    return np.asarray(apart.max(axis=1) if apart.ndim > 1 else apart, dtype=np.float64)


def judge_stability(
    limits: StabilityLimits,
    signature: Signature,
    rows: HeldOutRows,
    features: Table,
    *,
    score: Score,
    decide: Decide | None,
    seed: int,
    time_is_up: Callable[[], bool],
) -> tuple[Finding, ...]:
    """Ask again about rows with noise, and with each feature missing; one finding for each.

    At most `MOST_ROWS` rows are asked about, and `MOST_FEATURES` features looked at one by one, drawn by the seed.
    That a model refuses or fails on a missing value is told; it fails the gate where that has a limit.

    Args:
        limits: the policy's.
        signature: which features there are, and of which kind.
        rows: as the model scored them.
        features: what it scored, [rows] each.
        score: asks the model again.
        decide: makes a decision of each row's score; `None` where nothing is decided, as by a regression.
        seed: of the draws; the same seed gives the same findings.
        time_is_up: asked before each feature, so that a slow model is looked at for a bounded time.
    """
    chance = np.random.default_rng(seed)
    positions = np.sort(chance.choice(rows.rows, min(rows.rows, MOST_ROWS), replace=False))
    asked = _Asked(features.take(positions), rows.scores[positions], score, decide, time_is_up)
    drawn = chance.choice(len(signature.features), min(len(signature.features), MOST_FEATURES), replace=False)
    chosen = [signature.features[position] for position in np.sort(drawn)]
    return (
        _judged_noise(limits, asked, list(asked.with_noise(signature.features, chosen, limits.noise, chance))),
        _judged_missing(limits, asked, list(asked.without_each(chosen)), len(signature.features)),
    )


@dataclass(frozen=True, eq=False)
class _Asked:
    """The rows that are asked about again, and what the model said of them at first."""

    features: Table
    scores: Reals
    score: Score
    decide: Decide | None
    time_is_up: Callable[[], bool]

    def with_noise(
        self, every: Sequence[Feature], chosen: Sequence[Feature], noise: float, chance: np.random.Generator
    ) -> Iterator[Answer]:
        """Move all numbers at once, then each by itself; nothing where no number can be moved."""
        moved = {
            feature.name: column
            for feature in every
            if feature.datatype.is_number and feature.datatype is not Datatype.BOOL
            if (column := noisy(self.features.columns[feature.name], noise, chance)) is not None
        }
        if not moved:
            return
        yield self._answer(EVERYTHING, Table({**self.features.columns, **moved}))
        for feature in chosen:
            if feature.name in moved and not self.time_is_up():
                yield self._answer(feature.name, Table({**self.features.columns, feature.name: moved[feature.name]}))

    def without_each(self, chosen: Sequence[Feature]) -> Iterator[Answer]:
        """Leave out one feature after the other."""
        for feature in chosen:
            if not self.time_is_up():
                yield self._answer(feature.name, without(self.features, feature))

    def _answer(self, name: str, features: Table) -> Answer:
        try:
            scores = self.score(features)
        except DataRefused as refusal:
            return Answer(name, fault=str(refusal))
        except ModelFailed as failure:
            return Answer(name, fault=str(failure), failed=True)
        changes = moves(scores, self.scores)
        told = changes <= GREATEST_NUMBER  # of others, as of NaN, no mean could be told
        flipped = ~told
        if self.decide is not None:
            flipped |= self.decide(scores) != self.decide(self.scores)
        change = float(changes[told].mean()) if told.any() else 0.0
        return Answer(name, flipped=float(flipped.mean()), change=change)


def _judged_noise(limits: StabilityLimits, asked: _Asked, found: Sequence[Answer]) -> Finding:
    name, limit = "stability:noise", limits.maximum_flipped_share
    if not found:
        message = f"noise of {limits.noise:g} standard deviations moves none of the features: nothing is judged"
        return Finding(name, passed=True, message=message)
    together, *each = found
    if together.fault:
        message = (
            f"the model {'failed' if together.failed else 'refused the rows'} once noise of {limits.noise:g} "
            f"standard deviations moved {EVERYTHING}: {together.fault}"
        )
        return Finding(name, passed=limit is None, message=message)
    said = (
        f"noise of {limits.noise:g} standard deviations on {EVERYTHING} {_did(together, asked)}"
        f"{_most_sensitive(each, asked)}"
    )
    numbers = _numbers(together, each, asked) | {"noise": limits.noise}
    return _held(name, said, numbers, together.flipped, limit, "maximum_flipped_share", asked)


def _judged_missing(limits: StabilityLimits, asked: _Asked, found: Sequence[Answer], features: int) -> Finding:
    name, limit = "stability:missing", limits.maximum_flipped_share_when_missing
    answered = [answer for answer in found if answer.fault is None]
    failed = [answer for answer in found if answer.failed]
    refused = [answer for answer in found if answer.fault and not answer.failed]
    said = f"{len(found)} of {features} features were left out, one after the other, on {len(asked.scores)} rows"
    if refused:
        said += f"; refused, as the model takes no missing value, for {_names(refused)}"
    if failed:
        said += f"; the model failed for {_names(failed)}: {failed[0].fault}"
    numbers = {"features": float(len(found)), "refused": float(len(refused)), "failed": float(len(failed))}
    worst = max(answered, key=_sensitivity, default=None)
    if worst is not None:
        said += f"; that {_did(worst, asked)} at most{_most_sensitive(answered, asked)}"
        numbers |= _numbers(worst, answered, asked)
    if failed and limit is not None:
        said += "; train a model that takes missing values, or leave maximum_flipped_share_when_missing out"
        return Finding(name, passed=False, message=said, numbers=numbers)
    share = 0.0 if worst is None else worst.flipped
    return _held(name, said, numbers, share, limit, "maximum_flipped_share_when_missing", asked)


def _held(
    name: str, said: str, numbers: dict[str, float], flipped: float, limit: float | None, field: str, asked: _Asked
) -> Finding:
    if limit is None:
        return Finding(name, passed=True, message=said, numbers=numbers)
    numbers |= {"limit": limit}
    if asked.decide is None:
        said += f"; {field} limits decisions, and nothing is decided by such scores: leave it out"
        return Finding(name, passed=False, message=said, numbers=numbers)
    if flipped > limit:
        said += f"; more than {_percent(limit)} may: train a model that leans less on it, or change {field}"
        return Finding(name, passed=False, message=said, numbers=numbers)
    return Finding(name, passed=True, message=f"{said}; up to {_percent(limit)} may", numbers=numbers)


def _did(answer: Answer, asked: _Asked) -> str:
    moved = f"the score moves by {answer.change:.4g} on average"
    if asked.decide is None:
        return f"leaves {_percent(answer.flipped)} of {len(asked.scores)} rows without a score, and {moved}"
    return f"flips {_percent(answer.flipped)} of the decisions on {len(asked.scores)} rows, and {moved}"


def _most_sensitive(found: Sequence[Answer], asked: _Asked) -> str:
    moving = sorted((each for each in found if any(_sensitivity(each))), key=_sensitivity, reverse=True)[:_SHOWN]
    if not moving:
        return ""
    told = [
        f"{each.feature!r} ({_percent(each.flipped)}, {each.change:.4g})" if asked.decide
        else f"{each.feature!r} ({each.change:.4g})"
        for each in moving
    ]  # fmt: skip
    return f"; most sensitive to {', '.join(told)}"


def _numbers(judged: Answer, each: Sequence[Answer], asked: _Asked) -> dict[str, float]:
    numbers = {"flipped_share": judged.flipped, "mean_change": judged.change, "rows": float(len(asked.scores))}
    most = sorted(each, key=_sensitivity, reverse=True)[:_SHOWN]
    return numbers | {f"flipped_share:{answer.feature}": answer.flipped for answer in most}


def _sensitivity(answer: Answer) -> tuple[float, float]:
    return answer.flipped, answer.change


def _names(answers: Sequence[Answer]) -> str:
    more = f" and {len(answers) - _SHOWN} more" if len(answers) > _SHOWN else ""
    return ", ".join(repr(answer.feature) for answer in answers[:_SHOWN]) + more


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"
