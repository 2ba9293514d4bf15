"""`serinus local`: AWS on this machine, with Serinus deployed to it."""

from __future__ import annotations

import json
import os
import shlex
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.status import Status

from serinus.cli.terminal import AsJson, Command
from serinus.local_cloud import detached
from serinus.local_cloud.deploy import deploy, deployed_urls, synthesise
from serinus.local_cloud.detached import DEFAULT_PORT, RunningCloud
from serinus.local_cloud.errors import AlreadyRunning, NotRunning
from serinus.local_cloud.launch import client_environment, require_free_port

app = typer.Typer(name="local", help="Run AWS, and Serinus on it, on this machine.", no_args_is_help=True)

_progress = Console(stderr=True)


def state_dir() -> Path:
    """Where the local cloud of this user keeps its files."""
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "serinus" / "local"


@app.command(cls=Command)
def up(
    port: Annotated[
        int, typer.Option(min=1, max=65_535, help="Where the local cloud listens, on 127.0.0.1.")
    ] = DEFAULT_PORT,
    keep: Annotated[bool, typer.Option("--keep", help="Keep what is stored over `down` and `up`.")] = False,
    schedule_seconds: Annotated[
        float | None, typer.Option(help="How long `rate(1 minute)` lasts; on AWS it is a minute.")
    ] = None,
    deploying: Annotated[bool, typer.Option("--deploy/--no-deploy", help="Whether to deploy Serinus to it.")] = True,
    as_json: AsJson = False,
) -> None:
    """Start the local cloud in the background and deploy Serinus to it; what runs already is brought up to date."""
    with _progress.status("starting") as status:
        running = detached.find(state_dir())
        if running is not None and running.port != port != DEFAULT_PORT:
            raise AlreadyRunning(running.pid, running.endpoint_url)
        if running is None:
            require_free_port(port)  # said before the synth, which takes its time
        assembly = _assembly(status) if deploying else None
        if running is not None:
            if keep != running.keep or schedule_seconds != running.schedule_seconds:
                _progress.print(
                    "It goes on as it was started: --keep and --schedule-seconds count at the start alone."
                )
            _progress.print(f"Already running at {running.endpoint_url} (process {running.pid}).")
            _deploy(assembly, running, status)
        else:
            status.update("starting the local cloud")
            running = detached.up(state_dir(), port=port, keep=keep, schedule_seconds=schedule_seconds)
            try:
                _deploy(assembly, running, status)
            except BaseException:  # Ctrl-C too: nothing half deployed is left running
                detached.down(state_dir())
                raise
    _show(_described(running), as_json=as_json)


@app.command(cls=Command)
def down(as_json: AsJson = False) -> None:
    """Stop the local cloud and everything it started."""
    with _progress.status("stopping"):
        stopped = detached.down(state_dir())
    _show({"stopped": stopped.endpoint_url, "state_kept": stopped.keep}, as_json=as_json)


@app.command(cls=Command)
def status(as_json: AsJson = False) -> None:
    """Say whether the local cloud runs, and where."""
    running = detached.find(state_dir())
    if running is None:
        _show({"running": False}, as_json=as_json)
        raise typer.Exit(1)
    _show(_described(running), as_json=as_json)


@app.command(cls=Command)
def reset(as_json: AsJson = False) -> None:
    """Stop the local cloud and remove everything it has kept."""
    with _progress.status("removing what was kept"):
        detached.reset(state_dir())
    _show({"reset": True}, as_json=as_json)


@app.command(cls=Command)
def env(as_json: AsJson = False) -> None:
    """Print what points AWS clients at the local cloud: `eval "$(serinus local env)"`."""
    running = detached.find(state_dir())
    if running is None:
        raise NotRunning
    environment = client_environment(running.port)
    if as_json:
        typer.echo(json.dumps(environment))
        return
    for name, value in environment.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def _assembly(status: Status) -> Path:
    status.update("synthesising the stacks")
    return synthesise(state_dir() / "assembly")


def _deploy(assembly: Path | None, running: RunningCloud, status: Status) -> None:
    if assembly is not None:
        deploy(assembly, running.endpoint_url, progress=status.update)


def _described(running: RunningCloud) -> dict[str, Any]:
    return {
        "running": True,
        "endpoint_url": running.endpoint_url,
        "pid": running.pid,
        "up_seconds": round(time.time() - running.started_at),
        "state_kept": running.keep,
        "urls": deployed_urls(running.endpoint_url),
    }


def _show(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        if isinstance(value, dict):
            for key, url in value.items():
                typer.echo(f"{key}: {url}")
        else:
            shown = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
            typer.echo(f"{name.replace('_', ' ')}: {shown}")
