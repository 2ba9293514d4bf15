"""`serinus rollout`: plan and start a rollout, watch and explain it, and steer the one under way.

What changes anything is asked of the control API, which knows the caller by their signature and puts that on record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from serinus.cli.rollout_explain import explain
from serinus.cli.rollout_plan import plan
from serinus.cli.rollout_watch import watch
from serinus.cli.terminal import AsJson, Command, console, deployment, escaped, print_json, print_table

app = typer.Typer(
    help="Plan and start a rollout, watch and steer the one under way, list and explain those there were.",
    no_args_is_help=True,
)
app.command(cls=Command)(plan)
app.command(cls=Command)(watch)
app.command(cls=Command)(explain)

Endpoint = Annotated[str, typer.Argument(help="The endpoint whose rollout is meant.")]
Reason = Annotated[str, typer.Option(help="Why, for the ledger.")]
Which = Annotated[str, typer.Option("--rollout", help="The rollout's id; the one under way, if not given.")]

_ACTIVE = "active"


@app.command(cls=Command)
def start(
    ctx: typer.Context,
    endpoint: Endpoint,
    version: Annotated[int, typer.Argument(min=1, help="The model version to roll out.")],
    reason: Annotated[str, typer.Option(help="Why, for the ledger.")] = "",
    as_json: AsJson = False,
) -> None:
    """Roll a model version out that has been validated before: an earlier one again, or one that was taken back."""
    answer = deployment(ctx).control.post(
        "endpoints", endpoint, "rollouts", body={"version": version, "reason": reason}
    )
    if as_json:
        print_json(answer)
        return
    which = f"The rollout of version {version} ({answer['rollout']})"
    if answer["status"] == "in_progress":
        _say(f"{which} is under way already.")
    elif answer["waits_for"]:
        _say(f"{which} waits until {answer['waits_for']} has ended.")
    else:
        _say(f"{which} begins: `serinus status {endpoint}` shows how it stands.")


@app.command(cls=Command)
def pause(
    ctx: typer.Context, endpoint: Endpoint, reason: Reason, which: Which = _ACTIVE, as_json: AsJson = False
) -> None:
    """Hold a rollout at its step. It goes on being judged, can be rolled back, and still ends at its horizon."""
    answer = _steered(ctx, endpoint, which, "pause", {"reason": reason})
    if as_json:
        print_json(answer)
        return
    _say(f"{_named(answer)} is paused: {_share(answer)} until `serinus rollout resume {endpoint}`.")


@app.command(cls=Command)
def resume(
    ctx: typer.Context,
    endpoint: Endpoint,
    reason: Annotated[str, typer.Option(help="Why, for the ledger.")] = "",
    which: Which = _ACTIVE,
    as_json: AsJson = False,
) -> None:
    """Let a rollout that was paused go on."""
    answer = _steered(ctx, endpoint, which, "resume", {"reason": reason})
    if as_json:
        print_json(answer)
        return
    _say(f"{_named(answer)} goes on: {_share(answer)} now.")


@app.command(cls=Command)
def promote(
    ctx: typer.Context,
    endpoint: Endpoint,
    reason: Reason,
    which: Which = _ACTIVE,
    force: Annotated[
        bool, typer.Option("--force", help="Even if a hard alarm or the evidence speaks against the candidate.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Move all traffic to the candidate at the next tick, without further proof; it is recorded as unproven."""
    answer = _steered(ctx, endpoint, which, "promote", {"reason": reason, "force": force})
    if as_json:
        print_json(answer)
        return
    if answer["rollout"]["outcome"]:
        _say(f"{_named(answer)} has been promoted already: {answer['rollout']['reason']}")
    else:
        _say(f"{_named(answer)} is to be promoted: at its next tick, all traffic goes to the candidate, unproven.")


@app.command(cls=Command)
def abort(
    ctx: typer.Context, endpoint: Endpoint, reason: Reason, which: Which = _ACTIVE, as_json: AsJson = False
) -> None:
    """End a rollout at once, with all traffic on stable."""
    path = ("endpoints", endpoint, "rollouts", which, "abort")
    answer = deployment(ctx).control.post(*path, body={"reason": reason})
    if as_json:
        print_json(answer)
    elif answer["status"] == "rolled_back":
        _say(f"Aborted: all traffic goes to release {answer['stable']}.")
    else:
        _say(f"There was nothing to abort: the rollout had ended, and release {answer['stable']} serves.")


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    endpoint: Endpoint,
    at_most: Annotated[int, typer.Option(min=1, max=200, help="How many, from the latest back.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the rollouts there were, the latest first."""
    answer = deployment(ctx).control.get("endpoints", endpoint, "rollouts", at_most=at_most)
    if as_json:
        print_json(answer)
    elif answer["rollouts"]:
        headings = ("rollout", "version", "candidate", "began", "ended", "state", "reason")
        print_table(f"Rollouts of {endpoint}", headings, [_row(rollout) for rollout in answer["rollouts"]])
    else:
        _say(f"Endpoint {endpoint} had no rollout: `serinus push {endpoint} …` starts one.")


def _steered(ctx: typer.Context, endpoint: str, which: str, deed: str, body: Mapping[str, object]) -> dict[str, Any]:
    return deployment(ctx).control.post("endpoints", endpoint, "rollouts", which, deed, body=body)


def _named(answer: Mapping[str, Any]) -> str:
    rollout = answer["rollout"]
    return f"The rollout of version {rollout['version']} ({rollout['id']})"


def _share(answer: Mapping[str, Any]) -> str:
    rollout = answer["rollout"]
    if rollout["candidate"] is None:
        return "its candidate is being published, and gets its first step"
    return f"{rollout['candidate_percent']} % of traffic goes to release {rollout['candidate']}"


def _row(rollout: Mapping[str, Any]) -> tuple[str, ...]:
    state = rollout["outcome"] or ("paused" if rollout["paused"] else f"at {rollout['candidate_percent']} %")
    return (
        rollout["id"],
        str(rollout["version"]),
        "" if rollout["candidate"] is None else f"release {rollout['candidate']}",
        _at(rollout["started_at"]),
        _at(rollout["ended_at"]),
        state,
        rollout["reason"],
    )


def _at(instant: str | None) -> str:
    from datetime import datetime

    from serinus.cli.terminal import in_utc

    return "" if instant is None else in_utc(datetime.fromisoformat(instant))


def _say(sentence: str) -> None:
    console().print(escaped(sentence), soft_wrap=True)
