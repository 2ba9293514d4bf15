"""Uploading a model, and following what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from serinus.adapters.memory.documents import MemoryDocuments
from serinus.adapters.memory.objects import MemoryObjects
from serinus.adapters.memory.policies import MemoryPolicies
from serinus.adapters.memory.traffic import MemoryTraffic
from serinus.adapters.schemas.manifest import read_manifest, write_manifest
from serinus.adapters.stored.model_versions import StoredModelVersions
from serinus.adapters.stored.rollouts import StoredRollouts
from serinus.domain.gates import Finding
from serinus.domain.guard import DEFAULT_GUARDS
from serinus.domain.model_version import ModelVersion, Upload
from serinus.domain.policy import EndpointName, Policy
from serinus.domain.rollout import ChosenPlan, Decision, Outcome, Release, Rollout, Split
from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature
from serinus.domain.verdict import Verdict
from serinus.errors import EndpointNotFound
from serinus.use_cases.push_model import Following, Package, Pushing, PushProgress, Stage, follow_push, push_model

NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)
FRAUD = EndpointName("fraud")
POLICY = Policy(FRAUD, ("risk@example.com",))
PLAN = ChosenPlan((5, 25, 50), DEFAULT_GUARDS, "as the policy says")
SIGNATURE = Signature(
    (InputTensor("features", Datatype.FP32, ("a",)),), (OutputTensor("p", Datatype.FP32, (-1, 1)),), Score("p")
)
PACKAGE = Package(b"model", b"holdout", "fraud", SIGNATURE, {"ticket": "ML-7"})


class Uploaded:
    """Keeps what was put, in order; stops working at `broken_at`."""

    def __init__(self, broken_at: str = "nowhere") -> None:
        self.objects: dict[str, bytes] = {}
        self._broken_at = broken_at

    def put(self, key: str, body: bytes) -> None:
        """Keep it."""
        if key.endswith(self._broken_at):
            raise OSError(key)
        self.objects[key] = body


def push(uploads: Uploaded, endpoint: str = "fraud", package: Package = PACKAGE) -> str:
    """Push at noon."""
    pushing = Pushing(MemoryPolicies(POLICY), uploads, write_manifest, lambda: NOON)
    return push_model(endpoint, package, pushing=pushing)


def test_everything_is_where_registration_looks_for_it() -> None:
    """The manifest names the other two, and says of them what they are."""
    uploads = Uploaded()
    upload = push(uploads)
    manifest = read_manifest(uploads.objects[f"incoming/fraud/{upload}/manifest.json"])
    assert manifest == PACKAGE.manifest
    assert uploads.objects[f"incoming/fraud/{upload}/{manifest.model_name}"] == b"model"
    assert uploads.objects[f"incoming/fraud/{upload}/{manifest.holdout.name}"] == b"holdout"


@pytest.mark.parametrize("file", ["model.onnx", "holdout.parquet"])
def test_an_upload_that_breaks_off_leaves_no_manifest(file: str) -> None:
    """Nothing starts a pipeline on half an upload."""
    uploads = Uploaded(broken_at=file)
    with pytest.raises(OSError, match=file):
        push(uploads)
    assert not [key for key in uploads.objects if key.endswith("manifest.json")]


def test_an_unknown_endpoint_uploads_nothing() -> None:
    """The policy is read first."""
    uploads = Uploaded()
    with pytest.raises(EndpointNotFound):
        push(uploads, "frod")
    assert uploads.objects == {}


def test_other_content_is_another_upload() -> None:
    """Even within one second; the same content is the same upload."""
    assert push(Uploaded()) == push(Uploaded())
    assert push(Uploaded()) != push(Uploaded(), package=replace(PACKAGE, model=b"other"))
    assert push(Uploaded()) != push(Uploaded(), package=replace(PACKAGE, lineage={"ticket": "ML-8"}))


class Pipeline:
    """What a push is followed by, a step each time that the follower sleeps."""

    def __init__(self, *steps: Callable[[Pipeline], None]) -> None:
        documents = MemoryDocuments()
        self.versions, self.rollouts = StoredModelVersions(documents), StoredRollouts(documents)
        self.traffic = MemoryTraffic({FRAUD: Split(1)})
        self.now = NOON
        self.slept: list[float] = []
        self._steps = list(steps)

    def follow(self, seconds: float = 3_600) -> list[PushProgress]:
        """Follow the upload `u`."""
        following = Following(self.versions, self.rollouts, self.traffic, lambda: self.now, self._sleep)
        return list(follow_push("fraud", "u", until=NOON + timedelta(seconds=seconds), following=following))

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)
        if self._steps:
            self._steps.pop(0)(self)

    def upload(self) -> Upload:
        """Return the upload as it is claimed."""
        return Upload(FRAUD, "u", "execution", self.now)


def claimed(pipeline: Pipeline) -> None:
    """An execution takes the upload on."""
    pipeline.versions.claim(pipeline.upload())


def refused(pipeline: Pipeline) -> None:
    """The upload is damaged."""
    pipeline.versions.refuse(pipeline.upload(), "the upload is damaged")


def registered(pipeline: Pipeline) -> None:
    """It becomes version 1."""
    pipeline.versions.register(pipeline.upload(), PACKAGE.manifest, 5)


def judged(*, passed: bool) -> Callable[[Pipeline], None]:
    """Return the step that validates or rejects version 1."""

    def step(pipeline: Pipeline) -> None:
        finding = Finding("metric:roc_auc", passed=passed, message="roc_auc is what it is")
        version = pipeline.versions.get("fraud", 1).validated((finding,), {}, attestation="signed")
        pipeline.versions.record_validation(version)

    return step


def a_rollout(at: datetime, number: int = 1) -> Rollout:
    """Return a rollout with two releases, before its first step."""
    return Rollout(f"v{number}", FRAUD, number, POLICY, PLAN, "execution", at, stable=2, candidate=3)


def started(pipeline: Pipeline) -> None:
    """The rollout of version 1 starts."""
    pipeline.rollouts.start(a_rollout(pipeline.now))


def stepped(pipeline: Pipeline) -> None:
    """It takes its first step, and is looked at."""
    rollout = pipeline.rollouts.get("fraud", "v1")
    look = Decision(pipeline.now, Verdict.HOLD, "too few requests")
    pipeline.rollouts.save(rollout.advanced(at=pipeline.now).looked_at(look), replaced=rollout, looks=[look])


def ended(outcome: Outcome) -> Callable[[Pipeline], None]:
    """Return the step that ends the rollout."""

    def step(pipeline: Pipeline) -> None:
        rollout = pipeline.rollouts.get("fraud", "v1")
        pipeline.rollouts.save(rollout.ended(outcome, "so it is", at=pipeline.now), replaced=rollout)

    return step


@pytest.mark.parametrize(
    ("outcome", "stage", "good"),
    [
        (Outcome.PROMOTED, Stage.PROMOTED, True),
        (Outcome.ROLLED_BACK, Stage.ROLLED_BACK, False),
        (Outcome.INCONCLUSIVE, Stage.INCONCLUSIVE, False),
        (Outcome.FAILED, Stage.FAILED, False),
    ],
)
def test_every_change_is_told_once_up_to_the_outcome(outcome: Outcome, stage: Stage, *, good: bool) -> None:
    """The whole way of a model, with its reasons."""
    pipeline = Pipeline(claimed, registered, judged(passed=True), started, stepped, ended(outcome))
    progress = pipeline.follow()
    assert [found.stage for found in progress] == [
        Stage.UPLOADED, Stage.UPLOADED, Stage.REGISTERED, Stage.VALIDATED,
        Stage.ROLLING_OUT, Stage.ROLLING_OUT, stage,
    ]  # fmt: skip
    assert progress[-2].reason == "too few requests"
    assert (progress[-1].reason, progress[-1].finished, progress[-1].succeeded) == ("so it is", True, good)


def test_a_refused_upload_ends_it_with_the_reason() -> None:
    """There is no version to speak of."""
    last = Pipeline(refused).follow()[-1]
    assert (last.stage, last.reason, last.version) == (Stage.REFUSED, "the upload is damaged", None)
    assert not last.succeeded


def test_a_rejected_version_ends_it_with_the_findings() -> None:
    """The reason is what failed."""
    last = Pipeline(registered, judged(passed=False)).follow()[-1]
    assert (last.stage, last.reason) == (Stage.REJECTED, "roc_auc is what it is")
    assert not last.succeeded


def test_time_that_is_up_ends_the_following_and_not_the_pipeline() -> None:
    """The last value is not finished; a validated model counts as good, an unregistered one does not."""
    last = Pipeline(registered, judged(passed=True), started).follow(seconds=10)[-1]
    assert (last.stage, last.finished, last.succeeded) == (Stage.ROLLING_OUT, False, True)
    nothing = Pipeline().follow(seconds=10)
    assert [(found.stage, found.finished, found.succeeded) for found in nothing] == [(Stage.UPLOADED, False, False)]


def test_it_never_sleeps_past_the_time_that_is_given() -> None:
    """The last pause is cut short."""
    pipeline = Pipeline()
    pipeline.follow(seconds=2.5)
    assert pipeline.slept == [1.0, 1.0, 0.5]


def test_a_rollout_is_looked_at_once_a_tick_and_twice_a_minute_at_least() -> None:
    """A policy that ticks every minute is not asked every second for hours."""
    pipeline = Pipeline(registered, judged(passed=True), started, stepped, ended(Outcome.PROMOTED))
    pipeline.follow()
    assert pipeline.slept == [1.0, 1.0, 1.0, 30.0, 30.0]


def test_an_earlier_rollout_of_the_same_version_is_not_ours() -> None:
    """Content that was rolled back once and is pushed again gets a rollout of its own."""
    pipeline = Pipeline(registered, judged(passed=True))
    earlier = pipeline.rollouts.start(a_rollout(NOON - timedelta(days=1)))
    pipeline.rollouts.save(earlier.ended(Outcome.ROLLED_BACK, "bad", at=NOON - timedelta(hours=23)), replaced=earlier)
    last = pipeline.follow(seconds=10)[-1]
    assert (last.stage, last.reason) == (Stage.VALIDATED, "its rollout is about to start")


def test_a_busy_endpoint_is_waited_for() -> None:
    """Another version's rollout holds the lock."""
    pipeline = Pipeline(registered, judged(passed=True))
    pipeline.rollouts.start(a_rollout(NOON - timedelta(hours=1), number=7))
    last = pipeline.follow(seconds=10)[-1]
    assert (last.stage, last.reason) == (Stage.VALIDATED, "waiting for the rollout of version 7 to end")


def test_content_that_is_live_already_is_not_waited_for() -> None:
    """No rollout will ever start for it."""

    def live(pipeline: Pipeline) -> None:
        version: ModelVersion = pipeline.versions.get("fraud", 1)
        release = Release(FRAUD, 2, 1, version.content_digest, "layer", NOON, "v1")
        pipeline.rollouts.record_release(release)
        pipeline.traffic.shift("fraud", Split(2))
        judged(passed=True)(pipeline)

    last = Pipeline(registered, live).follow()[-1]
    assert (last.stage, last.finished, last.succeeded) == (Stage.LIVE_ALREADY, True, True)
    assert last.reason == "the same content is live already, as release 2"


def test_memory_objects_are_uploads_enough() -> None:
    """Any bucket will do: an object store needs nothing more than `put`."""
    bucket = MemoryObjects()
    pushing = Pushing(MemoryPolicies(POLICY), bucket, write_manifest, lambda: NOON)
    upload = push_model("fraud", PACKAGE, pushing=pushing)
    assert len(bucket.list(f"incoming/fraud/{upload}/")) == 3
