"""How CloudWatch decides an alarm's state, as pure functions over the data points of its periods.

Not a mend of its own: :mod:`serinus.local_cloud.mends.alarms` feeds it. The rules are those of the CloudWatch user
guide, "Configuring how CloudWatch alarms treat missing data", with an evaluation range of exactly
``EvaluationPeriods`` periods that end now (AWS looks a little further back, and aligns periods with the clock).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serinus.local_cloud.mends.metric_math import fault_of

OK = "OK"
ALARM = "ALARM"
INSUFFICIENT_DATA = "INSUFFICIENT_DATA"

SUB_MINUTE_PERIODS = frozenset({10, 20, 30})

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_IN_WORDS = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


def refusal_of(alarm: Mapping[str, Any]) -> str | None:
    """Why CloudWatch, or this local one, would not take an alarm; None where it would.

    >>> refusal_of({"Period": 15, "MetricName": "m", "ComparisonOperator": "LessThanThreshold"})
    'Period must be 10, 20, 30 or a multiple of 60'
    """
    for query in alarm.get("Metrics") or ():
        fault = fault_of(query["Expression"]) if query.get("Expression") else None
        if fault is not None:
            return fault
    period = period_of(alarm)
    periods = int(alarm.get("EvaluationPeriods") or 1)
    if period not in SUB_MINUTE_PERIODS and (period < 60 or period % 60):
        return "Period must be 10, 20, 30 or a multiple of 60"
    if period * periods > (86_400 if period < 3_600 else 604_800):
        return "Period times EvaluationPeriods must not exceed one day, or seven where the period is an hour or more"
    if int(alarm.get("DatapointsToAlarm") or 1) > periods:
        return "DatapointsToAlarm must not exceed EvaluationPeriods"
    if alarm.get("ComparisonOperator") not in _COMPARISONS:
        return "ComparisonOperator must compare with a threshold"
    return None


def period_of(alarm: Mapping[str, Any]) -> int:
    """Return the seconds of an alarm's period; with metric math, that of its metrics.

    >>> period_of({"Metrics": [{"Expression": "a / b"}, {"MetricStat": {"Period": 10}}]})
    10
    """
    for query in alarm.get("Metrics") or ():
        if query.get("MetricStat"):
            return int(query["MetricStat"]["Period"])
    return int(alarm.get("Period") or 60)


@dataclass(frozen=True)
class Evaluation:
    """The state an alarm should be in, and why."""

    state: str
    reason: str
    values: tuple[float, ...]


def evaluate(alarm: Mapping[str, Any], values: Sequence[float | None]) -> Evaluation | None:
    """Decide a state from one value a period, the newest first; None leaves the alarm as it is.

    >>> alarm = {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 1.0, "EvaluationPeriods": 3}
    >>> evaluate(alarm | {"DatapointsToAlarm": 2}, [5.0, None, 3.0]).state
    'ALARM'
    >>> evaluate(alarm | {"TreatMissingData": "ignore"}, [5.0, None, None]) is None
    True
    >>> evaluate(alarm | {"TreatMissingData": "breaching"}, [None, None, None]).state
    'ALARM'
    >>> evaluate(alarm, [None, None, None]).state
    'INSUFFICIENT_DATA'
    """
    needed = int(alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"])
    treatment = alarm.get("TreatMissingData") or "missing"
    real = [value for value in values if value is not None]
    missing = len(values) - len(real)
    compare = _COMPARISONS[alarm["ComparisonOperator"]]
    breaching = sum(compare(value, alarm["Threshold"]) for value in real)
    if treatment == "ignore" and breaching < needed and missing and breaching == len(real):
        return None
    if treatment == "missing":
        if not real:
            return Evaluation(INSUFFICIENT_DATA, _no_data(missing), ())
        needed = min(needed, len(real))
    elif treatment == "breaching":
        breaching += missing
    state = ALARM if breaching >= needed else OK
    return Evaluation(state, _reason(alarm, state, real, missing, breaching, needed), tuple(real))


def _no_data(missing: int) -> str:
    points = "datapoint was" if missing == 1 else "datapoints were"
    return f"Insufficient Data: {missing} {points} unknown."


def _reason(
    alarm: Mapping[str, Any], state: str, real: Sequence[float], missing: int, breaching: int, needed: int
) -> str:
    periods = len(real) + missing
    words = _IN_WORDS[alarm["ComparisonOperator"]]
    threshold = float(alarm["Threshold"])
    if not real:
        points = "datapoint" if missing == 1 else "datapoints"
        treated = "[Breaching]" if state == ALARM else "[NonBreaching]"
        return (
            f"Threshold Crossed: no datapoints were received for {missing} period{'s'[: missing != 1]} and "
            f"{missing} missing {points} {'was' if missing == 1 else 'were'} treated as {treated}."
        )
    is_alarm = state == ALARM
    counted = breaching if is_alarm else periods - breaching
    shown = ", ".join(str(value) for value in real)
    verb = "was" if counted == 1 else "were"
    arrow = "OK -> ALARM" if is_alarm else "ALARM -> OK"
    least = needed if is_alarm else periods - needed + 1
    return (
        f"Threshold Crossed: {counted} out of the last {periods} datapoints [{shown}] {verb} "
        f"{'' if is_alarm else 'not '}{words} the threshold ({threshold}) "
        f"(minimum {least} datapoint{'s'[: least != 1]} for {arrow} transition)."
    )
