"""How the benchmark of watching judges what it measured: which goals it sets, and which of them are promises."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.benchmarks.figures import Goal, Section
from tests.benchmarks.front_door import exit_code
from tests.benchmarks.watching import checks, detection, drift, estimate, labels, market, profiles, speed, validation
from tests.benchmarks.watching.peers import run_script
from tests.benchmarks.watching.rules import OURS, RULES


def missed(section: Section) -> list[str]:
    """Return what the section says of goals that were missed."""
    return [goal.what for goal in section.goals if not goal.reached]


def figures(cpu: float, megabytes: float = 10.0) -> dict[str, float]:
    """Return what one way of reading a file took."""
    return {"seconds": cpu, "cpu": cpu, "megabytes": megabytes, "rows": 1e5, "file_mb": 20.0}


def checked(cpu: float, drifted: list[bool] | None = None, **distances: float) -> checks.Found:
    """Return what one check of four columns took and found; the moved ones are the first three, and a category."""
    told: Mapping[str, Any] = {"seconds": cpu, "cpu": cpu, "megabytes": 10.0, **distances}
    found = {name: np.array(value) for name, value in told.items()}
    return found if drifted is None else found | {"drifted": np.array(drifted)}


def estimated(theirs: float, their_seconds: float) -> dict[str, Any]:
    """Return an estimate of ours, 0.8 in a millisecond, beside theirs."""
    metric = {"ours": 0.8, "low": 0.7, "high": 0.9, "realised": 0.8, "theirs": theirs}
    return {"metrics": {"f1": metric}, "seconds": 0.001, "counted_seconds": 0.0005, "their_seconds": their_seconds}


def test_only_a_broken_promise_fails_the_run() -> None:
    """A goal that is missed is told, and the run ends well; a promise that is broken ends it with 1."""

    def of(goal: Goal) -> Section:
        return Section("x", "X", (), (), {}, [goal])

    assert exit_code([of(Goal("slow", 5, 3)), of(Goal("agrees", 0.001, 0.01, promised=True))]) == 0
    assert exit_code([of(Goal("slow", 5, 3)), of(Goal("agrees", 0.02, 0.01, promised=True))]) == 1


@pytest.mark.parametrize(
    ("goal", "said"),
    [
        (Goal("lost", 2, 0, promised=True), "broken: lost 2.00, promised ≤ 0"),
        (Goal("seen", 0, 3, at_least=True), "missed: seen 0.00, goal ≥ 3"),
        (Goal("apart", 0.0004, 0.001, promised=True), "kept: apart 4.0e-04, promised ≤ 0.001"),
    ],
)
def test_a_goal_without_a_factor_is_told_without(goal: Goal, said: str) -> None:
    """Nothing is divided by zero, and a small figure is not rounded away."""
    assert goal.sentence() == said


def test_a_check_is_held_to_reading_by_processor_time_and_to_memory() -> None:
    """Each file on its own; the larger memory of checking and building counts."""
    ways = {"read": figures(0.1, 500), "check": figures(0.31), "build": figures(0.5, 151)}
    good = {"read": figures(0.1, 500), "check": figures(0.3), "build": figures(0.5, 150)}
    found = profiles.section({"100000x30": ways, "1000000x40": good}, [])
    assert missed(found) == [
        "100,000 × 30: a check, processor time, × reading",
        "100,000 × 30: MB beyond the imports",
    ]
    assert exit_code([found]) == 0


def test_the_gates_are_held_to_reading_by_the_clock_and_the_processor() -> None:
    """1.6 × reading, for each kind of file."""
    parquet = {
        "read": 1.0,
        "read_cpu": 1.0,
        "gates": 1.6,
        "gates_cpu": 1.7,
        "gates_mb": 60,
        "duckdb": 6,
        "duckdb_cpu": 9,
    }
    assert missed(validation.section({"parquet": parquet}, [])) == ["parquet: all gates, × reading, processor time"]


def test_verdicts_and_distances_of_a_check_are_promised_and_speed_is_not() -> None:
    """A peer that was cut off is told in a note, and judged by nobody."""
    truth = [True, True, True, True]
    told: dict[str, checks.Found | str] = {
        "reading the file": checked(0.1),
        "serinus": checked(0.2, truth, psi=0.5, jensenshannon=0.3),
        "scipy": checked(2.9, truth),
        "nannyml": checked(8.0, truth, jensenshannon=0.301),
        "evidently": "cut off after 90 seconds",
    }
    slow = checks.section((1_000, 4), told)
    assert missed(slow) == ["1,000 × 4: less processor time than scipy, ×"]
    assert exit_code([slow]) == 0
    assert any("evidently: cut off" in note for note in slow.notes)
    wrong = checks.section((1_000, 4), told | {"nannyml": checked(8.0, truth, jensenshannon=0.31)})
    blind = checks.section(
        (1_000, 4), told | {"serinus": checked(0.2, [*truth[:3], False], psi=0.5, jensenshannon=0.3)}
    )
    assert exit_code([wrong]) == exit_code([blind]) == 1


def test_a_check_of_ours_that_does_not_end_is_no_result() -> None:
    """It is an error, never an empty table."""
    with pytest.raises(RuntimeError, match="did not end: it failed"):
        checks.section((1_000, 4), {"serinus": "it failed"})


def test_estimates_must_agree_and_should_be_near_and_quick() -> None:
    """1 % apart breaks the agreement, 0.001 misses the goal, as does less than 40 times NannyML's speed."""
    near = estimate.section({"simulated": estimated(0.8004, 0.05)}, [])
    assert missed(near) == []
    apart = estimate.section({"simulated": estimated(0.802, 0.03)}, [])
    assert missed(apart) == ["simulated: apart from NannyML's", "simulated: from rows, times as fast as NannyML"]
    assert exit_code([apart]) == 0
    assert exit_code([estimate.section({"simulated": estimated(0.81, 0.05)}, [])]) == 1


