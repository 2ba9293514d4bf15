"""What every function folder promises."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FUNCTIONS = sorted(path.parent for path in (ROOT / "functions").glob("*/handler.py"))
_LONGEST = 60
_GUARDS = {"infer": 2, "infer_version": 1, "describe_server": 1}  # what speaks HTTP turns our own errors into answers
_WITHOUT_USE_CASE = {"describe_server"}  # it tells of the protocol alone


@pytest.mark.parametrize("folder", FUNCTIONS, ids=lambda folder: str(folder.name))
def test_a_handler_is_short_and_takes_an_event(folder: Path) -> None:
    """At most sixty lines, and one function `handler(event, context)` that says what it answers.

    What speaks HTTP may have a function for each of its routes besides, which a decorator names.
    """
    text = (folder / "handler.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= _LONGEST
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    (handler,) = [function for function in functions if not function.decorator_list]
    assert handler.name == "handler"
    assert len(handler.args.args) == 2
    assert ast.get_docstring(handler)


@pytest.mark.parametrize("folder", FUNCTIONS, ids=lambda folder: str(folder.name))
def test_a_function_has_a_slice_of_its_own(folder: Path) -> None:
    """Its stem names a use case, sample events and the tests of the use case."""
    use_case = ROOT / "layers/core/python/serinus/use_cases" / f"{folder.name}.py"
    assert use_case.is_file() == (folder.name not in _WITHOUT_USE_CASE)
    assert list((ROOT / "events" / folder.name).glob("*.json"))


def test_there_are_functions_to_look_at() -> None:
    """Were the folder moved, the tests above would check nothing."""
    assert len(FUNCTIONS) > 20


@pytest.mark.parametrize("folder", FUNCTIONS, ids=lambda folder: str(folder.name))
def test_a_handler_decides_nothing(folder: Path) -> None:
    """No branch, no loop, no exception caught, but a guard of its own trigger: a use case decides."""
    tree = ast.parse((folder / "handler.py").read_text(encoding="utf-8"))
    branches = [node for node in ast.walk(tree) if isinstance(node, ast.If | ast.For | ast.While | ast.Try)]
    assert len(branches) <= _GUARDS.get(folder.name, 0)
