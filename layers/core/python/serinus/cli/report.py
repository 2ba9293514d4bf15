"""`serinus report`: what validation found, how far live traffic has drifted, and how good each release is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serinus.cli.terminal import (
    AsJson,
    Command,
    console,
    deployment,
    escaped,
    in_utc,
    print_json,
    print_table,
    progress_console,
)

if TYPE_CHECKING:
    from serinus.domain.drift import DriftReport
    from serinus.domain.shifts import Shift
    from serinus.domain.slice_drift import SliceDrift, SliceShift
    from serinus.use_cases.look_for_drift import DriftLook

app = typer.Typer(
    help="Report drift, validation and performance: in the terminal, as JSON, or as one HTML page.",
    no_args_is_help=True,
)

_HEADINGS = (
    "column",
    "drifted",
    "PSI",
    "limit",
    "chance",
    "JS",
    "Hellinger",
    "V",
    "KS",
    "Wasserstein",
    "missing",
    "outside",
    "rows per row",
    "matters",
    "impact",
)

SLICE_HEADINGS = (
    "slice of",
    "is",
    "rows",
    "share before",
    "share now",
    "score PSI",
    "by chance",
    "furthest features",
)
_FURTHEST = 3

_DAY_MINUTES = 1_440
_COMPARED_WITH = {
    "reference": "the rows that the model was validated on",
    "same_hours_last_week": "the same hours of last week",
}

Html = Annotated[Path | None, typer.Option("--html", help="Write one self-contained page to this file as well.")]


@app.command(cls=Command)
def drift(
    ctx: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="The endpoint to look at.")],
    html: Html = None,
    as_json: AsJson = False,
) -> None:
    """Compare what the live release serves with what it was validated on, as the drift check does."""
    from serinus.cli.documents import drift_document
    from serinus.use_cases.look_for_drift import look_for_drift

    now = datetime.now(UTC)
    look = look_for_drift(endpoint, at=now, reading=deployment(ctx).reading)
    if html is not None and look is not None:
        from serinus.cli.report_page import drift_page

        html.write_text(drift_page(look), encoding="utf-8")
    if as_json:
        print_json(drift_document(endpoint, look))
    elif look is None:
        console().print(f"{escaped(endpoint)}: nothing is released yet.")
    else:
        print_drift(look)
    _tell_written(html if look is not None else None, as_json=as_json)


@app.command(cls=Command)
def performance(
    ctx: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="The endpoint to look at.")],
    minutes: Annotated[
        int | None, typer.Option(min=1, help="How much of the recent past; the policy's window if not said.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=366, help="The same in days, as labels take some to come.")
    ] = None,
    html: Html = None,
    as_json: AsJson = False,
) -> None:
    """Tell each release's performance by release, day and slice: estimated from scores, and realised by labels."""
    from serinus.cli.documents import measured_document
    from serinus.cli.report_performance import print_performance
    from serinus.use_cases.measure_performance import measure_performance

    if minutes is not None and days is not None:
        raise typer.BadParameter("say --minutes or --days, not both")
    deployed = deployment(ctx)
    policy = deployed.policies.get(endpoint)
    covered = days * _DAY_MINUTES if days else minutes or policy.performance.window_minutes
    now = datetime.now(UTC)
    with progress_console().status("joining predictions with labels"):
        measured = measure_performance(
            endpoint, start=now - timedelta(minutes=covered), end=now, measuring=deployed.measuring
        )
    if html is not None:
        from serinus.cli.report_page import performance_page

        html.write_text(performance_page(policy, measured, minutes=covered, at=now), encoding="utf-8")
    if as_json:
        print_json(measured_document(policy, measured, covered))
    else:
        print_performance(measured, policy, covered)
    _tell_written(html, as_json=as_json)


@app.command(cls=Command)
def validation(
    ctx: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="The endpoint to look at.")],
    version: Annotated[
        int | None, typer.Option(min=1, help="The model version; the latest registered if not said.")
    ] = None,
    html: Html = None,
    as_json: AsJson = False,
) -> None:
    """Tell what validation found of a model version: metrics, calibration, slices, and stable beside it."""
    from serinus.cli.report_validation import print_validation, validation_document
    from serinus.use_cases.describe_validation import Recalling, describe_validation

    deployed = deployment(ctx)
    recalling = Recalling(deployed.policies, deployed.versions, deployed.measuring.references)
    described = describe_validation(endpoint, version, recalling=recalling)
    if html is not None and described is not None:
        from serinus.cli.report_page import validation_page

        html.write_text(validation_page(described), encoding="utf-8")
    if as_json:
        print_json(validation_document(endpoint, described))
    elif described is None:
        console().print(f"{escaped(endpoint)}: nothing is registered yet.")
    else:
        print_validation(described)
    _tell_written(html if described is not None else None, as_json=as_json)


