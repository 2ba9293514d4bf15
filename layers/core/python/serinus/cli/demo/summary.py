"""What came out: told from what the system kept."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table as Grid

from serinus.cli.demo.story import ENDPOINT, Told
from serinus.cli.validation_view import comparisons_of
from serinus.domain.ledger import Action, LedgerEntry
from serinus.domain.metric import Metric
from serinus.domain.model_version import ModelVersion
from serinus.domain.rollout import Outcome
from serinus.use_cases.measure_performance import Performance, measure_performance
from serinus.use_cases.recount_history import History, recount_history
from serinus.wiring import Client

_SHORT = {Metric.ROC_AUC: "AUC", Metric.AVERAGE_PRECISION: "avg. prec."}


def print_summary(console: Console, client: Client, told: Told) -> None:
    """Print what was live when, how good each release was, and how fast the bad one was gone."""
    history = recount_history(ENDPOINT, policies=client.policies, ledger=client.ledger)
    until = datetime.now(UTC)
    performances = measure_performance(ENDPOINT, start=told.began, end=until, measuring=client.measuring).releases
    versions = {performance.release: performance.model_version for performance in performances}
    console.print()
    console.print(_what_was_live(history, versions, told))
    console.print(_in_production(performances, "Each release in production, on the rows that it answered"))
    console.print(_in_production(_side_by_side(history, client), "Models 2 and 4 while both served the new market"))
    console.print(_compared(client.versions.get(ENDPOINT, told.retrained_version)))
    for line in _sentences(history, performances, told):
        console.print(f" • {line}", soft_wrap=True)


def _what_was_live(history: History, versions: dict[int, int], told: Told) -> Grid:
    grid = Grid(title="What was live when", title_justify="left")
    for heading in ("from", "to", "stable release", "candidate", "share"):
        grid.add_column(heading, justify="right")
    for span in history.live:
        grid.add_row(
            f"{(span.start - told.began).total_seconds():.1f} s",
            f"{(span.end - told.began).total_seconds():.1f} s" if span.end else "now",
            _named(span.stable, versions),
            _named(span.candidate, versions) if span.candidate else "",
            f"{span.candidate_percent} %" if span.candidate else "",
        )
    return grid


def _named(release: int, versions: dict[int, int]) -> str:
    return f"{release} (model {versions.get(release, '?')})"


def _side_by_side(history: History, client: Client) -> tuple[Performance, ...]:
    """Measure stable and candidate over the last canary alone: elsewhere they answered different rows."""
    spans = [span for span in history.live if span.candidate is not None]
    last = [span for span in spans if span.candidate == spans[-1].candidate]
    end = last[-1].end or datetime.now(UTC)
    found = measure_performance(ENDPOINT, start=last[0].start, end=end, measuring=client.measuring)
    return tuple(performance for performance in found.releases if performance.requests)


def _in_production(performances: tuple[Performance, ...], title: str) -> Grid:
    grid = Grid(title=title, title_justify="left")
    for heading in ("release", "model", "requests", "failed", "p95 ms", "labelled", "AUC", "avg. prec."):
        grid.add_column(heading, justify="right")
    for performance in performances:
        auc = performance.metrics.get(Metric.ROC_AUC)
        precision = performance.metrics.get(Metric.AVERAGE_PRECISION)
        latency = performance.latency_p95_ms
        grid.add_row(
            str(performance.release),
            str(performance.model_version),
            f"{performance.requests:,}",
            f"{performance.failures:,}",
            "" if latency is None else f"{latency:.1f}",
            f"{performance.labelled_rows:,}",
            "" if auc is None else f"{auc:.3f}",
            "" if precision is None else f"{precision:.3f}",
        )
    return grid


def _compared(retrained: ModelVersion) -> Grid:
    """Tell what its gates found before it got any traffic: both models on the same rows, of now and of the past."""
    grid = Grid(title="Model 4 beside model 2 when it was validated, on the same rows", title_justify="left")
    for heading in ("metric", "rows of", "model 2", "model 4", "difference", "by chance"):
        grid.add_column(heading, justify="right")
    for each in comparisons_of(retrained):
        grid.add_row(
            _SHORT.get(each.metric, str(each.metric)),
            each.where.removeprefix("rows of ").removesuffix(" rows"),
            *("" if value is None else f"{value:.3f}" for value in (each.stable, each.candidate)),
            f"{each.difference:+.3f}",
            f"{each.low:+.3f} to {each.high:+.3f}",
        )
    return grid


def _sentences(history: History, performances: tuple[Performance, ...], told: Told) -> list[str]:
    ended = _ended(history, told.bad_version)
    bad = next(found for found in performances if found.model_version == told.bad_version)
    back = next(
        entry
        for entry in history.entries
        if entry.action is Action.TRAFFIC_SHIFTED
        and entry.details["candidate"] is None
        and entry.at.timestamp() > told.first_failure_at
    )
    drift = next(entry for entry in history.entries if entry.action is Action.DRIFT_DETECTED)
    outcomes = [entry.details["outcome"] for entry in history.entries if entry.action is Action.ROLLOUT_ENDED]
    chain = "the chain of hashes holds" if history.broken_at is None else f"BROKEN at entry {history.broken_at}"
    return [
        f"Bad release: {back.at.timestamp() - told.first_failure_at:.1f} seconds from its first failed answer to all "
        f"traffic on stable; it answered {bad.requests} requests, {bad.failures} of them failed. "
        f"Rolled back by: {ended.details['reason']}",
        f"Drift was found {(told.labels_at - drift.at).total_seconds():.1f} seconds before the first labels of the "
        "new market came, from inputs and predictions alone",
        f"Deployments: {outcomes.count(Outcome.PROMOTED)} promoted, "
        f"{outcomes.count(Outcome.ROLLED_BACK)} rolled back",
        f"Callers: {told.requests:,} requests answered, {told.failures} of them with an error",
        f"Ledger: {len(history.entries)} entries, {chain}",
    ]


def _ended(history: History, version: int) -> LedgerEntry:
    return next(
        entry
        for entry in history.entries
        if entry.action is Action.ROLLOUT_ENDED and entry.details["version"] == version
    )
