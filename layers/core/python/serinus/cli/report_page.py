"""Reports as one self-contained HTML page each: nothing is fetched, nothing is run."""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined

from serinus.cli.distributions import distribution
from serinus.cli.performance_lines import HEIGHT, WIDTH, lines_of
from serinus.cli.report import about_slices, by_impact, furthest, summary
from serinus.cli.report_performance import floor_in_words, main_metric, warnings_of
from serinus.cli.terminal import in_utc
from serinus.cli.validation_view import (
    by_metric,
    class_fit_of,
    comparisons_of,
    curves_of,
    metrics_of,
    regression_fit_of,
    slices_of,
)
from serinus.domain.metric import Metric
from serinus.domain.performance_estimate import broken_floors
from serinus.domain.policy import Policy
from serinus.domain.shifts import joint_sections_of, sections_of
from serinus.use_cases.describe_validation import DescribedValidation
from serinus.use_cases.look_for_drift import DriftLook
from serinus.use_cases.measure_performance import MeasuredPerformance, Performance

_TEMPLATES = ("page.html", "drift.html", "performance.html", "validation.html")


def drift_page(look: DriftLook) -> str:
    """Return the page of a look at drift, every column's distribution drawn."""
    live, layout = look.window.profile, look.window.reference.layout
    sections = {section.bins.name: section for section in joint_sections_of(layout)}
    sections |= {section.bins.name: section for section in sections_of(layout)[1:]}
    columns = []
    for number, shift in enumerate(by_impact(look.report)):
        is_score = number == 0 and look.report.score is not None
        section = sections_of(layout)[0] if is_score else sections[shift.name]
        shares = distribution(section.bins, look.baseline.counts[section.slots], live.counts[section.slots])
        tallest = max(max(each.reference, each.live) for each in shares)
        columns.append({"shift": shift, "groups": shares, "tallest": tallest})
    return _rendered(
        "drift.html",
        greatest=max((shift.impact or 0.0 for shift in look.report.features), default=0.0),
        look=look,
        columns=columns,
        summary=summary(look),
        about_slices=about_slices(look),
        furthest=furthest,
        largest=max((max(each.share_before, each.share_now) for each in look.slices), default=1.0),
        start=in_utc(look.window.start),
        end=in_utc(look.window.end),
    )


def performance_page(policy: Policy, measured: MeasuredPerformance, *, minutes: int, at: datetime) -> str:
    """Return the page of each release's performance, estimates and their intervals drawn beside what labels say."""
    releases = [_release(policy, found) for found in measured.releases if found.requests or found.labelled_rows]
    return _rendered(
        "performance.html",
        policy=policy,
        releases=releases,
        minutes=minutes,
        at=in_utc(at),
        main=main_metric(policy),
        labels=measured.labels,
        width=WIDTH,
        height=HEIGHT,
    )


def _release(policy: Policy, found: Performance) -> dict[str, object]:
    shown = [metric for metric in Metric if metric in found.estimated.metrics or metric in found.metrics]
    floors = {metric: [floor for floor in policy.floors if floor.metric is metric] for metric in shown}
    pictures = [lines_of(found.days, metric, floors[metric]) for metric in shown]
    return {
        "found": found,
        "broken": {broken.floor.metric for broken in broken_floors(policy.floors, found.estimated.metrics)},
        "missed": {broken.floor.metric for broken in broken_floors(policy.floors, found.realised.realised)},
        "warnings": warnings_of(found),
        "pictures": [picture for picture in pictures if picture is not None],
        "metrics": [
            {
                "metric": metric,
                "estimate": found.estimated.metrics.get(metric),
                "value": found.metrics.get(metric),
                "realised": found.realised.realised.get(metric),
                "expected": found.realised.expected.get(metric),
                "as_expected": found.realised.is_expected(metric),
                "floors": floors[metric],
            }
            for metric in shown
        ],
    }


def validation_page(described: DescribedValidation) -> str:
    """Return the page of what validation found: curves, slices, and the candidate beside stable with intervals."""
    version, table = described.version, described.held_out
    return _rendered(
        "validation.html",
        version=version,
        policy=described.policy,
        at=in_utc(version.registered_at),
        metrics=metrics_of(described),
        comparisons=by_metric(comparisons_of(version)),
        slices=slices_of(version),
        curves=None if table is None else curves_of(table),
        regression=regression_fit_of(version),
        classes=class_fit_of(version),
    )


def _rendered(template: str, **values: Any) -> str:  # noqa: ANN401 - a template takes anything
    folder = files(__package__).joinpath("report_templates")
    sources = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in _TEMPLATES}
    environment = Environment(
        loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["floor_in_words"] = floor_in_words
    environment.filters["zip"] = zip
    return environment.get_template(template).render(**values)
