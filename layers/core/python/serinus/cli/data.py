"""`serinus data`: the gates that data pass before a model is measured or trained, on this machine."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serinus.cli.terminal import (
    AsJson,
    Command,
    console,
    deployment,
    escaped,
    print_json,
    print_table,
    progress_console,
)
from serinus.errors import DataRefused

if TYPE_CHECKING:
    from serinus.domain.data_findings import DataFinding, Schema
    from serinus.domain.policy import Policy
    from serinus.use_cases.examine_data import Compare, Scan
    from serinus.wiring import Client

app = typer.Typer(help="Check data files before they are pushed.", no_args_is_help=True)


@app.callback()
def data() -> None:
    """Check data files before they are pushed."""


@app.command(cls=Command)
def check(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="The rows: .csv, .parquet or .jsonl.")],
    endpoint: Annotated[
        str | None,
        typer.Option(help="Whose policy, live model and live traffic to hold the rows against."),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="A policy file to hold the rows against; needs no deployment.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="The column to predict.")] = None,
    train: Annotated[
        Path | None, typer.Option(help="The rows that trained, to see whether any of these are among them.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold a file against the data gates, as the pipeline does with every upload and snapshot.

    Exits with 1 where a finding would have the data rejected. Findings number rows from 1, and never quote them.
    """
    from serinus.use_cases.examine_data import examine_data, limits_of

    if endpoint is not None and policy is not None:
        raise typer.BadParameter("give an endpoint or a policy file, and not both", param_hint="--policy")
    _refuse_what_is_no_file(file, train)
    now = datetime.now(UTC)
    with progress_console().status(f"looking through {escaped(file.name)}"):
        told, schema, compare = _held_against(ctx, endpoint, policy, target, at=now)
        findings = examine_data(
            _scan(file), schema, limits_of(told), at=now, training=_scan(train) if train else None, compare=compare
        )
    rejected = any(found.rejects for found in findings)
    if as_json:
        print_json(
            {"file": str(file), "accepted": not rejected, "findings": [_document(found) for found in findings]}
        )
    else:
        _print_findings(file, findings, rejected=rejected)
    raise typer.Exit(1 if rejected else 0)


def _held_against(
    ctx: typer.Context, endpoint: str | None, policy: Path | None, target: str | None, *, at: datetime
) -> tuple[Policy, Schema, Compare]:
    from serinus.adapters.schemas.policy import read_policy
    from serinus.domain.data_findings import Schema
    from serinus.domain.policy import EndpointName, Policy
    from serinus.use_cases.compare_with_live import compare_with_live

    if endpoint is not None:
        client = deployment(ctx)
        found = client.policies.get(endpoint)
        compare = partial(compare_with_live, found, at=at, reading=client.reading)
        return found, _live_schema(client, found, target), compare
    found = read_policy(policy) if policy else Policy(EndpointName("none"), owners=())
    return found, Schema(None, target, found.looked_at), lambda _: "no endpoint was named"


def _live_schema(client: Client, policy: Policy, target: str | None) -> Schema:
    """The model that is live says which columns there must be, and what it was validated to predict."""
    from serinus.domain.data_findings import Schema, schema_of
    from serinus.use_cases.live_window import live_release

    live = live_release(policy.endpoint, reading=client.reading)
    if live is None:
        return Schema(None, target, policy.looked_at)
    manifest = client.versions.get(policy.endpoint, live[0].model_version).manifest
    return schema_of(manifest.signature, target or manifest.holdout.target, policy.looked_at)


def _scan(path: Path) -> Scan:
    from serinus.adapters.tables.scan import ArrowScanner

    return partial(ArrowScanner().scan_file, path.name, path)


def _refuse_what_is_no_file(*paths: Path | None) -> None:
    for path in paths:
        if path is not None and not path.is_file():
            raise DataRefused(f"there is no file {path}")


def _document(found: DataFinding) -> dict[str, object]:
    return {
        "gate": found.gate,
        "severity": str(found.severity),
        "passed": found.passed,
        "message": found.message,
        "numbers": dict(found.numbers),
        "rows": list(found.rows),
    }


def _print_findings(file: Path, findings: tuple[DataFinding, ...], *, rejected: bool) -> None:
    rows = [(found.gate, "passed" if found.passed else str(found.severity), found.message) for found in findings]
    print_table(file.name, ("gate", "result", "found"), rows)
    warnings = sum(not found.passed and not found.rejects for found in findings)
    errors = sum(found.rejects for found in findings)
    colour, verdict = ("red", "would be rejected") if rejected else ("green", "would be accepted")
    said = f"{file.name} {verdict}: {errors} errors, {warnings} warnings, {len(findings)} gates."
    console().print(f"[{colour}]{escaped(said)}[/]", soft_wrap=True)
