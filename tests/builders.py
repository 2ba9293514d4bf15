"""Values of the domain with defaults, and a whole world of memory adapters with a clock that a test sets."""

from __future__ import annotations

import copyreg
import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, wraps
from typing import ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from serinus.adapters.memory.alarms import MemoryAlarms
from serinus.adapters.memory.deployments import MemoryDeployments
from serinus.adapters.memory.documents import MemoryDocuments
from serinus.adapters.memory.executions import MemoryExecutions
from serinus.adapters.memory.invocations import MemoryInvocations
from serinus.adapters.memory.metrics import MemoryMetrics
from serinus.adapters.memory.objects import MemoryObjects
from serinus.adapters.memory.policies import MemoryPolicies
from serinus.adapters.memory.releases import MemoryReleases
from serinus.adapters.memory.signer import MemorySigner
from serinus.adapters.memory.traffic import MemoryTraffic
from serinus.adapters.schemas.manifest import read_manifest, write_manifest
from serinus.adapters.stored.labels import StoredLabels
from serinus.adapters.stored.ledger import StoredLedger
from serinus.adapters.stored.model_versions import StoredModelVersions
from serinus.adapters.stored.profile_parts import StoredProfileParts
from serinus.adapters.stored.records import StoredRecords
from serinus.adapters.stored.references import StoredReferences
from serinus.adapters.stored.rollouts import StoredRollouts
from serinus.adapters.stored.snapshots import StoredSnapshots
from serinus.adapters.tables.arrow import ArrowTables
from serinus.adapters.tables.scan import ArrowScanner
from serinus.domain.bins import CategoricalBins, NumericBins
from serinus.domain.composition import Composition, Runtime
from serinus.domain.gates import Finding
from serinus.domain.guard import Guard, RolloutMetric
from serinus.domain.layout import Layout
from serinus.domain.ledger import LedgerEntry
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.model_version import Holdout, Manifest, ModelVersion, Status
from serinus.domain.policy import DriftLimits, EndpointName, Keeping, PerformanceLimits, Policy, Retraining, Slicing
from serinus.domain.prediction import Crash, LogBatch, Prediction
from serinus.domain.profile import ProfilePart
from serinus.domain.rollout import ChosenPlan, Release, Rollout, Split
from serinus.domain.rollout_plan import HardAlarm, RolloutPlan
from serinus.domain.serving import Serving
from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature
from serinus.domain.steering import Steering, Wish
from serinus.domain.table import Column, Table
from serinus.domain.task import BINARY_TARGET, Target, Task
from serinus.domain.tensor import Tensor
from serinus.errors import ModelFailed, ModelRefused
from serinus.use_cases.advance_rollout import Advancing, advance_rollout
from serinus.use_cases.choose_plan import Choosing
from serinus.use_cases.collect_predictions import Collecting, collect_predictions
from serinus.use_cases.compact_profiles import Compacting
from serinus.use_cases.compare_labels import Comparing
from serinus.use_cases.compare_with_stable import Contending
from serinus.use_cases.describe_endpoint import Describing
from serinus.use_cases.detect_drift import Watching
from serinus.use_cases.end_rollout import Progress
from serinus.use_cases.estimate_performance import Estimating
from serinus.use_cases.follow_deployment import Following
from serinus.use_cases.infer import InferenceRequest
from serinus.use_cases.live_window import Reading
from serinus.use_cases.measure_performance import Measuring
from serinus.use_cases.ports.models import TrainedModel
from serinus.use_cases.ports.storage import Change
from serinus.use_cases.prune_releases import Pruning
from serinus.use_cases.publish_release import Publishing, publish_release
from serinus.use_cases.register_model import Registry, register_model
from serinus.use_cases.reject_upload import Rejecting
from serinus.use_cases.review_performance import Reviewing
from serinus.use_cases.shadow_candidate import Shadowing, shadow_candidate
from serinus.use_cases.shift_traffic import Conducting
from serinus.use_cases.snapshot_data import Snapshotting
from serinus.use_cases.start_rollout import Starting, start_rollout
from serinus.use_cases.train_model import Training
from serinus.use_cases.validate_data import Screening
from serinus.use_cases.validate_model import Validation, validate_model
from serinus.use_cases.weigh_ticks import Weighing
from tests.event_schemas import CheckedEvents

P = ParamSpec("P")
T = TypeVar("T")

copyreg.pickle(type(threading.Lock()), lambda _: (threading.Lock, ()))  # a copied world has locks of its own

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
FRAUD = EndpointName("fraud")
COLOURS = ("blue", "green", "red")

PLAN = RolloutPlan(
    steps=(10, 50),
    guards=(
        Guard(RolloutMetric.ERRORS, margin=0.1, tolerance=1.0, guards_promotion=True),
        Guard(RolloutMetric.REFUSALS),
        Guard(RolloutMetric.LATENCY),
    ),
    tick_seconds=60,
    watermark_seconds=30,
    horizon_seconds=3_600,
    alarm=HardAlarm(),
)
PERFORMANCE = PerformanceLimits(every_minutes=5, window_minutes=60, minimum_rows=500)
DRIFT = DriftLimits(every_minutes=5, window_minutes=60, minimum_rows=500)
ROC_AUC_GATE = MetricGate(Metric.ROC_AUC, minimum=0.6)


def a_policy(
    endpoint: str = FRAUD,
    *,
    rollout: RolloutPlan = PLAN,
    drift: DriftLimits = DRIFT,
    performance: PerformanceLimits = PERFORMANCE,
    retraining: Retraining | None = None,
    gates: tuple[MetricGate, ...] = (ROC_AUC_GATE,),
    slices: tuple[Slicing, ...] = (),
    serving: Serving = Serving(),  # noqa: B008 - frozen
    keeping: Keeping = Keeping(),  # noqa: B008 - frozen
    task: Task = Task.BINARY,
    classes: tuple[str, ...] = (),
) -> Policy:
    """Return a policy of short steps."""
    return Policy(
        endpoint=EndpointName(endpoint),
        owners=("risk@example.com",),
        serving=serving,
        gates=gates,
        slices=slices,
        rollout=rollout,
        drift=drift,
        performance=performance,
        retraining=retraining,
        releases=keeping,
        task=task,
        classes=classes,
    )


def a_signature() -> Signature:
    """Return the signature of a model of two numbers and a text."""
    return Signature(
        inputs=(
            InputTensor("numbers", Datatype.FP32, ("amount", "age")),
            InputTensor("texts", Datatype.BYTES, ("colour",)),
        ),
        outputs=(
            OutputTensor("label", Datatype.INT64, (-1,)),
            OutputTensor("probabilities", Datatype.FP32, (-1, 2)),
        ),
        score=Score("probabilities", 1),
    )


def a_manifest(
    model: bytes = b"a model", holdout: bytes = b"rows", *, lineage: Mapping[str, str] | None = None
) -> Manifest:
    """Return the manifest of these two files."""
    return Manifest(
        model_name="model.onnx",
        model_sha256=hashlib.sha256(model).hexdigest(),
        signature=a_signature(),
        holdout=Holdout("holdout.parquet", hashlib.sha256(holdout).hexdigest(), "class"),
        lineage={"git": "0123abc"} if lineage is None else lineage,
    )


def a_model_version(number: int = 1, *, status: Status = Status.REGISTERED) -> ModelVersion:
    """Return a registered model version."""
    manifest = a_manifest(f"model {number}".encode())
    return ModelVersion(FRAUD, number, manifest.content_digest, manifest, 7, f"upload-{number}", NOON, status)


def a_runtime(
    *,
    memory_mb: int = 1024,
    timeout_seconds: int = 10,
    code: str = "infer.zip",
    layers: Sequence[str] = ("arn:aws:lambda:eu-west-1:123456789012:layer:core:1",),
    environment: Mapping[str, str] | None = None,
) -> Runtime:
    """Return what an endpoint's stack deploys of what serves."""
    told = {"SERINUS_LOG_INPUTS": "all"} if environment is None else environment
    serving = (tuple(layers), memory_mb, timeout_seconds, dict(told))
    return Runtime("assets", code, "handler.handler", "python3.13", "x86_64", *serving)


