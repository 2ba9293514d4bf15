"""What a push looks like while it goes on, on stderr, and what is said of it in the end."""

from __future__ import annotations

import io
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, assert_never

from serinus.cli.preparing import is_pickle
from serinus.cli.terminal import console, escaped, progress_console
from serinus.domain.gates import Finding
from serinus.domain.model_version import ModelVersion
from serinus.domain.rollout import Rollout
from serinus.use_cases.push_model import PushProgress, Stage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MARKS = {True: "[green]✓[/]", False: "[red]✗[/]"}


def announce_pickle(model: Path) -> None:
    """Say what happens to a pickle, before it happens."""
    if is_pickle(model):
        progress_console().print(
            f"{escaped(model.name)} is loaded on this machine and converted to ONNX; only the ONNX file is uploaded.",
            soft_wrap=True,
        )


class UploadBars:
    """`Uploads` to S3, with a progress bar for each file."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, body: bytes) -> None:
        """Write the object."""
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        shown = progress_console()
        with Progress(*columns, console=shown, disable=not shown.is_terminal) as bars:
            bar = bars.add_task(key.rpartition("/")[2], total=len(body))
            self._client.upload_fileobj(
                io.BytesIO(body), self._bucket, key, Callback=lambda sent: bars.advance(bar, sent)
            )


class PushReporter:
    """Prints each thing that happens as a line, and what is being waited for as a spinner."""

    def __init__(self) -> None:
        self._console = progress_console()
        self._status = self._console.status("…")
        self._said: set[str] = set()

    def __enter__(self) -> PushReporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def __call__(self, progress: PushProgress) -> None:
        """Tell what is new."""
        self._say(f"Uploaded as {progress.upload}.")
        if progress.version is not None:
            self._say(f"Registered as version {progress.version.number}.")
            for line in finding_lines(progress.version):
                self._say(line)
        if progress.rollout is not None:
            self._say(_rollout_line(progress.rollout))
        if progress.finished:
            self._status.stop()
        else:
            self._status.update(f"{_heading(progress.stage)}: {escaped(progress.reason)}")
            self._status.start()

    def _say(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._console.print(line, soft_wrap=True)


def finding_lines(version: ModelVersion) -> list[str]:
    """Return lines of markup: one for each finding, several of one kind under a heading, what failed first."""
    kinds: dict[str, list[Finding]] = {}
    for finding in version.findings:
        kinds.setdefault(finding.gate.partition(":")[0], []).append(finding)
    return [line for kind, found in kinds.items() for line in _kind_lines(kind, found)]


def _kind_lines(kind: str, findings: list[Finding]) -> list[str]:
    if len(findings) == 1:
        (only,) = findings
        return [f"  {_MARKS[only.passed]} {escaped(f'{only.gate}: {only.message}')}"]
    failed = sum(not finding.passed for finding in findings)
    count = f"{failed} of {len(findings)} failed" if failed else f"{len(findings)} passed"
    ordered = sorted(findings, key=lambda finding: finding.passed)
    return [
        f"  {_MARKS[not failed]} {escaped(f'{kind}: {count}')}",
        *(f"      {_MARKS[finding.passed]} {escaped(finding.message)}" for finding in ordered),
    ]


def print_outcome(pushed: PushProgress) -> None:
    """Print how the push ended: one line of verdict, one of reason."""
    colour = "green" if pushed.succeeded else "red" if pushed.finished else "yellow"
    name = f"version {pushed.version.number}" if pushed.version else f"upload {pushed.upload}"
    shown = console()
    shown.print(f"[{colour}]{escaped(f'{pushed.endpoint}: {name} {_verdict(pushed.stage)}.')}[/]", soft_wrap=True)
    if pushed.reason:
        shown.print(escaped(pushed.reason), soft_wrap=True)
    if not pushed.finished:
        shown.print(f"It goes on by itself: `serinus status {escaped(pushed.endpoint)}` tells how.", soft_wrap=True)


def _rollout_line(rollout: Rollout) -> str:
    if rollout.outcome is not None:
        return f"Rollout {escaped(rollout.id)} ended: {rollout.outcome}."
    if rollout.step < 0:
        return f"Rollout {escaped(rollout.id)} began."
    steps = rollout.plan.steps
    return (
        f"Rollout {escaped(rollout.id)}: step {rollout.step + 1} of {len(steps)}, {rollout.candidate_percent} % of "
        f"traffic to release {rollout.candidate}."
    )


def _heading(stage: Stage) -> str:
    return str(stage).replace("_", " ").capitalize()


def _verdict(stage: Stage) -> str:
    match stage:
        case Stage.UPLOADED:
            return "is uploaded"
        case Stage.REGISTERED:
            return "is registered and not validated yet"
        case Stage.VALIDATED:
            return "is validated; its rollout has not begun"
        case Stage.ROLLING_OUT:
            return "is validated and being rolled out"
        case Stage.REFUSED | Stage.REJECTED | Stage.PROMOTED:
            return f"was {stage}"
        case Stage.LIVE_ALREADY:
            return "is live already"
        case Stage.ROLLED_BACK:
            return "was rolled back"
        case Stage.INCONCLUSIVE:
            return "was returned undecided: its rollout was inconclusive"
        case Stage.FAILED:
            return "failed to roll out"
        case _:
            assert_never(stage)
