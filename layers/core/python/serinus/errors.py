"""Every error Serinus raises on purpose, as one tree.

    SerinusError
    ├── NotFound                what was asked for does not exist
    │   ├── EndpointNotFound
    │   ├── ModelVersionNotFound
    │   ├── NothingDeployed
    │   ├── ObjectNotFound
    │   ├── ReleaseNotFound
    │   ├── RolloutNotFound
    │   └── TokenNotFound
    ├── Refused                 the input is at fault; the message says what, where, and what to do
    │   ├── DataRefused         a data file that cannot be read as a table
    │   ├── ManifestRefused
    │   ├── ModelRefused        a file that is no servable ONNX model
    │   ├── PolicyRefused
    │   ├── ProfileRefused      a stored profile that is damaged, or of a format that this version does not read
    │   ├── RequestRefused      an inference request
    │   ├── RequestTooLarge     a request to the control API
    │   └── TokenRefused        a bearer token that cannot be made
    ├── Conflict                the state has moved on; read again and decide again
    │   ├── AlreadyExists
    │   ├── HardAlarmFiring     a candidate that fails is not promoted unless that is forced
    │   ├── ReleaseInUse
    │   ├── RevisionChanged
    │   ├── RolloutEnded        a wish for a rollout that is over; the message says how it ended
    │   ├── RolloutInProgress
    │   └── VersionNotReleasable
    ├── AttestationInvalid      a model version whose signature does not match what would be released
    ├── CallerUnknown           a request whose caller AWS did not verify
    ├── ControlApiFailed        the control API did not do what it was asked; the message is its own
    ├── ModelFailed             the model itself failed on a well-formed request
    │   └── ModelOverran        it took more time or memory than it may, in a process of its own
    ├── ReleaseBusy             Lambda had no room to run a release just then
    ├── ReleaseFailed           a release could not be published or did not answer its smoke test
    ├── SettingMissing          a function was started without a setting it needs
    └── SourceFailed            where counts or alarms are kept does not answer

Expected outcomes (a gate that fails, a rollout that is rolled back) are values, not errors. What is unexpected is
not caught, so that retries and dead-letter queues do their work.
"""


class SerinusError(Exception):
    """The root of the tree; its text is meant for the person who reads it."""


class NotFound(SerinusError):
    """What was asked for does not exist."""


class EndpointNotFound(NotFound):
    """No endpoint of that name is deployed."""

    def __init__(self, endpoint: str, known: tuple[str, ...] | None = None) -> None:
        self.endpoint = endpoint
        self.known = known
        deployed = "none is deployed" if known == () else f"deployed are: {', '.join(known or ())}"
        there = "" if known is None else f" ({deployed})"
        super().__init__(
            f"there is no endpoint {endpoint!r}{there}; add its policy to infra_cdk/endpoints and deploy it"
        )


class ModelVersionNotFound(NotFound):
    """The endpoint has no model version of that number."""

    def __init__(self, endpoint: str, number: int) -> None:
        self.endpoint = endpoint
        self.number = number
        super().__init__(f"endpoint {endpoint!r} has no model version {number}")


class NothingDeployed(NotFound):
    """The account and region hold no Serinus."""

    def __init__(self, region: str) -> None:
        self.region = region
        super().__init__(
            f"Serinus is not deployed in {region}: deploy it, or start the local cloud with `serinus local up` and "
            'set the environment it prints (`eval "$(serinus local env)"`)'
        )


class ObjectNotFound(NotFound):
    """No object is stored under that key."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"there is no object {key!r}")


class ReleaseNotFound(NotFound):
    """The endpoint has no such release."""

    def __init__(self, endpoint: str, wanted: str) -> None:
        self.endpoint = endpoint
        super().__init__(f"endpoint {endpoint!r} has no {wanted}")


class RolloutNotFound(NotFound):
    """The endpoint has no such rollout."""

    def __init__(self, endpoint: str, rollout: str | None) -> None:
        self.endpoint = endpoint
        self.rollout = rollout
        which = "under way" if rollout is None else repr(rollout)
        super().__init__(f"endpoint {endpoint!r} has no rollout {which}")


class TokenNotFound(NotFound):
    """The endpoint has no such bearer token."""

    def __init__(self, endpoint: str, wanted: str) -> None:
        self.endpoint = endpoint
        super().__init__(f"endpoint {endpoint!r} has no {wanted}: `serinus token list {endpoint}` shows those it has")


class Refused(SerinusError):
    """The input is at fault. The text says what was wrong, where, and what to do."""


class DataRefused(Refused):
    """A data file cannot be read as the table it should be."""


class ManifestRefused(Refused):
    """An upload's manifest does not say what it must, or does not match its objects."""


