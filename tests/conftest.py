"""Nothing below the end-to-end tests reaches a network, and a slow property test is a failure."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import disable_socket, enable_socket

_HERE = Path(__file__).parent
_CLOSED = ("unit", "contract", "integration", "infra", "layers")
_OPEN = _HERE / "contract" / "local_cloud"  # talks to the embedded cloud on loopback

settings.register_profile(
    "serinus",
    max_examples=60,
    deadline=timedelta(seconds=2),
    suppress_health_check=[HealthCheck.too_slow],  # the first example of a run imports numpy and Arrow
)
settings.load_profile("serinus")

# Tests run side by side: threads that wait for each other keep others waiting. numpy and scikit-learn ask on import.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was imported and collected: it stays for as long as the run takes."""
    gc.collect()
    gc.freeze()


def is_closed(test: Path) -> bool:
    """Whether a test at this path must do without sockets."""
    inside = any(test.is_relative_to(_HERE / folder) for folder in _CLOSED)
    return inside and not test.is_relative_to(_OPEN)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Close the sockets for as long as a test and its fixtures run; Unix sockets stay, for subprocesses' pipes."""
    if not is_closed(item.path):
        return (yield)
    disable_socket(allow_unix_socket=True)
    try:
        return (yield)
    finally:
        enable_socket()
