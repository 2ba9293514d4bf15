"""Where ministack 1.5.33 differs from AWS in what Serinus depends on: one module a gap, each with one ``apply()``.

A mend replaces a function of ministack's by a wrapper that keeps its signature, through
:mod:`serinus.local_cloud.mends.replacing`, which refuses when the thing to replace is not there. They are applied
once, before the first request, and in the order below: a mend that wraps what another one replaces comes after it.

This package is the one place that names ministack's insides; ministack carries no types, hence the ``Any`` in it.
"""

from __future__ import annotations

from serinus.local_cloud.mends import (
    alarm_events,
    alarms,
    asynchronous_targets,
    authoriser_cache,
    dropped_properties,
    embedded_metrics,
    environments,
    execution_names,
    filter_patterns,
    function_updates,
    handler_errors,
    log_subscriptions,
    metric_points,
    metric_resolution,
    parameter_events,
    platform_events,
    prompt_shutdown,
    reachable_addresses,
    schedules,
    signed_requests,
    trailing_slashes,
    version_metrics,
    weighted_aliases,
)


def apply_all(*, schedule_seconds: float | None = None) -> None:
    """Apply every mend.

    Args:
        schedule_seconds: how long ``rate(1 minute)`` lasts; None leaves it as AWS has it.

    Raises:
        MendRefused: ministack is not as a mend expects.
    """
    for mend in (
        environments,
        handler_errors,
        platform_events,
        version_metrics,
        weighted_aliases,
        function_updates,
        filter_patterns,
        log_subscriptions,
        metric_points,
        embedded_metrics,
        metric_resolution,
        alarms,
        alarm_events,
        asynchronous_targets,
        authoriser_cache,
        dropped_properties,
        execution_names,
        parameter_events,
        prompt_shutdown,
        reachable_addresses,
        signed_requests,
        trailing_slashes,
    ):
        mend.apply()
    schedules.apply(schedule_seconds)
