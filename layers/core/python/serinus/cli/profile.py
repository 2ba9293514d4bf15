"""`serinus profile`: what a data file holds, and how it differs from a profile saved before, or a live model's."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serinus.cli.terminal import AsJson, console, deployment, escaped, print_json, print_table, progress_console
from serinus.errors import DataRefused, ProfileRefused

if TYPE_CHECKING:
    from serinus.domain.bins import Bins, Counts
    from serinus.domain.policy import DriftLimits
    from serinus.domain.profile import Profile
    from serinus.use_cases.profile_file import FileProfile

_QUIET_SECONDS = 2.0
_HEADINGS = ("column", "kind", "missing", "different", "most of it", "besides")


def profile(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A .parquet, .csv or .jsonl file.")],
    against: Annotated[
        str | None, typer.Option(help="A profile saved before, or an endpoint, whose live model's reference counts.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Write the profile to this file, as JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """Profile a file in one pass and bounded memory; compare it with a profile saved before, or an endpoint's."""
    from serinus.adapters.stored.profile_documents import profile_document
    from serinus.adapters.tables.arrow import ArrowTables
    from serinus.use_cases.profile_file import profile_file

    reference, limits = _reference(ctx, against)
    if not file.is_file():
        raise DataRefused(f"there is no file {file}")
    with file.open("rb") as opened, _progress() as tell:
        found = profile_file(file.name, opened, tables=ArrowTables(), reference=reference, limits=limits, tell=tell)
    if save is not None:
        save.write_text(json.dumps(profile_document(found.profile), separators=(",", ":")), encoding="utf-8")
    if as_json:
        print_json(_document(file, found))
        return
    _print(file, found)
    if save is not None:
        console().print(f"Written to {escaped(str(save))}.", soft_wrap=True)


def _reference(ctx: typer.Context, against: str | None) -> tuple[Profile | None, DriftLimits]:
    from serinus.domain.policy import DriftLimits

    if against is None:
        return None, DriftLimits()
    if Path(against).is_file():
        return _saved(Path(against)), DriftLimits()
    if against.endswith(".json"):
        raise ProfileRefused(f"there is no file {against}: make one with `serinus profile --save`")
    from serinus.use_cases.live_window import live_release

    deployed = deployment(ctx)
    policy = deployed.policies.get(against)
    live = live_release(against, reading=deployed.reading)
    if live is None:
        raise ProfileRefused(f"nothing is released yet for {against}, so there is no reference to compare with")
    return live[1], policy.drift


def _saved(file: Path) -> Profile:
    from serinus.adapters.stored.profile_documents import profile_of

    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ProfileRefused(
            f"{file} is no saved profile ({error}): make one with `serinus profile --save`"
        ) from error
    return profile_of(said if isinstance(said, dict) else {})


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Say how many rows have been counted, once that takes longer than two seconds."""
    started, shown = time.monotonic(), progress_console().status("")

    def tell(rows: int) -> None:
        if time.monotonic() - started > _QUIET_SECONDS:
            shown.start()
            shown.update(f"{rows:,} rows counted")

    try:
        yield tell
    finally:
        shown.stop()


def _print(file: Path, found: FileProfile) -> None:
    from serinus.cli.report import print_shifts

    counted = found.profile
    console().print(f"[bold]{escaped(file.name)}[/]: {counted.rows} rows", soft_wrap=True)
    report = found.report
    if report is not None:
        if not report.enough:
            console().print("Too few rows to compare.")
            return
        print_shifts(report)
        moved = [shift.name for shift in report.features if shift.drifted]
        console().print(escaped(f"Moved: {', '.join(moved)}." if moved else "Nothing has moved."), soft_wrap=True)
        return
    rows = [_row(found, position, bins) for position, bins in enumerate(counted.layout.features)]
    print_table("Columns", _HEADINGS, rows)


def _row(found: FileProfile, position: int, bins: Bins) -> tuple[str, ...]:
    from serinus.cli.distributions import distribution
    from serinus.domain.bins import absent

    counts = found.profile.feature(position)
    total = max(int(counts.sum()), 1)
    groups = sorted(distribution(bins, counts, counts), key=lambda group: -group.live)
    usual = [group for group in groups if group.live > 0][:3]
    return (
        bins.name,
        _kind(bins),
        f"{int(absent(bins, counts)) / total:.1%}",
        _different(found.distinct.get(bins.name)),
        "; ".join(f"{group.label} ({group.live:.0%})" for group in usual),
        ", ".join(f"{times} {meaning}" for meaning, times in _specials(bins, counts).items() if meaning != "missing"),
    )


def _different(distinct: int | None) -> str:
    if distinct is None:
        return "many"
    return "1 (constant)" if distinct == 1 else str(distinct)


def _kind(bins: Bins) -> str:
    from serinus.domain.bins import CategoricalBins, DateBins, NumericBins

    if isinstance(bins, NumericBins):
        return "number"
    if isinstance(bins, CategoricalBins):
        return "category"
    return "date" if isinstance(bins, DateBins) else "free text"


def _specials(bins: Bins, counts: Counts) -> dict[str, int]:
    return {str(meaning): int(counts[slot]) for meaning, slot in bins.specials.items() if counts[slot]}


def _document(file: Path, found: FileProfile) -> dict[str, object]:
    from serinus.cli.documents import shift_document
    from serinus.domain.bins import constant

    columns: list[dict[str, Any]] = []
    for position, bins in enumerate(found.profile.layout.features):
        counts = found.profile.feature(position)
        known = found.distinct.get(bins.name)
        columns.append(
            {
                "name": bins.name,
                "kind": _kind(bins),
                "distinct": known,
                "constant": known == 1 if found.distinct else constant(bins, counts),
                "besides": _specials(bins, counts),
            }
        )
    report = found.report
    drift = report and {
        "enough": report.enough,
        "drifted": report.drifted,
        "columns": [shift_document(shift) for shift in report.features],
    }
    return {"file": file.name, "rows": found.profile.rows, "columns": columns, "drift": drift}
