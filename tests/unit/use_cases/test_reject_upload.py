"""An upload of which a step ended without a result is rejected with what happened, once, and can be pushed again."""

from __future__ import annotations

import pytest

from serinus.domain.gates import Finding
from serinus.domain.ledger import Action
from serinus.domain.model_version import Status
from serinus.domain.stopped_step import StoppedStep
from serinus.use_cases.push_model import Following, Stage, follow_push
from serinus.use_cases.register_model import register_model
from serinus.use_cases.reject_upload import Rejection, RejectionStatus, reject_upload
from serinus.use_cases.validate_model import validate_model
from tests.builders import FRAUD, Died, World

KEY = "incoming/fraud/upload-1/manifest.json"
TIMED_OUT = StoppedStep("validate_model", "Sandbox.Timedout", "Task timed out after 900.00 seconds")


def reject(
    world: World, stopped: StoppedStep = TIMED_OUT, *, key: str = KEY, execution: str = "release-1"
) -> Rejection:
    """Reject the usual upload."""
    return reject_upload(key, stopped, execution=execution, rejecting=world.rejecting)


@pytest.mark.parametrize(
    ("error", "message", "said"),
    [
        ("Sandbox.Timedout", "Task timed out after 900.00 seconds", "it took too long (Sandbox.Timedout: Task timed"),
        ("States.Timeout", "", "it took too long (States.Timeout): look how long the model takes for a row"),
        ("Lambda.Unknown", "Task timed out after 9.00 seconds", "it took too long (Lambda.Unknown"),
        ("Runtime.OutOfMemory", "", "it took more memory than it has (Runtime.OutOfMemory): make the model smaller"),
        ("Runtime.ExitError", "Runtime exited with error: signal: killed", "it took more memory than it has"),
        ("Runtime.ExitError", "signal: segmentation fault", "validate_model crashed (Runtime.ExitError: signal: seg"),
        (
            "SourceFailed",
            "the store does\nnot answer",
            "(SourceFailed: the store does not answer): that says nothing",
        ),
    ],
)
def test_a_version_ends_rejected_with_what_happened(error: str, message: str, said: str) -> None:
    """Beside what was found in its data; the ledger and the bus say so too, and the message what to do."""
    world = World()
    number = world.registered()
    found = reject(world, StoppedStep("validate_model", error, message))
    version = world.versions.get(FRAUD, number)
    assert (found.status, found.version) == (RejectionStatus.REJECTED, number)
    assert version.status is Status.REJECTED
    assert version.attestation is None
    assert [finding.gate for finding in version.findings] == ["data:file", "stopped:validate_model"]
    assert said in version.findings[-1].message
    assert "push" in version.findings[-1].message
    assert world.entries()[-1].action is Action.MODEL_REJECTED
    assert said in str(world.entries()[-1].details["reason"])
    assert world.event_names()[-1] == "ModelRejected"


def test_rejecting_again_changes_nothing() -> None:
    """The machine tries again where it got no answer."""
    world = World()
    number = world.registered()
    first = reject(world)
    version, deeds = world.versions.get(FRAUD, number), world.deeds()
    world.later(60)
    assert reject(world) == first
    assert world.versions.get(FRAUD, number) == version
    assert world.deeds() == deeds


def test_dying_at_any_write_leaves_what_a_repeat_completes() -> None:
    """Whatever was written before is written the same again."""
    expected = World()
    expected.registered()
    reject(expected)
    for writes in range(1, 5):
        world = World()
        number = world.registered()
        world.fate.die_after(writes)
        with pytest.raises(Died):
            reject(world)
        reject(world)
        assert world.versions.get(FRAUD, number) == expected.versions.get(FRAUD, number)
        assert world.deeds() == expected.deeds()
        assert "ModelRejected" in world.event_names()


def test_what_was_pushed_again_is_judged_anew() -> None:
    """The person who follows the first push is told why; a second push of the same content passes."""
    world = World()
    number = world.registered()
    reject(world)
    following = Following(world.versions, world.rollouts, world.traffic, world.clock, world.later)
    (seen,) = follow_push(FRAUD, "upload-1", until=world.now, following=following)
    assert seen.stage is Stage.REJECTED
    assert "it took too long" in seen.reason
    key = world.upload("upload-2", model=b"model 1")
    assert register_model(key, execution="release-2", registry=world.registry).version == number
    world.look_through(number)
    assert validate_model(FRAUD, number, validation=world.validation).status is Status.VALIDATED


def test_what_stood_against_the_version_before_is_kept() -> None:
    """Validation had rejected it, and died before it could say so."""
    world = World()
    number = world.registered()
    known = world.versions.get(FRAUD, number)
    fault = Finding("metric:roc_auc", passed=False, message="roc_auc is too low")
    world.versions.record_validation(known.validated((*known.findings, fault), {}, attestation=None))
    found = reject(world)
    assert "roc_auc is too low; validate_model was stopped" in found.reason


def test_a_validated_version_stays_so() -> None:
    """The step died after its work was done: the release goes on."""
    world = World()
    number = world.validated("1")
    deeds = world.deeds()
    assert reject(world).status is RejectionStatus.VALIDATED
    assert world.versions.get(FRAUD, number).status is Status.VALIDATED
    assert world.deeds() == deeds


def test_an_upload_that_is_no_version_yet_is_refused() -> None:
    """Whether or not registering had claimed it; the push tells why."""
    world = World()
    world.upload()
    found = reject(world, StoppedStep("register_model", "Runtime.ExitError", "signal: segmentation fault"))
    assert (found.status, found.version) == (RejectionStatus.REJECTED, None)
    upload = world.versions.upload(FRAUD, "upload-1")
    assert upload is not None
    assert "register_model crashed" in str(upload.refusal)
    assert world.event_names() == ["UploadRefused"]
    assert reject(world) == found  # whatever stopped it this time, it stays refused for the first reason
    assert world.deeds() == ["refused:upload-1"]


def test_an_execution_rejects_only_what_it_carries() -> None:
    """A duplicate that failed says nothing of the upload that another one carries; nor does a key that names none."""
    world = World()
    number = world.registered()
    assert reject(world, execution="another").status is RejectionStatus.NOT_OURS
    assert reject(world, key="incoming/fraud/a/b/manifest.json").status is RejectionStatus.NOT_OURS
    assert world.versions.get(FRAUD, number).status is Status.REGISTERED
    assert world.deeds() == ["registered:upload-1"]
