"""Hostile bytes as a JSON object: orjson reads as the standard library does, or leaves it the word."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from serinus.adapters.open_inference.document import read_document
from serinus.errors import RequestRefused

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4).filter(str.isascii), inner, max_size=4)
    ),
    max_leaves=20,
)
FRACTIONS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?\Z")


def read(body: str | bytes) -> Any:  # noqa: ANN401 - any JSON
    """Read a document."""
    return read_document(body, "{}")


def same(one: object, other: object) -> bool:
    """Whether two values are the same, bit by bit and kind by kind."""
    if isinstance(one, float) and isinstance(other, float):
        return struct.pack("<d", one) == struct.pack("<d", other)
    return type(one) is type(other) and one == other


@given(FRACTIONS)
@example("2.2250738585072011e-308")  # once hung and misread by readers of fractions
@example("9007199254740993.0")  # half-way between two FP64
@example("0.500000000000000166533453693773481063544750213623046875")
@example("179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587")
@example("4.9406564584124654e-324")
@example("2.4703282292062327e-324")  # half of the smallest: to zero
@example("-0.0")
@example("-0")
@example("1e-400")
def test_numbers_are_read_to_the_same_bit(text: str) -> None:
    """Fractions are rounded correctly by both; whole numbers of more than 64 bits are the nearest FP64."""
    found, expected = read(f'{{"n":{text}}}')["n"], json.loads(text)
    if type(expected) is int and not -(2**63) <= expected < 2**64:
        expected = float(expected)
    assert same(found, expected)


@pytest.mark.parametrize("whole", [2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**20, 10**300])
def test_whole_numbers_are_exact_up_to_64_bits(whole: int) -> None:
    """Whoever reads them: a half of a surrogate pair leaves the word to the standard library."""
    expected = whole if -(2**63) <= whole < 2**64 else float(whole)
    for text in (f'{{"n":{whole}}}', f'{{"n":{whole},"t":"\\ud800"}}'):
        assert same(read(text)["n"], expected)


@given(JSON)
def test_whatever_is_json_is_read_alike(value: object) -> None:
    """As text or as bytes, escaped or not."""
    for ascii_only in (True, False):
        text = json.dumps({"v": value}, ensure_ascii=ascii_only)
        expected = json.loads(text)
        assert read(text) == read(text.encode()) == expected
        assert orjson.loads(orjson.dumps(expected)) == expected


@given(st.text(max_size=30) | st.from_regex(r"\A[\[\]{}\",:0-9eE+\-. tfn\\u]{1,20}\Z"))
def test_what_is_no_json_is_refused_by_both(text: str) -> None:
    """Neither takes what the other refuses, but for the constants that are no JSON."""
    try:
        expected = json.loads(f'{{"v":{text}}}', parse_constant=lambda _: 1 / 0)
    except (ValueError, ZeroDivisionError):
        with pytest.raises(RequestRefused):
            read(f'{{"v":{text}}}')
    else:
        assert read(f'{{"v":{text}}}') == expected


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"a": [1, NaN]}', "holds NaN, which is no JSON"),
        ('{"a": -Infinity}', "holds -Infinity, which is no JSON"),
        ('{"a": }', "no JSON (Expecting value at line 1, column 7)"),
        (b'{"a": "\xff"}', "not UTF-8 (byte 7)"),
        ("[" * 100_000, "nests too deeply"),
        ('{"a": ' + "9" * 5_000 + "}", "thousands of digits"),
        ("[1]", "no JSON object"),
    ],
)
def test_a_refusal_says_what_and_where(body: str | bytes, says: str) -> None:
    """In the standard library's words."""
    with pytest.raises(RequestRefused) as refused:
        read(body)
    assert says in str(refused.value)


def test_of_two_values_of_one_name_the_last_counts() -> None:
    """As ever in Python."""
    assert read('{"a": 1, "a": 2}')["a"] == read('{"a": 1, "a": 2, "t": "\\ud800"}')["a"] == 2


def test_a_number_beyond_any_fraction_is_left_to_those_who_know_its_place() -> None:
    """It is infinite, which is refused by row and column."""
    assert read('{"a": [1, 1e999]}') == {"a": [1, math.inf]}
