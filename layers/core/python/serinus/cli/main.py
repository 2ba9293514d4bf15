"""The `serinus` command.

    serinus push      a model to an endpoint, and follow it to the end of its rollout
    serinus status    what is live, what is on its way, how good it is
    serinus predict   a batch of rows in S3
    serinus rollout   start one, steer the one under way
    serinus rollback  all traffic back to stable, or to an earlier release
    serinus history   what was live when, and who did what
    serinus profile   a data file, beside one profiled before or a live model's reference
    serinus report    drift, and performance with and without labels
    serinus token     the bearer tokens that open an endpoint
    serinus local     AWS, and Serinus on it, on this machine

Start-up imports typer and nothing heavier: each command imports what it uses when it runs.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import Annotated, Any

import typer

from serinus.cli.failures import missing_extra
from serinus.cli.history import history
from serinus.cli.predict import predict
from serinus.cli.profile import profile
from serinus.cli.push import push
from serinus.cli.report import app as report
from serinus.cli.rollback import rollback
from serinus.cli.rollout import app as rollout
from serinus.cli.status import status
from serinus.cli.terminal import Command, tell_error
from serinus.cli.token import app as token

app = typer.Typer(
    name="serinus",
    help="Take a trained model to production on AWS, and keep it healthy there.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"serinus {metadata.version('serinus')}")
        raise typer.Exit


@app.callback()
def serinus(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take a trained model to production on AWS, and keep it healthy there."""


app.command(cls=Command)(push)
app.command(cls=Command)(status)
app.command(cls=Command)(predict)
app.command(cls=Command)(rollback)
app.command(cls=Command)(history)
app.command(cls=Command)(profile)
app.add_typer(report, name="report")
app.add_typer(rollout, name="rollout")
app.add_typer(token, name="token")


@app.command(
    cls=Command,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    add_help_option=False,
)
def local(ctx: typer.Context) -> None:
    """Run AWS, and Serinus on it, on this machine: `serinus local --help` tells how."""
    try:
        commands: Any = import_module("serinus.cli.local").app
    except ModuleNotFoundError as error:
        sentence = missing_extra(error)
        if sentence is None:
            raise
        tell_error(sentence, as_json="--json" in ctx.args)
        raise typer.Exit(1) from error
    commands(args=ctx.args, prog_name="serinus local")
