"""The control API's functions: from a signed request to the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from serinus.adapters.memory.executions import MemoryExecutions
from serinus.adapters.schemas.payloads import RollBackWanted
from serinus.domain.rollout import Outcome, Split
from serinus.use_cases.record_labels import Recording
from serinus.use_cases.roll_back import roll_back
from tests.builders import FRAUD, World, built_once
from tests.unit.control_plane import ANNA, ROUTES, ControlPlane
from tests.unit.use_cases.steering import guiding, looking, requesting, returning

EVENTS = Path(__file__).parents[3] / "events"
FOLDERS = sorted({folder for _, _, folder in ROUTES})
STATUSES = {
    "request_rollout/earlier_version": 202,
    "request_rollout/unknown_version": 404,
    "request_rollout/no_version": 400,
    "list_rollouts/latest": 200,
    "list_rollouts/another_endpoint": 404,
    "describe_rollout/active": 200,
    "describe_rollout/unknown": 404,
    "steer_rollout/pause": 200,
    "steer_rollout/resume": 200,
    "steer_rollout/promote": 200,
    "steer_rollout/assumed_role": 200,
    "steer_rollout/in_anothers_name": 400,
    "steer_rollout/no_reason": 400,
    "steer_rollout/no_json": 400,
    "steer_rollout/no_caller": 403,
    "request_roll_back/abort": 200,
    "request_roll_back/roll_back": 200,
    "request_roll_back/unknown_release": 404,
    "record_labels/two_labels": 200,
    "record_labels/not_binary": 400,
    "record_labels/no_prediction": 400,
    "record_labels/by_row_id": 400,
    "record_labels/another_endpoint": 404,
    "record_labels/no_json": 400,
}


@built_once
def with_a_canary() -> World:
    """Return a world with version 1 live, version 2 at the first step of its rollout."""
    world = World()
    world.canary()
    return world


@pytest.fixture
def world() -> World:
    """Return one of the test's own."""
    return with_a_canary()


@pytest.fixture
def control(world: World) -> ControlPlane:
    """The functions on that world."""
    return ControlPlane(
        requesting=requesting(world, MemoryExecutions()),
        looking=looking(world),
        guiding=guiding(world),
        returning=returning(world),
        recording=Recording(world.policies, world.labels),
    )


