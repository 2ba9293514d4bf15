"""`serinus rollback`: all traffic back to the stable release, or to an earlier one."""

from __future__ import annotations

from typing import Annotated

import typer

from serinus.cli.terminal import AsJson, console, deployment, escaped, print_json


def rollback(
    ctx: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="The endpoint whose traffic to return.")],
    reason: Annotated[str, typer.Option(help="Why, for the ledger.")],
    to: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="The release to return to, where no rollout is under way; the one that served before, if not given. "
            "`serinus history` lists them.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Return all traffic to the stable release, ending the rollout under way; without one, to an earlier release.

    The control API has it done, and puts it on record under the name that AWS knows you by.
    """
    from serinus.cli.documents import live_document
    from serinus.use_cases.describe_endpoint import describe_endpoint

    deployed = deployment(ctx)
    wanted: dict[str, object] = {"reason": reason}
    answer = deployed.control.post(
        "endpoints", endpoint, "rollback", body=wanted if to is None else {**wanted, "to": to}
    )
    live = live_document(describe_endpoint(endpoint, describing=deployed.describing))
    if as_json:
        print_json({**answer, "live": live})
        return
    moved = answer.get("status") == "rolled_back"
    console().print("Rolled back." if moved else "There was nothing to do.")
    for side in live:
        version = "nothing released" if side["version"] is None else f"version {side['version']}"
        where = f"{side['percent']} % of traffic goes to release {side['release']} ({version})."
        console().print(escaped(where), soft_wrap=True)
    if to is not None and live[0]["release"] != to:
        console().print(f"A rollout was under way, so traffic was returned to its stable release, not to {to}.")
