"""Prints the report's tables, in Markdown that a document can take as it stands, and writes it as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from tests.benchmarks.figures import Section


def print_section(section: Section, console: Console) -> None:
    """Print a title, a table, the goals and the notes."""
    table = Table(box=box.MARKDOWN, show_edge=True, header_style="bold")
    for position, column in enumerate(section.columns):
        table.add_column(column, justify="right" if position else "left", overflow="fold")
    for row in section.rows:
        table.add_row(*row)
    console.print(f"\n[bold]{section.title}[/bold]")
    console.print(table)
    for goal in section.goals:
        console.print(f"- {goal.sentence()}", style="green" if goal.reached else "red", highlight=False)
    for note in section.notes:
        console.print(f"- {note}", highlight=False, markup=False)


def machine() -> str:
    """Say what was measured on."""
    cores, load = os.cpu_count(), os.getloadavg()[0]
    return (
        f"{cores} shared cores of {platform.machine()}, Python {platform.python_version()}, load {load:.1f} when it "
        "began: the ratios are the point."
    )


def write_json(sections: Sequence[Section], on: str, file: Path) -> None:
    """Write everything, unrounded."""
    document = {"machine": on} | {section.name: section.document() for section in sections}
    file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
