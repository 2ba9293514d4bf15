"""`serinus history`: what was live when, and everything that was done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from serinus.cli.terminal import AsJson, console, deployment, escaped, in_utc, print_json, print_table

if TYPE_CHECKING:
    from serinus.domain.ledger import LiveInterval
    from serinus.use_cases.recount_history import History


def history(
    ctx: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="The endpoint whose past to tell.")],
    limit: Annotated[int, typer.Option(min=1, help="How many of the latest ledger entries to print.")] = 20,
    at: Annotated[
        str | None,
        typer.Option(help="Tell only what was live at this instant (ISO 8601; UTC where it names no zone)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what was live when, who did what, and whether the ledger's chain of digests holds."""
    from serinus.use_cases.recount_history import recount_history

    instant = None if at is None else _instant(at)
    deployed = deployment(ctx)
    told = recount_history(endpoint, policies=deployed.policies, ledger=deployed.ledger)
    shown = told if instant is None else _as_of(told, instant)
    versions = {release.number: release.model_version for release in deployed.rollouts.releases(endpoint)}
    if as_json:
        print_json(_document(endpoint, shown, versions, limit))
        return
    _print_live(shown.live, versions, instant)
    _print_entries(shown, limit)
    if told.broken_at is None:
        console().print(f"The chain of digests holds over all {len(told.entries)} entries.")
    else:
        console().print(
            f"[bold red]The chain is broken at entry {told.broken_at}:[/] it does not follow from the entry before. "
            "Compare the table with the ledger bucket, whose objects are locked.",
            soft_wrap=True,
        )


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no instant such as 2030-01-31T12:00", param_hint="--at") from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _as_of(told: History, instant: datetime) -> History:
    live = tuple(span for span in told.live if span.holds(instant))
    return replace(told, live=live, entries=tuple(entry for entry in told.entries if entry.at <= instant))


def _document(endpoint: str, told: History, versions: dict[int, int], limit: int) -> dict[str, object]:
    from serinus.cli.documents import entry_document, interval_document
    from serinus.cli.wording import in_words

    return {
        "endpoint": endpoint,
        "live": [interval_document(span, versions) for span in told.live],
        "entries": [entry_document(entry, in_words(entry)) for entry in told.entries[-limit:]],
        "chain_holds": told.broken_at is None,
        "broken_at": told.broken_at,
    }


def _print_live(live: Sequence[LiveInterval], versions: dict[int, int], instant: datetime | None) -> None:
    title = "What was live" if instant is None else f"What was live at {in_utc(instant)}"
    if not live:
        console().print(f"{title}: nothing was released.")
        return
    rows = [
        (
            in_utc(span.start),
            "now" if span.end is None else in_utc(span.end),
            _release(span.stable, versions),
            "" if span.candidate is None else _release(span.candidate, versions),
            f"{span.candidate_percent} %" if span.candidate is not None else "",
        )
        for span in live
    ]
    print_table(title, ("from", "to", "stable", "candidate", "to the candidate"), rows)


def _release(number: int, versions: dict[int, int]) -> str:
    version = versions.get(number)
    return f"release {number} ({'nothing released' if version is None else f'version {version}'})"


def _print_entries(told: History, limit: int) -> None:
    from serinus.cli.wording import in_words

    shown = told.entries[-limit:]
    if not shown:
        return
    left_out = f" (the latest {limit} of {len(told.entries)})" if len(told.entries) > limit else ""
    console().print(f"[italic]Ledger{left_out}[/]")
    for entry in shown:  # in lines: a table's narrow columns would break the reasons into pieces
        deed = escaped(f"{in_words(entry)} (by {entry.actor})")
        console().print(f"{entry.sequence:>4}  {in_utc(entry.at)}  {deed}", soft_wrap=True)
