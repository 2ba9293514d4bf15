"""What a release is made of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from serinus.adapters.stored.stored_as import RELEASE
from serinus.domain.composition import Composition, Runtime, differences
from tests.builders import a_release, a_runtime

_LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer"


def a_composition(runtime: Runtime | None = None, *, model_version: int = 1) -> Composition:
    """Return a model version in a runtime."""
    return Composition(model_version, f"{model_version}" * 64, runtime or a_runtime())


def test_the_same_serves_the_same() -> None:
    """There is nothing to say, and the digest is the same, in whatever order the variables come."""
    one = a_composition(a_runtime(environment={"A": "1", "B": "2"}))
    other = a_composition(a_runtime(environment={"B": "2", "A": "1"}))
    assert one == other
    assert one.digest == other.digest
    assert differences(one, other) == ()


@pytest.mark.parametrize(
    ("runtime", "words"),
    [
        (a_runtime(memory_mb=2048), ["memory 1024 → 2048 MB"]),
        (a_runtime(timeout_seconds=20), ["timeout 10 → 20 seconds"]),
        (a_runtime(code="other.zip"), ["code"]),
        (a_runtime(layers=[f"{_LAYER}:core:2"]), ["layer core 1 → 2"]),
        (a_runtime(layers=[f"{_LAYER}:core:1", f"{_LAYER}:inference:7"]), ["layer inference none → 7"]),
        (a_runtime(layers=[]), ["layer core 1 → none"]),
        (a_runtime(environment={"SERINUS_LOG_INPUTS": "none"}), ["log_inputs all → none"]),
        (a_runtime(environment={"SERINUS_LOG_INPUTS": "all", "TZ": "UTC"}), ["variable TZ none → UTC"]),
        (replace(a_runtime(), runtime="python3.14"), ["runtime python3.13 → python3.14"]),
        (replace(a_runtime(), snap_start=True), ["started from a snapshot"]),
        (replace(a_runtime(), architecture="arm64"), ["architecture x86_64 → arm64"]),
        (replace(a_runtime(), handler="other.handler"), ["handler handler.handler → other.handler"]),
        (a_runtime(memory_mb=512, code="other.zip"), ["code", "memory 1024 → 512 MB"]),
    ],
)
def test_every_field_that_serves_is_told_and_changes_the_digest(runtime: Runtime, words: list[str]) -> None:
    """In words that a person reads in the ledger."""
    before, after = a_composition(), a_composition(runtime)
    assert list(differences(before, after)) == words
    assert before.digest != after.digest


def test_the_order_of_layers_is_told() -> None:
    """What is imported depends on it."""
    layers = [f"{_LAYER}:core:1", f"{_LAYER}:inference:1"]
    before, after = (a_composition(a_runtime(layers=order)) for order in (layers, layers[::-1]))
    assert differences(before, after) == ("the order of layers",)


def test_another_model_is_told_by_its_version() -> None:
    """With what else has changed."""
    after = a_composition(a_runtime(memory_mb=2048), model_version=2)
    assert differences(a_composition(), after) == ("model version 1 → 2", "memory 1024 → 2048 MB")


def test_what_was_not_recorded_is_said_to_be_unknown() -> None:
    """A release that was published before compositions were kept."""
    assert differences(None, a_composition()) == ("what it replaces is not on record",)


def test_a_release_is_stored_with_its_composition_and_read_without() -> None:
    """What an earlier version of Serinus stored can still be read."""
    release = replace(a_release(), composition=a_composition())
    stored = RELEASE.dump_json(release)
    assert RELEASE.validate_json(stored) == release
    assert RELEASE.validate_json(RELEASE.dump_json(release, exclude={"composition"})).composition is None
