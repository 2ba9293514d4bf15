"""The scratch pad `$LATEST` of an inference function, set whole and then frozen as a version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError, WaiterError

from serinus.adapters.aws.failures import code_of
from serinus.domain.composition import Runtime
from serinus.errors import ReleaseFailed

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.literals import ArchitectureType, RuntimeType, SnapStartApplyOnType
    from mypy_boto3_lambda.type_defs import FunctionConfigurationResponseTypeDef, WaiterConfigTypeDef

_WAIT: WaiterConfigTypeDef = {"Delay": 1, "MaxAttempts": 60}
_WAIT_FOR_SNAPSHOT: WaiterConfigTypeDef = {"Delay": 2, "MaxAttempts": 240}  # Lambda takes minutes for one
_ATTEMPTS = 3
_INTERFERED = {"PreconditionFailedException", "ResourceConflictException"}


@dataclass(frozen=True)
class Wanted:
    """Everything that `$LATEST` is to be, and the description that the published version is known by.

    Attributes:
        layers: those of the runtime, and the model's.
    """

    function: str
    description: str
    runtime: Runtime
    layers: tuple[str, ...]

    @property
    def applies_snap_start_on(self) -> SnapStartApplyOnType:
        """What SnapStart applies on, in Lambda's words; said in full, since `$LATEST` keeps what it is not told."""
        return "PublishedVersions" if self.runtime.snap_start else "None"


@dataclass(frozen=True)
class Published:
    """A Lambda version, and when it was last modified: when it was published."""

    number: int
    at: str


class Configuration:
    """Publishes versions of one function after another. The caller holds the endpoint's lock.

    A CloudFormation deploy holds no lock and may write in between; then everything is set again, a few times.
    """

    def __init__(self, client: LambdaClient) -> None:
        self._client = client

    def publish(self, wanted: Wanted) -> Published:
        """Set `$LATEST` and publish it, unless a version of that description is there from an earlier try.

        Raises:
            ReleaseFailed: the function does not become what was asked for.
        """
        known = self._published(wanted)
        if known is not None:
            return known
        for _ in range(_ATTEMPTS):
            try:
                return self._publish(wanted)
            except ClientError as error:
                if code_of(error) not in _INTERFERED:
                    raise
                interference = error
        raise ReleaseFailed(
            f"{wanted.function} was changed by somebody else {_ATTEMPTS} times while it was being published: let the "
            "deployment finish, then push again"
        ) from interference

    def _published(self, wanted: Wanted) -> Published | None:
        pages = self._client.get_paginator("list_versions_by_function").paginate(FunctionName=wanted.function)
        for page in pages:
            for version in page["Versions"]:
                if version.get("Description") == wanted.description and version["Version"] != "$LATEST":
                    self._wait_for_version(wanted, version["Version"])
                    return Published(int(version["Version"]), version["LastModified"])
        return None

    def _publish(self, wanted: Wanted) -> Published:
        self._wait_for_update(wanted)
        code_sha256 = self._set_code(wanted)
        self._set_configuration(wanted)
        found = self._client.get_function_configuration(FunctionName=wanted.function)
        _compare(wanted, code_sha256, found)
        answer = self._client.publish_version(
            FunctionName=wanted.function,
            Description=wanted.description,
            CodeSha256=code_sha256,
            RevisionId=found["RevisionId"],
        )
        self._wait_for_version(wanted, answer["Version"])
        return Published(int(answer["Version"]), answer["LastModified"])

    def _set_code(self, wanted: Wanted) -> str:
        answer = self._client.update_function_code(
            FunctionName=wanted.function,
            S3Bucket=wanted.runtime.code_bucket,
            S3Key=wanted.runtime.code_key,
            Architectures=[cast("ArchitectureType", wanted.runtime.architecture)],
        )
        self._wait_for_update(wanted)
        return answer["CodeSha256"]

    def _set_configuration(self, wanted: Wanted) -> None:
        self._client.update_function_configuration(
            FunctionName=wanted.function,
            Handler=wanted.runtime.handler,
            Runtime=cast("RuntimeType", wanted.runtime.runtime),
            MemorySize=wanted.runtime.memory_mb,
            Timeout=wanted.runtime.timeout_seconds,
            Layers=list(wanted.layers),
            Environment={"Variables": dict(wanted.runtime.environment)},
            SnapStart={"ApplyOn": wanted.applies_snap_start_on},
        )
        self._wait_for_update(wanted)

    def _wait_for_update(self, wanted: Wanted) -> None:
        try:
            self._client.get_waiter("function_updated_v2").wait(FunctionName=wanted.function, WaiterConfig=_WAIT)
        except WaiterError as error:
            raise ReleaseFailed(f"{wanted.function}:$LATEST did not become ready: {_reason(error)}") from error

    def _wait_for_version(self, wanted: Wanted, version: str) -> None:
        patience = _WAIT_FOR_SNAPSHOT if wanted.runtime.snap_start else _WAIT
        try:
            self._client.get_waiter("published_version_active").wait(
                FunctionName=wanted.function, Qualifier=version, WaiterConfig=patience
            )
        except WaiterError as error:
            raise ReleaseFailed(f"{wanted.function}:{version} did not become ready: {_reason(error)}") from error


def _reason(error: WaiterError) -> str:
    answer = cast("Mapping[str, Mapping[str, str]]", error.last_response)
    state = answer.get("Configuration", answer)  # one waiter asks for the function, the other for its configuration
    said = [state.get("LastUpdateStatusReason"), state.get("StateReason")]
    return "; ".join(str(text) for text in said if text) or str(error)


def _compare(wanted: Wanted, code_sha256: str, found: FunctionConfigurationResponseTypeDef) -> None:
    """Hold what Lambda has against what was asked for, since a deployment may have written in between.

    Raises:
        ReleaseFailed: naming the first field that differs.
    """
    fields: dict[str, tuple[object, object]] = {
        "CodeSha256": (code_sha256, found["CodeSha256"]),
        "Handler": (wanted.runtime.handler, found.get("Handler")),
        "Runtime": (wanted.runtime.runtime, found.get("Runtime")),
        "Architectures": ([wanted.runtime.architecture], found["Architectures"]),
        "MemorySize": (wanted.runtime.memory_mb, found["MemorySize"]),
        "Timeout": (wanted.runtime.timeout_seconds, found["Timeout"]),
        "Layers": (list(wanted.layers), [layer["Arn"] for layer in found.get("Layers", ())]),
        "SnapStart": (wanted.applies_snap_start_on, found.get("SnapStart", {}).get("ApplyOn", "None")),
        "Environment": (dict(wanted.runtime.environment), found.get("Environment", {}).get("Variables", {})),
    }
    for name, (asked, has) in fields.items():
        if asked != has:
            raise ReleaseFailed(
                f"{wanted.function} has {name} = {has!r} where {asked!r} was asked for: something else writes to it, "
                "such as a deployment; push again when it is done"
            )
