"""What validation found of a model version, in the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from serinus.cli.documents import version_document
from serinus.cli.push_reporting import finding_lines
from serinus.cli.terminal import console, escaped, in_utc, print_table
from serinus.cli.validation_view import (
    Compared,
    SlicedMetric,
    class_fit_of,
    comparisons_of,
    curves_of,
    metrics_of,
    regression_fit_of,
    slices_of,
)
from serinus.domain.model_version import Status
from serinus.domain.quality import CalibrationGroup
from serinus.use_cases.describe_validation import DescribedValidation

_BAR = 24  # characters that a share of 1 takes


def validation_document(endpoint: str, described: DescribedValidation | None) -> dict[str, object]:
    """Return every figure; `version` is null where nothing is registered yet."""
    if described is None:
        return {"endpoint": endpoint, "version": None}
    version, table = described.version, described.held_out
    regression, classes = regression_fit_of(version), class_fit_of(version)
    return {
        "endpoint": endpoint,
        "task": str(described.policy.task),
        **version_document(version),
        "held_out_rows": None if table is None else table.rows,
        "comparisons": [asdict(each) for each in comparisons_of(version)],
        "slices": [{**asdict(each), "slices": dict(each.slices), "worst": each.worst} for each in slices_of(version)],
        "curves": None if table is None else asdict(curves_of(table)),
        "regression": None if regression is None else asdict(regression),
        "classes": None if classes is None else asdict(classes),
    }


def print_validation(described: DescribedValidation) -> None:
    """Print the findings, the metrics, the calibration, the comparison with stable and the worst slices."""
    version, table = described.version, described.held_out
    colour = {Status.VALIDATED: "green", Status.REJECTED: "red", Status.REGISTERED: "yellow"}[version.status]
    console().print(
        f"[bold]{escaped(version.endpoint)}[/], version {version.number}: [{colour}]{version.status}[/], registered "
        f"{in_utc(version.registered_at)}",
        soft_wrap=True,
    )
    if version.status is Status.REGISTERED:
        console().print("It has not been validated yet.")
        return
    for line in finding_lines(version):
        console().print(line, soft_wrap=True)
    if metrics := metrics_of(described):
        rows = [(str(each.metric), f"{each.value:.4f}", each.limits) for each in metrics]
        print_table("On the held-out rows", ("metric", "value", "gate"), rows)
    if table is not None:
        groups = [_calibration_row(group) for group in curves_of(table).calibration]
        print_table("Calibration", ("rows", "mean score", "share of positives", "off by", ""), groups)
    if fit := regression_fit_of(version):
        pairs = [(f"{told:.6g}", f"{actual:.6g}", f"{told - actual:+.4g}") for told, actual in fit.points]
        print_table("By tenths of the rows", ("mean prediction", "mean target", "too high by"), pairs)
    if classes := class_fit_of(version):
        recalls = [(name, str(count), f"{recall:.4f}") for name, recall, count in classes.recalls]
        print_table("Classes, the worst first", ("class", "rows", "recall"), recalls)
        shares = [(f"{said:.4f}", f"{right:.4f}", f"{right - said:+.4f}") for said, right in classes.confidence]
        print_table("Confidence", ("mean confidence", "share of right answers", "off by"), shares)
    if compared := comparisons_of(version):
        headings = ("metric", "on", "candidate", "stable", "difference", "interval", "beyond chance")
        print_table("Against stable", headings, [_comparison_row(each) for each in compared])
    if sliced := slices_of(version):
        columns = ("metric", "by", "worst", "value", "interval", "slices")
        print_table("Slices", columns, [_slice_row(each) for each in sliced])


def _calibration_row(group: CalibrationGroup) -> Sequence[str]:
    off = group.positive_share - group.mean_score
    bar = "█" * round(_BAR * group.positive_share)
    return str(group.rows), f"{group.mean_score:.4f}", f"{group.positive_share:.4f}", f"{off:+.4f}", bar


def _comparison_row(each: Compared) -> Sequence[str]:
    both = ("" if value is None else f"{value:.4f}" for value in (each.candidate, each.stable))
    told = each.told if each.passed else f"{each.told}: fails"
    return (
        str(each.metric),
        each.where,
        *both,
        f"{each.difference:+.4f}",
        f"{each.low:+.4f} to {each.high:+.4f}",
        told,
    )


def _slice_row(each: SlicedMetric) -> Sequence[str]:
    interval = f"{each.low:.4f} to {each.high:.4f}"
    return str(each.metric), each.column, each.worst, f"{each.slices[0][1]:.4f}", interval, str(len(each.slices))
