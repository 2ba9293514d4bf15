"""Each function answers its sample events, through the wiring it is deployed with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from serinus.adapters.aws.signer import KmsSigner
from serinus.adapters.stored.model_versions import StoredModelVersions
from serinus.adapters.stored.rollouts import StoredRollouts
from serinus.adapters.stored.snapshots import StoredSnapshots
from serinus.adapters.tables.arrow import ArrowTables
from serinus.domain.metric import Metric
from serinus.domain.model_version import Status
from serinus.domain.rollout import Split
from serinus.domain.snapshot import Snapshot
from serinus.domain.table import Table
from tests.builders import FRAUD, NOON, a_table
from tests.integration.conftest import EVENTS, KEY, Account, an_event

Preparation = Callable[[Account], object]


def _nothing(_: Account) -> None:
    """Leave the account as deployed."""


def _an_orphan(account: Account) -> None:
    account.artifacts.put("incoming/nobody/upload-1/manifest.json", b"{}")


def _uploaded(account: Account) -> None:
    account.upload()


def _registered(account: Account) -> None:
    _uploaded(account)
    account.call("register_model", an_event("register_model/uploaded"))


def _looked_through(account: Account) -> None:
    _registered(account)
    account.call("validate_data", an_event("validate_data/uploaded"))


def _validated(account: Account) -> None:
    _looked_through(account)
    account.call("validate_model", an_event("validate_model/registered"))


def _started(account: Account) -> None:
    _validated(account)
    account.call("start_rollout", an_event("start_rollout/validated"))
    account.answers()


def _live(account: Account) -> None:
    _started(account)
    account.call("publish_release", an_event("publish_release/started"))


def _canary(account: Account, **payload: object) -> str:
    """Have release 2 live and release 3 at its first step, or where the payload takes it; return the rollout's id."""
    _live(account)
    account.upload("upload-2", weight=2.0)
    uploaded = an_event("register_model/uploaded")
    uploaded["key"] = uploaded["key"].replace("upload-1", "upload-2")
    account.call("register_model", uploaded)
    account.call("validate_data", {**an_event("validate_data/uploaded"), "version": 2})
    account.call("validate_model", {**an_event("validate_model/registered"), "version": 2})
    rollout: str = account.call("start_rollout", {**an_event("start_rollout/validated"), "version": 2})["rollout"]
    account.answers()
    account.call("publish_release", {"endpoint": "fraud", "rollout": rollout, **payload})
    return rollout


def _redeployed(account: Account) -> None:
    _live(account)
    account.deploy(memory_mb=2048)


def _with_a_snapshot(account: Account) -> None:
    rows = a_table(400)
    labels = (np.asarray(rows.columns["amount"], dtype=np.float64) > 0).astype(np.float64)
    labelled = Table({**rows.select(["amount", "age"]).columns, "_label": labels})
    snapshot = Snapshot(FRAUD, "5" * 64, "_label", 300, 100, NOON, NOON, NOON, "drift")
    snapshots = StoredSnapshots(account.data, ArrowTables())
    snapshots.put(snapshot, labelled.slice(0, 300), labelled.slice(300, 400))


_ELSEWHERE = frozenset(
    {
        "schemas",  # of what is published
        "authorise_caller",
        "conclude_batch",
        "describe_rollout",
        "describe_server",
        "infer",
        "infer_version",
        "list_rollouts",
        "make_token",
        "plan_batch",
        "predict_batch",
        "record_labels",
        "request_roll_back",
        "request_rollout",
        "revoke_token",
        "rotate_token",
        "steer_rollout",
    }
)

