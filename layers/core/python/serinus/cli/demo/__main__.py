"""`python -m serinus.cli.demo`: starts a local cloud, tells the story, and leaves nothing running."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from serinus import wiring
from serinus.cli.demo.story import ENDPOINT, Story
from serinus.cli.demo.summary import print_summary
from serinus.cli.demo.timeline import Timeline
from serinus.errors import SerinusError
from serinus.local_cloud.deploy import deploy
from serinus.local_cloud.server import LocalCloud
from serinus.local_cloud.synthesis import repository_root, synthesise

_SCHEDULE_SECONDS = 15.0  # how often the drift check looks; once a minute is the shortest AWS allows

_INTRODUCTION = f"""[bold]Serinus: a model's whole life in one command.[/]
Real CDK stacks on a local cloud, on this machine, without an AWS account. The endpoint's policy is a
demonstration's: ticks of seconds, wide margins, and a drift check every {_SCHEDULE_SECONDS:.0f} seconds.
A production policy takes its time.
"""


def main() -> int:
    """Run the demonstration; return the process's exit code."""
    console = Console(highlight=False)
    console.print(_INTRODUCTION, soft_wrap=True)
    began = datetime.now(UTC)
    try:
        with tempfile.TemporaryDirectory(prefix="serinus-demo-") as folder:
            _run(console, began, Path(folder))
    except KeyboardInterrupt:
        console.print("\nStopped; nothing is left running.")
        return 130
    except (SerinusError, TimeoutError) as error:
        console.print(f"[bold red]The demonstration failed:[/] {error}")
        return 1
    console.print(f"\nDone in {(datetime.now(UTC) - began).total_seconds():.0f} seconds; nothing is left running.")
    return 0


def _run(console: Console, began: datetime, folder: Path) -> None:
    assembly = synthesise(repository_root() / "build" / "local-assembly")
    _elapsed(console, began, "the stacks are synthesised")
    with LocalCloud(schedule_seconds=_SCHEDULE_SECONDS) as cloud:
        os.environ.update(cloud.environment())
        _elapsed(console, began, f"the local cloud is up at {cloud.endpoint_url}")
        deploy(assembly, cloud.endpoint_url)
        _elapsed(console, began, "the stacks are deployed")
        client = wiring.client()
        timeline = Timeline(client.ledger, ENDPOINT, console, began=began)
        timeline.start()
        try:
            told = Story(client, timeline).tell(folder)
        finally:
            timeline.stop()
        print_summary(console, client, told)


def _elapsed(console: Console, began: datetime, what: str) -> None:
    console.print(f"[bold cyan]{time.time() - began.timestamp():6.1f} s[/]  [bold]{what}[/]", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
