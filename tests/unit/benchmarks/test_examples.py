"""The examples in the docstrings of the benchmarks' arithmetic."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from tests.benchmarks import figures
from tests.benchmarks.serving import costs


@pytest.mark.parametrize("module", [costs, figures], ids=lambda module: module.__name__)
def test_the_examples_hold(module: ModuleType) -> None:
    """Each example in a docstring gives what it says."""
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed
