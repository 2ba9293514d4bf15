"""What a policy file demands of a model besides metrics: read as written, and what is wrong is refused by name."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from serinus.adapters.schemas.policy import parse_policy, policy_json
from serinus.domain.model_gates import (
    Direction,
    FairnessRule,
    FootprintLimits,
    Invariance,
    Minimum,
    MustNot,
    ParityLimits,
    StabilityLimits,
)
from serinus.domain.policy import Policy
from serinus.errors import PolicyRefused

MINIMAL = """
endpoint = "fraud"
owners = ["risk@example.com"]

[[gates]]
metric = "roc_auc"
minimum = 0.7
"""

EVERYTHING = """
[[slices]]
column = "region"

[[fairness]]
column = "sex"
maximum_selection_rate_gap = 0.1
maximum_true_positive_rate_gap = 0.2
maximum_false_positive_rate_gap = 0.05

[[fairness]]
column = "age"
edges = [30, 60]
minimum_rows = 100

[stability]
noise = 0.02
maximum_flipped_share = 0.01
maximum_flipped_share_when_missing = 0.2

[[behaviour]]
kind = "invariance"
name = "sex is no reason"
column = "sex"
values = ["f", "m"]
maximum_change = 0.01
where = { country = ["ch", "de"], new = true }

[[behaviour]]
kind = "direction"
name = "more is likelier"
column = "amount"
by = 100
must_not = "fall"
tolerance = 0.001
tolerated_share = 0.01

[[behaviour]]
kind = "minimum"
name = "known frauds"
rows = [{ amount = 9000, country = "ch" }, { amount = 7000 }]
minimum_score = 0.8

[[behaviour]]
kind = "minimum"
name = "new customers"
where = { customer = "new" }
metric = "recall"
minimum = 0.5

[parity]
maximum_difference = 1e-4

