"""What the functions are called with."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from serinus.adapters.schemas.payloads import (
    Deployed,
    ModelVersionNamed,
    RollBackAnswered,
    RollBackWanted,
    RolloutWanted,
    SnapshotWanted,
    progress_payload,
    rolled_back_payload,
    wish_payload,
)
from serinus.domain.policy import EndpointName
from serinus.domain.rollout import Outcome, Split
from serinus.use_cases.end_rollout import Progress
from serinus.use_cases.ports.rollouts import ReturnedTraffic, RollBackWish
from serinus.use_cases.roll_back import RollBack, RolledBack
from tests.builders import FRAUD


def request(**payload: object) -> RollBack:
    """Return what a payload wants."""
    return RollBackWanted.model_validate(payload).as_request()


def test_an_alarm_speaks_of_one_release() -> None:
    """Endpoint and release come from its name."""
    wanted = request(alarm_name="serinus-rollout/fraud/12/failures", reason="6 failures")
    reason = "alarm serinus-rollout/fraud/12/failures: 6 failures"
    assert wanted == RollBack(FRAUD, reason, "alarm", release=12)


def test_a_failed_state_machine_speaks_of_its_rollout() -> None:
    """The rollout ends as failed, with the cause."""
    wanted = request(endpoint="fraud", rollout="v1-abc", cause="States.Timeout: ")
    reason = "the rollout itself failed: States.Timeout: "
    assert wanted == RollBack(FRAUD, reason, "rollout", rollout="v1-abc", outcome=Outcome.FAILED)


@pytest.mark.parametrize(
    ("cause", "kept"),
    [
        (
            'Refused: {"errorMessage": "no: never", "errorType": "Refused", "stackTrace": ["/var/a.py"]}',
            "Refused: no: never",
        ),
        ('Refused: {"errorType": "Refused", "stackTrace": ["/var/a.py"]}', "Refused"),
        ('Refused: {"errorMessage": "no", "stackTrace": ["/va', "Refused"),
        ("Lambda.Unknown: the function was killed", "Lambda.Unknown: the function was killed"),
        (None, ""),
    ],
)
def test_of_a_cause_only_name_and_message_are_kept(cause: str | None, kept: str) -> None:
    """Stack traces and paths do not reach the ledger."""
    wanted = request(endpoint="fraud", rollout="v1-abc", cause=cause)
    assert wanted.reason == f"the rollout itself failed: {kept}"


@pytest.mark.parametrize("what", ["v12", "deploy"])
@pytest.mark.parametrize("endpoint", ["fraud", "open-house", "a-v1-0123456789abcdef", "x2-v3", "deploy"])
def test_an_execution_speaks_of_its_endpoint(endpoint: str, what: str) -> None:
    """The endpoint is what stands before version and hash, whatever hyphens and digits it holds."""
    arn = f"arn:aws:states:eu-west-1:123456789012:execution:serinus-rollout:{endpoint}-{what}-0123456789abcdef"
    wanted = request(execution=arn, cause="TIMED_OUT")
    assert wanted == RollBack(
        EndpointName(endpoint),
        "the rollout's execution ended early: TIMED_OUT",
        "rollout",
        outcome=Outcome.FAILED,
        execution=arn,
    )


def test_a_person_says_why_and_where_to() -> None:
    """Who asks is on record, and which rollout is aborted, which then ends as rolled back."""
    assert request(endpoint="fraud", reason="bad", requested_by="ann", to=3) == RollBack(FRAUD, "bad", "ann", to=3)
    aborted = request(endpoint="fraud", reason="bad", requested_by="ann", rollout="v1-abc")
    assert aborted == RollBack(FRAUD, "bad", "ann", rollout="v1-abc")


def test_what_a_person_wants_survives_the_way_to_the_function() -> None:
    """And so does the answer."""
    wishes = (
        RollBackWish(FRAUD, "ann", "bad", to=3),
        RollBackWish(FRAUD, "ann", "bad", rollout="v1-abc"),
        RollBackWish(FRAUD, "ann", "bad", leaving=4),
    )
    for wish in wishes:
        wanted = request(**wish_payload(wish))
        assert wanted == RollBack(FRAUD, "bad", "ann", rollout=wish.rollout, to=wish.to, leaving=wish.leaving)
    result = RolledBack(FRAUD, Split(2, 3, 10), moved=True, rollout=None, reason="bad")
    returned = RollBackAnswered.model_validate(rolled_back_payload(result)).as_returned()
    assert returned == ReturnedTraffic(Split(2, 3, 10), None, True, "bad")


def test_a_person_says_what_they_saw() -> None:
    """The release that was live, or the rollout that was under way: neither is the word of a failed state machine."""
    said = {"endpoint": "fraud", "reason": "bad", "requested_by": "ann"}
    assert request(**said, **{"from": 3}) == RollBack(FRAUD, "bad", "ann", leaving=3)
    assert request(**said, rollout="v2-abc", to=2) == RollBack(FRAUD, "bad", "ann", rollout="v2-abc", to=2)


def test_the_parameter_of_a_runtime_names_its_endpoint() -> None:
    """As the rule sends it; the schedule sends the endpoint."""
    assert Deployed.model_validate({"parameter": "/serinus/endpoints/a-v1/runtime"}).endpoint == "a-v1"
    assert Deployed.model_validate({"endpoint": "fraud"}).endpoint == "fraud"


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"parameter": "/serinus/endpoints/fraud/policy"},
        {"parameter": "/serinus/endpoints/a/b/runtime"},
        {"parameter": "/serinus/endpoints//runtime"},
        {"parameter": None},
    ],
)
def test_another_parameter_is_refused(payload: dict[str, object]) -> None:
    """It is nobody's runtime."""
    with pytest.raises(ValidationError):
        Deployed.model_validate(payload)


