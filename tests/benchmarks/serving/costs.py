"""What predictions cost a month: arithmetic over public prices, measured figures and stated assumptions; no more.

One row a request, spread evenly over the month, which is the worst case for whatever is paid by the batch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from serinus.domain.rollout_plan import RolloutPlan
from serinus.domain.serving import Serving
from tests.benchmarks.serving.prices import Prices

MILLION = 1e6
_GB = 1e9
_MONTH_HOURS = 730.0
_MONTH_SECONDS = _MONTH_HOURS * 3_600
_GB_OF_A_PROCESSOR = 1_769 / 1_024  # a function of so much memory has the equivalent of one (Lambda's documentation)


@dataclass(frozen=True)
class Measured:
    """What was measured on this machine.

    Attributes:
        answer_ms: one request, from event to answer, in processor time, as all times of work.
        start_ms: a fresh process until `infer` is ready.
        line_bytes: the prediction record's line.
        platform_bytes: the platform's two lines about the same request.
        request_bytes: the request's body, and `answer_bytes` the answer's.
        collect_ms: the work of collecting one request alone, and `collect_more_ms` what each further one adds.
        records_bytes: the stored rows of one request alone, and `records_more_bytes` what each further one adds.
        part_bytes: the stored counts of one request alone.
        model_bytes: the model's layer.
    """

    answer_ms: float
    start_ms: float
    line_bytes: float
    platform_bytes: float
    request_bytes: float
    answer_bytes: float
    collect_ms: float
    collect_more_ms: float
    records_bytes: float
    records_more_bytes: float
    part_bytes: float
    model_bytes: float


@dataclass(frozen=True)
class Assumed:
    """What cannot be measured on a laptop.

    Attributes:
        memory_gb: of `infer`, as a policy has it by default.
        control_gb: of `collect_predictions`, `advance_rollout` and `detect_drift`.
        compact_gb: of `compact_profiles`, `compact_labels` and `review_performance`.
        delivered_every_seconds: how long a subscription waits for more of a log stream. AWS states no figure; the
            longer it is, the cheaper is collection.
        aws_call_ms: one call of S3 or DynamoDB from a function.
        control_start_ms: a control-plane function's cold start, paid by every scheduled run.
        cold_share: of the requests that meet a fresh process.
        log_ratio: what a kept log takes of its bytes (AWS's pricing examples say 0.15).
        rollouts: a month, each undecided until its horizon.
        versions_kept: releases whose layers and models are stored.
    """

    memory_gb: float = Serving().memory_mb / 1_024
    control_gb: float = 1.0
    compact_gb: float = 2.0
    delivered_every_seconds: float = 1.0
    aws_call_ms: float = 20.0
    control_start_ms: float = 2_000.0
    cold_share: float = 0.01
    log_ratio: float = 0.15
    rollouts: float = 2.0
    versions_kept: float = 10.0


# What the stacks make, counted in their templates by tests/infra.
SERIES_OF_A_RELEASE = 5  # the metrics of a prediction record
SERIES_OF_AN_ENDPOINT = 1  # its server errors over all releases
SERIES_OF_LOOKS = 11  # what drift checks, estimates and reviews publish, for a policy with one floor
ALARM_METRICS_OF_AN_ENDPOINT = 11  # eight alarms of one metric, the floor's two among them, and one of three
ALARM_METRICS_OF_A_DEPLOYMENT = 15  # a queue of what failed for each of these
KEYS_OF_A_DEPLOYMENT = 2
DASHBOARDS_OF_A_DEPLOYMENT = 2

_CALLS_OF_A_DELIVERY = 4  # the release, its reference; then records and part are written
_TRANSITIONS_OF_A_TICK = 3  # wait, advance, choose
_TRANSITIONS_OF_A_ROLLOUT = 5  # before the first tick, and the end
_CALLS_OF_A_TICK = 10
_WRITES_OF_A_TICK = 2
_LISTS_AN_HOUR = 7


def deliveries(requests: float, every_seconds: float) -> float:
    """Return how many batches a month's requests come in.

    A batch is open for so many seconds from its first request on. Arrivals are Poisson, so that the time from one
    batch to the next is the wait and then a gap of 1 / rate: the rate of batches is rate / (1 + rate × wait).

    >>> round(deliveries(1_000_000, 0.0))
    1000000
    >>> deliveries(1e12, 1.0) < 730 * 3600
    True
    """
    rate = requests / _MONTH_SECONDS
    return requests / (1 + rate * every_seconds)


def ticks(plan: RolloutPlan) -> float:
    """Return how often a rollout is looked at that is undecided until its horizon: none is looked at more often.

    >>> ticks(RolloutPlan(tick_seconds=60, horizon_seconds=86_400))
    1440.0
    """
    return float(math.ceil(plan.horizon_seconds / plan.tick_seconds))


def billed_seconds(work_ms: float, gb: float, *, waiting_ms: float = 0.0) -> float:
    """Return what is billed for work that takes so long on a whole processor, and for waiting besides.

    A function's share of a processor grows with its memory up to a whole one; whole milliseconds are billed.

    >>> billed_seconds(0.05, 1.0)
    0.001
    >>> billed_seconds(100.0, 0.5 * 1769 / 1024, waiting_ms=10.0)
    0.21
    """
    share = min(1.0, gb / _GB_OF_A_PROCESSOR)
    return math.ceil(round(work_ms / share + waiting_ms, 6)) / 1_000


def serving(requests: float, prices: Prices, measured: Measured, assumed: Assumed) -> Mapping[str, float]:
    """Return the dollars a month of answering alone, by what they are paid for."""
    warm = billed_seconds(measured.answer_ms, assumed.memory_gb)
    cold = assumed.cold_share * billed_seconds(measured.start_ms, assumed.memory_gb)
    return {
        "Lambda: requests": requests * prices.lambda_request,
        "Lambda: time": requests * (warm + cold) * assumed.memory_gb * prices.lambda_gb_second,
        "HTTP API": requests * prices.http_api_request,
    }


def watching(requests: float, prices: Prices, measured: Measured, assumed: Assumed) -> Mapping[str, float]:
    """Return the dollars a month of the prediction log, metrics, collection, compaction and rollouts."""
    logged = requests * (measured.line_bytes + measured.platform_bytes) / _GB
    batches = deliveries(requests, assumed.delivered_every_seconds)
    more = requests - batches
    stored = batches * (measured.records_bytes + measured.part_bytes) + more * measured.records_more_bytes
    compacting = assumed.compact_gb * prices.lambda_gb_second * assumed.aws_call_ms / 1_000
    return {
        "log: ingested": logged * prices.log_gb,
        "log: kept a month": logged * assumed.log_ratio * prices.log_gb_month,
        "metrics": (SERIES_OF_A_RELEASE + SERIES_OF_AN_ENDPOINT + SERIES_OF_LOOKS) * prices.metric_month,
        "collection: Lambda": batches * prices.lambda_request
        + _collecting_seconds(batches, more, measured, assumed) * assumed.control_gb * prices.lambda_gb_second,
        "collection: objects written": 2 * batches * prices.s3_put,
        "collection: reads": batches * (prices.s3_get + prices.dynamodb_read),
        "objects kept a month": stored / _GB * prices.s3_gb_month,
        "compaction": batches * (prices.s3_get + compacting),
        "rollouts": assumed.rollouts * _rollout(prices, assumed),
    }


def idle(prices: Prices, measured: Measured, assumed: Assumed) -> Mapping[str, float]:
    """Return the dollars a month that an endpoint costs while nobody asks."""
    an_hour = 6 + 1 / 24  # drift, an estimate, labels, two compactions, a look for deploys; pruning once a day
    gb = (an_hour - 3) * assumed.control_gb + 3 * assumed.compact_gb
    run = an_hour * prices.lambda_request + gb * assumed.control_start_ms / 1_000 * prices.lambda_gb_second
    return {
        "alarms": ALARM_METRICS_OF_AN_ENDPOINT * prices.alarm_metric_month,
        "hourly and daily runs": _MONTH_HOURS * (run + _LISTS_AN_HOUR * prices.s3_put),
        "models kept": 2 * assumed.versions_kept * measured.model_bytes / _GB * prices.s3_gb_month,
    }


def deployment(prices: Prices) -> Mapping[str, float]:
    """Return the dollars a month of what all endpoints of a deployment share."""
    return {
        "keys": KEYS_OF_A_DEPLOYMENT * prices.key_month,
        "dashboards": DASHBOARDS_OF_A_DEPLOYMENT * prices.dashboard_month,
        "alarms": ALARM_METRICS_OF_A_DEPLOYMENT * prices.alarm_metric_month,
    }


def sagemaker_serverless(
    requests: float, milliseconds: float, prices: Prices, measured: Measured, gb: float
) -> float:
    """Return the dollars a month of a serverless endpoint of that memory that takes so long for each request."""
    moved = requests * (measured.request_bytes + measured.answer_bytes) / _GB
    compute = requests * billed_seconds(milliseconds, gb) * gb * prices.sagemaker_serverless_gb_second
    return compute + moved * prices.sagemaker_data_gb


def sagemaker_always_on(requests: float, prices: Prices, measured: Measured) -> float:
    """Return the dollars a month of one instance of the smallest kind, whatever it is asked."""
    moved = requests * (measured.request_bytes + measured.answer_bytes) / _GB
    return _MONTH_HOURS * prices.sagemaker_instance_hour + moved * prices.sagemaker_data_gb


def total(requests: float, prices: Prices, measured: Measured, assumed: Assumed) -> float:
    """Return all dollars a month of an endpoint that is asked so often."""
    bills = serving(requests, prices, measured, assumed), watching(requests, prices, measured, assumed)
    return sum(sum(bill.values()) for bill in (*bills, idle(prices, measured, assumed)))


def dearer_from(prices: Prices, measured: Measured, assumed: Assumed) -> float:
    """Return the requests a month from which on ours costs more than the smallest endpoint that is always on."""
    low, high = 0.0, 1e12
    while high - low > 1_000:
        middle = (low + high) / 2
        if total(middle, prices, measured, assumed) < sagemaker_always_on(middle, prices, measured):
            low = middle
        else:
            high = middle
    return high


def _collecting_seconds(batches: float, more: float, measured: Measured, assumed: Assumed) -> float:
    waited = _CALLS_OF_A_DELIVERY * assumed.aws_call_ms
    one = billed_seconds(measured.collect_ms, assumed.control_gb, waiting_ms=waited)
    return batches * one + more * measured.collect_more_ms / 1_000 * max(1.0, _GB_OF_A_PROCESSOR / assumed.control_gb)


def _rollout(prices: Prices, assumed: Assumed) -> float:
    looked = ticks(RolloutPlan())
    seconds = billed_seconds(0.0, assumed.control_gb, waiting_ms=_CALLS_OF_A_TICK * assumed.aws_call_ms)
    tick = (
        _TRANSITIONS_OF_A_TICK * prices.state_transition
        + prices.lambda_request
        + seconds * assumed.control_gb * prices.lambda_gb_second
        + _WRITES_OF_A_TICK * prices.dynamodb_write
        + _CALLS_OF_A_TICK * (prices.s3_get + prices.dynamodb_read)
    )
    return looked * tick + _TRANSITIONS_OF_A_ROLLOUT * prices.state_transition
