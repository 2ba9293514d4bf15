"""A change of an alarm's state is an event on the default bus, and can call a function.

AWS: every change of state, evaluated or set, is published to EventBridge as ``CloudWatch Alarm State Change`` with
the alarm's configuration and its state before and after; actions for the new state may name SNS topics and Lambda
functions.

Stock: SNS topics only, and no event.

Mended: both, where ministack dispatches an alarm's actions.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, eventbridge, lambda_svc

from serinus.local_cloud.mends.replacing import replace

_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}

_last_states: dict[str, dict[str, Any]] = {}


def _at(epoch_seconds: float) -> str:
    moment = datetime.fromtimestamp(epoch_seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def _configuration(alarm: Mapping[str, Any]) -> dict[str, Any]:
    if "AlarmRule" in alarm:
        return {"alarmRule": alarm["AlarmRule"], "actionsSuppressor": None}
    metric = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, alarm["AlarmArn"])),
        "metricStat": {
            "metric": {
                "dimensions": cloudwatch._dims_from_list(alarm.get("Dimensions") or []),
                "name": alarm.get("MetricName"),
                "namespace": alarm.get("Namespace"),
            },
            "period": alarm.get("Period"),
            "stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
        },
        "returnData": True,
    }
    described = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    return described | {"metrics": [metric]}


def _state(alarm: Mapping[str, Any], value: str, reason: str) -> dict[str, Any]:
    now = time.time()
    data = {
        "version": "1.0",
        "queryDate": _at(now),
        "statistic": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
        "period": alarm.get("Period"),
        "recentDatapoints": alarm.get("serinus_values", []),
        "threshold": alarm.get("Threshold"),
    }
    return {"reason": reason, "reasonData": json.dumps(data), "timestamp": _at(now), "value": value}


def _detail(alarm: Mapping[str, Any], old: str, new: str, reason: str) -> dict[str, Any]:
    arn = alarm["AlarmArn"]
    before = _last_states.get(arn)
    if before is None or before["value"] != old:
        before = {
            "reason": "Unchecked: Initial alarm creation",
            "timestamp": _at(alarm.get("AlarmConfigurationUpdatedTimestamp", time.time())),
            "value": old,
        }
    after = _state(alarm, new, reason)
    _last_states[arn] = after
    return {
        "alarmName": alarm["AlarmName"],
        "configuration": _configuration(alarm),
        "previousState": before,
        "state": after,
    }


def _call_functions(alarm: Mapping[str, Any], new: str, detail: dict[str, Any]) -> None:
    if not alarm.get("ActionsEnabled", True):
        return
    payload = {
        "source": "aws.cloudwatch",
        "alarmArn": alarm["AlarmArn"],
        "accountId": get_account_id(),
        "time": detail["state"]["timestamp"],
        "region": get_region(),
        "alarmData": detail,
    }
    for action in alarm.get(_ACTIONS.get(new, "")) or []:
        if ":function:" in action:
            func, config, _ = lambda_svc._get_func_record_for_ref(action)
            if func and config:
                lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(func, config), payload)


def _dispatch(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    def dispatch(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> None:
        original(alarm, old_state, new_state, reason)
        detail = _detail(alarm, old_state, new_state, reason)
        entry = {
            "Source": "aws.cloudwatch",
            "DetailType": "CloudWatch Alarm State Change",
            "Resources": [alarm["AlarmArn"]],
            "Detail": json.dumps(detail),
        }
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
        _call_functions(alarm, new_state, detail)

    return dispatch


def apply() -> None:
    """Apply the mend."""
    replace(cloudwatch, "_dispatch_alarm_actions", _dispatch)
