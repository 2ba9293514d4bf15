"""What every document that a person writes here is read as."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Column = Annotated[str, Field(min_length=1, max_length=200)]


class Strict(BaseModel):
    """A document in which a field that nobody knows is a mistake, and not passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)
