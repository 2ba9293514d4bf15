"""What the policy lets the log say of a request's inputs, and the layout that counts what it does not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import orjson

from serinus.adapters.open_inference.release_layer import released_file
from serinus.domain.tensor import Block, Values
from serinus.settings import InferSettings

if TYPE_CHECKING:
    from serinus.domain.lean_layout import LeanLayout


class LogRules(NamedTuple):
    """The policy's rules, as the function is told them.

    Attributes:
        share: of which share of requests the inputs are logged: 1 for all, 0 for none.
        personal: columns that are never logged.
        id_column: the column that labels join on, which is logged always.
    """

    share: float = 1.0
    personal: frozenset[str] = frozenset()
    id_column: str | None = None

    @classmethod
    def told(cls, told: InferSettings) -> LogRules:
        """Read the rules from the function's settings."""
        share = {"all": 1.0, "none": 0.0}.get(told.log_inputs)
        return cls(
            orjson.loads(told.log_share) if share is None else share,
            frozenset(orjson.loads(told.personal)),
            orjson.loads(told.id_column),
        )

    def admits(self, request: str) -> bool:
        """Whether this request's inputs are logged; its id decides, so that asking again changes nothing."""
        return crc32(request.encode()) < self.share * 2**32

    def split(self, request: str, blocks: Sequence[Block]) -> tuple[Sequence[Block], Mapping[str, Values]]:
        """Return what is logged, and the columns that are only counted."""
        if not self.bins_often:
            return blocks, {}
        logged: list[Block] = []
        unlogged: dict[str, Values] = {}
        admitted = self.admits(request)
        for block in blocks:
            shown = [at for at, name in enumerate(block.columns) if admitted and name not in self.personal]
            if shown:
                logged.append(block if len(shown) == len(block.columns) else block.only(shown))
            unlogged |= {name: block.counted(at) for at, name in enumerate(block.columns) if at not in shown}
        return logged, unlogged

    @property
    def bins_often(self) -> bool:
        """Whether ordinary requests need the layout, so that it is worth reading at start-up."""
        return self.share < 1 or bool(self.personal)


@cache
def released_layout() -> LeanLayout | None:
    """Return the layout that the release carries, read when first needed; `None` where it carries none."""
    from serinus.adapters.onnx.step_counts import step_counts
    from serinus.domain.lean_layout import LeanLayout

    try:
        said = released_file("layout.json")
    except FileNotFoundError:
        return None
    return None if said is None else LeanLayout(orjson.loads(said), step_counts)
