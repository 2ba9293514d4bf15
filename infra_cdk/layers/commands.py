"""Runs the tools that building takes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra_cdk.layers.errors import BuildFailed

_COME_WITH = {"strip": "GNU binutils", "apt-get": "Debian", "dpkg-deb": "Debian"}


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a command with this added to the environment; return what it printed.

    Raises:
        BuildFailed: it is not installed, or it failed.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=cwd, env=os.environ | dict(environment or {})
        )
    except FileNotFoundError as error:
        hint = f"; it comes with {_COME_WITH[name]}" if name in _COME_WITH else ""
        raise BuildFailed(f"{name} is not installed{hint}") from error
    except subprocess.CalledProcessError as error:
        raise BuildFailed(f"{name} failed: {error.stderr.strip()}") from error
    return done.stdout
