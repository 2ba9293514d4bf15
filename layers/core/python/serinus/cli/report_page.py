"""Reports as one self-contained HTML page each: nothing is fetched, nothing is run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined

from serinus.cli.distributions import distribution
from serinus.cli.report import by_impact, floor_in_words, summary
from serinus.cli.terminal import in_utc
from serinus.domain.performance_estimate import broken_floors
from serinus.domain.policy import Metric, Policy
from serinus.use_cases.look_for_drift import DriftLook
from serinus.use_cases.measure_performance import Performance

_TEMPLATES = ("page.html", "drift.html", "performance.html")


def drift_page(look: DriftLook) -> str:
    """Return the page of a look at drift, every column's distribution drawn."""
    live, layout = look.window.profile, look.window.reference.layout
    positions = {bins.name: (bins, layout.feature_section(at)) for at, bins in enumerate(layout.features)}
    columns = []
    for number, shift in enumerate(by_impact(look.report)):
        is_score = number == 0 and look.report.score is not None
        bins, section = (layout.score, layout.score_section) if is_score else positions[shift.name]
        shares = distribution(bins, look.baseline.counts[section], live.counts[section])
        tallest = max(max(each.reference, each.live) for each in shares)
        columns.append({"shift": shift, "groups": shares, "tallest": tallest})
    return _rendered(
        "drift.html",
        greatest=max((shift.impact or 0.0 for shift in look.report.features), default=0.0),
        look=look,
        columns=columns,
        summary=summary(look),
        start=in_utc(look.window.start),
        end=in_utc(look.window.end),
    )


def performance_page(policy: Policy, measured: Sequence[Performance], *, minutes: int, at: datetime) -> str:
    """Return the page of each release's performance, estimates and their intervals drawn beside what labels say."""
    releases = [
        {
            "found": found,
            "broken": {broken.floor.metric for broken in broken_floors(policy.floors, found.estimated.metrics)},
            "metrics": [
                {
                    "metric": metric,
                    "estimate": found.estimated.metrics.get(metric),
                    "realised": found.metrics.get(metric),
                    "floors": [floor for floor in policy.floors if floor.metric is metric],
                }
                for metric in Metric
                if metric in found.estimated.metrics or metric in found.metrics
            ],
        }
        for found in measured
        if found.requests or found.labelled_rows
    ]
    return _rendered("performance.html", policy=policy, releases=releases, minutes=minutes, at=in_utc(at))


def _rendered(template: str, **values: Any) -> str:  # noqa: ANN401 - a template takes anything
    folder = files(__package__).joinpath("report_templates")
    sources = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in _TEMPLATES}
    environment = Environment(
        loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["floor_in_words"] = floor_in_words
    return environment.get_template(template).render(**values)
