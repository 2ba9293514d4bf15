"""What `serinus report performance` prints: the truth by labels beside the estimate of the same rows."""

from __future__ import annotations

from collections.abc import Sequence

from serinus.cli.terminal import console, escaped, print_table
from serinus.domain.metric import Metric, MetricGate, told_by_labels
from serinus.domain.performance_estimate import Estimate
from serinus.domain.policy import Policy
from serinus.domain.realised import RealisedGroup
from serinus.use_cases.measure_performance import MeasuredPerformance, Performance

_HEADINGS = ("metric", "by estimate", "interval", "by the labels", "interval", "expected of these", "floor")
_GROUP_HEADINGS = ("rows", "labelled", "by the labels", "interval", "expected of these", "as expected")


def print_performance(measured: MeasuredPerformance, policy: Policy, minutes: int) -> None:
    """Print every release that served, its days and slices, and what somebody should look at."""
    shown = [found for found in measured.releases if found.requests or found.labelled_rows]
    if not shown:
        console().print(f"No requests were collected in the last {minutes} minutes.")
    for found in shown:
        _print_release(found, policy, minutes)
    if shown:
        console().print(
            "Estimates take for granted that a score means what it did on the held-out rows: what changes that shows "
            "only in labels.",
            soft_wrap=True,
        )
    for finding in measured.labels.findings:
        console().print(escaped(f"Look at this: {finding}."), soft_wrap=True)
    if measured.labels.unmet:
        said = f"{measured.labels.unmet:,} labels are of no prediction of this time: of another, or of none at all."
        console().print(said, soft_wrap=True)


def main_metric(policy: Policy) -> Metric:
    """Return the metric that days and slices are shown by: labels tell it, and few rows do not inflate it.

    It is that of the first floor which has such a one, else the first of the task's.
    """
    told = [metric for metric in told_by_labels(policy.task) if not metric.is_inflated]
    return next((floor.metric for floor in policy.floors if floor.metric in told), told[0])


def floor_in_words(floor: MetricGate) -> str:
    """Return a floor's limits as a table shows them."""
    limits = (("≥", floor.minimum), ("≤", floor.maximum))
    return " ".join(f"{sign} {limit:g}" for sign, limit in limits if limit is not None)


def warnings_of(found: Performance) -> tuple[str, ...]:
    """Say what keeps the figures of a release from being the whole truth."""
    told = []
    if found.estimated.unknown_share:
        told.append(
            f"{found.estimated.unknown_share:.1%} of the rows are scored beyond all held-out rows: there the "
            "estimate is a guess."
        )
    selection = found.selection
    if selection.is_biased and selection.labelled_mean is not None and selection.unlabelled_mean is not None:
        told.append(
            f"Labels have come for other rows than the rest: scores are {selection.labelled_mean:.3f} on average "
            f"where they have and {selection.unlabelled_mean:.3f} where not, a difference of chance "
            f"{selection.chance:.1e}. What they say may not hold for all."
        )
    if found.labelled_rows and not found.realised.realised:
        told.append("Too few labels of both classes have come for an interval.")
    return (*told, *(f"{note}." for note in found.notes))


def _print_release(found: Performance, policy: Policy, minutes: int) -> None:
    console().print(
        f"Release {found.release} (version {found.model_version}), the last {minutes} minutes: "
        f"{found.estimated.rows} rows scored, {found.labelled_rows} of them labelled",
        soft_wrap=True,
    )
    print_table("Performance", _HEADINGS, _rows(found, policy.floors))
    metric = main_metric(policy)
    if len(found.days) > 1:
        _print_groups(f"{metric} by day (UTC)", "day", found.days, metric)
    for column, slices in found.slices.items():
        _print_groups(f"{metric} by {column}", column, slices, metric)
    for warning in warnings_of(found):
        console().print(escaped(warning), soft_wrap=True)


def _print_groups(title: str, heading: str, groups: Sequence[RealisedGroup], metric: Metric) -> None:
    rows = [
        (
            group.name,
            f"{group.rows}",
            f"{group.labelled_rows}",
            *_shown(group.realised.get(metric)),
            _range(group.expected.get(metric)),
            {None: "", True: "yes", False: "no"}[group.is_expected(metric)],
        )
        for group in groups
    ]
    print_table(title, (heading, *_GROUP_HEADINGS), rows)


def _rows(found: Performance, floors: Sequence[MetricGate]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for metric in Metric:
        estimate, value = found.estimated.metrics.get(metric), found.metrics.get(metric)
        if estimate is not None or value is not None:
            expected = _range(found.realised.expected.get(metric))
            surprise = {None: "", True: "", False: " (not so)"}[found.realised.is_expected(metric)]
            rows.append(
                (
                    str(metric),
                    *_shown(estimate),
                    "" if value is None else f"{value:.4f}",
                    _range(found.realised.realised.get(metric)),
                    f"{expected}{surprise}",
                    ", ".join(floor_in_words(floor) for floor in floors if floor.metric is metric),
                )
            )
    return rows


def _shown(estimate: Estimate | None) -> tuple[str, str]:
    return ("", "") if estimate is None else (f"{estimate.value:.4f}", _range(estimate))


def _range(estimate: Estimate | None) -> str:
    return "" if estimate is None else f"{estimate.low:.4f} to {estimate.high:.4f}"
