"""How an endpoint serves: the part of its policy of which any change is a new release."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Authorisation(StrEnum):
    """Who may call the endpoint.

    IAM: whoever signs the request with AWS credentials that allow it. JWT: whoever shows a JSON Web Token of the
    policy's issuer. TOKEN: whoever shows a bearer token that `serinus token` made. OPEN: anybody.
    """

    IAM = "iam"
    JWT = "jwt"
    TOKEN = "token"  # noqa: S105 - no secret
    OPEN = "open"


class LogInputs(StrEnum):
    """Whether prediction records carry the rows that were asked about."""

    ALL = "all"
    SAMPLE = "sample"
    NONE = "none"


@dataclass(frozen=True)
class JwtIssuer:
    """Whose JSON Web Tokens let a caller in.

    Attributes:
        issuer: the `iss` that tokens carry, an https address below which the issuer's keys are found.
        audience: a token's `aud` or `client_id` must be one of these.
        scopes: where any are named, a token must have one of them.
    """

    issuer: str
    audience: tuple[str, ...]
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Serving:
    """The policy's serving fields: a change of any of them is a new release.

    Attributes:
        snap_start: whether Lambda starts environments from a snapshot of an initialised one, which it takes when a
            release is published, and caches for a charge.
        jwt: whose tokens count, where `authorisation` is `jwt`.
        open_to_everybody: the sentence that a policy must say for `authorisation` to be `open`.
        throttle_callers: whether calls are counted, so that tokens can be bounded; then the authoriser is asked, and
            the table written, at each of them.
        log_inputs: whether the log carries the rows that were asked about. Where it does not, it carries their bin
            numbers, so that profiles are exact whatever is logged.
        log_share: of which share of requests, where `log_inputs` is `sample`.
        personal: the columns that are never logged.
    """

    memory_mb: int = 1024
    timeout_seconds: int = 10
    snap_start: bool = False
    authorisation: Authorisation = Authorisation.IAM
    jwt: JwtIssuer | None = None
    open_to_everybody: str | None = None
    throttle_callers: bool = False
    log_inputs: LogInputs = LogInputs.ALL
    log_share: float = 1.0
    personal: tuple[str, ...] = ()
