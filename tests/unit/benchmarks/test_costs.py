"""What predictions cost: the arithmetic, and that every price says where it was read."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from serinus.domain.rollout_plan import RolloutPlan
from tests.benchmarks.serving import costs
from tests.benchmarks.serving.cost_table import section
from tests.benchmarks.serving.costs import Assumed, Measured
from tests.benchmarks.serving.prices import Prices, price_list

PRICES = price_list().prices
FREE = Prices(**dict.fromkeys((field.name for field in dataclasses.fields(Prices)), 0.0))
ASSUMED = Assumed()
_MONTH_SECONDS = 730 * 3_600
MEASURED = Measured(
    answer_ms=0.1,
    start_ms=100,
    line_bytes=1_500,
    platform_bytes=400,
    request_bytes=300,
    answer_bytes=200,
    collect_ms=5,
    collect_more_ms=0.1,
    records_bytes=10_000,
    records_more_bytes=300,
    part_bytes=1_000,
    model_bytes=10_000_000,
)


def free_but(**dollars: float) -> Prices:
    """Return prices that are nought but for these."""
    return dataclasses.replace(FREE, **dollars)


def test_a_million_requests_at_the_listed_prices() -> None:
    """By hand: 0.20 for the requests, 1.00 for the API, 1 GB × 1 ms × a million, and the cold starts."""
    assumed = dataclasses.replace(ASSUMED, cold_share=0.0)
    bill = costs.serving(1e6, PRICES, MEASURED, assumed)
    assert bill == pytest.approx({"Lambda: requests": 0.2, "Lambda: time": 0.0166667, "HTTP API": 1.0})
    cold = costs.serving(1e6, PRICES, MEASURED, dataclasses.replace(ASSUMED, cold_share=0.01))
    started = 173  # 100 ms of work on 1,024 of 1,769 MB
    assert cold["Lambda: time"] - bill["Lambda: time"] == pytest.approx(0.01 * 1e6 * started / 1e3 * 0.0000166667)


def test_the_log_is_paid_by_the_byte() -> None:
    """1,900 bytes a request are 1.9 GB a million; kept, they are compressed."""
    bill = costs.watching(1e6, PRICES, MEASURED, ASSUMED)
    assert bill["log: ingested"] == pytest.approx(0.95)
    assert bill["log: kept a month"] == pytest.approx(1.9 * 0.15 * 0.03)


@pytest.mark.parametrize("rate", [0.001, 1.0, 1_000.0])
def test_batches_are_between_one_a_request_and_one_a_wait(rate: float) -> None:
    """Rare requests come alone; dense ones share a batch, and there is at most one each time that it waits."""
    requests = rate * _MONTH_SECONDS
    batches = costs.deliveries(requests, 5.0)
    assert batches <= min(requests, _MONTH_SECONDS / 5.0)
    assert batches == pytest.approx(requests / (1 + 5.0 * rate))


def test_each_batch_writes_two_objects() -> None:
    """The rows, and the counts."""
    bill = costs.watching(1e6, free_but(s3_put=1.0), MEASURED, ASSUMED)
    assert bill["collection: objects written"] == pytest.approx(2 * costs.deliveries(1e6, 1.0))
    assert sum(bill.values()) == bill["collection: objects written"]


def test_a_rollout_is_paid_by_the_tick() -> None:
    """At most one a tick until the horizon, of three transitions each, and five besides; whatever is asked."""
    plan = RolloutPlan()
    bill = costs.watching(1.0, free_but(state_transition=1.0), MEASURED, ASSUMED)
    assert bill["rollouts"] == ASSUMED.rollouts * (3 * plan.horizon_seconds / plan.tick_seconds + 5)
    assert costs.watching(1e9, free_but(state_transition=1.0), MEASURED, ASSUMED) == bill


def test_idle_costs_no_answer() -> None:
    """Alarms, the hourly checks, what is stored: nothing of it grows with requests."""
    assert costs.idle(free_but(alarm_metric_month=0.1), MEASURED, ASSUMED)["alarms"] == pytest.approx(1.1)
    assert costs.total(0.0, FREE, MEASURED, ASSUMED) == 0
    assert sum(costs.idle(PRICES, MEASURED, ASSUMED).values()) < 1.4
    assert costs.deployment(free_but(key_month=1.0))["keys"] == costs.KEYS_OF_A_DEPLOYMENT


def test_sagemaker_serverless_is_paid_by_time_memory_and_bytes() -> None:
    """By hand: 3 ms × 2 GB × a million at 0.00002, and 0.5 GB moved at 0.016."""
    found = costs.sagemaker_serverless(1e6, 3.0, PRICES, MEASURED, 2.0)
    assert found == pytest.approx(3e-3 * 2 * 1e6 * 0.00002 + 0.5 * 0.016)


def test_always_on_wins_from_where_ours_costs_as_much() -> None:
    """Below that volume ours is cheaper, above it dearer."""
    volume = costs.dearer_from(PRICES, MEASURED, ASSUMED)
    for requests, ours_is_cheaper in ((0.9 * volume, True), (1.1 * volume, False)):
        theirs = costs.sagemaker_always_on(requests, PRICES, MEASURED)
        assert (costs.total(requests, PRICES, MEASURED, ASSUMED) < theirs) is ours_is_cheaper


def test_the_table_adds_up() -> None:
    """What is listed for ours is what the total says, in every column."""
    listed = section(price_list(), MEASURED, their_ms=1.5)
    for bill in listed.figures["usd_a_month"].values():
        alone, whole = (value for name, value in bill.items() if name.startswith("Serinus"))
        parts = [value for name, value in bill.items() if not name.startswith(("Serinus", "SageMaker", "the same"))]
        assert sum(parts[:3]) == pytest.approx(alone)
        assert sum(parts) == pytest.approx(whole)
        assert sum(name.startswith("SageMaker") for name in bill) == 3
    assert all(len(row) == len(listed.columns) for row in listed.rows)


def test_every_price_says_where_it_was_read() -> None:
    """A price without a source is refused, and so are one too few and one too many."""
    listed = price_list()
    assert listed.region == "us-east-1"
    assert listed.sources.keys() == {field.name for field in dataclasses.fields(Prices)}


@pytest.mark.parametrize(
    "change", [("https://", "ftp://"), ("[lambda_request]", "[lambda_requests]"), ("= 0.20e-6", "= -1")]
)
def test_a_price_that_is_not_sound_is_refused(change: tuple[str, str], tmp_path: Path) -> None:
    """By the file's name, and what is wrong."""
    source = Path(costs.__file__).with_name("prices.toml").read_text(encoding="utf-8")
    changed = tmp_path / "prices.toml"
    changed.write_text(source.replace(*change, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=r"prices\.toml: "):
        price_list(changed)
