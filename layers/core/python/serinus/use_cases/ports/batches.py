"""Batch predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from serinus.domain.batch import Batch, PartSummary
from serinus.domain.profile import Profile
from serinus.domain.table import Table


class Batches(Protocol):
    """Batches and their results, by the folder that a batch's results go to."""

    def put(self, batch: Batch) -> None:
        """Store the plan; storing the same again is harmless."""

    def get(self, folder: str) -> Batch:
        """Return the plan.

        Raises:
            ObjectNotFound: no batch was planned there.
        """

    def is_done(self, folder: str, number: int) -> bool:
        """Whether a part's result is there whole."""

    def done(self, folder: str) -> Sequence[int]:
        """Return the numbers of the parts that are done, sorted."""

    def put_part(self, folder: str, summary: PartSummary, rows: Table) -> None:
        """Store a part's result: the summary, then the rows; it is done when the rows are there."""

    def summaries(self, folder: str, numbers: Sequence[int]) -> Sequence[PartSummary]:
        """Return the summaries of parts that are done, in that order."""

    def conclude(self, batch: Batch, summaries: Sequence[PartSummary], profile: Profile) -> str:
        """Store the profile of all rows, then the manifest; return the manifest's key."""
