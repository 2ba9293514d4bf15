"""The policy's table `[data]`: what it may say, and that the parameter store gives it back."""

from __future__ import annotations

import json
import tomllib

import pytest

from serinus.adapters.schemas.policy import parse_policy, policy_json
from serinus.domain.data_limits import ColumnKind, DataGate, DataLimits, DeclaredColumn, Expectation, Severity
from serinus.domain.policy import Policy
from serinus.errors import PolicyRefused

_MINIMAL = "endpoint = 'fraud'\nowners = ['a']\ngates = [{ metric = 'roc_auc', minimum = 0.7 }]\n"

_WHOLE = """
[data]
minimum_rows = 500
time_column = "measured_at"
maximum_age_hours = 48.0

[data.severities]
missing = "error"
skew = "off"

[[data.columns]]
column = "age"
kind = "number"
minimum = 0.0
maximum = 120.0
missing_share = 0.0

[[data.expectations]]
column = "amount"
condition = "amount >= 0 or kind = 'refund'"
tolerated_share = 0.001
"""


def read(text: str) -> Policy:
    """Read a policy with this text behind the least that there must be."""
    return parse_policy(tomllib.loads(_MINIMAL + text), source="fraud.toml")


def test_a_policy_says_what_it_asks_of_data() -> None:
    """And the parameter store gives it back as it was."""
    policy = read(_WHOLE)
    assert policy.data == DataLimits(
        minimum_rows=500,
        time_column="measured_at",
        maximum_age_hours=48.0,
        severities={DataGate.MISSING: Severity.ERROR, DataGate.SKEW: Severity.OFF},
        columns=(DeclaredColumn("age", ColumnKind.NUMBER, 0.0, 120.0, missing_share=0.0),),
        expectations=(Expectation("amount >= 0 or kind = 'refund'", "amount", 0.001),),
    )
    again = parse_policy(json.loads(policy_json(policy)), source="the parameter store")
    assert again == policy
    assert again.digest == policy.digest
    assert read("").data == DataLimits()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[data]\nfreshness = 1\n", "data.freshness"),
        ("[data]\nminimum_rows = 0\n", "data.minimum_rows"),
        ("[data.severities]\nmissing = 'fatal'\n", "data.severities.missing"),
        ("[data.severities]\nmising = 'off'\n", "data.severities"),
        ("[[data.expectations]]\ncondition = 'amount >'\n", "has its end, where"),
        ("[[data.expectations]]\ncondition = \"read_csv('x') > 0\"\n", "which is no function"),
        ("[[data.expectations]]\ncolumn = 'age'\ncondition = 'amount > 0'\n", "does not name it"),
        ("[[data.expectations]]\ncondition = 'a > 0'\n[[data.expectations]]\ncondition = 'a > 0'\n", "twice"),
        ("[[data.columns]]\ncolumn = 'a'\n[[data.columns]]\ncolumn = 'a'\n", "[[data.columns]] has 'a' twice"),
        ("[[data.columns]]\ncolumn = 'a'\nminimum = 2.0\nmaximum = 1.0\n", "its minimum above its maximum"),
        ("[[data.columns]]\ncolumn = 'a'\nkind = 'text'\nminimum = 2.0\n", "is a text, so it has no minimum"),
        ("[[data.columns]]\ncolumn = 'a'\ncategories = ['x']\nminimum = 2.0\n", "'a' has categories"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, said: str) -> None:
    """When the policy is read, and not when data come."""
    with pytest.raises(PolicyRefused) as refused:
        read(text)
    assert said in str(refused.value)
