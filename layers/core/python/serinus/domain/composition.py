"""What a release is made of, and what two releases differ in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from serinus.domain.model_version import digest_of

_SETTING = "SERINUS_"  # what the variables that a policy's serving fields become begin with


@dataclass(frozen=True)
class Runtime:
    """Everything that serves besides the model, as the endpoint's stack deploys it.

    Attributes:
        code_bucket: where the code object lies.
        code_key: the code object; it is named by its content.
        layers: ARNs of layer versions, in order.
        environment: the variables, among them what the policy says of logging.
        snap_start: whether environments start from a snapshot of an initialised one.
    """

    code_bucket: str
    code_key: str
    handler: str
    runtime: str
    architecture: str
    layers: tuple[str, ...]
    memory_mb: int
    timeout_seconds: int
    environment: Mapping[str, str]
    snap_start: bool = False


@dataclass(frozen=True)
class Deployment:
    """A runtime as one deploy brought it; `id` names the deploy: the same runtime deployed later has another."""

    id: str
    runtime: Runtime


@dataclass(frozen=True)
class Composition:
    """Everything that serves: a model version in a runtime. Two releases of the same composition serve the same."""

    model_version: int
    content_digest: str
    runtime: Runtime

    @property
    def digest(self) -> str:
        """The SHA-256 of all of it."""
        return digest_of(asdict(self))


def differences(before: Composition | None, after: Composition) -> tuple[str, ...]:
    """Say in words what two releases differ in; nothing where they serve the same.

    Args:
        before: what the release that is replaced is made of; `None` where that was not recorded.
        after: what the release that replaces it is made of.
    """
    if before is None:
        return ("what it replaces is not on record",)
    return tuple(_differences(before, after))


def _differences(before: Composition, after: Composition) -> Iterator[str]:
    was, now = before.runtime, after.runtime
    if before.content_digest != after.content_digest:
        yield f"model version {before.model_version} → {after.model_version}"
    if (was.code_bucket, was.code_key) != (now.code_bucket, now.code_key):
        yield "code"
    yield from _layers(was.layers, now.layers)
    if was.memory_mb != now.memory_mb:
        yield f"memory {was.memory_mb} → {now.memory_mb} MB"
    if was.timeout_seconds != now.timeout_seconds:
        yield f"timeout {was.timeout_seconds} → {now.timeout_seconds} seconds"
    if was.snap_start != now.snap_start:
        yield "started from a snapshot" if now.snap_start else "no longer started from a snapshot"
    for name in ("handler", "runtime", "architecture"):
        if getattr(was, name) != getattr(now, name):
            yield f"{name} {getattr(was, name)} → {getattr(now, name)}"
    for name in sorted({*was.environment, *now.environment}):
        old, new = was.environment.get(name), now.environment.get(name)
        if old != new:
            yield f"{_setting(name)} {_shown(old)} → {_shown(new)}"


def _layers(was: tuple[str, ...], now: tuple[str, ...]) -> Iterator[str]:
    old, new = dict(map(_layer, was)), dict(map(_layer, now))
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield f"layer {name} {_shown(old.get(name))} → {_shown(new.get(name))}"
    if list(old) != list(new) and set(old) == set(new):
        yield "the order of layers"


def _layer(arn: str) -> tuple[str, str]:
    """Return a layer's name and version.

    >>> _layer("arn:aws:lambda:eu-west-1:123456789012:layer:serinus-endpoint-fraud-core:3")
    ('serinus-endpoint-fraud-core', '3')
    """
    named, _, version = arn.rpartition(":")
    return named.rpartition(":")[2], version


def _setting(name: str) -> str:
    return name.removeprefix(_SETTING).lower() if name.startswith(_SETTING) else f"variable {name}"


def _shown(value: str | None) -> str:
    return "none" if value is None else value