@pytest.mark.parametrize("named", [{}, {"version": 1, "deployment": "d"}, {"version": None, "deployment": None}])
def test_a_rollout_brings_a_version_or_a_deploy(named: dict[str, object]) -> None:
    """One of them, and not both."""
    with pytest.raises(ValidationError, match="a model version or a deployment"):
        RolloutWanted.model_validate({"endpoint": "fraud", "execution": "e", **named})


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"reason": "no endpoint"},
        {"endpoint": ""},
        {"endpoint": "fraud", "reason": "nobody asks"},
        {"alarm_name": "another/fraud/12/failures"},
        {"alarm_name": "serinus-rollout/fraud/twelve/failures"},
        {"alarm_name": "serinus-rollout/fraud/12"},
        {"alarm_name": "serinus-rollout/a/b/12/failures"},
        {"endpoint": "fraud", "to": 0},
        {"execution": "fraud-v1-0123456789abcdef"},
        {"execution": "arn:aws:states:eu-west-1:123456789012:execution:serinus-rollout:by-hand"},
        {"execution": "arn:aws:states:eu-west-1:123456789012:execution:serinus-rollout:-v1-0123456789abcdef"},
    ],
)
def test_a_payload_that_names_nothing_is_refused(payload: dict[str, object]) -> None:
    """A roll-back of no known place does not happen."""
    with pytest.raises(ValidationError):
        RollBackWanted.model_validate(payload)


def test_a_time_without_a_zone_is_refused() -> None:
    """It could not be compared with the clock."""
    with pytest.raises(ValidationError, match="timezone"):
        SnapshotWanted.model_validate({"endpoint": "fraud", "started_at": "2026-03-04T12:00:00"})


@pytest.mark.parametrize("version", [0, -1, 1.5, "one", None])
def test_a_version_is_a_number_from_one(version: object) -> None:
    """Nothing else names a model version."""
    with pytest.raises(ValidationError):
        ModelVersionNamed.model_validate({"endpoint": "fraud", "version": version, "execution": "e"})


@pytest.mark.parametrize("outcome", [None, *Outcome])
def test_progress_is_told_in_the_state_machines_words(outcome: Outcome | None) -> None:
    """A rollout without an outcome is in progress."""
    payload = progress_payload(Progress("fraud", "v1-abc", outcome, 10, "so"))
    assert payload["status"] == (str(outcome) if outcome else "in_progress")
