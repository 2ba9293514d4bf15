"""The policy's table `[serving]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from serinus.adapters.schemas.strict import Column, Strict
from serinus.domain.serving import Authorisation, LogInputs

OPEN_IN_WORDS = "yes, anyone may call this endpoint"

_Name = Annotated[str, Field(min_length=1, max_length=256)]


class _Jwt(Strict):
    issuer: Annotated[str, Field(pattern=r"^https://[^\s/]+\S*$", max_length=512)]
    audience: Annotated[tuple[_Name, ...], Field(min_length=1, max_length=50)]
    scopes: Annotated[tuple[_Name, ...], Field(max_length=10)] = ()


class ServingTable(Strict):
    """How the endpoint serves, and whom it lets in."""

    memory_mb: Annotated[int, Field(strict=True, ge=128, le=10_240)] = 1024
    timeout_seconds: Annotated[int, Field(strict=True, ge=1, le=29)] = 10
    snap_start: Annotated[bool, Field(strict=True)] = False
    authorisation: Authorisation = Authorisation.IAM
    jwt: _Jwt | None = None
    open_to_everybody: str | None = None
    throttle_callers: Annotated[bool, Field(strict=True)] = False
    log_inputs: LogInputs = LogInputs.ALL
    log_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    personal: tuple[Column, ...] = ()

    @model_validator(mode="after")
    def _lets_in_whom_it_names(self) -> ServingTable:
        says = f"authorisation is '{self.authorisation}'"
        if (self.authorisation is Authorisation.JWT) is not (self.jwt is not None):
            raise ValueError(f"[serving.jwt] goes with authorisation = 'jwt', and {says}")
        if self.throttle_callers and self.authorisation is not Authorisation.TOKEN:
            raise ValueError(f"throttle_callers goes with authorisation = 'token', but {says}")
        if self.authorisation is Authorisation.OPEN and self.open_to_everybody != OPEN_IN_WORDS:
            raise ValueError(f'{says}: if that is meant, say so: open_to_everybody = "{OPEN_IN_WORDS}"')
        if self.authorisation is not Authorisation.OPEN and self.open_to_everybody is not None:
            raise ValueError(f"open_to_everybody goes with authorisation = 'open', but {says}")
        return self

    @model_validator(mode="after")
    def _samples_as_it_says(self) -> ServingTable:
        if self.log_inputs is LogInputs.SAMPLE and self.log_share == 1:
            raise ValueError("log_inputs is 'sample' of every request: give log_share below 1, or say 'all'")
        if self.log_inputs is not LogInputs.SAMPLE and self.log_share != 1:
            raise ValueError(f"log_share goes with log_inputs = 'sample', but log_inputs is '{self.log_inputs}'")
        return self