def a_rollout(
    step: int = -1, *, plan: RolloutPlan = PLAN, stable: int | None = 2, candidate: int | None = 3
) -> Rollout:
    """Return a rollout at a step that began at noon."""
    return Rollout(
        id="v1-0123456789",
        endpoint=FRAUD,
        model_version=1,
        policy=a_policy(rollout=plan),
        plan=ChosenPlan(plan.steps, plan.guards, "as the policy says"),
        execution="execution-1",
        started_at=NOON,
        stable=stable,
        candidate=candidate,
        steps_begun=(NOON,) * (step + 1),
    )


def a_wish(
    wish: Wish = Wish.PAUSE,
    *,
    actor: str = "ann",
    reason: str = "a look at refunds",
    at: datetime = NOON,
    forced: bool = False,
) -> Steering:
    """Return what a person wishes of a rollout."""
    return Steering(wish, actor, reason, at, forced)


def a_release(number: int = 2, *, model_version: int = 1) -> Release:
    """Return a published release."""
    return Release(FRAUD, number, model_version, f"{model_version}" * 64, f"layer:{number}", NOON, "v1-0123456789")


def an_object_column(values: Sequence[str | None]) -> npt.NDArray[np.object_]:
    """Return texts as a table holds them."""
    column = np.empty(len(values), dtype=object)
    column[:] = list(values)
    return column


def a_table(rows: int = 400, *, seed: int = 0, shift: float = 0.0) -> Table:
    """Return feature rows of one population; `shift` moves the amounts."""
    chance = np.random.default_rng(seed)
    return Table(
        {
            "amount": chance.normal(shift, 1.0, rows),
            "age": chance.integers(18, 90, rows).astype(np.float64),
            "colour": an_object_column([COLOURS[index] for index in chance.integers(0, len(COLOURS), rows)]),
        }
    )


def a_holdout(rows: int = 400, *, seed: int = 1, skill: float = 2.0) -> Table:
    """Return held-out rows with the target `class`, which follows the amount as closely as `skill` says."""
    table = a_table(rows, seed=seed)
    chance = np.random.default_rng(seed + 1)
    likely = skill * np.asarray(table.columns["amount"], dtype=np.float64) + chance.logistic(size=rows) > 0
    target = likely.astype(np.float64)
    return Table({**table.columns, "class": target})


def scores_of(features: Table) -> npt.NDArray[np.float64]:
    """Score rows as the scripted model does: the more, the likelier."""
    return 1 / (1 + np.exp(-np.asarray(features.columns["amount"], dtype=np.float64)))


def a_layout() -> Layout:
    """Return a small layout with one number and one text."""
    return Layout(
        latency=NumericBins("latency_ms", (0.0, 1.0, 10.0)),
        score=NumericBins("score", (0.0, 0.5, 1.0)),
        features=(
            NumericBins("amount", (-1.0, 0.0, 1.0), Datatype.FP32),
            CategoricalBins("colour", ("red", "blue")),
        ),
    )


def reached_in_numpy(
    tensor: Tensor, steps: Sequence[Sequence[float]], groups: Sequence[bytes]
) -> list[list[list[int]]]:
    """Count by the words of `lean_layout.Reached`, for tests that need no ONNX Runtime."""
    values = np.array(tensor.values()).reshape(tensor.shape)
    marked = [np.frombuffer(group, dtype=np.bool_) for group in groups]
    return [
        [[int((values[rows, at] >= step).sum()) for step in one] for rows in marked] for at, one in enumerate(steps)
    ]


def features_of(asked: InferenceRequest) -> dict[str, list[object]]:
    """Return the values that a request asks about, by column."""
    blocks = asked.blocks()
    return {name: list(block.column(at)) for block in blocks for at, name in enumerate(block.columns)}