def test_false_alarms_may_exceed_what_is_granted_by_chance_alone() -> None:
    """As many as such rates show by chance in so many years are no broken promise, and more are.

    One a year is granted, and six promises share a chance of 1 %. Of Poisson's distribution with a mean of 2, more
    than 7 have a chance of 0.11 %, more than 6 one of 0.45 %; with a mean of 4, more than 11 have one of 0.09 %, more
    than 10 one of 0.28 %. What alarms before a rate is granted is told, and breaks nothing.
    """

    def years(*alarms: int) -> list[drift.Alarms]:
        others = dict.fromkeys(RULES, drift.Counted(0, 300))
        return [others | dict.fromkeys(OURS, drift.Counted(9, each)) for each in alarms]

    def broken(calm: list[drift.Alarms], stormy: list[drift.Alarms]) -> list[str]:
        section = drift.section_of_alarms({"calm": calm, "stormy": stormy})
        assert exit_code([section]) == int(bool(missed(section)))
        return missed(section)

    assert broken(years(0, 0), years(3, 4)) == []
    (first, second) = broken(years(0, 0), years(4, 4))
    assert first == "serinus, stormy traffic: false alarms in 2 years"
    assert second.startswith("serinus, compare_with = same_hours_last_week, stormy")
    together = broken(years(3, 3), years(3, 3))
    assert [what.partition(", ")[2] for what in together[:1]] == ["all traffic: false alarms in 4 years"]


def test_a_drift_is_seen_at_the_looks_at_which_false_alarms_are_counted() -> None:
    """Every six hours by the clock, so that the delays of one drift are six hours apart, and at least one."""
    found = drift.delays("mean + 2 sd", 1)
    assert found["any KS, p < 0.05"] == 1.0
    assert (found["serinus"] - 1.0) % 6 == 0


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import sys; sys.exit('no such column')", "it failed: ['no such column']"),
        ("while True: pass", "cut off after 1 seconds of the processor"),
    ],
)
def test_who_fails_or_takes_too_much_is_told_why(script: str, said: str, tmp_path: Path) -> None:
    """A peer's allowance is of the processor's time; what else the machine does takes nothing of it."""
    file = tmp_path / "script.py"
    file.write_text(script, encoding="utf-8")
    assert run_script(Path(sys.executable), file, processor_seconds=1, rows=np.zeros(1)) == said


def test_every_prediction_must_meet_its_label() -> None:
    """One that does not breaks a promise, as does one that is lost."""
    read = {"rows": 10.0, "labelled": 0.0, "seconds": 1.0, "cpu": 1.0, "megabytes": 1.0}
    for rows, labelled, code in ((10.0, 10.0, 0), (10.0, 9.0, 1), (9.0, 9.0, 1)):
        assert (
            exit_code([labels.section({"read": read, "join": read | {"rows": rows, "labelled": labelled}})]) == code
        )


def test_a_look_is_held_to_ten_milliseconds_whatever_the_traffic() -> None:
    """Each volume on its own."""
    assert missed(speed.section({"7,200 rows": 9.9, "72,000,000 rows": 10.1})) == ["72,000,000 rows: ms of computing"]


def test_alarms_before_and_after_a_drift_are_counted_apart() -> None:
    """A rule that never alarms after it has not seen it; a peer that was skipped is told in a note."""
    alarms = [False] * 30 + [True] * 5 + [False, True] + [False] * 12
    found = detection.section({"mean": {"serinus": alarms, "silent": [False] * 49, "whylogs": "cut off"}})
    assert list(found.rows) == [("serinus", "5", "2 d"), ("silent", "0", "not seen"), ("whylogs", "", "")]
    assert "whylogs, mean: cut off" in found.notes
    nows = [17_000, 17_424, 17_448, 17_472]
    looked = market.section("market", "a look", nows, {"serinus": [True, False, False, True], "late": [False] * 4})
    assert list(looked.rows) == [("serinus", "1", "24 h"), ("late", "0", "not in four weeks")]
