"""How every command meets the terminal: results on stdout, progress on stderr, expected errors as one sentence."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from serinus.cli.failures import explanation

if TYPE_CHECKING:
    from rich.console import Console

    from serinus.wiring import Client

AsJson = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document instead of tables.")]

# What the parser raises on wrong usage; its name is public in no release of typer, but its child is.
_UsageError: Any = typer.BadParameter.__mro__[1]


class Command(TyperCommand):
    """A command whose expected errors end in one sentence and exit code 1, and never in a traceback."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: Any = None,  # noqa: ANN401 - typer's own
        **extra: Any,  # noqa: ANN401 - typer's own
    ) -> Any:  # noqa: ANN401 - its class is private in some releases of typer
        """Parse the arguments; wrong usage is told as JSON too, where JSON was asked for."""
        wants_json = "--json" in args
        try:
            return super().make_context(info_name, args, parent, **extra)
        except _UsageError as error:
            if wants_json:
                print_json({"error": error.format_message()})
                raise typer.Exit(2) from error
            raise

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - its class is private in some releases of typer
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except _UsageError as error:
            if ctx.params.get("as_json"):
                print_json({"error": error.format_message()})
                raise typer.Exit(2) from error
            raise
        except Exception as error:
            sentence = explanation(error)
            if sentence is None:
                raise
            tell_error(sentence, as_json=bool(ctx.params.get("as_json")))
            raise typer.Exit(1) from error


def tell_error(sentence: str, *, as_json: bool) -> None:
    """Print an error where it belongs: as the JSON document that was asked for, or on stderr."""
    if as_json:
        print_json({"error": sentence})
    else:
        progress_console().print(f"[bold red]Error:[/] {escaped(sentence)}", soft_wrap=True)


def print_json(document: object) -> None:
    """Print the one JSON document."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def console() -> Console:
    """Return the console of results, which is stdout as it is now."""
    from rich.console import Console

    return Console(highlight=False)


def progress_console() -> Console:
    """Return the console of progress and errors: stderr, so that stdout can be piped."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def escaped(text: str) -> str:
    """Return text that comes from elsewhere so that neither rich nor the terminal takes any of it for an order."""
    from rich.markup import escape

    return escape(printable(text))


def printable(text: str) -> str:
    r"""Return text with what a terminal would obey or not show (escapes, backspaces, turned directions) spelled out.

    >>> printable("\x1b[31mred\u202e")
    '\\x1b[31mred\\u202e'
    """
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign == "\n" else sign.encode("unicode_escape").decode() for sign in text
    )


def in_utc(instant: datetime) -> str:
    """Return an instant as every table shows it, to the second."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; its cells are plain text."""
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, title=Text(title, style="bold"), title_justify="left")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console().print(table)


def deployment(ctx: typer.Context) -> Client:
    """Return the deployment to work on: the one the caller of `app` gave, else what the AWS configuration names."""
    given: Client | None = ctx.obj
    if given is not None:
        return given
    from serinus import wiring

    return wiring.client()
