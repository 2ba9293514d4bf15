"""Watching performance without labels: announced once, with an interval, and only where a floor is broken."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from serinus.domain.metric import Metric, MetricGate
from serinus.domain.table import Table
from serinus.errors import EndpointNotFound
from serinus.use_cases.estimate_performance import PerformanceCheck, estimate_performance
from tests.builders import FRAUD, PERFORMANCE, Died, World, a_policy, a_prediction, a_table

ROWS = 600
HIGH_FLOOR = replace(PERFORMANCE, floors=(MetricGate(Metric.ROC_AUC, minimum=0.8),))


def check(world: World) -> PerformanceCheck:
    """Look once."""
    return estimate_performance(FRAUD, estimating=world.estimating)


def ask(world: World, rows: Table) -> None:
    """Let release 2 answer these rows in the last minutes, a hundred a minute."""
    for begin in range(0, rows.rows, 100):
        world.later(60)
        request = f"r{world.now.isoformat()}"
        world.collect([a_prediction(request, at=world.now, features=rows.slice(begin, begin + 100))], release=2)
    world.later(60)


def undecided(rows: int = ROWS) -> Table:
    """Return rows whose scores all lie near one half, where the model hardly tells the classes apart."""
    return Table({**a_table(rows, seed=3).columns, "amount": np.random.default_rng(3).normal(0, 0.1, rows)})


def fallen_world() -> World:
    """Return a world whose live release is asked what it cannot tell."""
    world = World(a_policy(performance=HIGH_FLOOR))
    world.published()
    ask(world, undecided())
    return world


def test_a_broken_floor_is_announced_with_the_estimate_and_its_interval() -> None:
    """Ledger and bus name the release, the metric and the numbers, before any label has come."""
    world = fallen_world()
    found = check(world)
    assert (found.release, found.announced) == (2, True)
    assert found.reason.startswith("roc_auc about 0.")
    assert "minimum 0.8) in 600 rows, estimated without labels at 99%" in found.reason
    (event,) = [event for event in world.events.published if event.name == "PerformanceDropped"]
    assert (event.detail["release"], event.detail["version"], event.detail["rows"]) == (2, 1, ROWS)
    assert world.deeds()[-1].startswith("performance:2:")
    ((endpoint, release, figures),) = world.metrics.put_so_far
    assert (endpoint, release) == ("fraud", 2)
    assert figures.of_endpoint["EstimatedRocAucAtBest"] < 0.8
    assert json.loads(json.dumps(asdict(found)))["estimate"]["metrics"]["roc_auc"]["high"] < 0.8


def test_the_gates_are_the_floors_where_none_are_declared() -> None:
    """What a model must reach to be released it must hold."""
    world = World(a_policy(gates=(MetricGate(Metric.ROC_AUC, minimum=0.8), MetricGate(Metric.LOG_LOSS, maximum=0.6))))
    world.published()
    ask(world, undecided())
    assert [broken.floor.metric for broken in check(world).broken] == [Metric.ROC_AUC, Metric.LOG_LOSS]
    assert "log_loss about 0." in check(world).reason
    assert "maximum 0.6" in check(world).reason


def test_traffic_as_before_breaks_nothing() -> None:
    """The estimate is what held-out rows said, near enough."""
    world = World(a_policy(performance=HIGH_FLOOR))
    world.published()
    ask(world, a_table(ROWS, seed=3))
    found = check(world)
    assert (found.announced, found.broken, found.reason) == (False, (), "within its floors")
    assert found.estimate is not None
    measured = world.versions.get(FRAUD, 1).metrics[Metric.ROC_AUC]
    assert found.estimate.metrics[Metric.ROC_AUC].value == pytest.approx(measured, abs=0.03)


def test_too_few_rows_say_nothing() -> None:
    """However badly they score."""
    world = World(a_policy(performance=HIGH_FLOOR))
    world.published()
    ask(world, undecided(PERFORMANCE.minimum_rows - 1))
    assert check(world).reason == "499 of 500 rows in the last 60 minutes"


def test_what_a_score_means_must_be_known() -> None:
    """A version that was validated before labels were kept is not estimated, and the check says why."""
    world = fallen_world()
    version = world.versions.get(FRAUD, 1)
    key = f"models/{FRAUD}/{version.content_digest}/reference.json"
    stored = json.loads(world.artifacts.get(key))
    del stored["held_out"]
    world.artifacts.put(key, json.dumps(stored).encode())
    found = check(world)
    assert (found.announced, found.broken) == (False, ())
    assert found.reason.startswith("the held-out labels do not tell")


def test_bursts_widen_the_interval() -> None:
    """Callers who send alike rows together tell less than as many independent rows."""
    widths = []
    for ordered in (False, True):
        world = World(a_policy())
        world.published()
        rows = a_table(ROWS, seed=3)
        by_amount = np.argsort(rows.columns["amount"])[np.arange(ROWS).reshape(100, 6).T.ravel() % ROWS]
        burst = np.argsort(rows.columns["amount"]).reshape(6, 100)[[0, 5, 1, 4, 2, 3]].ravel()
        ask(world, rows.take(burst if ordered else by_amount))
        estimate = check(world).estimate
        assert estimate is not None
        auc = estimate.metrics[Metric.ROC_AUC]
        widths.append(auc.high - auc.low)
    assert widths[1] > 1.5 * widths[0]


def test_it_is_announced_once_in_a_window() -> None:
    """The second look finds it said; an hour later it is said again."""
    world = fallen_world()
    assert check(world).announced
    again = check(world)
    assert (again.announced, len(again.broken)) == (False, 1)
    world.later(3_000)
    ask(world, undecided())
    assert not check(world).announced
    world.later(600)
    ask(world, undecided())
    assert check(world).announced


def test_dying_after_any_write_announces_again_and_records_once() -> None:
    """An announcement is sent before it is recorded, so that it is never lost."""
    for number in range(1, 4):
        world = fallen_world()
        world.fate.die_after(number)
        with pytest.raises(Died):
            check(world)
        check(world)
        assert [deed for deed in world.deeds() if deed.startswith("performance:")] == [world.deeds()[-1]]
        assert "PerformanceDropped" in world.event_names()


def test_before_anything_is_released_there_is_nothing_to_estimate() -> None:
    """An endpoint that answers 503 has no performance; one that is not deployed is an error."""
    assert check(World()).reason == "nothing is released yet"
    with pytest.raises(EndpointNotFound):
        estimate_performance("nobody", estimating=World().estimating)
