"""CloudWatch Logs filter patterns: which log events a subscription or a search admits.

AWS: an empty pattern admits everything; terms admit events that hold all of them (``-term`` none of it); a pattern
in braces is a condition on the members of a JSON event. A selector has to lead to a string, number, boolean or null:
one that leads to an object or array never matches, not even ``= *``.

Stock: bare words only for subscriptions; JSON patterns admit everything in searches.

Mended: JSON patterns with ``=``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, ``*`` in strings, ``IS NULL | TRUE | FALSE``,
``EXISTS``, ``NOT EXISTS``, ``&&``, ``||`` and parentheses. Patterns with regular expressions and patterns for
space-delimited lines are refused.
"""

from __future__ import annotations

import fnmatch
import functools
import json
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import cloudwatch_logs

from serinus.local_cloud.mends.replacing import replace

Condition = Callable[[Mapping[str, Any]], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<selector>\$(?:\.[\w@-]+|\[\d+\]|\["[^"]+"\])+)
      | (?P<operator>&&|\|\||!=|<=|>=|=|<|>|\(|\))
      | "(?P<quoted>(?:\\.|[^"\\])*)"
      | (?P<word>[^\s()&|=<>!"]+)
    )""",
    re.VERBOSE,
)
_STEP = re.compile(r"""\.([\w@-]+)|\[(\d+)\]|\["([^"]+)"\]""")
_TERM = re.compile(r'(-?)(?:"((?:\\.|[^"\\])*)"|(\S+))')
_NUMBER_TESTS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
_ABSENT = object()


class PatternRefused(ValueError):
    """A pattern that CloudWatch Logs would refuse, or that this subset leaves out."""


@functools.lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """A test of a log event's message.

    Raises:
        PatternRefused: with the place at which the pattern could not be read.
    """
    text = pattern.strip()
    if text.startswith("["):
        raise PatternRefused("patterns for space-delimited events are not supported by the local cloud")
    if not text.startswith("{"):
        return _terms(text)
    if not text.endswith("}"):
        raise PatternRefused(f"no closing brace in {pattern!r}")
    condition = _Parser(text[1:-1]).whole()

    def matches(message: str) -> bool:
        if not message.lstrip().startswith("{"):
            return False
        try:
            event = json.loads(message)
        except ValueError:
            return False
        return condition(event)

    return matches


def _terms(text: str) -> Callable[[str], bool]:
    wanted: list[str] = []
    unwanted: list[str] = []
    for sign, quoted, bare in _TERM.findall(text):
        (unwanted if sign else wanted).append(quoted or bare)
    return lambda message: all(term in message for term in wanted) and not any(term in message for term in unwanted)


def _value_at(event: object, selector: str) -> object:
    """The member that a selector leads to, or ``_ABSENT``."""
    for name, index, quoted in _STEP.findall(selector):
        if index:
            if not isinstance(event, list) or int(index) >= len(event):
                return _ABSENT
            event = event[int(index)]
        else:
            key = name or quoted
            if not isinstance(event, dict) or key not in event:
                return _ABSENT
            event = event[key]
    return event


class _Parser:
    """Recursive descent over the inside of the braces: alternatives of conjunctions of comparisons."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            found = _TOKEN.match(text, position)
            if found is None or found.lastgroup is None:
                raise PatternRefused(f"cannot read {text[position:].strip()!r}")
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            position = found.end()
        self._next = 0

    def whole(self) -> Condition:
        condition = self._either()
        if self._next < len(self._tokens):
            raise PatternRefused(f"unexpected {self._tokens[self._next][1]!r}")
        return condition

    def _peek(self) -> str | None:
        if self._next >= len(self._tokens):
            return None
        kind, text = self._tokens[self._next]
        return None if kind == "quoted" else text

    def _take(self, *kinds: str) -> tuple[str, str]:
        if self._next >= len(self._tokens) or self._tokens[self._next][0] not in kinds:
            raise PatternRefused(f"expected a {' or '.join(kinds)}")
        self._next += 1
        return self._tokens[self._next - 1]

    def _either(self) -> Condition:
        conditions = [self._both()]
        while self._peek() == "||":
            self._next += 1
            conditions.append(self._both())
        return lambda event: any(condition(event) for condition in conditions)

    def _both(self) -> Condition:
        conditions = [self._one()]
        while self._peek() == "&&":
            self._next += 1
            conditions.append(self._one())
        return lambda event: all(condition(event) for condition in conditions)

    def _one(self) -> Condition:
        if self._peek() == "(":
            self._next += 1
            condition = self._either()
            if self._peek() != ")":
                raise PatternRefused("a parenthesis is not closed")
            self._next += 1
            return condition
        _, selector = self._take("selector")
        kind, text = self._take("operator", "word")
        return self._comparison(selector, text) if kind == "operator" else self._state(selector, text)

    def _state(self, selector: str, word: str) -> Condition:
        if word == "EXISTS":
            return lambda event: _value_at(event, selector) is not _ABSENT
        _, second = self._take("word")
        if (word, second) == ("NOT", "EXISTS"):
            return lambda event: _value_at(event, selector) is _ABSENT
        states = {"NULL": None, "TRUE": True, "FALSE": False}
        if word != "IS" or second not in states:
            raise PatternRefused(f"unexpected {word} {second}")
        return lambda event: _value_at(event, selector) is states[second]

    def _comparison(self, selector: str, test: str) -> Condition:
        if test not in _NUMBER_TESTS:
            raise PatternRefused(f"unexpected {test!r}")
        kind, wanted = self._take("word", "quoted")
        if kind == "word" and wanted.startswith("%"):
            raise PatternRefused("regular expressions are not supported by the local cloud")
        number = _number(wanted) if kind == "word" else None
        if number is not None:
            return lambda event: _number_passes(_value_at(event, selector), test, number)
        if test not in {"=", "!="}:
            raise PatternRefused(f"{wanted!r} is not a number")
        return lambda event: _string_passes(_value_at(event, selector), test, wanted)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _number_passes(value: object, test: str, wanted: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return test == "!=" and isinstance(value, str)
    return _NUMBER_TESTS[test](float(value), wanted)


def _string_passes(value: object, test: str, wanted: str) -> bool:
    if isinstance(value, dict | list) or value is _ABSENT or value is None:
        return False
    text = json.dumps(value) if isinstance(value, bool) else str(value)
    literal = wanted.replace("[", "[[]").replace("?", "[?]")
    return fnmatch.fnmatchcase(text, literal) == (test == "=")


def _search(_original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    def compiled(raw: str | None) -> Callable[[str], bool]:
        return compile_pattern(raw or "")

    return compiled


def _put_filter(original: Any) -> Any:  # noqa: ANN401
    def put(data: dict[str, Any]) -> Any:  # noqa: ANN401
        try:
            compile_pattern(data.get("filterPattern") or "")
        except PatternRefused as refused:
            return cloudwatch_logs.error_response_json(
                "InvalidParameterException", f"Invalid filter pattern: {refused}", 400
            )
        return original(data)

    return put


def apply() -> None:
    """Apply the mend."""
    replace(cloudwatch_logs, "_compile_filter_pattern", _search)
    replace(cloudwatch_logs, "_put_subscription_filter", _put_filter)
