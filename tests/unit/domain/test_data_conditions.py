"""Conditions: what is read, what is refused, and that nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.data_conditions import Kind, parse_condition
from serinus.errors import DataRefused, PolicyRefused

_KINDS = {"amount": Kind.NUMBER, "age": Kind.NUMBER, "colour": Kind.TEXT, "Unit price": Kind.NUMBER}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("amount >= 0", ("amount",)),
        ("AMOUNT > 1 OR amount > 1", ("AMOUNT", "amount")),
        ('"Unit price" * amount <= 1e6', ("Unit price", "amount")),
        ("colour in ('red', 'it''s blue') and not (age between 0 and 17)", ("colour", "age")),
        ("colour is not null and colour like 'b%'", ("colour",)),
        ("age not between -1 and +5 or age % 2 = 0 or age <> -3", ("age",)),
        ("length(trim(lower(colour))) > 2 and regexp_matches(colour, '^[a-z]+$')", ("colour",)),
        ("not not amount = true", ("amount",)),
        ("age not in (-1, 2)", ("age",)),
    ],
)
def test_what_users_write_is_read(text: str, columns: tuple[str, ...]) -> None:
    """Columns are named as the file names them; keywords have no case."""
    condition = parse_condition(text)
    assert condition.columns == columns
    condition.check(_KINDS | {"AMOUNT": Kind.NUMBER})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has its end, where a column, a number or a text should be"),
        ("amount >", "has its end"),
        ("amount > 0; drop table x", "';' at character 11, which means nothing"),
        ("amount > 0 -- and so on", "has 'and' at character 15"),
        ("amount > (select 1)", "has '1' at character 18"),
        ("read_csv('/etc/passwd') = 'x'", "'read_csv' at character 1, which is no function"),
        ("colour like amount", "where a text in '…' should be"),
        ("colour in ()", "where a number or a text should be"),
        ("colour in (amount)", "where a number or a text should be"),
        ("colour in (-'a')", "where a number or a text should be"),
        ("amount not 5", "where between, in or like should be"),
        ("amount between 1 or 2", "where and should be"),
        ("amount is 5", "where null should be"),
        ("regexp_matches(colour, amount)", "where a text in '…' should be"),
        ("(" * 40 + "amount > 1" + ")" * 40, "nested deeper than 30"),
        ("amount > 1 or " * 100 + "amount > 1", "too long"),
        ("'unclosed = amount", "which means nothing"),
    ],
)
def test_anything_else_is_refused_with_its_place(text: str, said: str) -> None:
    """Statements, comments, functions that read files, and slips of the pen."""
    with pytest.raises(PolicyRefused, match="condition") as refused:
        parse_condition(text)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("price > 0", "needs the column 'price', which is not there"),
        ("amount", "is a number, where a condition is true or false"),
        ("amount = 'a'", "compares a number with a text"),
        ("colour between 'a' and 3", "compares a text with a number"),
        ("amount in ('a')", "compares a number with a text"),
        ("colour + 1 > 2", "+ takes a number, and not a text"),
        ("amount and age > 1", "and takes true or false, and not a number"),
        ("length(amount) > 2", "length takes a text, and not a number"),
        ("amount like 'a%'", "like takes a text, and not a number"),
    ],
)
def test_what_does_not_fit_the_columns_is_said_so(text: str, said: str) -> None:
    """Before any row is looked at; no value is in the message."""
    with pytest.raises(DataRefused) as refused:
        parse_condition(text).check(_KINDS)
    assert said in str(refused.value)


@given(st.text(alphabet="ab'\"()=<>!%-+*/,. 0123456789nortiulek", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing else ever comes out of hostile text."""
    try:
        condition = parse_condition(text)
    except PolicyRefused:
        return
    try:
        condition.check(dict.fromkeys(condition.columns, Kind.NUMBER))
    except DataRefused:
        return
