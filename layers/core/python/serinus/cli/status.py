"""`serinus status`: what is live, what is on its way, and how good it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from serinus.cli.terminal import AsJson, console, deployment, escaped, in_utc, print_json, print_table

if TYPE_CHECKING:
    from serinus.domain.metric import Metric
    from serinus.domain.model_version import ModelVersion
    from serinus.domain.performance_estimate import Estimate
    from serinus.domain.rollout import Rollout
    from serinus.use_cases.describe_endpoint import EndpointStatus
    from serinus.use_cases.measure_performance import Performance
    from serinus.wiring import Client

_SHOWN_VERSIONS = 10  # the latest; --json has all


def status(
    ctx: typer.Context,
    endpoint: Annotated[
        str | None, typer.Argument(help="The endpoint to describe; all of them, in short, if none is named.")
    ] = None,
    minutes: Annotated[
        int, typer.Option(min=1, help="How much of the recent past the figures of each release cover.")
    ] = 60,
    as_json: AsJson = False,
) -> None:
    """Say what is live on an endpoint, what is on its way, and how its releases did of late."""
    deployed = deployment(ctx)
    if endpoint is None:
        _all(deployed, as_json=as_json)
    else:
        _one(deployed, endpoint, minutes, as_json=as_json)


def _all(deployed: Client, *, as_json: bool) -> None:
    from serinus.cli.documents import status_document
    from serinus.use_cases.describe_endpoint import describe_endpoint

    found = [describe_endpoint(name, describing=deployed.describing) for name in deployed.policies.names()]
    if as_json:
        print_json({"endpoints": [status_document(known) for known in found]})
    elif found:
        print_table(
            "Endpoints", ("endpoint", "live", "on its way", "latest version"), [_row(known) for known in found]
        )
    else:
        console().print("No endpoint is deployed: add infra_cdk/endpoints/<name>.toml and deploy it.")


def _one(deployed: Client, endpoint: str, minutes: int, *, as_json: bool) -> None:
    from serinus.cli.documents import status_document
    from serinus.use_cases.describe_endpoint import describe_endpoint
    from serinus.use_cases.measure_performance import measure_performance

    known = describe_endpoint(endpoint, describing=deployed.describing)
    now = datetime.now(UTC)
    start = now - timedelta(minutes=minutes)
    measured = measure_performance(endpoint, start=start, end=now, measuring=deployed.measuring).releases
    if as_json:
        print_json({**status_document(known, measured), "minutes": minutes})
        return
    console().print(f"[bold]{escaped(endpoint)}[/] {escaped(known.policy.description)}", soft_wrap=True)
    console().print(f"Live: {escaped(_live(known))}.", soft_wrap=True)
    if known.rollout is not None:
        console().print(f"Rollout: {escaped(_rollout(known.rollout))}.", soft_wrap=True)
        if known.changes:
            console().print(f"It changes: {escaped(', '.join(known.changes))}.", soft_wrap=True)
    _print_versions(known.versions)
    _print_performance(measured, minutes)


def _row(known: EndpointStatus) -> tuple[str, ...]:
    rollout = known.rollout
    on_its_way = "" if rollout is None else f"version {rollout.model_version}, {rollout.candidate_percent} %"
    latest = f"{known.versions[-1].number} {known.versions[-1].status}" if known.versions else ""
    return (known.policy.endpoint, _live(known), on_its_way, latest)


def _live(known: EndpointStatus) -> str:
    from serinus.cli.documents import live_document

    sides = live_document(known)
    if len(sides) == 1 and sides[0]["version"] is None:
        return "nothing is released yet"
    return ", ".join(f"release {side['release']} (version {side['version']}) {side['percent']} %" for side in sides)


def _rollout(rollout: Rollout) -> str:
    steps, last = len(rollout.plan.steps), rollout.last_look
    step = f"step {rollout.step + 1} of {steps}" if rollout.step >= 0 else _before_traffic(rollout)
    looked = f"; last look at {in_utc(last.at)}: {last.verdict}, {last.reason}" if last else ""
    return f"{rollout.id}, version {rollout.model_version}, {step}{_wished(rollout)}{looked}"


def _wished(rollout: Rollout) -> str:
    if rollout.steering is None or not (rollout.paused or rollout.promoted_by_hand):
        return ""
    wish = "paused" if rollout.paused else "to be promoted at its next tick"
    return f", {wish} by {rollout.steering.actor}: {rollout.steering.reason}"


def _before_traffic(rollout: Rollout) -> str:
    if rollout.shadow is None:
        return "its release is being published"
    return f"it is in its shadow, where {rollout.shadow.replayed} live requests were replayed"


def _print_versions(versions: Sequence[ModelVersion]) -> None:
    if not versions:
        console().print("No model was registered yet: `serinus push` registers one.")
        return
    rows = [
        (
            str(version.number),
            str(version.status),
            in_utc(version.registered_at),
            _metrics(version.metrics) or "; ".join(found.message for found in version.findings if not found.passed),
        )
        for version in versions[-_SHOWN_VERSIONS:]
    ]
    left_out = f" (the latest {_SHOWN_VERSIONS} of {len(versions)})" if len(versions) > _SHOWN_VERSIONS else ""
    print_table(f"Model versions{left_out}", ("version", "status", "registered", "on the held-out data"), rows)


def _print_performance(measured: Sequence[Performance], minutes: int) -> None:
    rows = [
        (
            str(performance.release),
            str(performance.model_version),
            str(performance.requests),
            str(performance.failures),
            "" if performance.latency_p95_ms is None else f"{performance.latency_p95_ms:.1f}",
            str(performance.labelled_rows),
            _metrics(performance.metrics),
            _estimates(performance.estimated.metrics),
        )
        for performance in measured
        if performance.requests or performance.labelled_rows
    ]
    if not rows:
        console().print(f"No requests were collected in the last {minutes} minutes.")
        return
    headings = (
        "release",
        "version",
        "requests",
        "failures",
        "p95 ms",
        "labelled rows",
        "by the labels so far",
        "by estimate",
    )
    print_table(f"The last {minutes} minutes", headings, rows)


def _estimates(estimated: Mapping[Metric, Estimate]) -> str:
    """Tell the ranking; `serinus report performance` and --json have every metric."""
    from serinus.domain.metric import Metric

    return ", ".join(
        f"{metric} {estimated[metric].value:.3f} ({estimated[metric].low:.3f} to {estimated[metric].high:.3f})"
        for metric in (Metric.ROC_AUC, Metric.AVERAGE_PRECISION)
        if metric in estimated
    )


def _metrics(metrics: Mapping[Metric, float]) -> str:
    return ", ".join(f"{metric} {value:.4f}" for metric, value in metrics.items())