CASES: dict[str, tuple[Preparation, dict[str, Any]]] = {
    "register_model/uploaded": (_uploaded, {"status": "registered", "version": 1}),
    "register_model/for_no_endpoint": (_an_orphan, {"status": "rejected", "version": None}),
    "validate_data/uploaded": (_registered, {"status": "accepted", "version": 1, "reason": ""}),
    "validate_data/snapshot": (_with_a_snapshot, {"status": "rejected", "snapshot": "5" * 64}),  # labels that leak
    "validate_model/registered": (_looked_through, {"status": "validated", "version": 1}),
    "reject_upload/timed_out": (_looked_through, {"status": "rejected", "version": 1}),
    "reject_upload/crashed": (_uploaded, {"status": "rejected", "version": None}),
    "start_rollout/validated": (_validated, {"status": "started", "rollout": "v1-94c6d9c080"}),
    "start_rollout/deployed": (_live, {"status": "refused", "reason": "superseded by a later deploy"}),
    "follow_deployment/changed": (_redeployed, {"reason": "its rollout starts, or waits its turn"}),
    "follow_deployment/scheduled": (
        _live,
        {"execution": None, "reason": "nothing that serves has changed: release 2 is made of the same"},
    ),
    "publish_release/started": (_started, {"status": "promoted", "rollout": "v1-94c6d9c080"}),
    "publish_release/may_shadow": (_started, {"status": "promoted", "rollout": "v1-94c6d9c080"}),
    "shadow_candidate/tick": (
        _live,
        {"status": "promoted", "reason": "the first release goes live after its smoke test"},
    ),
    "advance_rollout/tick": (
        _live,
        {"status": "promoted", "reason": "the first release goes live after its smoke test"},
    ),
    "roll_back/alarm": (_canary, {"status": "rolled_back", "stable": 2, "candidate": None}),
    "roll_back/person": (_canary, {"status": "rolled_back", "reason": "customers complain"}),
    "roll_back/abort": (_canary, {"status": "nothing_to_do", "stable": 2, "candidate": 3}),  # it names another one
    "roll_back/to_a_release": (_canary, {"status": "nothing_to_do", "reason": "nothing to do", "stable": 2}),
    "roll_back/failed_execution": (_started, {"status": "rolled_back", "stable": 1}),
    "roll_back/ended_execution": (_started, {"status": "rolled_back", "stable": 1}),
    "collect_predictions/predictions": (_live, {"parts": 2}),  # the crash began in the minute before
    "compact_profiles/scheduled": (_live, {"hours": 0, "days": 0}),
    "compact_labels/scheduled": (_live, {"files": 0, "days": 0}),
    "collect_predictions/control_message": (_live, {"parts": 0}),
    "prune_releases/scheduled": (_live, {"releases": [], "layers": [], "reason": ""}),
    "detect_drift/scheduled": (_live, {"release": 2, "announced": False}),
    "estimate_performance/scheduled": (_live, {"release": 2, "announced": False}),
    "review_performance/scheduled": (_live, {"release": 2, "labelled_rows": 0, "announced": []}),
    "snapshot_data/drifted": (_live, {"status": "waiting", "wait_seconds": 30_000, "snapshot": None}),
    "train_model/ready": (_with_a_snapshot, {"endpoint": "fraud", "upload": "retrained-5555555555555555"}),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_function_answers_its_sample_event(account: Account, name: str) -> None:
    """In an account where what comes before it has happened."""
    prepare, expected = CASES[name]
    prepare(account)
    answer = account.call(name.split("/")[0], an_event(name))
    assert {key: answer.get(key) for key in expected} == expected


def test_every_sample_event_is_exercised() -> None:
    """A sample that nothing reads goes stale; those of `_ELSEWHERE` have tests of their own in `unit/functions`."""
    samples = {path.relative_to(EVENTS).with_suffix("").as_posix() for path in EVENTS.rglob("*.json")}
    assert {sample for sample in samples if sample.split("/")[0] not in _ELSEWHERE} == set(CASES)


def test_a_model_is_registered_validated_signed_and_announced(account: Account) -> None:
    """The version is in DynamoDB, the objects in S3, the attestation verifies in KMS, the events are on the bus."""
    _validated(account)
    version = StoredModelVersions(account.documents).get("fraud", 1)
    assert version.status is Status.VALIDATED
    assert version.attestation is not None
    signer = KmsSigner(account.clients.kms, KEY)
    assert signer.verify(version.statement, version.attestation)
    assert not signer.verify(version.statement + b" ", version.attestation)
    home = f"models/fraud/{version.content_digest}"
    assert list(account.artifacts.list(home)) == [
        f"{home}/{name}"
        for name in (
            "holdout.parquet",
            "importance.json",
            "manifest.json",
            "model.onnx",
            "reference.json",
            "smoke_request.json",
        )
    ]
    assert account.published() == ["ModelRegistered", "ModelValidated"]


def test_a_candidate_is_held_against_the_live_model(account: Account) -> None:
    """Both are ONNX files in S3; the alias and the table say which is live; the finding is signed."""
    _canary(account)
    first, second = (StoredModelVersions(account.documents).get("fraud", number) for number in (1, 2))
    assert not [finding for finding in first.findings if finding.gate.startswith("against_stable")]
    (found,) = [finding for finding in second.findings if finding.gate == "against_stable:roc_auc"]
    assert "with version 1 (release 2) on the same" in found.message
    assert found.numbers["stable"] == first.metrics[Metric.ROC_AUC]
    assert KmsSigner(account.clients.kms, KEY).verify(second.statement, str(second.attestation))


def test_a_canary_shifts_the_alias_and_an_alarm_shifts_it_back(account: Account) -> None:
    """The first step's weight is on the alias while the rollout holds the lock; the alarm takes both away."""
    rollout = _canary(account)
    assert account.traffic.current("fraud") == Split(2, 3, 10)
    tick = account.call("advance_rollout", {"endpoint": "fraud", "rollout": rollout})
    assert (tick["status"], tick["wait_seconds"]) == ("in_progress", 60)
    account.call("roll_back", an_event("roll_back/alarm"))
    assert account.traffic.current("fraud") == Split(2)
    assert StoredRollouts(account.documents).active("fraud") is None
    assert account.published()[-2:] == ["TrafficShifted", "RolloutRolledBack"]


def test_a_shadow_is_read_kept_and_taken_back_without_moving_traffic(account: Account) -> None:
    """Through S3, DynamoDB and the parameter store; a person's word ends it, and frees the lock."""
    rollout = _canary(account, shadows=True)
    tick = account.call("shadow_candidate", {"endpoint": "fraud", "rollout": rollout})
    assert (tick["status"], tick["reason"]) == ("shadowing", "shadow: 0 of 500 live requests were replayed")
    assert account.traffic.current("fraud") == Split(2)
    account.call("roll_back", an_event("roll_back/person"))
    assert account.traffic.current("fraud") == Split(2)
    assert StoredRollouts(account.documents).active("fraud") is None
    assert account.call("shadow_candidate", {"endpoint": "fraud", "rollout": rollout})["status"] == "rolled_back"


def test_a_release_that_does_not_answer_never_gets_traffic(account: Account) -> None:
    """Its smoke test fails, the rollout fails, and the alias stays where it was."""
    _validated(account)
    account.call("start_rollout", an_event("start_rollout/validated"))
    account.answers(status=500)
    answer = account.call("publish_release", an_event("publish_release/started"))
    assert answer["status"] == "failed"
    assert "answered 500" in answer["reason"]
    assert account.traffic.current("fraud") == Split(1)


def test_a_deploy_becomes_a_canary_of_the_same_model(account: Account) -> None:
    """However often it is announced, one execution takes it on; its release has the memory that was deployed."""
    _redeployed(account)
    for _ in range(3):
        account.call("follow_deployment", an_event("follow_deployment/changed"))
    (asked,) = account.executions()
    rollout = account.call("start_rollout", asked)["rollout"]
    account.answers()
    account.call("publish_release", {"endpoint": "fraud", "rollout": rollout})
    assert account.traffic.current("fraud") == Split(2, 3, 10)
    released = account.clients.functions.get_function_configuration(
        FunctionName="serinus-endpoint-fraud", Qualifier="3"
    )
    assert (released["MemorySize"], released["Version"]) == (2048, "3")
    releases = StoredRollouts(account.documents).releases("fraud")
    assert [release.model_version for release in releases] == [1, 1]
