"""The policy's table `[comparison]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from serinus.adapters.schemas.strict import Strict
from serinus.domain.comparison_plan import MOST_HISTORICAL_SNAPSHOTS


class ComparisonTable(Strict):
    """On what a candidate is held against the live model."""

    historical_snapshots: Annotated[int, Field(strict=True, ge=0, le=MOST_HISTORICAL_SNAPSHOTS)] = 2