def ask(control: ControlPlane, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Return the status and the document."""
    text = b"" if body is None else json.dumps(body).encode()
    status, said = control.send(method, f"/endpoints/fraud{path}", text)
    return status, json.loads(said)


def sample(name: str) -> dict[str, Any]:
    """Return a sample event."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


@pytest.mark.parametrize("name", sorted(STATUSES))
def test_every_sample_event_is_answered(control: ControlPlane, name: str) -> None:
    """With the status it stands for, in JSON; errors in one word and a sentence."""
    answer = control.call(name.split("/")[0], sample(name))
    document = json.loads(answer["body"])
    assert answer["statusCode"] == STATUSES[name], document
    assert (set(document) == {"error"}) is (answer["statusCode"] >= 400)


def test_there_is_no_other_sample_event() -> None:
    """Every one is exercised."""
    found = {f"{folder}/{path.stem}" for folder in FOLDERS for path in (EVENTS / folder).glob("*.json")}
    assert found == set(STATUSES)


@pytest.mark.parametrize(
    ("name", "actor"),
    [
        ("steer_rollout/pause", ANNA),
        ("steer_rollout/assumed_role", "arn:aws:sts::123456789012:assumed-role/on-call/anna"),
        ("request_roll_back/abort", ANNA),
        ("request_roll_back/roll_back", ANNA),
    ],
)
def test_the_actor_is_who_signed(control: ControlPlane, world: World, name: str, actor: str) -> None:
    """As API Gateway verified it, a role's session by the name it has in the session."""
    control.call(name.split("/")[0], sample(name))
    assert world.entries()[-1].actor == actor


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/rollouts", {"version": 1}),
        ("POST", "/rollouts/active/pause", {"reason": "why"}),
        ("POST", "/rollouts/active/resume", {}),
        ("POST", "/rollouts/active/promote", {"reason": "why"}),
        ("POST", "/rollouts/active/abort", {"reason": "why"}),
        ("POST", "/rollback", {"reason": "why"}),
        ("POST", "/labels", {"labels": [{"id": "a", "label": 1}]}),
    ],
)
def test_nothing_is_done_for_a_caller_whom_nobody_verified(
    control: ControlPlane, world: World, method: str, path: str, body: object
) -> None:
    """Should a route ever be deployed without its authorisation, its function still refuses."""
    control.caller = None
    deeds, split = world.deeds(), world.split()
    assert ask(control, method, path, body)[0] == 403
    assert (world.deeds(), world.split()) == (deeds, split)
    assert world.data.list("labels/") == []


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/rollouts/active/pause", {}, "reason: "),
        ("/rollouts/active/pause", {"reason": "x" * 1_001}, "reason: "),
        ("/rollouts/active/pause", {"reason": "why\nforged line"}, "one line of printable text"),
        ("/rollouts/active/pause", {"reason": "\x1b[2J"}, "one line of printable text"),
        ("/rollouts/active/promote", {"reason": "why", "force": "yes"}, "force: "),
        ("/rollouts/active/abort", {"reason": "why", "to": 2}, "to: "),
        ("/rollouts", {"version": "1"}, "version: "),
        ("/rollouts", {"version": 0}, "version: "),
        ("/rollouts", ["version"], "the request: "),
        ("/rollback", {"reason": "why", "to": True}, "to: "),
        ("/rollback", {"reason": "why", "requested_by": "bob"}, "requested_by: "),
        ("/labels", {"labels": []}, "labels: "),
        (
            "/labels",
            {"labels": [{"id": "a", "label": 1}, {"id": "b", "label": 3}]},
            "labels.1.label: it must be 0 or 1",
        ),
        ("/labels", {"labels": [{"id": "a", "label": "yes"}]}, "labels.0.label: it must be 0 or 1"),
        ("/labels", {"labels": [{"id": "a", "label": None}]}, "labels.0.label"),
        ("/labels", {"labels": [{"id": "a", "row": -1, "label": 1}]}, "labels.0.row: "),
        (
            "/labels",
            {"labels": [{"id": "a", "label": 1, "time": "9999-12-31T23:59:59-23:00"}]},
            "labels.0.time: in UTC it must lie in the years 1 to 9999",
        ),
        ("/labels", {"labels": [{"id": "a", "row_id": "b", "label": 1}]}, "labels.0: name the prediction by id"),
        ("/labels", {"labels": [{"row_id": "b", "row": 1, "label": 1}]}, "labels.0: row goes with id"),
        ("/labels", {"labels": [{"row_id": "b", "label": 1}]}, "labels.0.row_id: the policy"),
        ("/labels", {"labels": [{"id": "a", "label": 1, "time": "2026-03-04T10:00:00"}]}, "labels.0.time: "),
        ("/labels", {"labels": [{"id": "a", "label": 1, "who": "bob"}]}, "labels.0.who: "),
        ("/labels", {"labels": [{"id": "x" * 1_025, "label": 1}]}, "labels.0.id: "),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_done(
    control: ControlPlane, world: World, path: str, body: object, said: str
) -> None:
    """In one sentence, with 400."""
    deeds = world.deeds()
    status, document = ask(control, "POST", path, body)
    assert status == 400
    assert said in document["error"]
    assert world.deeds() == deeds