[footprint]
maximum_model_mb = 50
maximum_memory_mb = 512
maximum_row_latency_ms = 20
minimum_rows_per_second = 1000
"""


def parsed(more: str) -> Policy:
    """Parse a policy of a gate and these tables."""
    return parse_policy(tomllib.loads(MINIMAL + more), source="fraud.toml")


def test_every_table_is_read_as_it_is_written() -> None:
    """Into what the domain judges by."""
    policy = parsed(EVERYTHING)
    assert policy.fairness == (
        FairnessRule("sex", (), 30, 0.1, 0.2, 0.05),
        FairnessRule("age", (30.0, 60.0), 100),
    )
    assert policy.stability == StabilityLimits(0.02, 0.01, 0.2)
    assert policy.behaviour == (
        Invariance(
            "sex is no reason", "sex", 0.01, values=("f", "m"), where={"country": ("ch", "de"), "new": (1.0,)}
        ),
        Direction("more is likelier", "amount", 100.0, MustNot.FALL, tolerance=0.001, tolerated_share=0.01),
        Minimum("known frauds", rows=({"amount": 9000.0, "country": "ch"}, {"amount": 7000.0}), minimum_score=0.8),
        Minimum("new customers", where={"customer": ("new",)}, metric="recall", minimum=0.5),
    )
    assert policy.parity == ParityLimits(1e-4)
    assert policy.footprint == FootprintLimits(50.0, 512.0, 20.0, 1000.0)


@pytest.mark.parametrize("more", ["", EVERYTHING])
def test_the_parameter_store_gives_back_the_same_policy(more: str) -> None:
    """With the same digest."""
    policy = parsed(more)
    again = parse_policy(json.loads(policy_json(policy)), source="the store")
    assert again == policy
    assert again.digest == policy.digest


def test_the_example_in_the_documentation_is_a_policy() -> None:
    """Every table of it, as it stands there."""
    page = Path("docs/how-to/gate-a-model.md").read_text(encoding="utf-8")
    policy = parsed(page.split("```toml\n")[1].split("```")[0])
    assert [test.kind for test in policy.behaviour] == ["invariance", "direction", "minimum", "minimum"]
    assert all(rule.judges for rule in policy.fairness[:1])
    assert policy.footprint.maximum_model_mb == 50


def test_the_columns_that_a_policy_looks_at_are_told() -> None:
    """What a push must take along, feature or not."""
    assert parsed(EVERYTHING).looked_at == {"region", "sex", "age", "country", "new", "customer"}
    assert parsed("").looked_at == frozenset()


def behaviour(kind: str, **fields: object) -> str:
    """Return a behavioural test's table, with fields of their own."""
    usual: dict[str, dict[str, object]] = {
        "invariance": {"column": "sex", "maximum_change": 0.1, "values": ["f"]},
        "direction": {"column": "amount", "by": 1.0, "must_not": "fall"},
        "minimum": {"rows": [], "where": "{ sex = 'f' }", "minimum_score": 0.5},
    }
    told = {"kind": kind, "name": "a test", **usual.get(kind, {}), **fields}
    lines = [f"{name} = {_toml(value)}" for name, value in told.items() if value is not None]
    return "\n[[behaviour]]\n" + "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    return value if isinstance(value, str) and value.startswith("{") else json.dumps(value)


@pytest.mark.parametrize(("more", "said"), [
    ("[[fairness]]\ncolumn = 'sex'\nmaximum_selection_rate_gap = 1.5\n", "fairness.0.maximum_selection_rate_gap"),
    ("[[fairness]]\ncolumn = 'sex'\nmaximum_gap = 0.1\n", "fairness.0.maximum_gap"),
    ("[[fairness]]\ncolumn = 'age'\nedges = [60, 30]\n", "they must rise"),
    ("[[fairness]]\ncolumn = 'sex'\n[[fairness]]\ncolumn = 'sex'\n", "names the column 'sex' twice"),
    ("[stability]\nnoise = 0\n", "stability.noise"),
    ("[stability]\nmaximum_flipped_share = -0.1\n", "stability.maximum_flipped_share"),
    ("[parity]\nmaximum_difference = inf\n", "parity.maximum_difference"),
    ("[footprint]\nmaximum_model_mb = 201\n", "footprint.maximum_model_mb"),
    (behaviour("magic"), "behaviour.0"),
    (behaviour("invariance", noise=0.1), "either values, to set 'sex' to, or noise"),
    (behaviour("invariance", values=None), "either values, to set 'sex' to, or noise"),
    (behaviour("direction", by=0.0), "changes 'amount' by 0"),
    (behaviour("direction", must_not="jump"), "must_not"),
    (behaviour("minimum", where=None), "either where, to choose held-out rows by, or rows"),
    (behaviour("minimum", minimum_score=None), "either minimum_score or maximum_score, or a metric"),
    (behaviour("minimum", minimum=0.5), "either minimum_score or maximum_score, or a metric"),
    (behaviour("minimum", minimum_score=None, metric="recall"), "either minimum_score or maximum_score, or a metric"),
    (behaviour("minimum", minimum_score=None, metric="fame", minimum=0.1), "metric"),
    (behaviour("minimum", maximum_score=0.4), "its minimum above its maximum"),
    (behaviour("minimum", where="{ sex = [] }"), "where.sex"),
    (behaviour("minimum", name="a:b"), "name"),
    (behaviour("direction") + behaviour("minimum"), "the name 'a test' twice"),
    (behaviour("minimum") * 21, "behaviour"),
])  # fmt: skip
def test_what_cannot_be_demanded_is_refused(more: str, said: str) -> None:
    """With the field's name, or what to do."""
    with pytest.raises(PolicyRefused) as refusal:
        parsed(more)
    assert said in str(refusal.value)


PRICES = "task = 'regression'\n" + MINIMAL.replace("roc_auc", "r2")
COLOURS = "task = 'multiclass'\nclasses = ['red', 'green', 'blue']\n" + MINIMAL.replace("roc_auc", "macro_f1")


@pytest.mark.parametrize(("policy", "more", "said"), [
    (PRICES, "[[fairness]]\ncolumn = 'sex'\n", "compares whom a binary score selects"),
    (COLOURS, "[[fairness]]\ncolumn = 'sex'\n", "compares whom a binary score selects"),
    (PRICES, "[stability]\nmaximum_flipped_share = 0.1\n", "limits decisions that flip"),
    (PRICES, "[stability]\nnoise = 0.1\n", None),
    (COLOURS, "[stability]\nmaximum_flipped_share = 0.1\n", None),
    (PRICES, behaviour("direction"), None),
    (COLOURS, behaviour("direction"), "reads one score a row"),
    (COLOURS, behaviour("minimum"), "reads one score a row"),
    (COLOURS, behaviour("invariance"), None),
    (COLOURS, behaviour("minimum", minimum_score=None, metric="macro_f1", minimum=0.1), None),
    (PRICES, behaviour("minimum", minimum_score=None, metric="recall", minimum=0.1), "recall, which is no metric"),
])  # fmt: skip
def test_what_the_task_does_not_have_is_refused(policy: str, more: str, said: str | None) -> None:
    """A regression selects nobody, and a model of classes has no one score."""
    if said is None:
        parse_policy(tomllib.loads(policy + more), source="f.toml")
        return
    with pytest.raises(PolicyRefused, match=said):
        parse_policy(tomllib.loads(policy + more), source="f.toml")


def test_no_demand_besides_makes_accuracy_enough() -> None:
    """A model that says no to everybody is as fair, stable and small as can be."""
    document = tomllib.loads(MINIMAL.replace("roc_auc", "accuracy") + EVERYTHING)
    with pytest.raises(PolicyRefused, match="the only gate is on accuracy"):
        parse_policy(document, source="fraud.toml")
