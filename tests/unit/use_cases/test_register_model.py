"""Registering an upload: once, whole, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from serinus.domain.ledger import first_broken
from serinus.errors import ManifestRefused
from serinus.use_cases import register_model as module
from serinus.use_cases.register_model import Registration, RegistrationStatus, register_model
from tests.builders import FRAUD, Died, World, a_manifest


def register(world: World, key: str, execution: str = "e1") -> Registration:
    """Register an upload."""
    return register_model(key, execution=execution, registry=world.registry)


def test_an_upload_becomes_a_model_version() -> None:
    """It has number 1, its objects stay under its digest, and ledger and bus say so."""
    world = World()
    found = register(world, world.upload())
    assert (found.status, found.version) == (RegistrationStatus.REGISTERED, 1)
    version = world.versions.get(FRAUD, 1)
    assert world.artifacts.list("models/") == [
        f"models/fraud/{version.content_digest}/{name}" for name in ("holdout.parquet", "manifest.json", "model.onnx")
    ]
    assert world.deeds() == ["registered:upload-1"]
    assert world.event_names() == ["ModelRegistered"]


def test_versions_count_from_one() -> None:
    """Each new content gets the next number."""
    world = World()
    assert [world.registered(name) for name in "abc"] == [1, 2, 3]


def test_the_same_content_is_the_same_version() -> None:
    """A second upload of it is registered as the version that is there."""
    world = World()
    assert world.registered("a", model=b"same") == world.registered("b", model=b"same") == 1
    assert len(world.versions.list(FRAUD)) == 1


def test_the_same_event_five_times_in_threads_registers_once() -> None:
    """One execution carries the upload; the four others are duplicates; there is one version."""
    for _ in range(10):
        world = World()
        key = world.upload()
        with ThreadPoolExecutor(5) as pool:
            found = list(pool.map(lambda number: register(world, key, f"e{number}"), range(5)))  # noqa: B023 - used at once
        assert sorted(one.status for one in found) == ["duplicate"] * 4 + ["registered"]
        assert len(world.versions.list(FRAUD)) == 1
        assert world.deeds() == ["registered:upload-1"]


def test_the_same_execution_five_times_registers_once() -> None:
    """Retries of the carrying execution all get the same answer."""
    world = World()
    key = world.upload()
    with ThreadPoolExecutor(5) as pool:
        found = set(pool.map(lambda _: register(world, key), range(5)))
    assert found == {Registration("fraud", "upload-1", RegistrationStatus.REGISTERED, 1)}
    assert world.deeds() == ["registered:upload-1"]


def test_a_duplicate_is_told_the_version() -> None:
    """Who comes later learns what the upload became."""
    world = World()
    key = world.upload()
    register(world, key, "e1")
    assert register(world, key, "e2") == Registration("fraud", "upload-1", RegistrationStatus.DUPLICATE, 1)


def _damaged(world: World) -> str:
    key = world.upload()
    world.artifacts.put("incoming/fraud/upload-1/model.onnx", b"another model")
    return key


def _without_model(world: World) -> str:
    return world.upload(manifest=replace(a_manifest(), model_name="elsewhere.onnx"))


def _of_no_endpoint(world: World) -> str:
    world.artifacts.put("incoming/nobody/upload-1/manifest.json", b"{}")
    return "incoming/nobody/upload-1/manifest.json"


def _with_false_holdout(world: World) -> str:
    return world.upload(manifest=a_manifest(b"a model", b"other rows"))


REFUSALS: list[tuple[Callable[[World], str], str]] = [
    (_damaged, "model.onnx has the SHA-256"),
    (_without_model, "there is no object incoming/fraud/upload-1/elsewhere.onnx"),
    (_with_false_holdout, "holdout.parquet has the SHA-256"),
    (_of_no_endpoint, "there is no endpoint 'nobody'"),
    (lambda world: world.upload(manifest=b"{"), "manifest.json:"),
]


@pytest.mark.parametrize(("upload", "reason"), REFUSALS)
def test_a_refusal_is_on_record_and_nothing_is_half_registered(upload: Callable[[World], str], reason: str) -> None:
    """Answer, upload record, ledger and bus give the reason; no version and no model object exist."""
    world = World()
    found = register(world, upload(world))
    assert found.status is RegistrationStatus.REJECTED
    assert reason in str(found.reason)
    record = world.versions.upload(found.endpoint, "upload-1")
    assert record is not None
    assert reason in str(record.refusal)
    assert [entry.id for entry in world.ledger.entries(found.endpoint)] == ["refused:upload-1"]
    assert world.event_names() == ["UploadRefused"]
    assert world.versions.list(found.endpoint) == []
    assert world.artifacts.list("models/") == []


def test_a_model_above_the_limit_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figure is in the answer."""
    monkeypatch.setattr(module, "MAXIMUM_MODEL_BYTES", 3)
    world = World()
    found = register(world, world.upload())
    assert "has 7 bytes; at most 3 can be taken" in str(found.reason)


def test_an_upload_that_was_refused_stays_refused() -> None:
    """A retry of the refusing execution does not register what has been completed meanwhile."""
    world = World()
    key = _damaged(world)
    refused = register(world, key)
    world.upload()
    assert register(world, key) == refused
    assert world.versions.list(FRAUD) == []
    assert world.deeds() == ["refused:upload-1"]


@pytest.mark.parametrize(
    "key",
    [
        "incoming/fraud/manifest.json",
        "incoming/fraud/a/b/manifest.json",
        "incoming/fraud/a/manifest.json\n",
        "incoming//a/manifest.json",
        "elsewhere/incoming/fraud/a/manifest.json",
        "incoming/fraud/a/manifest.json.bak",
    ],
)
def test_a_key_of_another_shape_is_an_error(key: str) -> None:
    """There is no endpoint that could be told, so that the caller is."""
    with pytest.raises(ManifestRefused, match="is no upload"):
        register(World(), key)


def _outcome(world: World) -> object:
    return (
        world.versions.list(FRAUD),
        world.versions.upload(FRAUD, "upload-1"),
        world.deeds(),
        world.artifacts.list("models/"),
        world.anchor.list("ledger/"),
        set(world.event_names()),
    )


@pytest.mark.parametrize("upload", [lambda world: world.upload(), _damaged])
def test_dying_after_any_write_changes_nothing_in_the_end(upload: Callable[[World], str]) -> None:
    """The retried execution leaves the same world as one that never died."""
    unharmed = World()
    key = upload(unharmed)
    unharmed.fate.after_write(-1, lambda: None)
    register(unharmed, key)
    writes = unharmed.fate.writes
    assert writes >= 4
    for number in range(1, writes + 1):
        world = World()
        key = upload(world)
        world.fate.die_after(number)
        with pytest.raises(Died):
            register(world, key)
        register(world, key)
        assert _outcome(world) == _outcome(unharmed), f"died after write {number}"
        assert first_broken(world.entries()) is None


def test_the_manifest_is_kept_as_it_came() -> None:
    """The document under the version's digest is the uploader's own."""
    world = World()
    key = world.upload()
    register(world, key)
    digest = world.versions.get(FRAUD, 1).content_digest
    kept = world.artifacts.get(f"models/fraud/{digest}/manifest.json")
    assert json.loads(kept) == json.loads(world.artifacts.get(key))