def a_prediction(
    request: str = "r1", *, at: datetime = NOON, status: int = 200, rows: int = 1, features: Table | None = None
) -> Prediction:
    """Return a logged request; one that failed has no rows."""
    asked = a_table(rows) if features is None else features
    answered = status < 400
    return Prediction(
        request=request,
        id=f"id-{request}",
        at=at,
        latency_ms=2.0,
        status=status,
        features=asked if answered else None,
        scores=scores_of(asked) if answered else np.empty(0),
    )


def a_batch(
    predictions: Sequence[Prediction], *, release: int = 2, crashes: Sequence[Crash] = (), stream: str = "s[2]"
) -> LogBatch:
    """Return one delivery of the log."""
    return LogBatch(FRAUD, release, stream, tuple(predictions), tuple(crashes))


class Died(BaseException):
    """The process was killed; no `except Exception` notices."""


def die() -> None:
    """The process is killed."""
    raise Died


def acting(act: Callable[[], object]) -> Callable[[], None]:
    """Return a process that does something, and may be killed at it."""

    def process() -> None:
        with suppress(Died):
            act()

    return process


class Fate:
    """Counts every write to the world, and does to the writer what a test has in mind."""

    def __init__(self) -> None:
        self.writes = 0
        self._at: int | None = None
        self._then: Callable[[], object] = lambda: None

    def after_write(self, number: int, then: Callable[[], object]) -> None:
        """Do something right after that write, counted from now; writes of its own are not counted."""
        self.writes, self._at, self._then = 0, number, then

    def die_after(self, number: int) -> None:
        """Let the writer die right after that write, counted from now."""
        self.after_write(number, _die)

    def wrote(self) -> None:
        """Count a write that has been made."""
        self.writes += 1
        if self.writes == self._at:
            self._at = None
            self._then()


def _die() -> None:
    raise Died


class _Documents(MemoryDocuments):
    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    def put_all(self, partition: str, changes: Sequence[Change]) -> None:
        super().put_all(partition, changes)
        self._fate.wrote()


class _Objects(MemoryObjects):
    def __init__(self, clock: Callable[[], datetime], fate: Fate) -> None:
        super().__init__(clock)
        self._fate = fate

    def put(self, key: str, body: bytes) -> None:
        super().put(key, body)
        self._fate.wrote()

    def create(self, key: str, body: bytes) -> None:
        super().create(key, body)
        self._fate.wrote()

    def delete(self, key: str) -> None:
        super().delete(key)
        self._fate.wrote()


class _Events(CheckedEvents):
    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    def publish(self, name: str, entry: LedgerEntry) -> None:
        super().publish(name, entry)
        self._fate.wrote()


class _Releases(MemoryReleases):
    def __init__(self, clock: Callable[[], datetime], fate: Fate) -> None:
        super().__init__(clock)
        self._fate = fate

    def publish(
        self, version: ModelVersion, model: bytes, layout: Layout, composition: Composition, *, rollout: str
    ) -> Release:
        release = super().publish(version, model, layout, composition, rollout=rollout)
        self._fate.wrote()
        return release

    def remove(self, release: Release) -> None:
        super().remove(release)
        self._fate.wrote()

    def remove_layer(self, endpoint: str, layer: str) -> None:
        super().remove_layer(endpoint, layer)
        self._fate.wrote()


class _Traffic(MemoryTraffic):
    def __init__(self, splits: Mapping[str, Split], fate: Fate) -> None:
        super().__init__(splits)
        self._fate = fate

    def shift(self, endpoint: str, split: Split, *, expected: Split | None = None) -> None:
        super().shift(endpoint, split, expected=expected)
        self._fate.wrote()


class _Alarms(MemoryAlarms):
    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    def create(self, endpoint: str, release: int, alarm: HardAlarm) -> None:
        super().create(endpoint, release, alarm)
        self._fate.wrote()

    def remove(self, endpoint: str, release: int) -> None:
        super().remove(endpoint, release)
        self._fate.wrote()


