"""Metrics that are kept."""

from __future__ import annotations

from serinus.domain.figures import Figures


class MemoryMetrics:
    """`Metrics` for tests and benchmarks; `put_so_far` holds everything, oldest first."""

    def __init__(self) -> None:
        self.put_so_far: list[tuple[str, int, Figures]] = []

    def put(self, endpoint: str, release: int, figures: Figures) -> None:
        """Keep the figures."""
        self.put_so_far.append((endpoint, release, figures))
