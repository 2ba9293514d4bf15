"""The process that is the local cloud: ministack with its mends, on loopback only.

Run as ``python -m serinus.local_cloud.process --port N --state-dir DIR`` by
:mod:`serinus.local_cloud.launch`, which is the only caller and owns the directory's layout.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import importlib
import importlib.metadata
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from serinus.local_cloud.errors import WrongMinistack

MINISTACK_VERSION = "1.5.33"
REGION = "us-east-1"
ACCOUNT_ID = "000000000000"
SECRET_KEY = "local"  # noqa: S105 - it opens nothing but this machine's cloud

_PARENT_CHECK_SECONDS = 0.5
_OUTSIDERS = ("AWS_", "LAMBDA_", "MINISTACK_", "LOCALSTACK_", "SFN_", "S3_", "DOCKER_", "CDK_")


@dataclass(frozen=True)
class Options:
    """What the process is told on its command line."""

    port: int
    state_dir: Path
    keep: bool
    parent_pid: int | None
    schedule_seconds: float | None
    temporary: bool = False

    def orphaned(self) -> bool:
        """Whether the process that started this one, and would tidy up, is gone."""
        return self.parent_pid is not None and os.getppid() != self.parent_pid


def parse_options(arguments: list[str]) -> Options:
    """Read the command line; ``SystemExit`` from argparse where it is wrong."""
    parser = argparse.ArgumentParser(prog="serinus.local_cloud.process")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--parent-pid", type=int)
    parser.add_argument("--schedule-seconds", type=float)
    parser.add_argument("--temporary", action="store_true")
    return Options(**vars(parser.parse_args(arguments)))


def require_pinned_ministack() -> None:
    """Refuse any ministack but the pinned one: every mend replaces part of its inside.

    Raises:
        WrongMinistack: naming the version that was found.
    """
    try:
        found: str | None = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        found = None
    if found != MINISTACK_VERSION:
        raise WrongMinistack(MINISTACK_VERSION, found)


def sealed_environment(options: Options, inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment of the cloud and of its workers: nothing in it points outside this machine.

    Credentials, profiles and endpoints of the person who runs it are left out, so that a handler cannot reach a real
    account by accident; listeners of services that Serinus does not use stay closed, and so does the way to Docker.
    """
    state = options.state_dir
    kept = {name: value for name, value in inherited.items() if not name.startswith(_OUTSIDERS)}
    return kept | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(options.port),
        "STATE_DIR": str(state / "state"),
        "PERSIST_STATE": "1" if options.keep else "0",
        "S3_PERSIST": "1" if options.keep else "0",
        "S3_DATA_DIR": str(state / "s3"),
        "TMPDIR": str(state / "tmp"),
        "SFN_WAIT_SCALE": "1",
        "LOG_LEVEL": "WARNING",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        "LAMBDA_WARM_TTL_SECONDS": "120",
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "MINISTACK_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1,localhost",
    }


def end_with_parent(options: Options) -> None:
    """End this process, gracefully, once the one that started it is gone, even if that was killed outright."""

    def watch() -> None:
        while not options.orphaned():
            time.sleep(_PARENT_CHECK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True, name="parent-watch").start()


def serve(options: Options) -> None:
    """Mend ministack and run it until it is told to stop; then leave no worker and no temporary file behind."""
    mends = importlib.import_module("serinus.local_cloud.mends")
    mends.apply_all(schedule_seconds=options.schedule_seconds)
    app = importlib.import_module("ministack.app")
    runtime = importlib.import_module("ministack.core.lambda_runtime")
    try:
        app.main()
    finally:
        runtime.reset()
        left_to_us = options.temporary and options.orphaned()
        shutil.rmtree(options.state_dir if left_to_us else options.state_dir / "tmp", ignore_errors=True)


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the process."""
    options = parse_options(sys.argv[1:] if arguments is None else arguments)
    faulthandler.register(signal.SIGUSR1)
    require_pinned_ministack()
    environment = sealed_environment(options, os.environ)
    os.environ.clear()
    os.environ.update(environment)
    (options.state_dir / "tmp").mkdir(parents=True, exist_ok=True)
    if options.parent_pid is not None:
        end_with_parent(options)
    sys.argv = ["serinus-local-cloud"]  # ministack's main parses the command line too
    with contextlib.suppress(KeyboardInterrupt):
        serve(options)


if __name__ == "__main__":
    main()