def _tell_written(html: Path | None, *, as_json: bool) -> None:
    if html is not None and not as_json:
        console().print(f"Written to {escaped(str(html))}.", soft_wrap=True)


def print_drift(look: DriftLook) -> None:
    """Print what a look found: each column, how it was judged, and the slices."""
    report, release = look.report, look.window.release
    console().print(
        f"[bold]{escaped(release.endpoint)}[/], release {release.number} (version {release.model_version}): "
        f"{report.rows} rows from {in_utc(look.window.start)} to {in_utc(look.window.end)}",
        soft_wrap=True,
    )
    if not report.enough:
        console().print(f"Too few rows to say anything: the policy asks for {look.policy.drift.minimum_rows}.")
        return
    print_shifts(report)
    console().print(escaped(summary(look)), soft_wrap=True)
    if look.slices:
        print_table("Slices, as profiles count them", SLICE_HEADINGS, [_slice_row(each) for each in look.slices])
        console().print(escaped(about_slices(look)), soft_wrap=True)


def print_shifts(report: DriftReport) -> None:
    """Print how far each column has moved."""
    print_table("Drift, by impact on the model", _HEADINGS, [_drift_row(shift) for shift in by_impact(report)])


def by_impact(report: DriftReport) -> Sequence[Shift]:
    """Return the score, the joint number, then the features by their impact on the model, as far as that is known."""
    return [*(shift for shift in (report.score, report.joint) if shift is not None), *report.ranked]


def about_slices(look: DriftLook) -> str:
    """Say what slices are judged by, which is nothing."""
    from serinus.domain.held_out import FEWEST_ROWS

    granted = look.policy.drift.false_alarms_per_year
    return (
        f"Slices raise no alarm: the false alarms that the policy grants, {granted:g} a year, are shared by the "
        "columns, the score and the joint number. Each PSI stands beside what it is on average where nothing "
        f"has moved; a slice with fewer than {FEWEST_ROWS} rows before or now has none."
    )


def furthest(drift: SliceDrift) -> Sequence[SliceShift]:
    """Return the features of a slice that have moved most, beyond what chance makes of them."""
    return [shift for shift in drift.features if shift.beyond_chance > 0][:_FURTHEST]


def _slice_row(drift: SliceDrift) -> tuple[str, ...]:
    return (
        drift.column,
        drift.name,
        f"{drift.rows:,}",
        f"{drift.share_before:.1%}",
        f"{drift.share_now:.1%}",
        "" if drift.score is None else f"{drift.score.psi:.3f}",
        "" if drift.score is None else f"{drift.score.psi_by_chance:.3f}",
        ", ".join(f"{each.name} {each.psi:.2f} ({each.psi_by_chance:.2f})" for each in furthest(drift)),
    )


def summary(look: DriftLook) -> str:
    """Say in one sentence what the look found, and how it was judged."""
    report, limits = look.report, look.policy.drift
    found = "Drifted" if report.drifted else "No drift"
    judged = (
        f"{report.past_windows} earlier windows tell how far windows stray"
        if report.past_windows
        else "no earlier windows tell yet how far windows stray, so five times the limits count, at no promised rate"
    )
    compared = _COMPARED_WITH[report.baseline]
    if report.baseline is not limits.compare_with:
        compared += ", as nothing is known of the same hours of last week"
    return (
        f"{found}, compared with {compared}. A shift counts where it exceeds its limit and its chance is below "
        f"{report.level:.1e}, which keeps the endpoint's false alarms at {limits.false_alarms_per_year:g} a year; "
        f"{judged}.{_no_joint(look)}"
    )


def _no_joint(look: DriftLook) -> str:
    """Say why there is no joint number, where there is none."""
    if look.report.joint is not None:
        return ""
    if look.baseline.layout.joint is None:
        return " No joint number: the reference counts nothing jointly."
    return " No joint number: every feature is known of too few rows."


def _drift_row(shift: Shift) -> tuple[str, ...]:
    return (
        shift.name,
        ", ".join(shift.moved),
        f"{shift.psi:.3f}",
        f"{shift.limit:g}",
        f"{shift.chance:.1e}",
        f"{shift.jensen_shannon:.3f}",
        f"{shift.hellinger:.3f}",
        f"{shift.cramers_v:.3f}",
        "" if shift.kolmogorov_smirnov is None else f"{shift.kolmogorov_smirnov:.3f}",
        "" if shift.wasserstein is None else f"{shift.wasserstein:.3f}",
        f"{shift.missing_change:+.1%}",
        f"{shift.unseen_change:+.1%}",
        f"{shift.design_effect:.1f}",
        "" if shift.importance is None else f"{shift.importance:.3f}",
        "" if shift.impact is None else f"{shift.impact:.3f}",
    )
