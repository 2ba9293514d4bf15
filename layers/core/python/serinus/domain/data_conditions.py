"""Conditions over the columns of a row, written as SQL writes them, read here and never handed to a database.

    amount >= 0 and (kind in ('sale', 'refund') or amount between 0 and 10)
    "Unit price" * quantity <= 1e6
    email is null or email like '%@%'

A policy may come from anybody who can open a pull request, and the data from anybody who can upload; so a condition
is parsed into a small closed tree, which can compare and compute and do nothing else. As in SQL, keywords have no
case, and what cannot be told, as a value is missing, is neither true nor false.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from serinus.errors import DataRefused, PolicyRefused

LONGEST = 1_000
_DEEPEST = 30

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<text>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")+")
    | (?P<word>[^\W\d]\w*)
    | (?P<sign><=|>=|<>|!=|==|[=<>+\-*/%(),])
    )""",
    re.VERBOSE,
)
_KEYWORDS = frozenset({"and", "or", "not", "between", "in", "is", "null", "like", "true", "false"})
_COMPARISONS = {"=": "=", "==": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class Kind(StrEnum):
    """What a part of a condition is."""

    NUMBER = "a number"
    TEXT = "a text"
    TRUTH = "true or false"


# The functions: what each takes and gives.
FUNCTIONS: Mapping[str, tuple[tuple[Kind, ...], Kind]] = {
    "abs": ((Kind.NUMBER,), Kind.NUMBER),
    "floor": ((Kind.NUMBER,), Kind.NUMBER),
    "ceil": ((Kind.NUMBER,), Kind.NUMBER),
    "round": ((Kind.NUMBER,), Kind.NUMBER),
    "length": ((Kind.TEXT,), Kind.NUMBER),
    "lower": ((Kind.TEXT,), Kind.TEXT),
    "upper": ((Kind.TEXT,), Kind.TEXT),
    "trim": ((Kind.TEXT,), Kind.TEXT),
    "regexp_matches": ((Kind.TEXT, Kind.TEXT), Kind.TRUTH),
}


@dataclass(frozen=True)
class Literal:
    """A number or a text; `true` and `false` are 1 and 0, as booleans are in a table."""

    value: float | str


@dataclass(frozen=True)
class ColumnRef:
    """The value of a column."""

    name: str


@dataclass(frozen=True)
class Call:
    """An operator or a function, and what it is applied to."""

    operator: str
    arguments: tuple[Node, ...]


Node = Literal | ColumnRef | Call


@dataclass(frozen=True)
class Condition:
    """A condition as it was written; `parse_condition` has read it once, so that reading it again succeeds."""

    text: str

    @cached_property
    def root(self) -> Node:
        """The tree."""
        return _Parser(self.text).parse()

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns it needs, each once, in the order of the text."""
        return tuple(dict.fromkeys(_columns(self.root)))

    def check(self, kinds: Mapping[str, Kind]) -> None:
        """See whether it can be told of rows of these columns.

        Raises:
            DataRefused: a column is not there, or holds what the condition cannot take.

        >>> parse_condition("age >= 18").check({"age": Kind.TEXT})
        Traceback (most recent call last):
        ...
        serinus.errors.DataRefused: 'age >= 18' compares a text with a number
        """
        missing = [name for name in self.columns if name not in kinds]
        if missing:
            raise DataRefused(f"{self.text!r} needs the column {', '.join(map(repr, missing))}, which is not there")
        found = self._kind(self.root, kinds)
        if found is not Kind.TRUTH:
            raise DataRefused(f"{self.text!r} is {found}, where a condition is true or false: compare it")

    def _kind(self, node: Node, kinds: Mapping[str, Kind]) -> Kind:
        if isinstance(node, Literal):
            return Kind.TEXT if isinstance(node.value, str) else Kind.NUMBER
        if isinstance(node, ColumnRef):
            return kinds[node.name]
        found = tuple(self._kind(argument, kinds) for argument in node.arguments)
        if node.operator in FUNCTIONS:
            takes, gives = FUNCTIONS[node.operator]
            self._demand(takes, found, f"{node.operator} takes")
            return gives
        if node.operator in {"and", "or", "not"}:
            self._demand((Kind.TRUTH,) * len(found), found, f"{node.operator} takes")
        elif node.operator in {"+", "-", "*", "/", "%", "negative"}:
            self._demand((Kind.NUMBER,) * len(found), found, f"{node.operator} takes")
            return Kind.NUMBER
        elif node.operator == "like":
            self._demand((Kind.TEXT, Kind.TEXT), found, "like takes")
        elif node.operator != "is null":
            unlike = next((kind for kind in found if kind is not found[0]), None)
            if unlike is not None:
                raise DataRefused(f"{self.text!r} compares {found[0]} with {unlike}")
        return Kind.TRUTH

    def _demand(self, takes: tuple[Kind, ...], found: tuple[Kind, ...], what: str) -> None:
        for wanted, got in zip(takes, found, strict=True):
            if wanted is not got:
                raise DataRefused(f"in {self.text!r}, {what} {wanted}, and not {got}")


def parse_condition(text: str) -> Condition:
    """Read a condition.

    Raises:
        PolicyRefused: it is none; the message says where, and what was expected there.

    >>> parse_condition("amount >= 0 or kind = 'refund'").columns
    ('amount', 'kind')
    >>> parse_condition("amount >= (select 1)")
    Traceback (most recent call last):
    ...
    serinus.errors.PolicyRefused: the condition 'amount >= (select 1)' has '1' at character 19, where ) should be
    """
    condition = Condition(text)
    _ = condition.root
    return condition


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int

    def __str__(self) -> str:
        return "its end" if self.kind == "end" else f"{self.text!r} at character {self.at + 1}"


class _Parser:
    """Recursive descent: `or` binds loosest, then `and`, `not`, comparisons, sums, products, signs."""

    def __init__(self, text: str) -> None:
        self._text = text
        if len(text) > LONGEST:
            raise PolicyRefused(f"a condition of {len(text)} characters is too long: {LONGEST} are enough")
        self._tokens = self._tokenised()
        self._next = 0
        self._depth = 0

    def parse(self) -> Node:
        found = self._either()
        if self._token.kind != "end":
            raise self._expected("and, or, or its end")
        return found

    def _tokenised(self) -> list[_Token]:
        tokens, at = [], 0
        while self._text[at:].strip():
            found = _TOKEN.match(self._text, at)
            if found is None or found.lastgroup is None:
                at += len(self._text[at:]) - len(self._text[at:].lstrip())
                raise PolicyRefused(
                    f"the condition {self._text!r} has {self._text[at]!r} at character {at + 1}, which means "
                    "nothing: texts stand in '…', names with blanks in \"…\""
                )
            tokens.append(_Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup)))
            at = found.end()
        return [*tokens, _Token("end", "", len(self._text))]

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _expected(self, what: str) -> PolicyRefused:
        return PolicyRefused(f"the condition {self._text!r} has {self._token}, where {what} should be")

    def _take(self, *texts: str) -> str | None:
        """Go past the next token where it is one of these signs or keywords, and return it."""
        token = self._token
        said = token.text.lower() if token.kind == "word" else token.text
        if token.kind in {"word", "sign"} and said in texts:
            self._next += 1
            return said
        return None

    def _must(self, text: str) -> None:
        if self._take(text) is None:
            raise self._expected(text)

    def _either(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise PolicyRefused(f"the condition {self._text!r} is nested deeper than {_DEEPEST}")
        found = self._both()
        while self._take("or"):
            found = Call("or", (found, self._both()))
        self._depth -= 1
        return found

    def _both(self) -> Node:
        found = self._negated()
        while self._take("and"):
            found = Call("and", (found, self._negated()))
        return found

    def _negated(self) -> Node:
        negations = 0
        while self._take("not"):
            negations += 1
        found = self._predicate()
        return Call("not", (found,)) if negations % 2 else found

    def _predicate(self) -> Node:
        left = self._sum()
        comparison = self._take(*_COMPARISONS)
        if comparison:
            return Call(_COMPARISONS[comparison], (left, self._sum()))
        if self._take("is"):
            negated = self._take("not")
            self._must("null")
            return _unless(negated, Call("is null", (left,)))
        negated = self._take("not")
        if self._take("between"):
            low = self._sum()
            self._must("and")
            return _unless(negated, Call("between", (left, low, self._sum())))
        if self._take("in"):
            return _unless(negated, Call("in", (left, *self._listed())))
        if self._take("like"):
            return _unless(negated, Call("like", (left, self._literal("a text in '…'", str))))
        if negated:
            raise self._expected("between, in or like")
        return left

    def _listed(self) -> tuple[Node, ...]:
        self._must("(")
        values: list[Node] = [self._value_of_list()]
        while self._take(","):
            values.append(self._value_of_list())
        self._must(")")
        return tuple(values)

    def _value_of_list(self) -> Literal:
        negative = self._take("-")
        found = self._literal("a number or a text", float if negative else (float, str))
        return Literal(-float(found.value)) if negative else found

    def _literal(self, what: str, kinds: type | tuple[type, ...]) -> Literal:
        token = self._token
        if token.kind in {"number", "text"}:
            found = self._primary()
            if isinstance(found, Literal) and isinstance(found.value, kinds):
                return found
            self._next -= 1
        raise self._expected(what)

    def _sum(self) -> Node:
        found = self._product()
        while sign := self._take("+", "-"):
            found = Call(sign, (found, self._product()))
        return found

    def _product(self) -> Node:
        found = self._signed()
        while sign := self._take("*", "/", "%"):
            found = Call(sign, (found, self._signed()))
        return found

    def _signed(self) -> Node:
        negations = 0
        while sign := self._take("-", "+"):
            negations += sign == "-"
        found = self._primary()
        return Call("negative", (found,)) if negations % 2 else found

    def _primary(self) -> Node:
        token = self._token
        if self._take("("):
            found = self._either()
            self._must(")")
            return found
        if self._take("true"):
            return Literal(1.0)
        if self._take("false"):
            return Literal(0.0)
        if token.kind == "end" or token.kind == "sign" or token.text.lower() in _KEYWORDS:
            raise self._expected("a column, a number or a text")
        self._next += 1
        if token.kind == "number":
            return Literal(float(token.text))
        if token.kind == "text":
            return Literal(token.text[1:-1].replace("''", "'"))
        if token.kind == "quoted":
            return ColumnRef(token.text[1:-1].replace('""', '"'))
        return self._function(token) if self._take("(") else ColumnRef(token.text)

    def _function(self, token: _Token) -> Node:
        name = token.text.lower()
        if name not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            raise PolicyRefused(
                f"the condition {self._text!r} calls {token}, which is no function: there are {known}"
            )
        takes, _ = FUNCTIONS[name]
        arguments: list[Node] = [self._sum()]
        for _ in takes[1:]:
            self._must(",")
            arguments.append(self._literal("a text in '…'", str))
        self._must(")")
        return Call(name, tuple(arguments))


def _unless(negated: str | None, found: Call) -> Call:
    return Call("not", (found,)) if negated else found


def _columns(node: Node) -> list[str]:
    if isinstance(node, ColumnRef):
        return [node.name]
    if isinstance(node, Call):
        return [name for argument in node.arguments for name in _columns(argument)]
    return []
