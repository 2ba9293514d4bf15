"""`serinus token`: the bearer tokens that open an endpoint whose policy asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serinus.cli.invoking import caller, invoke
from serinus.cli.terminal import (
    AsJson,
    Command,
    console,
    deployment,
    in_utc,
    print_json,
    print_table,
    progress_console,
)

if TYPE_CHECKING:
    from serinus.use_cases.list_tokens import ListedToken

app = typer.Typer(help="Make, list, rotate and revoke the bearer tokens that open an endpoint.", no_args_is_help=True)

Endpoint = Annotated[str, typer.Argument(help="The endpoint that the token opens.")]
Name = Annotated[str, typer.Option(help="Who or what the token is for.")]

_LONGEST_DAYS = 3_650


@app.command(cls=Command)
def make(
    ctx: typer.Context,
    endpoint: Endpoint,
    name: Name,
    expires_days: Annotated[int, typer.Option(min=1, max=_LONGEST_DAYS, help="How long it is good.")] = 90,
    calls_per_minute: Annotated[
        int | None,
        typer.Option(min=1, help="How many calls a minute it is good for, where the policy throttles callers."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token. It is shown once, and kept nowhere."""
    wanted = {"expires_days": expires_days, "calls_per_minute": calls_per_minute}
    _show_made(_ask(ctx, "make_token", endpoint, name, wanted), as_json=as_json)


@app.command(cls=Command)
def rotate(
    ctx: typer.Context,
    endpoint: Endpoint,
    name: Name,
    overlap_hours: Annotated[
        float, typer.Option(min=0, max=24 * 90, help="How much longer the old one opens the endpoint; 0 revokes it.")
    ] = 24.0,
    expires_days: Annotated[
        int | None, typer.Option(min=1, max=_LONGEST_DAYS, help="How long the new one is good; as the old one was.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token in place of one, which goes on for a while. The new one is shown once, and kept nowhere."""
    wanted = {"overlap_hours": overlap_hours, "expires_days": expires_days}
    _show_made(_ask(ctx, "rotate_token", endpoint, name, wanted), as_json=as_json)


@app.command(cls=Command)
def revoke(
    ctx: typer.Context,
    endpoint: Endpoint,
    name: Annotated[str, typer.Option(help="The name of the token, or its id where only one of a name is meant.")],
    as_json: AsJson = False,
) -> None:
    """Revoke a token: it opens nothing any more."""
    answer = _ask(ctx, "revoke_token", endpoint, name, {})
    if as_json:
        print_json(answer)
        return
    which = ", ".join(token["id"] for token in answer["revoked"]) or "nothing: it was revoked or had expired before"
    console().print(f"Revoked {which}.", soft_wrap=True)
    _warn_unless(answer["at_once"])


@app.command("list", cls=Command)
def list_(ctx: typer.Context, endpoint: Endpoint, as_json: AsJson = False) -> None:
    """List the tokens that were made, without their secrets, which nobody has."""
    from serinus.adapters.schemas.token_deeds import token_document
    from serinus.use_cases.list_tokens import list_tokens

    deployed = deployment(ctx)
    listed = list_tokens(endpoint, policies=deployed.policies, tokens=deployed.tokens, at=datetime.now(UTC))
    if as_json:
        print_json({"endpoint": endpoint, "tokens": [token_document(item.token, item.state) for item in listed]})
    elif listed:
        _print_listed(endpoint, listed)
    else:
        console().print(f"Endpoint {endpoint} has no tokens: serinus token make {endpoint} --name …")


def _ask(
    ctx: typer.Context, verb_noun: str, endpoint: str, name: str, wanted: Mapping[str, object]
) -> dict[str, Any]:
    """Have a function do it, under the caller's name: nobody else may write what is kept of tokens."""
    deployed = deployment(ctx)
    deployed.policies.get(endpoint)
    asked = {"endpoint": endpoint, "name": name, "requested_by": caller(), **wanted}
    return invoke(deployed.functions, verb_noun, asked)


def _show_made(made: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    console().print(made["secret"], soft_wrap=True)
    progress_console().print(
        f"That is token {made['id']} ({made['name']}) of {made['endpoint']}, good until "
        f"{in_utc(datetime.fromisoformat(made['expires_at']))}. Keep it: it is not shown again. "
        "Callers send it as the header Authorization: Bearer <token>.",
        soft_wrap=True,
    )
    _warn_unless(made["at_once"])


def _warn_unless(at_once: bool) -> None:
    if at_once:
        return
    from serinus.use_cases.keep_tokens import DECISIONS_LAST

    progress_console().print(
        "API Gateway's memory could not be reset, so it may let a caller who was let in lately pass for up to "
        f"{DECISIONS_LAST.seconds // 60} minutes more.",
        soft_wrap=True,
    )


def _print_listed(endpoint: str, listed: Sequence[ListedToken]) -> None:
    rows = [
        (
            item.token.id,
            item.token.name,
            str(item.state),
            in_utc(item.token.created_at),
            in_utc(item.token.expires_at),
            f"…{item.token.last_four}",
            "" if item.token.calls_per_minute is None else str(item.token.calls_per_minute),
        )
        for item in listed
    ]
    print_table(f"Tokens of {endpoint}", ("id", "name", "state", "made", "expires", "secret", "calls a minute"), rows)
