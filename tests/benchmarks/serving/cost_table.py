"""The cost table: ours by what is paid for, beside SageMaker, at several volumes a month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from tests.benchmarks.figures import Section
from tests.benchmarks.serving import costs
from tests.benchmarks.serving.costs import MILLION, Assumed, Measured
from tests.benchmarks.serving.prices import PriceList

_MILLIONS = (0.1, 1.0, 10.0, 100.0)


def section(listed: PriceList, measured: Measured, *, their_ms: float | None) -> Section:
    """Return the table.

    Args:
        listed: the prices.
        measured: what was measured of ours.
        their_ms: the median of MLflow's server, which SageMaker runs for an MLflow model; `None` if not measured.
    """
    assumed = Assumed()
    bills = {millions: _bill(millions * MILLION, listed, measured, assumed, their_ms) for millions in _MILLIONS}
    kept = costs.idle(listed.prices, measured, assumed)
    rows = [(name, *(f"{bills[millions][name]:,.2f}" for millions in _MILLIONS)) for name in bills[_MILLIONS[0]]]
    return Section(
        name="costs",
        title=f"Dollars a month in {listed.region}, by million single-row predictions a month",
        columns=("what is paid for", *(f"{millions:g} M" for millions in _MILLIONS)),
        rows=rows,
        figures={
            "usd_a_month": {f"{millions:g} M": dict(bill) for millions, bill in bills.items()},
            "usd_a_million": {f"{millions:g} M": bills[millions][_TOTAL] / millions for millions in _MILLIONS},
            "idle_usd_a_month": dict(kept),
            "measured": asdict(measured),
            "assumed": asdict(assumed),
            "prices_read": listed.read.isoformat(),
            "sources": dict(listed.sources),
        },
        notes=_notes(listed, measured, assumed, kept),
    )


_ALONE, _TOTAL = "Serinus, answering alone", "Serinus, with record, metrics, collection, rollouts"


def _bill(
    requests: float, listed: PriceList, measured: Measured, assumed: Assumed, their_ms: float | None
) -> Mapping[str, float]:
    prices = listed.prices
    serving = costs.serving(requests, prices, measured, assumed)
    watching = costs.watching(requests, prices, measured, assumed)
    kept = sum(costs.idle(prices, measured, assumed).values())
    alone = sum(serving.values())
    bill = {
        **serving,
        _ALONE: alone,
        **watching,
        "kept and scheduled, whatever is asked": kept,
        _TOTAL: costs.total(requests, prices, measured, assumed),
        "the same, were the log delivered once a minute": costs.total(
            requests, prices, measured, replace(assumed, delivered_every_seconds=60.0)
        ),
        "SageMaker serverless, as fast as ours": costs.sagemaker_serverless(
            requests, measured.answer_ms, prices, measured, assumed.memory_gb
        ),
    }
    if their_ms is not None:
        bill["SageMaker serverless, as fast as MLflow's server here"] = costs.sagemaker_serverless(
            requests, their_ms, prices, measured, assumed.memory_gb
        )
    bill["SageMaker always on, one ml.t2.medium"] = costs.sagemaker_always_on(requests, prices, measured)
    return bill


def _notes(listed: PriceList, measured: Measured, assumed: Assumed, kept: Mapping[str, float]) -> tuple[str, ...]:
    shared = costs.deployment(listed.prices)
    dearer = costs.dearer_from(listed.prices, measured, assumed) / MILLION
    return (
        _said_of(measured),
        _said_of_assumptions(assumed),
        f"Idle, an endpoint costs ${sum(kept.values()):.2f} a month ({_listing(kept)}), and the deployment that "
        f"endpoints share ${sum(shared.values()):.2f} ({_listing(shared)}).",
        "SageMaker's rows are for the answer alone: no API in front, no record, no collection. Its smallest endpoint "
        f"that is always on is cheaper than all of ours from {dearer:.1f} million requests a month on.",
        f"Prices of {listed.read.isoformat()}, each with its source: tests/benchmarks/serving/prices.toml.",
    )


def _said_of(measured: Measured) -> str:
    return (
        f"Measured: {measured.answer_ms * 1e3:.0f} µs a request (a whole ms is billed), start "
        f"{measured.start_ms:.0f} ms, "
        f"a log line of {measured.line_bytes:,.0f} bytes and {measured.platform_bytes:,.0f} of the platform's, "
        f"{measured.collect_ms:.1f} ms to collect one request, which leaves "
        f"{measured.records_bytes + measured.part_bytes:,.0f} bytes."
    )


def _said_of_assumptions(assumed: Assumed) -> str:
    return (
        "Assumed: requests spread evenly, "
        f"a delivery of the log at most every {assumed.delivered_every_seconds:g} s, "
        f"{assumed.cold_share:.0%} cold starts, {assumed.aws_call_ms:g} ms a call of AWS, {assumed.rollouts:g} "
        f"rollouts a month undecided for a day, {assumed.memory_gb:g} GB; "
        "free tiers, transfer out and taxes left out."
    )


def _listing(dollars: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {amount:.2f}" for name, amount in dollars.items())
