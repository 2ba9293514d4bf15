"""`serinus rollback`: all traffic back to the stable release, or to an earlier one."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from serinus.cli.invoking import invoke
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

    The function `roll_back` does it, under your name: nobody else may move the alias, and it puts it on record. Asked
    for twice, it goes back once: the request says what it undoes.
    """
    from serinus.cli.documents import live_document
    from serinus.use_cases.describe_endpoint import describe_endpoint

    deployed = deployment(ctx)
    deployed.policies.get(endpoint)
    wanted: dict[str, object] = {"endpoint": endpoint, "reason": reason, "requested_by": caller()}
    wanted |= _undoing(deployed, endpoint, leaving, to) | ({} if to is None else {"to": to})
    answer = invoke(deployed.functions, "roll_back", wanted)
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


def caller() -> str:
    """Return who asks, for the record: as AWS knows them, else as this machine does.

    Traffic must not stay on a bad release because STS does not answer: Lambda checks the credentials anyway.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    patience = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
    try:
        return str(boto3.client("sts", config=patience).get_caller_identity()["Arn"])
    except (BotoCoreError, ClientError):
        return f"{getpass.getuser()} (as their machine says)"