class ModelRefused(Refused):
    """A file is no ONNX model that Serinus serves."""


class ProfileRefused(Refused):
    """A stored profile is damaged, or of a format that this version does not read."""


class PolicyRefused(Refused):
    """A policy file does not say what it must."""


class RequestRefused(Refused):
    """An inference request cannot be answered; `status` is the HTTP status that says so."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        self.status = status
        super().__init__(message)


class RequestTooLarge(Refused):
    """A request holds more than is taken at once."""


class TokenRefused(Refused):
    """A bearer token cannot be made as it was asked for."""


class Conflict(SerinusError):
    """The state has moved on since it was read."""


class AlreadyExists(Conflict):
    """A document or object that may be written once is there already."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"{key!r} exists already")


class HardAlarmFiring(Conflict):
    """A hard alarm of the candidate fires, and nobody said that this does not matter."""

    def __init__(self, rollout: str, firing: tuple[str, ...]) -> None:
        self.rollout = rollout
        self.firing = firing
        super().__init__(
            f"rollout {rollout!r} is not promoted while a hard alarm of its candidate fires ({'; '.join(firing)}): "
            "abort it, or force the promotion"
        )


class ReleaseInUse(Conflict):
    """A release that was to be removed serves, or is about to."""

    def __init__(self, endpoint: str, release: int) -> None:
        self.endpoint = endpoint
        self.release = release
        super().__init__(f"release {release} of endpoint {endpoint!r} is in use")


class RevisionChanged(Conflict):
    """Somebody else changed it between our read and our write."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what} was changed by somebody else in the meantime")


class RolloutEnded(Conflict):
    """The rollout is over."""

    def __init__(self, rollout: str, outcome: str, reason: str) -> None:
        self.rollout = rollout
        self.outcome = outcome
        self.reason = reason
        super().__init__(f"rollout {rollout!r} has ended as {outcome}: {reason}")


class RolloutInProgress(Conflict):
    """The endpoint's lock is held by another rollout."""

    def __init__(self, endpoint: str, rollout: str) -> None:
        self.endpoint = endpoint
        self.rollout = rollout
        super().__init__(f"endpoint {endpoint!r} is busy with rollout {rollout!r}")


class VersionNotReleasable(Conflict):
    """A rollout of the model version would change nothing, or may not be."""

    def __init__(self, endpoint: str, number: int, why: str) -> None:
        self.endpoint = endpoint
        self.number = number
        super().__init__(f"version {number} of endpoint {endpoint!r} cannot be rolled out: it {why}")


class AttestationInvalid(SerinusError):
    """What would be released is not what validation signed."""

    def __init__(self, endpoint: str, number: int) -> None:
        self.endpoint = endpoint
        self.number = number
        super().__init__(
            f"the attestation of {endpoint!r} version {number} does not match its model, signature, lineage and "
            "findings; it is not released: push the model again"
        )


class CallerUnknown(SerinusError):
    """A request came without a caller whom API Gateway has verified."""

    def __init__(self) -> None:
        super().__init__("the caller is not known: sign the request with AWS credentials (SigV4)")


class ControlApiFailed(SerinusError):
    """The control API refused what it was asked, or could not do it; `status` is its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class ModelFailed(SerinusError):
    """The model raised an error of its own on a request that was well formed."""


class ModelOverran(ModelFailed):
    """The model took more time or memory than it may, in a process of its own."""


class ReleaseBusy(SerinusError):
    """Lambda had no room to run a release: whoever asks may ask again later."""


class ReleaseFailed(SerinusError):
    """A release could not be published, or did not answer its smoke test."""


class SettingMissing(SerinusError):
    """A function was started without a setting it needs."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"the environment variable {name} is not set")


class SourceFailed(SerinusError):
    """Where counts or alarms are kept does not answer, or refuses to."""

    def __init__(self, source: str, reason: str) -> None:
        self.source = source
        super().__init__(f"{source} did not answer: {reason}")