class ScriptedModel:
    """`Model` that scores by the amount, or as it is told."""

    def __init__(self, script: Callable[[Table], npt.NDArray[np.float64]] = scores_of) -> None:
        self._script = script

    def run(self, inputs: Mapping[str, npt.NDArray[np.generic]]) -> Mapping[str, npt.NDArray[np.generic]]:  # noqa: ARG002  # the port's
        """Fail: validation scores tables and runs no tensors."""
        raise ModelFailed("a scripted model has no graph")

    def score(self, features: Table) -> npt.NDArray[np.float64]:
        """Score rows."""
        return self._script(features)

    def columns(self, features: Table) -> npt.NDArray[np.float64]:
        """Return what the script does, which then gives a column for each class."""
        return self._script(features)


class ScriptedModels:
    """`Models` for any bytes: `faults` is what checking finds, `unloadable` why loading fails."""

    def __init__(self) -> None:
        self.faults: tuple[str, ...] = ()
        self.unloadable: str | None = None
        self.script: Callable[[Table], npt.NDArray[np.float64]] = scores_of

    def check(self, model: bytes, signature: Signature) -> Sequence[str]:  # noqa: ARG002  # the port's
        """Return the faults."""
        return self.faults

    def load(self, model: bytes, signature: Signature) -> ScriptedModel:  # noqa: ARG002  # the port's
        """Return the scripted model."""
        if self.unloadable:
            raise ModelRefused(self.unloadable)
        return ScriptedModel(self.script)


class ScriptedTrainer:
    """`Trainer` whose model is a digest of what it was given."""

    def train(
        self,
        recipe: str,
        features: Table,
        labels: npt.NDArray[np.float64],
        target: Target = BINARY_TARGET,  # noqa: ARG002  # the port's
    ) -> TrainedModel:
        """Return the same bytes for the same data."""
        told = repr((recipe, {name: column.tolist() for name, column in features.columns.items()}, labels.tolist()))
        return TrainedModel(hashlib.sha256(told.encode()).digest(), a_signature(), {"recipe": recipe}, scores_of)


def built_once(build: Callable[P, T]) -> Callable[P, T]:
    """Have a world built once for each set of arguments, and give each caller a copy that is theirs alone.

    A history of some releases takes a hundred times as long to live through as to copy.
    """
    once = cache(build)

    @wraps(build)
    def copied(*args: P.args, **kwargs: P.kwargs) -> T:
        return deepcopy(once(*args, **kwargs))  # type: ignore[arg-type]  # they are hashable, or `cache` says so

    return copied