def test_a_conflict_is_409(control: ControlPlane, world: World) -> None:
    """An alarm that fires, a rollout that has ended, a version that is live."""
    rollout = ask(control, "GET", "/rollouts/active")[1]["rollout"]["id"]
    world.alarms.fire(FRAUD, 3, "5 failures in a minute")
    assert ask(control, "POST", "/rollouts/active/promote", {"reason": "why"})[0] == 409
    ask(control, "POST", "/rollouts/active/abort", {"reason": "why"})
    status, document = ask(control, "POST", f"/rollouts/{rollout}/pause", {"reason": "why"})
    assert (status, "has ended as rolled_back" in document["error"]) == (409, True)
    assert ask(control, "POST", "/rollouts", {"version": 1})[0] == 409


def test_a_rollout_is_described_with_its_looks(control: ControlPlane, world: World) -> None:
    """The latest of them, as many as are wanted."""
    rollout = ask(control, "GET", "/rollouts/active")[1]["rollout"]["id"]
    ask(control, "POST", "/rollouts/active/pause", {"reason": "why"})
    for _ in range(3):
        world.later(1)
        world.advance(rollout)
    _, document = ask(control, "GET", f"/rollouts/{rollout}?decisions=2")
    assert document["rollout"]["steering"]["actor"] == ANNA
    assert (document["rollout"]["paused"], document["rollout"]["outcome"]) == (True, None)
    assert [decision["verdict"] for decision in document["decisions"]] == ["hold", "hold"]
    assert document["decisions_in_all"] == 3
    assert document["decisions"][-1] == document["rollout"]["last_decision"]
    assert ask(control, "GET", f"/rollouts/{rollout}?decisions=0")[1]["decisions"] == []
    assert ask(control, "GET", f"/rollouts/{rollout}?decisions=none")[0] == 400


def test_every_deed_delivered_twice_is_one(control: ControlPlane, world: World) -> None:
    """Pause, resume, promote by its rollout's id, abort: the second is answered as the first, and records nothing."""
    rollout = ask(control, "GET", "/rollouts/active")[1]["rollout"]["id"]
    for deed in ("pause", "resume", "promote"):
        body = {"reason": "why"}
        first = ask(control, "POST", f"/rollouts/{rollout}/{deed}", body)
        deeds = world.deeds()
        world.later(1)
        assert ask(control, "POST", f"/rollouts/{rollout}/{deed}", body) == first
        assert world.deeds() == deeds
    assert ask(control, "POST", f"/rollouts/{rollout}/abort", {"reason": "why"})[1]["status"] == "rolled_back"
    deeds = world.deeds()
    assert ask(control, "POST", f"/rollouts/{rollout}/abort", {"reason": "why"})[1]["status"] == "nothing_to_do"
    assert (world.deeds(), world.split()) == (deeds, Split(2))


def test_what_is_unexpected_propagates(control: ControlPlane, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """API Gateway answers 500 with no word of ours, and the function's log has the trace."""

    def broken(_endpoint: str) -> None:
        raise RuntimeError("the table is gone")

    monkeypatch.setattr(world.rollouts, "active", broken)
    with pytest.raises(RuntimeError, match="the table is gone"):
        ask(control, "GET", "/rollouts/active")


def test_another_path_is_404_in_our_words(control: ControlPlane) -> None:
    """Should more reach a function than its routes."""
    _, event = control.route("GET", "/endpoints/fraud/rollouts")
    answer = control.call("list_rollouts", {**event, "rawPath": "/endpoints"})
    assert (answer["statusCode"], set(json.loads(answer["body"]))) == (404, {"error"})


def test_roll_back_does_as_request_roll_back_sends(world: World) -> None:
    """Its sample of an abort names a rollout: another one that is under way is left alone."""
    wanted = RollBackWanted.model_validate(sample("roll_back/abort")).as_request()
    assert not roll_back(wanted, conducting=world.conducting).moved
    active = world.rollouts.active(FRAUD)
    assert active is not None
    named = RollBackWanted.model_validate({**sample("roll_back/abort"), "rollout": active.id}).as_request()
    assert roll_back(named, conducting=world.conducting).moved
    ended = world.rollouts.get(FRAUD, active.id)
    assert (ended.outcome, ended.reason) == (Outcome.ROLLED_BACK, "aborted: complaints")
