"""Conditions of a policy, told of Arrow's columns by its kernels, whose rules for what is missing are SQL's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from serinus.domain.data_conditions import ColumnRef, Literal, Node

_Value = Any  # an Arrow array or scalar; its kernels take either in either place

_KERNELS: Mapping[str, Callable[..., _Value]] = {
    "and": pc.and_kleene,
    "or": pc.or_kleene,
    "not": pc.invert,
    "=": pc.equal,
    "<>": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
    "is null": pc.is_null,
    "between": lambda value, low, high: pc.and_kleene(pc.greater_equal(value, low), pc.less_equal(value, high)),
    "in": lambda value, *listed: pc.if_else(
        pc.is_valid(value), pc.is_in(value, value_set=pa.array([one.as_py() for one in listed])), None
    ),
    "like": lambda value, pattern: pc.match_like(value, pattern.as_py()),
    "+": pc.add,
    "-": pc.subtract,
    "*": pc.multiply,
    "/": lambda left, right: pc.divide(left, _without_zero(right)),
    "%": lambda left, right: pc.subtract(left, pc.multiply(right, pc.trunc(pc.divide(left, _without_zero(right))))),
    "negative": pc.negate,
    "abs": pc.abs,
    "floor": pc.floor,
    "ceil": pc.ceil,
    "round": lambda value: pc.round(value, round_mode="half_towards_infinity"),
    "length": pc.utf8_length,
    "lower": pc.utf8_lower,
    "upper": pc.utf8_upper,
    "trim": pc.utf8_trim_whitespace,
    "regexp_matches": lambda value, pattern: pc.match_substring_regex(value, pattern.as_py()),
}


def broken(root: Node, columns: Mapping[str, pa.Array[Any]], rows: int) -> npt.NDArray[np.intp]:
    """Return the positions of the rows that break a condition.

    Args:
        root: of a condition that `Condition.check` has found to fit the columns.
        columns: float64 or string, a missing value null.
        rows: how many there are.

    Raises:
        pa.ArrowInvalid: a regular expression is none.
    """
    told = _told(root, columns)
    if isinstance(told, pa.Scalar):  # no column is in it
        return np.arange(rows if told.as_py() is False else 0)
    false: _Value = pc.if_else(pc.is_null(told), pa.scalar(False), pc.invert(told))
    return np.flatnonzero(false.to_numpy(zero_copy_only=False))


def _told(node: Node, columns: Mapping[str, pa.Array[Any]]) -> _Value:
    if isinstance(node, Literal):
        return pa.scalar(node.value)
    if isinstance(node, ColumnRef):
        return columns[node.name]
    return _KERNELS[node.operator](*(_told(argument, columns) for argument in node.arguments))


def _without_zero(divisor: _Value) -> _Value:
    """What is divided by zero cannot be told, as in SQL."""
    return pc.if_else(pc.equal(divisor, pa.scalar(0.0)), pa.scalar(None, pa.float64()), divisor)
