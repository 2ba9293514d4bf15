"""The policy's table `[comparison]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from serinus.domain.comparison_plan import MOST_HISTORICAL_SNAPSHOTS


class ComparisonTable(BaseModel):
    """On what a candidate is held against the live model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    historical_snapshots: Annotated[int, Field(strict=True, ge=0, le=MOST_HISTORICAL_SNAPSHOTS)] = 2
