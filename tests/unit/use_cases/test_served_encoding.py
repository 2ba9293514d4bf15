"""A model may be served as another file than the uploaded one: both digests are on record, signed and verified."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from serinus.adapters.memory.releases import MemoryReleases
from serinus.domain.composition import Composition
from serinus.domain.layout import Layout
from serinus.domain.model_version import ModelVersion, Status
from serinus.domain.rollout import Outcome, Release
from serinus.domain.signature import Signature
from serinus.domain.table import Table
from serinus.errors import ModelFailed
from serinus.use_cases.ports.models import Encoding
from serinus.use_cases.publish_release import publish_release
from serinus.use_cases.register_model import served_model_key
from serinus.use_cases.validate_model import validate_model
from tests.builders import FRAUD, World

SERVED = b"the same trees, written shorter"
SERVED_SHA256 = hashlib.sha256(SERVED).hexdigest()
FOUND = Encoding(SERVED, "the trees are served in the operator TreeEnsemble", {"bytes": 31.0})


def a_world(found: Encoding | Exception | None = FOUND) -> World:
    """Return a world in which looking for a cheaper file finds this."""

    def choose(_model: bytes, _signature: Signature, rows: Table) -> Encoding | None:
        assert rows.rows == 400
        if isinstance(found, Exception):
            raise found
        return found

    world = World()
    world.validation = replace(world.validation, choose_encoding=choose)
    return world


def validated(world: World) -> ModelVersion:
    """Register and validate a model."""
    return validate_model(FRAUD, world.registered(), validation=world.validation)


def publish(world: World) -> tuple[Outcome | None, list[bytes]]:
    """Roll the model out; return how that ended, and the files that were published."""
    published: list[bytes] = []

    class Noting(MemoryReleases):
        def publish(
            self, version: ModelVersion, model: bytes, layout: Layout, composition: Composition, *, rollout: str
        ) -> Release:
            published.append(model)
            return super().publish(version, model, layout, composition, rollout=rollout)

    publishing = replace(world.publishing, releases=Noting(world.clock))
    return publish_release(FRAUD, world.started(), publishing=publishing).outcome, published


def test_a_cheaper_file_is_kept_beside_the_uploaded_one() -> None:
    """The version has both digests, its attestation covers both, and the ledger says which is served."""
    world = a_world()
    version = validated(world)
    assert version.status is Status.VALIDATED
    assert version.served_sha256 == version.served_digest == SERVED_SHA256 != version.manifest.model_sha256
    assert world.artifacts.get(served_model_key(version)) == SERVED
    assert version.findings[-1].message == FOUND.message
    assert version.attestation is not None
    assert world.signer.verify(version.statement, version.attestation)
    assert not world.signer.verify(replace(version, served_sha256=None).statement, version.attestation)
    assert world.entries()[-1].details["served"] == SERVED_SHA256
    assert world.versions.get(FRAUD, 1) == version


def test_where_the_uploaded_file_is_cheaper_it_is_served() -> None:
    """What was found is on record all the same."""
    version = validated(a_world(Encoding(None, "the trees are served as uploaded: that is cheaper")))
    assert version.served_sha256 is None
    assert version.served_digest == version.manifest.model_sha256
    assert served_model_key(version).endswith("/model.onnx")
    assert [finding.gate for finding in version.findings][-1] == "encoding"


@pytest.mark.parametrize("found", [None, ModelFailed("a division by zero")])
def test_where_there_is_nothing_to_encode_nothing_is_said(found: ModelFailed | None) -> None:
    """A model that fails on the rows is judged by its smoke test, not here."""
    version = validated(a_world(found))
    assert version.served_sha256 is None
    assert "encoding" not in [finding.gate for finding in version.findings]


def test_a_release_carries_the_file_that_is_served() -> None:
    """It is the one whose digest was signed; the ledger has that, too."""
    world = a_world()
    assert publish(world) == (Outcome.PROMOTED, [SERVED])
    (entry,) = (entry for entry in world.entries() if entry.id.startswith("published:"))
    assert entry.details["served"] == SERVED_SHA256


def test_a_served_file_that_was_changed_is_not_published() -> None:
    """Be it by somebody who may write models."""
    world = a_world()
    version = validated(world)
    world.artifacts.put(served_model_key(version), b"something else")
    assert publish(world) == (Outcome.FAILED, [])


def test_a_rejected_model_is_served_by_nobody() -> None:
    """Its file is not kept."""
    world = a_world()
    world.models.script = lambda features: np.full(features.rows, 0.5)
    version = validated(world)
    assert version.status is Status.REJECTED
    assert [key for key in world.artifacts.list("models/") if key.endswith("served.onnx")] == []
