"""Reviewing performance by labels: floors that are broken for sure, and scores that no longer mean what they did."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pytest

from serinus.domain.metric import Metric, MetricGate
from serinus.domain.policy import PerformanceLimits
from serinus.domain.table import Table
from serinus.domain.task import BINARY_TARGET
from serinus.errors import EndpointNotFound
from serinus.use_cases.measure_performance import measure_performance
from serinus.use_cases.review_performance import PerformanceReview, review_performance
from tests.builders import (
    FRAUD,
    NOON,
    PERFORMANCE,
    Died,
    World,
    a_policy,
    a_prediction,
    a_table,
    built_once,
    scores_of,
)

ROWS = 1_500
FLOOR = replace(PERFORMANCE, floors=(MetricGate(Metric.ROC_AUC, minimum=0.7),))

Truth = Callable[[Table], npt.NDArray[np.float64]]


def review(world: World) -> PerformanceReview:
    """Look once."""
    return review_performance(FRAUD, reviewing=world.reviewing)


def as_scored(rows: Table) -> npt.NDArray[np.float64]:
    """Return labels that fall as the held-out rows' did: by their scores' own logistic chance (see `a_holdout`)."""
    chance = 1 / (1 + np.exp(-2.0 * np.asarray(rows.columns["amount"], dtype=np.float64)))
    return (np.random.default_rng(8).random(rows.rows) < chance).astype(np.float64)


def by_coin(rows: Table) -> npt.NDArray[np.float64]:
    """Return labels that have nothing to do with the rows any more."""
    return (np.random.default_rng(8).random(rows.rows) < 0.5).astype(np.float64)


@built_once
def a_labelled_world(truth: Truth, *, labelled: int = ROWS, performance: PerformanceLimits = FLOOR) -> World:
    """Return a world whose live release has answered rows, so many of them labelled."""
    world = World(a_policy(performance=performance))
    world.published()
    rows = a_table(ROWS, seed=3)
    for begin in range(0, ROWS, 100):
        world.later(20)
        asked = [
            a_prediction(f"r{row}", at=world.now, features=rows.slice(row, row + 1))
            for row in range(begin, begin + 100)
        ]
        world.collect(asked, release=2)
    world.later(60)
    labels = truth(rows)
    world.label({f"id-r{row}": float(labels[row]) for row in range(labelled)})
    return world


def test_labels_that_fall_as_expected_announce_nothing() -> None:
    """The truth is within its floors, and within its estimate."""
    found = review(a_labelled_world(as_scored))
    assert (found.release, found.rows, found.labelled_rows) == (2, ROWS, ROWS)
    assert (found.broken, found.unexpected, found.announced, found.reason) == ((), (), (), "as good as expected")


def test_labels_that_contradict_the_scores_are_announced_as_what_they_are() -> None:
    """A floor is broken by the truth, and scores no longer mean what they did: two events, each with its figures."""
    world = a_labelled_world(by_coin)
    found = review(world)
    assert [broken.floor.metric for broken in found.broken] == [Metric.ROC_AUC]
    assert Metric.ROC_AUC in found.unexpected
    assert found.announced == ("PerformanceDropped", "ConceptDriftDetected")
    dropped, drifted = world.events.published[-2:]
    assert (dropped.detail["realised"], dropped.detail["labelled_rows"]) == (True, ROWS)
    assert "roc_auc is 0." in str(dropped.detail["reason"])
    assert "minimum 0.7), by the labels of 1500 of 1500 rows" in str(dropped.detail["reason"])
    assert "was expected of the same rows" in str(drifted.detail["reason"])
    (*_, (_, release, figures)) = world.metrics.put_so_far
    assert (release, figures.of_endpoint["ConceptDrifted"]) == (2, 1.0)
    assert figures.of_endpoint["RealisedRocAucAtBest"] < 0.7
    assert [deed.split(":")[0] for deed in world.deeds()[-2:]] == ["realised", "concept"]
    assert json.loads(json.dumps(asdict(found)))["labelled_rows"] == ROWS


def test_the_estimate_alone_does_not_see_it() -> None:
    """That is what labels are for: the scores look as they always did."""
    world = a_labelled_world(by_coin)
    end = world.now + timedelta(minutes=1)
    found = measure_performance(FRAUD, start=NOON - timedelta(hours=1), end=end, measuring=world.measuring)
    (measured,) = found.releases
    assert measured.estimated.metrics[Metric.ROC_AUC].low > 0.7
    assert measured.realised.realised[Metric.ROC_AUC].high < 0.7
    assert measured.realised.is_expected(Metric.ROC_AUC) is False


def test_an_announcement_is_made_once_in_a_window() -> None:
    """The second look finds it said."""
    world = a_labelled_world(by_coin)
    review(world)
    again = review(world)
    assert (again.announced, len(again.broken)) == ((), 1)


def test_too_few_labels_say_nothing() -> None:
    """However badly they fall; with the number that it takes."""
    found = review(a_labelled_world(by_coin, labelled=PERFORMANCE.minimum_rows - 1))
    assert (found.announced, found.reason) == ((), "499 of 500 labelled rows have come")


def test_nothing_is_joined_while_no_labels_come() -> None:
    """What they said, earlier looks have seen; the next ones are looked at, and a look that was missed is made up."""
    world = a_labelled_world(by_coin)
    world.later(2 * 60 * PERFORMANCE.every_minutes)
    assert review(world).announced == ("PerformanceDropped", "ConceptDriftDetected")
    world.later(1)
    assert review(world).reason == "no labels have come since the last look"
    world.label({"id-r0": 1.0}, name="later")
    assert review(world).labelled_rows == ROWS


def test_labels_of_one_class_say_nothing() -> None:
    """No metric can be taken of them."""
    found = review(a_labelled_world(lambda rows: np.ones(rows.rows)))
    assert (found.announced, found.reason) == (
        (),
        f"the labels that have come tell nothing: it takes {BINARY_TARGET.needs}",
    )


def test_labels_of_chosen_rows_are_told_as_such() -> None:
    """The event says that they may not speak for the rest."""
    world = a_labelled_world(by_coin, labelled=0)
    rows = a_table(ROWS, seed=3)
    labels, high = by_coin(rows), scores_of(rows) > 0.4
    world.label({f"id-r{row}": float(labels[row]) for row in np.flatnonzero(high)})
    found = review(world)
    assert 500 < found.labelled_rows < ROWS
    assert world.events.published[-1].detail["labels_selected"] is True
    assert "which are not of the same kind as the rest" in str(world.events.published[-1].detail["reason"])


def test_a_damaged_file_is_told_and_the_others_count() -> None:
    """By its name."""
    world = a_labelled_world(as_scored)
    world.data.put(f"labels/{FRAUD}/broken.parquet", b"PAR1")
    found = review(world)
    assert found.labelled_rows == ROWS
    assert "broken.parquet" in found.findings[0]


def test_dying_after_any_write_announces_again_and_records_once() -> None:
    """An announcement is sent before it is recorded, so that it is never lost."""
    for number in range(1, 7):
        world = a_labelled_world(by_coin)
        world.fate.die_after(number)
        with pytest.raises(Died):
            review(world)
        review(world)
        kinds = [deed.split(":")[0] for deed in world.deeds()]
        assert (kinds.count("realised"), kinds.count("concept")) == (1, 1)
        assert {"PerformanceDropped", "ConceptDriftDetected"} <= set(world.event_names())


def test_before_anything_is_released_there_is_nothing_to_review() -> None:
    """An endpoint that answers 503 has no performance; one that is not deployed is an error."""
    assert review(World()).reason == "nothing is released yet"
    with pytest.raises(EndpointNotFound):
        review_performance("nobody", reviewing=World().reviewing)
