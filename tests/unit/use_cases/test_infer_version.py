"""Asking a model version by its number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from serinus.adapters.memory.documents import MemoryDocuments
from serinus.adapters.memory.invocations import MemoryInvocations
from serinus.adapters.stored.rollouts import StoredRollouts
from serinus.domain.rollout import Outcome
from serinus.errors import ReleaseFailed, RequestRefused
from serinus.use_cases.infer_version import Asking, infer_version
from tests.contract.builders import a_release, a_rollout, after


def asking(*releases: tuple[int, int]) -> tuple[Asking, MemoryInvocations]:
    """Return what asks an endpoint with these releases: Lambda version and model version of each."""
    rollouts, invocations = StoredRollouts(MemoryDocuments()), MemoryInvocations()
    for number, model_version in releases:
        rollout = a_rollout(f"fraud-{number}")
        rollouts.start(rollout)
        rollouts.save(rollout.ended(Outcome.PROMOTED, "it did well", at=after(60)), replaced=rollout)
        rollouts.record_release(replace(a_release(number, rollout=rollout.id), model_version=model_version))
    return Asking(rollouts, invocations), invocations


def an_event(path: str) -> dict[str, object]:
    """Return API Gateway's event for a path."""
    return {"rawPath": path, "body": "{}", "requestContext": {"http": {"method": "POST"}}}


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/v2/models/fraud/versions/2", "/v2/models/fraud"),
        ("/v2/models/fraud/versions/2/", "/v2/models/fraud/"),
        ("/v2/models/fraud/versions/2/infer", "/v2/models/fraud/infer"),
        ("/models/fraud/v2/models/fraud/versions/2/ready", "/models/fraud/v2/models/fraud/ready"),
    ],
)
def test_the_release_of_the_version_is_asked(path: str, sent: str) -> None:
    """As if the path had named no version, marked as no evidence, with everything else as it came."""
    ready, invocations = asking((2, 1), (3, 2), (4, 3))
    assert infer_version("fraud", an_event(path), asking=ready) == invocations.answer
    ((release, event),) = invocations.asked
    assert release.number == 3
    assert event == an_event(sent) | {"serinus": {"named_version": True}}


def test_the_latest_release_that_is_still_there_answers() -> None:
    """A version may have been released more than once, and old ones are pruned."""
    ready, invocations = asking((2, 1), (3, 1), (4, 1))
    invocations.pruned = {4}
    infer_version("fraud", an_event("/v2/models/fraud/versions/1/infer"), asking=ready)
    assert [release.number for release, _ in invocations.asked] == [3]


@pytest.mark.parametrize("outcome", [None, Outcome.ROLLED_BACK])
def test_a_release_that_was_not_promoted_answers_last(outcome: Outcome | None) -> None:
    """A deploy of bad code, under way or rolled back, does not answer for the version that is live as well."""
    ready, invocations = asking((2, 1), (3, 1))
    rollout = a_rollout("fraud-4")
    ready.rollouts.start(rollout)
    if outcome is not None:
        ready.rollouts.save(rollout.ended(outcome, "it did badly", at=after(60)), replaced=rollout)
    ready.rollouts.record_release(a_release(4, rollout="fraud-4"))
    infer_version("fraud", an_event("/v2/models/fraud/versions/1/infer"), asking=ready)
    invocations.pruned = {2, 3}
    infer_version("fraud", an_event("/v2/models/fraud/versions/1/infer"), asking=ready)
    assert [release.number for release, _ in invocations.asked] == [3, 4]


def test_a_retired_release_is_not_asked_for_nor_named() -> None:
    """Of two releases of a version the other one answers; a version without any is refused with those there are."""
    ready, invocations = asking((2, 1), (3, 2), (4, 2), (5, 3))
    for number in (2, 4):
        release = ready.rollouts.release("fraud", number)
        assert release is not None
        ready.rollouts.save_release(replace(release, retired_at=release.published_at), replaced=release)
    infer_version("fraud", an_event("/v2/models/fraud/versions/2/infer"), asking=ready)
    assert [release.number for release, _ in invocations.asked] == [3]
    with pytest.raises(RequestRefused, match="no version '1' to ask: ask for 2, 3"):
        infer_version("fraud", an_event("/v2/models/fraud/versions/1/infer"), asking=ready)


@pytest.mark.parametrize(
    ("version", "releases", "pruned", "says"),
    [
        ("9", [(2, 1), (3, 2)], set(), "has no version '9' to ask: ask for 1, 2"),
        ("2", [(2, 1), (3, 2)], {3}, "has no version '2' to ask: ask for 1"),
        ("1", [], set(), "none was released yet"),
        ("01", [(2, 1)], set(), "has no version '01'"),
        ("latest", [(2, 1)], set(), "has no version 'latest' to ask: ask for 1"),
        ("9" * 5_000, [(2, 1)], set(), "ask for 1"),
        ("²", [(2, 1)], set(), "ask for 1"),
    ],
)
def test_an_unknown_version_is_refused_with_those_there_are(
    version: str, releases: list[tuple[int, int]], pruned: set[int], says: str
) -> None:
    """With 404."""
    ready, invocations = asking(*releases)
    invocations.pruned = pruned
    with pytest.raises(RequestRefused) as refused:
        infer_version("fraud", an_event(f"/v2/models/fraud/versions/{version}/infer"), asking=ready)
    assert refused.value.status == 404
    assert says in str(refused.value)
    assert not invocations.asked


def test_a_release_without_an_answer_is_a_failure() -> None:
    """It is not hidden by asking another."""
    ready, invocations = asking((2, 1), (3, 1))
    invocations.failure = "it timed out"
    with pytest.raises(ReleaseFailed, match="timed out"):
        infer_version("fraud", an_event("/v2/models/fraud/versions/1/infer"), asking=ready)
