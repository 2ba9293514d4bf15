"""Expressions over several metrics, one period at a time.

Not a mend of its own: :mod:`serinus.local_cloud.mends.alarms` evaluates alarms with it. Of CloudWatch's metric math
it knows arithmetic, comparisons, ``IF`` and ``FILL``; whatever else is written is refused, not guessed at. The rules
are those of the CloudWatch user guide, "Using math expressions with CloudWatch metrics": a comparison is 1 or 0, what
is computed of missing data is missing, and so is a division by zero.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

Value = float | None

_ARITHMETIC: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_TAKES = {"IF": 3, "FILL": 2}


def fault_of(expression: str) -> str | None:
    """Say what of an expression is not known here; None where all is.

    >>> fault_of("IF(asked >= 20, failed / asked, 0)") is None
    True
    >>> fault_of("ANOMALY_DETECTION_BAND(m1)")
    "the local cloud does not know 'ANOMALY_DETECTION_BAND(m1)' of metric math"
    """
    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError:
        return f"{expression!r} is no expression"
    for node in ast.walk(tree.body):
        if isinstance(node, ast.expr) and not _is_known(node):
            return f"the local cloud does not know {ast.unparse(node)!r} of metric math"
    return None


def value_of(expression: str, metrics: Mapping[str, Value]) -> Value:
    """Return an expression's value in one period.

    >>> value_of("IF(asked >= 20, failed / asked, 0)", {"asked": 40.0, "failed": 30.0})
    0.75
    >>> value_of("IF(asked >= 20, failed / asked, 0)", {"asked": 3.0, "failed": 3.0})
    0.0
    >>> value_of("failed / asked", {"asked": 3.0, "failed": None}) is None
    True
    >>> value_of("FILL(failed, 0) / asked", {"asked": 4.0, "failed": None})
    0.0

    Args:
        expression: one that `fault_of` finds nothing in.
        metrics: what each metric is in the period, by its id; `None` where it is missing.
    """
    return _value(ast.parse(expression, mode="eval").body, metrics)


def _is_known(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        return _TAKES.get(name) == len(node.args) and not node.keywords
    if isinstance(node, ast.BinOp):
        return type(node.op) in _ARITHMETIC
    if isinstance(node, ast.Compare):
        return len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS
    return isinstance(node, ast.Name) or (isinstance(node, ast.Constant) and type(node.value) in {int, float})


def _value(node: ast.expr, metrics: Mapping[str, Value]) -> Value:
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]  # `fault_of` lets numbers through only
    if isinstance(node, ast.Name):
        return metrics[node.id]
    if isinstance(node, ast.Call):
        return _called(node, metrics)
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, metrics), _value(node.right, metrics)
        if left is None or right is None or (isinstance(node.op, ast.Div) and right == 0):
            return None
        return _ARITHMETIC[type(node.op)](left, right)
    assert isinstance(node, ast.Compare)  # noqa: S101 - `fault_of` knows no other
    left, right = _value(node.left, metrics), _value(node.comparators[0], metrics)
    return None if left is None or right is None else float(_COMPARISONS[type(node.ops[0])](left, right))


def _called(node: ast.Call, metrics: Mapping[str, Value]) -> Value:
    first, *others = node.args
    value = _value(first, metrics)
    if isinstance(node.func, ast.Name) and node.func.id == "FILL":
        return _value(others[0], metrics) if value is None else value
    if value is None:
        return None
    return _value(others[0] if value else others[1], metrics)
