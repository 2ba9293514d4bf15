"""`serinus rollout watch`: a rollout as it goes."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from serinus.cli.terminal import console, deployment, escaped

if TYPE_CHECKING:
    from rich.console import RenderableType

    from serinus.domain.judgement import Figures
    from serinus.domain.rollout import Rollout

_EVERY_SECONDS = 2.0


def watch(
    ctx: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="The endpoint whose rollout to watch.")],
    rollout: Annotated[
        str | None, typer.Option("--rollout", help="The rollout's id; the one under way or the latest, if not given.")
    ] = None,
    timeout_minutes: Annotated[
        float, typer.Option(min=0, help="When to stop watching; the rollout goes on.")
    ] = 1_440,
) -> None:
    """Show a rollout's weights, requests, evidence and time left until it ends; Ctrl-C ends the watching alone."""
    from rich.live import Live

    from serinus.use_cases.explain_rollout import explain_rollout

    deployed = deployment(ctx)
    deployed.policies.get(endpoint)
    state = explain_rollout(endpoint, rollout, rollouts=deployed.rollouts).rollout
    until = time.monotonic() + 60 * timeout_minutes
    with Live(_view(state), console=console(), refresh_per_second=4) as live:
        while state.outcome is None and time.monotonic() < until:
            time.sleep(_EVERY_SECONDS)
            state = deployed.rollouts.get(endpoint, state.id)
            live.update(_view(state))
    if state.outcome is None:
        console().print(f"It goes on by itself: `serinus rollout watch {escaped(endpoint)}` shows it again.")
    else:
        console().print(escaped(f"Ended: {state.outcome}, {state.reason}"), soft_wrap=True)


def _figures(state: Rollout) -> tuple[Figures, ...]:
    """Return what is known of each metric, from the rollout's state alone: the record of looks is long."""
    from serinus.domain.judgement import judge

    if state.evidence is None:
        return ()
    weight, next_weight = state.candidate_percent / 100, state.next_percent / 100
    return judge(state.evidence, weight=weight, next_weight=next_weight).figures


def _view(state: Rollout) -> RenderableType:
    from rich.console import Group
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    from serinus.cli.evidence import FIGURE_HEADINGS, figure_row

    shares = Table.grid(padding=(0, 1))
    for name, release, percent in (
        ("stable", state.stable, 100 - state.candidate_percent),
        ("candidate", state.candidate, state.candidate_percent),
    ):
        if release is not None:
            shares.add_row(f"{name}, release {release}", Text("█" * (percent // 2), style="cyan"), f"{percent} %")
    known = Table(*FIGURE_HEADINGS)
    for figures in _figures(state):
        known.add_row(*(Text(cell) for cell in figure_row(figures)))
    look = state.last_look
    said = f"{look.verdict}: {look.reason}" if look else "its release is being published"
    return Panel(
        Group(shares, known, Text(said), Text(_time_left(state), style="dim")),
        title=Text(f"{state.endpoint}: rollout {state.id} of version {state.model_version}"),
        title_align="left",
    )


def _time_left(state: Rollout) -> str:
    if state.outcome is not None:
        return f"ended: {state.outcome}"
    horizon = state.started_at + timedelta(seconds=state.policy.rollout.horizon_seconds)
    left = max(horizon - datetime.now(UTC), timedelta(0))
    step = f"step {state.step + 1} of {len(state.plan.steps)}" if state.step >= 0 else "before the first step"
    return f"{step}; undecided rollouts end in {str(left).split('.')[0]}"