class World:
    """Every port in memory, wired into every use case; `now` is what the clock shows, `fate` what befalls writers."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.now = NOON
        self.fate = Fate()
        self.policy = policy or a_policy()
        self.documents = _Documents(self.fate)
        self.artifacts = _Objects(self.clock, self.fate)
        self.data = _Objects(self.clock, self.fate)
        self.anchor = _Objects(self.clock, self.fate)
        self.policies = MemoryPolicies(self.policy)
        self.deployments = MemoryDeployments({FRAUD: a_runtime()})
        self.executions = MemoryExecutions()
        self.events = _Events(self.fate)
        self.releases = _Releases(self.clock, self.fate)
        self.invocations = MemoryInvocations()
        self.traffic = _Traffic({FRAUD: Split(1)}, self.fate)
        self.alarms = _Alarms(self.fate)
        self.signer = MemorySigner()
        self.models = ScriptedModels()
        self.trainer = ScriptedTrainer()
        self.tables = ArrowTables()
        self.versions = StoredModelVersions(self.documents)
        self.rollouts = StoredRollouts(self.documents)
        self.ledger = StoredLedger(self.documents, self.anchor)
        self.parts = StoredProfileParts(self.data)
        self.records = StoredRecords(self.data)
        self.labels = StoredLabels(self.data)
        self.snapshots = StoredSnapshots(self.data, self.tables)
        self.references = StoredReferences(self.artifacts)
        self._wire()

    def _wire(self) -> None:
        self.registry = Registry(
            self.artifacts, self.policies, self.versions, self.ledger, self.events, read_manifest, self.clock
        )
        self.validation = Validation(
            self.artifacts,
            self.policies,
            self.versions,
            self.references,
            self.models,
            self.tables,
            self.signer,
            self.ledger,
            self.events,
            self.clock,
            Contending(self.artifacts, self.versions, self.rollouts, self.traffic, self.models, self.tables),
        )
        self.rejecting = Rejecting(self.policies, self.versions, self.ledger, self.events, self.clock)
        self.screening = Screening(
            self.artifacts,
            self.versions,
            self.snapshots,
            Reading(self.policies, self.rollouts, self.traffic, self.references, self.parts),
            ArrowScanner(),
            self.ledger,
            self.events,
            self.clock,
        )
        self.choosing = Choosing(self.references, self.parts)
        self.starting = Starting(
            self.policies,
            self.versions,
            self.rollouts,
            self.traffic,
            self.choosing,
            self.ledger,
            self.events,
            self.clock,
            self.deployments,
        )
        self.following = Following(self.deployments, self.rollouts, self.traffic, self.executions)
        self.conducting = Conducting(self.rollouts, self.traffic, self.alarms, self.ledger, self.events, self.clock)
        self.publishing = Publishing(
            self.artifacts, self.versions, self.references, self.releases, self.signer, self.conducting
        )
        self.shadowing = Shadowing(
            self.versions, self.references, self.records, self.parts, self.invocations, self.conducting
        )
        self.pruning = Pruning(self.policies, self.rollouts, self.traffic, self.releases, self.ledger, self.clock)
        comparing = Comparing(self.labels)
        self.weighing = Weighing(self.rollouts, self.references, self.parts, comparing)
        self.advancing = Advancing(self.weighing, self.conducting)
        self.collecting = Collecting(self.rollouts, self.references, self.records, self.parts)
        self.compacting = Compacting(self.policies, self.parts, self.clock)
        self.reading = Reading(self.policies, self.rollouts, self.traffic, self.references, self.parts)
        self.metrics = MemoryMetrics()
        self.watching = Watching(self.reading, self.ledger, self.events, self.metrics, self.clock)
        self.estimating = Estimating(self.reading, self.ledger, self.events, self.metrics, self.clock)
        self.snapshotting = Snapshotting(
            self.policies,
            self.rollouts,
            self.labels,
            self.snapshots,
            self.ledger,
            self.events,
            self.clock,
        )
        self.training = Training(
            self.policies, self.snapshots, self.trainer, self.tables, self.artifacts, write_manifest
        )
        self.describing = Describing(self.policies, self.versions, self.rollouts, self.traffic)
        self.measuring = Measuring(self.policies, self.rollouts, self.references, self.parts, self.labels)
        self.reviewing = Reviewing(self.reading, self.measuring, self.ledger, self.events, self.metrics, self.clock)

    def clock(self) -> datetime:
        """Return what the clock shows."""
        return self.now

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def deploy(self, policy: Policy) -> None:
        """Change the endpoint's policy, as a deployment does."""
        self.policy = replace(policy)
        self.policies.deploy(policy)

    def upload(
        self,
        upload: str = "upload-1",
        *,
        model: bytes = b"a model",
        holdout: Table | None = None,
        manifest: Manifest | bytes | None = None,
    ) -> str:
        """Put an upload into `incoming/`; return its manifest's key."""
        folder = f"incoming/{FRAUD}/{upload}"
        rows = self.tables.write(a_holdout() if holdout is None else holdout)
        said = a_manifest(model, rows) if manifest is None else manifest
        self.artifacts.put(f"{folder}/model.onnx", model)
        self.artifacts.put(f"{folder}/holdout.parquet", rows)
        document = said if isinstance(said, bytes) else write_manifest(said)
        self.artifacts.put(f"{folder}/manifest.json", document)
        return f"{folder}/manifest.json"

    def registered(self, name: str = "1", *, model: bytes | None = None, holdout: Table | None = None) -> int:
        """Upload and register a model; return its version's number."""
        body = f"model {name}".encode() if model is None else model
        key = self.upload(f"upload-{name}", model=body, holdout=holdout)
        registration = register_model(key, execution=f"release-{name}", registry=self.registry)
        assert registration.version is not None, registration.reason
        self.look_through(registration.version)
        return registration.version

    def look_through(self, number: int) -> None:
        """Leave a registered version as `validate_data` does that finds nothing."""
        seen = Finding("data:file", passed=True, message="looked through")
        version = self.versions.get(FRAUD, number)
        if version.status is Status.REGISTERED:
            self.versions.record_validation(replace(version, findings=(seen,)))

    def validated(self, name: str = "1") -> int:
        """Upload, register and validate a model; return its version's number."""
        number = self.registered(name)
        version = validate_model(FRAUD, number, validation=self.validation)
        assert version.status is Status.VALIDATED, version.findings
        return number

    def started(self, name: str = "1") -> str:
        """Bring a model as far as a rollout that holds the lock; return the rollout's id."""
        return self.begin(self.validated(name), name)

    def begin(self, number: int, name: str = "of a version") -> str:
        """Have a model version's rollout take the lock; return the rollout's id."""
        start = start_rollout(FRAUD, number, execution=f"rollout-{name}", starting=self.starting)
        assert start.rollout is not None, start.reason
        return start.rollout

    def published(self, name: str = "1") -> str:
        """Bring a model as far as its first traffic; return the rollout's id."""
        rollout = self.started(name)
        publish_release(FRAUD, rollout, publishing=self.publishing)
        return rollout

    def canary(self) -> str:
        """Have one release live that has served, and a second at its first step; return the rollout's id."""
        self.published("1")
        self.serve(2, 200, prefix="before-")
        self.later(600)
        return self.published("2")

    def advance(self, rollout: str) -> Progress:
        """Look at a rollout once."""
        return advance_rollout(FRAUD, rollout, advancing=self.advancing)

    def shadow(self, rollout: str) -> Progress:
        """Look at a rollout's shadow once."""
        return shadow_candidate(FRAUD, rollout, shadowing=self.shadowing)

    def collect(self, predictions: Sequence[Prediction], *, release: int, crashes: Sequence[Crash] = ()) -> int:
        """Deliver a log."""
        batch = a_batch(predictions, release=release, crashes=crashes, stream=f"s[{release}]")
        return collect_predictions(batch, collecting=self.collecting)

    def serve(
        self, release: int, requests: int = 50, *, failures: int = 0, prefix: str = "", features: Table | None = None
    ) -> None:
        """Let a release answer requests, one row each, within this minute, and collect them."""
        rows = a_table(requests, seed=release) if features is None else features
        self.collect(
            [
                a_prediction(
                    f"{prefix}{self.now.timestamp():.0f}-{release}-{index}",
                    at=self.now + timedelta(milliseconds=index),
                    status=500 if index < failures else 200,
                    features=rows.slice(index, index + 1),
                )
                for index in range(rows.rows)
            ],
            release=release,
        )

    def entries(self) -> Sequence[LedgerEntry]:
        """Return the endpoint's ledger."""
        return self.ledger.entries(FRAUD)

    def deeds(self) -> list[str]:
        """Return the ids of the endpoint's ledger, in order."""
        return [entry.id for entry in self.entries()]

    def event_names(self) -> list[str]:
        """Return the names of what was published, oldest first."""
        return [event.name for event in self.events.published]

    def split(self) -> Split:
        """Return where traffic goes."""
        return self.traffic.current(FRAUD)

    def label(self, labels: Mapping[str, float], *, name: str = "labels") -> None:
        """Put labels of request ids into the data bucket."""
        columns: dict[str, Column] = {
            "id": an_object_column(list(labels)),
            "label": np.array(list(labels.values()), dtype=np.float64),
        }
        self.data.put(f"labels/{FRAUD}/{name}.parquet", self.tables.write(Table(columns)))

    def every_part(self, release: int) -> list[ProfilePart]:
        """Return everything counted of a release."""
        return list(self.parts.read(FRAUD, release, NOON - timedelta(days=1), NOON + timedelta(days=1)))
