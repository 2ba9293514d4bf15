"""`serinus labels`: what became of predictions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serinus.cli.terminal import AsJson, Command, console, deployment, escaped, print_json, progress_console

if TYPE_CHECKING:
    from serinus.use_cases.upload_labels import UploadedLabels

app = typer.Typer(help="Send labels: what became of predictions.", no_args_is_help=True)


@app.callback()
def labels() -> None:
    """Send labels: what became of predictions."""


@app.command(cls=Command)
def upload(
    ctx: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="The endpoint whose predictions the labels are of.")],
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            readable=True,
            help="A .csv, .jsonl or .parquet file with the columns id and label, and maybe row and time.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Check a file of labels and record it; the same file again changes nothing."""
    from serinus.use_cases.record_labels import Recording
    from serinus.use_cases.upload_labels import upload_labels

    deployed = deployment(ctx)
    recording = Recording(deployed.policies, deployed.measuring.labels)
    with progress_console().status(f"checking and uploading {escaped(file.name)}"):
        uploaded = upload_labels(endpoint, file.name, file.read_bytes(), recording=recording)
    if as_json:
        print_json(_document(uploaded))
        return
    read = uploaded.read
    rows = "" if read.rows == read.labels else f" in {read.rows:,} rows"
    known = "" if uploaded.new else "; the same file was recorded before, and nothing changes"
    said = f"{read.labels:,} labels{rows} recorded for {endpoint}{known}."
    console().print(escaped(said), soft_wrap=True)
    for finding in read.findings:
        console().print(escaped(f"Look at this: {finding}."), soft_wrap=True)


def _document(uploaded: UploadedLabels) -> dict[str, object]:
    read = uploaded.read
    return {
        "endpoint": uploaded.endpoint,
        "rows": read.rows,
        "labels": read.labels,
        "new": uploaded.new,
        "findings": list(read.findings),
    }
