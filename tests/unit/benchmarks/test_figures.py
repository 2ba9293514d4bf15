"""Medians, quantiles and goals."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tests.benchmarks.figures import Goal, Section, medians, quantile
from tests.benchmarks.report import print_section, write_json


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.floats(0, 1))
def test_a_quantile_is_a_value_that_enough_do_not_exceed(values: list[float], share: float) -> None:
    """The nearest rank, as numpy's `inverted_cdf` gives it."""
    ordered = sorted(values)
    assert quantile(ordered, share) == np.quantile(ordered, share, method="inverted_cdf")


@pytest.mark.parametrize(
    ("measured", "at_least", "reached"),
    [(0.5, False, True), (0.51, False, False), (0.5, True, True), (0.49, True, False)],
)
def test_a_goal_is_reached_on_its_good_side(measured: float, at_least: bool, reached: bool) -> None:
    """The limit itself is good on either side."""
    goal = Goal("x", measured, 0.5, at_least=at_least)
    assert goal.reached is reached
    assert goal.sentence().startswith("reached" if reached else "missed")


def test_medians_are_of_each_figure_alone() -> None:
    """One slow round moves none of them."""
    rounds = [{"a": 1.0, "b": 9.0}, {"a": 2.0, "b": 8.0}, {"a": 99.0, "b": 7.0}]
    assert medians(rounds) == {"a": 2.0, "b": 8.0}


def test_a_section_is_printed_as_markdown_and_written_as_json(tmp_path: Path) -> None:
    """The same goals in both; a missed one says by how much."""
    section = Section(
        "start", "Start", ("what", "ms"), [("ours", "80")], {"ours": 80.4}, [Goal("ours", 80.4, 40)], ["so"]
    )
    printed, file = io.StringIO(), tmp_path / "report.json"
    print_section(section, Console(file=printed, width=80))
    assert "| ours | 80 |" in printed.getvalue()
    assert "- missed by a factor of 2.0: ours 80.40, goal ≤ 40" in printed.getvalue()
    write_json([section], "a machine", file)
    told = json.loads(file.read_text(encoding="utf-8"))
    assert told["start"]["figures"] == {"ours": 80.4}
    assert [goal["reached"] for goal in told["start"]["goals"]] == [False]
