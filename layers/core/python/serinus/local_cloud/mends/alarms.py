"""Alarms are evaluated every second on their own metric, and their changes reach EventBridge.

AWS: an alarm watches the metric with exactly its dimensions over periods of 10, 20, 30 or n x 60 seconds, honours
``DatapointsToAlarm`` and ``TreatMissingData``, and publishes ``CloudWatch Alarm State Change`` to EventBridge on
every change, besides its SNS and Lambda actions. It may watch an expression over several metrics instead of one. A
metric of standard resolution has data at whole minutes only, so an alarm with a shorter period on it mostly lacks
data.

Stock: alarms are evaluated when metrics are put, over all dimensions together, without M-of-N or missing data; any
period is taken; metric math is dropped in silence; there is no event and no Lambda action.

Mended: an evaluator of our own replaces the stock one, which takes of metric math what :mod:`metric_math` knows, and
refuses the rest. An alarm on an expression is taken from the API; the stock CloudFormation refuses it itself.
"""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import cloudwatch

from serinus.local_cloud.mends.alarm_states import Evaluation, evaluate, refusal_of
from serinus.local_cloud.mends.metric_math import value_of
from serinus.local_cloud.mends.metric_points import STANDARD_RESOLUTION_SECONDS
from serinus.local_cloud.mends.replacing import replace

EVALUATION_SECONDS = 1.0

_logger = logging.getLogger("serinus.alarms")


def _time_of(point: Mapping[str, Any], period: int) -> float:
    """When a point counts: a standard-resolution one at its whole minute, for an alarm that looks closer."""
    resolution = point.get("Resolution", STANDARD_RESOLUTION_SECONDS)
    at = float(point["Timestamp"])
    return at - at % 60 if period < STANDARD_RESOLUTION_SECONDS <= resolution else at


def period_values(alarm: Mapping[str, Any], now: float) -> list[float | None]:
    """One value of what the alarm watches a period, the newest first; None where there is none."""
    periods = int(alarm["EvaluationPeriods"])
    queries = alarm.get("Metrics") or ()
    if not queries:
        statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
        return _metric_values({**alarm, "Stat": statistic}, periods, now)
    values = {
        query["Id"]: _metric_values(
            query["MetricStat"]["Metric"] | {key: query["MetricStat"].get(key) for key in ("Period", "Stat", "Unit")},
            periods,
            now,
        )
        for query in queries
        if query.get("MetricStat")
    }
    expression = next(query["Expression"] for query in queries if query.get("Expression"))
    return [value_of(expression, {id_: found[at] for id_, found in values.items()}) for at in range(periods)]


def _metric_values(watched: Mapping[str, Any], periods: int, now: float) -> list[float | None]:
    """Return the statistic `Stat` of one metric in each period."""
    dimensions = cloudwatch._dims_from_list(watched.get("Dimensions") or [])
    key = (watched["Namespace"], watched["MetricName"], cloudwatch._dims_key(dimensions))
    period, unit = int(watched["Period"]), watched.get("Unit")
    windows: list[list[Mapping[str, Any]]] = [[] for _ in range(periods)]
    for point in list(cloudwatch._metrics.get(key) or []):
        index = int((now - _time_of(point, period)) // period)
        if 0 <= index < periods and (not unit or point.get("Unit") == unit):
            windows[index].append(point)
    return [_statistic_of(window, str(watched["Stat"])) for window in windows]


def _statistic_of(points: list[Mapping[str, Any]], statistic: str) -> float | None:
    if not points:
        return None
    value: float | None = cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points)
    return value


def _evaluate(alarm: dict[str, Any]) -> None:
    found = evaluate(alarm, period_values(alarm, time.time()))
    if found is not None and found.state != alarm["StateValue"]:
        _change(alarm, found)


def _change(alarm: dict[str, Any], found: Evaluation) -> None:
    old = alarm["StateValue"]
    alarm["StateValue"] = found.state
    alarm["StateReason"] = found.reason
    alarm["StateUpdatedTimestamp"] = int(time.time())
    alarm["serinus_values"] = list(found.values)
    cloudwatch._record_history(alarm["AlarmName"], old, found.state, found.reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, found.state, found.reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _evaluate_every_account() -> None:
    for (account, region, name), alarm in cloudwatch._alarms.all_items():
        set_request_account_id(account)
        set_request_region(region)
        try:
            _evaluate(alarm)
        except Exception:
            _logger.exception("alarm %s could not be evaluated", name)


def _run() -> None:
    while True:
        time.sleep(EVALUATION_SECONDS)
        _evaluate_every_account()


def _put(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    def put(params: dict[str, Any], body: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:  # noqa: ANN401
        if not (is_cbor or is_json):
            return _refused("PutMetricAlarm is taken as CBOR or JSON only", is_cbor=is_cbor, is_json=is_json)
        problem = refusal_of(body)
        if problem is not None:
            return _refused(problem, is_cbor=is_cbor, is_json=is_json)
        answer = original(params, body, is_cbor, is_json)
        if body.get("Metrics"):
            cloudwatch._alarms[body["AlarmName"]]["Metrics"] = body["Metrics"]
        return answer

    return put


def _refused(problem: str, *, is_cbor: bool, is_json: bool) -> Any:  # noqa: ANN401 - ministack is untyped
    return cloudwatch._error("ValidationError", problem, 400, use_json=is_json, use_cbor=is_cbor)


def _put_from_template(original: Any) -> Any:  # noqa: ANN401
    def put(alarm: dict[str, Any]) -> None:
        problem = refusal_of(alarm)
        if problem is not None:
            raise ValueError(problem)
        original(alarm)

    return put


def _nothing(_original: Any) -> Any:  # noqa: ANN401
    def nothing(*_arguments: object) -> None:
        """The stock evaluator's place: the thread of this mend evaluates."""

    return nothing


def apply() -> None:
    """Apply the mend."""
    replace(cloudwatch, "_evaluate_alarm", _nothing)
    replace(cloudwatch, "_evaluate_all_alarms", _nothing)
    replace(cloudwatch, "_put_metric_alarm", _put)
    replace(cloudwatch, "cloudformation_put_metric_alarm", _put_from_template)
    threading.Thread(target=contextvars.Context().run, args=(_run,), daemon=True, name="alarms").start()
