"""Where ministack 1.5.33 differs from AWS in what Serinus depends on: one module a gap, each with one ``apply()``.

A mend replaces a function of ministack's by a wrapper that keeps its signature, through
:mod:`serinus.local_cloud.mends.replacing`, which refuses when the thing to replace is not there. They are applied
once, in one order, before the first request.
"""

from __future__ import annotations


def apply_all(*, schedule_seconds: float | None = None) -> None:
    """Apply every mend.

    Args:
        schedule_seconds: how long ``rate(1 minute)`` lasts; None leaves it as AWS has it.

    Raises:
        MendRefused: ministack is not as a mend expects.
    """
