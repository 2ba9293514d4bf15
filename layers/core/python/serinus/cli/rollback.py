"""`serinus rollback`: all traffic back to the stable release, or to an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from serinus.cli.terminal import AsJson, console, deployment, escaped, print_json

if TYPE_CHECKING:
    from serinus.wiring import Client


def rollback(
    ctx: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="The endpoint whose traffic to return.")],
    reason: Annotated[str, typer.Option(help="Why, for the ledger.")],
    to: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="The release to return to: stable where a rollout is under way, else the one that served before, if "
            "not given. `serinus history` lists them.",
        ),
    ] = None,
    leaving: Annotated[
        int | None,
        typer.Option(
            "--from",
            min=1,
            help="The live release that you want gone; the one that was brought last, if not given. Where it is not "
            "live any more, nothing is done.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Return all traffic to the stable release, ending the rollout under way; without one, to an earlier release.

    The control API has it done, and puts it on record under the name that AWS knows you by. Asked for twice, it goes
    back once: the request says what it undoes.
    """
    from serinus.cli.documents import live_document
    from serinus.use_cases.describe_endpoint import describe_endpoint

    deployed = deployment(ctx)
    deployed.policies.get(endpoint)
    wanted = {"reason": reason, **_undoing(deployed, endpoint, leaving, to), **({} if to is None else {"to": to})}
    answer = deployed.control.post("endpoints", endpoint, "rollback", body=wanted)
    live = live_document(describe_endpoint(endpoint, describing=deployed.describing))
    if as_json:
        print_json({**answer, "live": live})
        return
    moved = answer.get("status") == "rolled_back"
    nothing = f"Nothing was done: {answer.get('reason')}."
    console().print("Rolled back." if moved else escaped(nothing), soft_wrap=True)
    for side in live:
        version = "nothing released" if side["version"] is None else f"version {side['version']}"
        where = f"{side['percent']} % of traffic goes to release {side['release']} ({version})."
        console().print(escaped(where), soft_wrap=True)


def _undoing(deployed: Client, endpoint: str, leaving: int | None, to: int | None) -> dict[str, object]:
    """Return what is undone: the release that was named, else the rollout under way, else what was brought last."""
    from serinus.use_cases.roll_back import release_to_leave

    active = deployed.rollouts.active(endpoint)
    if leaving is not None:
        return {"from": leaving}
    if active is not None:
        return {"rollout": active.id}
    if to is not None:
        return {"from": deployed.describing.traffic.current(endpoint).stable}
    brought = release_to_leave(endpoint, deployed.rollouts)
    return {} if brought is None else {"from": brought}
