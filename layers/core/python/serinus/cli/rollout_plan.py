"""`serinus rollout plan`: what a rollout will take at today's traffic."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from serinus.cli.terminal import AsJson, console, deployment, escaped, print_json, print_table, progress_console

if TYPE_CHECKING:
    from serinus.domain.rollout import ChosenPlan
    from serinus.domain.rollout_forecast import Demand, Forecast

_HEADINGS = ("step", "requests", "to the candidate", "median", "95 of 100 within")


def plan(
    ctx: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="The endpoint that a rollout would be of.")],
    requests_per_hour: Annotated[
        float | None, typer.Option(min=0, help="Reckon with so much traffic; by default, that of the last 24 hours.")
    ] = None,
    steps: Annotated[
        str | None, typer.Option(help="Reckon with these steps, as 5,25,50; by default, those that would be taken.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say per step how many requests and hours the evidence will take, at today's traffic and base rates."""
    from serinus.use_cases.choose_plan import choose_plan, demand_of, forecast_plan

    deployed = deployment(ctx)
    policy, now = deployed.policies.get(endpoint), datetime.now(UTC)
    rules = policy.rollout if steps is None else replace(policy.rollout, steps=_parsed(steps))
    live = deployed.rollouts.release(endpoint, deployed.describing.traffic.current(endpoint).stable)
    if live is None:
        raise typer.BadParameter(
            f"nothing is released on {endpoint} yet: its first release goes live after a smoke test"
        )
    with progress_console().status("imagining rollouts at today's traffic"):
        demand = demand_of(rules, live, now, choosing=deployed.choosing)
        if requests_per_hour is not None:
            demand = replace(demand, requests_per_hour=requests_per_hour)
        chosen = choose_plan(rules, live, now, choosing=deployed.choosing, demand=demand)
        found = forecast_plan(rules, chosen, demand)
    if as_json:
        print_json(_document(endpoint, chosen, demand, found))
        return
    _print(endpoint, chosen, demand, found)


def _parsed(steps: str) -> tuple[int, ...]:
    try:
        percents = tuple(int(step) for step in steps.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"--steps is {steps!r}: name percentages such as 5,25,50") from error
    if list(percents) != sorted(set(percents)) or not all(1 <= step <= 99 for step in percents):
        raise typer.BadParameter(f"--steps is {steps!r}: name rising percentages from 1 to 99; 100 follows by itself")
    return percents


def _print(endpoint: str, chosen: ChosenPlan, demand: Demand, found: Forecast) -> None:
    shares = ", ".join(f"{metric} {share:.2%}" for metric, share in demand.bad_shares.items()) or "not known"
    for line in (
        f"{endpoint} is asked {demand.requests_per_hour:,.1f} requests an hour; bad of them are: {shares}.",
        f"Plan: {chosen.reason}.",
    ):
        console().print(escaped(line), soft_wrap=True)
    rows = [
        (
            f"{step.percent} %",
            _count(step.requests),
            _count(step.candidate_requests),
            _hours(step.hours),
            _hours(step.hours_p95),
        )
        for step in found.steps
    ]
    print_table(
        "What a good candidate takes",
        _HEADINGS,
        [*rows, ("all", "", "", _hours(found.hours), _hours(found.hours_p95))],
    )
    console().print(
        f"{found.in_time:.0%} of good candidates are promoted within the policy's horizon. A bad one, of which 5 % "
        f"or half fail, serves {found.at_risk:.0f} bad answers on average before it is taken back.",
        soft_wrap=True,
    )


def _document(endpoint: str, chosen: ChosenPlan, demand: Demand, found: Forecast) -> dict[str, object]:
    return {
        "endpoint": endpoint,
        "requests_per_hour": demand.requests_per_hour,
        "bad_shares": {str(metric): share for metric, share in demand.bad_shares.items()},
        "steps": [
            {
                "percent": step.percent,
                "requests": step.requests,
                "candidate_requests": step.candidate_requests,
                "hours": step.hours,
                "hours_p95": step.hours_p95,
            }
            for step in found.steps
        ],
        "margins": {str(guard.metric): guard.margin for guard in chosen.guards if guard.guards_promotion},
        "reason": chosen.reason,
        "hours": found.hours,
        "hours_p95": found.hours_p95,
        "in_time": found.in_time,
        "at_risk": found.at_risk,
    }


def _count(value: float | None) -> str:
    return "more than can be said" if value is None else f"{value:,.0f}"


def _hours(value: float | None) -> str:
    if value is None:
        return "longer than was looked at"
    if value < 1 / 30:
        return f"{3600 * value:.0f} s"
    if value < 1:
        return f"{60 * value:.0f} min"
    return f"{value:.1f} h" if value < 48 else f"{value / 24:.1f} days"
