"""A deployment in memory: what arrives in the bucket runs through the pipeline at once, as on AWS it does soon."""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
from typer.testing import CliRunner

from serinus import settings
from serinus.adapters.aws.control_api import ControlApiClient
from serinus.adapters.memory.alarms import MemoryAlarms
from serinus.adapters.memory.decisions import MemoryDecisions
from serinus.adapters.memory.deployments import MemoryDeployments
from serinus.adapters.memory.documents import MemoryDocuments
from serinus.adapters.memory.executions import MemoryExecutions
from serinus.adapters.memory.objects import MemoryObjects
from serinus.adapters.memory.policies import MemoryPolicies
from serinus.adapters.memory.releases import MemoryReleases
from serinus.adapters.memory.roll_backs import MemoryRollBacks
from serinus.adapters.memory.signer import MemorySigner
from serinus.adapters.memory.traffic import MemoryTraffic
from serinus.adapters.onnx.models import OnnxModels
from serinus.adapters.schemas.manifest import read_manifest
from serinus.adapters.schemas.token_deeds import (
    MakingWanted,
    RotationWanted,
    made_document,
    revocation_document,
)
from serinus.adapters.stored.labels import StoredLabels
from serinus.adapters.stored.ledger import StoredLedger
from serinus.adapters.stored.model_versions import StoredModelVersions
from serinus.adapters.stored.profile_parts import StoredProfileParts
from serinus.adapters.stored.references import StoredReferences
from serinus.adapters.stored.rollouts import StoredRollouts
from serinus.adapters.stored.snapshots import StoredSnapshots
from serinus.adapters.stored.tokens import StoredTokens
from serinus.adapters.tables.arrow import ArrowTables
from serinus.adapters.tables.scan import ArrowScanner
from serinus.adapters.training.recipes import SklearnTrainer
from serinus.cli.main import app
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.model_version import Status
from serinus.domain.policy import EndpointName, Policy
from serinus.domain.rollout import Split
from serinus.domain.rollout_plan import RolloutPlan
from serinus.domain.table import Table
from serinus.errors import SerinusError
from serinus.use_cases.choose_plan import Choosing
from serinus.use_cases.compare_with_stable import Contending
from serinus.use_cases.describe_endpoint import Describing
from serinus.use_cases.find_rollout import Looking
from serinus.use_cases.keep_tokens import Keeping
from serinus.use_cases.live_window import Reading
from serinus.use_cases.make_token import make_token
from serinus.use_cases.measure_performance import Measuring
from serinus.use_cases.publish_release import Publishing, publish_release
from serinus.use_cases.record_labels import Recording
from serinus.use_cases.register_model import Registry, register_model
from serinus.use_cases.request_roll_back import Returning
from serinus.use_cases.request_rollout import Requesting
from serinus.use_cases.revoke_token import revoke_token
from serinus.use_cases.rotate_token import rotate_token
from serinus.use_cases.shift_traffic import Conducting
from serinus.use_cases.start_rollout import Starting, start_rollout
from serinus.use_cases.steer_rollout import Guiding
from serinus.use_cases.validate_data import Screening, validate_data
from serinus.use_cases.validate_model import Validation, validate_model
from serinus.wiring import Client
from tests.builders import a_runtime, built_once
from tests.event_schemas import CheckedEvents
from tests.unit.control_plane import ControlPlane

FRAUD = EndpointName("fraud")


def now() -> datetime:
    """The wall clock: the command line has no other."""
    return datetime.now(UTC)


class Deployment:
    """Every piece of one deployment with the endpoint `fraud`, and its pipeline."""

    def __init__(self, *, minimum_auc: float = 0.7) -> None:
        documents, self.artifacts, self.data = MemoryDocuments(), MemoryObjects(), MemoryObjects()
        gate = MetricGate(Metric.ROC_AUC, minimum=minimum_auc)
        plan = RolloutPlan(steps=(5, 25, 50))
        policy = Policy(FRAUD, ("risk@example.com",), "Is it fraud?", gates=(gate,), rollout=plan)
        self.policies = MemoryPolicies(policy)
        self.versions, self.rollouts = StoredModelVersions(documents), StoredRollouts(documents)
        self.ledger = StoredLedger(documents, MemoryObjects())
        self.traffic = MemoryTraffic({FRAUD: Split(1)})
        self.events, self.releases = CheckedEvents(), MemoryReleases()
        self.references = StoredReferences(self.artifacts)
        self.conducting = Conducting(self.rollouts, self.traffic, MemoryAlarms(), self.ledger, self.events, now)
        self.tokens, self.decisions = StoredTokens(documents), MemoryDecisions()
        keeping = Keeping(self.policies, self.tokens, self.ledger, self.decisions, now, secrets.token_bytes)
        self.functions = FakeFunctions(keeping)
        self.executions, self.deployments = MemoryExecutions(), MemoryDeployments({FRAUD: a_runtime()})
        self.control = self._control_plane()
        self.arrived: list[str] = []
        self.pipeline: Callable[[str], None] = self.run_pipeline

    @property
    def client(self) -> Client:
        """What the command line is given in place of AWS."""
        parts, labels = StoredProfileParts(self.data), StoredLabels(self.data)
        return Client(
            resources=settings.ClientSettings("table", "artifacts", "data", "ledger", "bus", "http://localhost"),
            policies=cast("Any", self.policies),
            versions=self.versions,
            rollouts=self.rollouts,
            ledger=self.ledger,
            describing=Describing(self.policies, self.versions, self.rollouts, self.traffic),
            choosing=Choosing(self.references, parts),
            measuring=Measuring(self.policies, self.rollouts, self.references, parts, labels),
            reading=Reading(self.policies, self.rollouts, self.traffic, self.references, parts),
            tokens=self.tokens,
            artifacts=cast("Any", self.artifacts),
            data=cast("Any", self.data),
            uploads=cast("Any", FakeS3(self)),
            functions=cast("Any", self.functions),
            control=ControlApiClient(cast("Any", self.control)),
        )

    def _control_plane(self) -> ControlPlane:
        policies, rollouts, ledger = self.policies, self.rollouts, self.ledger
        alarms = self.conducting.alarms
        return ControlPlane(
            requesting=Requesting(
                policies, self.versions, rollouts, self.traffic, self.executions, ledger, now, self.deployments
            ),
            looking=Looking(policies, rollouts),
            guiding=Guiding(policies, rollouts, alarms, ledger, self.events, now),
            returning=Returning(policies, rollouts, MemoryRollBacks(self.conducting)),
            recording=Recording(policies, StoredLabels(self.data)),
        )

    def put(self, key: str, body: bytes) -> None:
        """Take an object in, and start the pipeline where it is a manifest."""
        self.arrived.append(key)
        self.artifacts.put(key, body)
        if key.endswith("/manifest.json"):
            self.pipeline(key)

    def run_pipeline(self, key: str) -> None:
        """Do what the state machines do, up to the first step of a rollout."""
        registry = Registry(
            self.artifacts, self.policies, self.versions, self.ledger, self.events, read_manifest, now
        )
        registered = register_model(key, execution=key, registry=registry)
        if registered.version is None:
            return
        reading = Reading(self.policies, self.rollouts, self.traffic, self.references, StoredProfileParts(self.data))
        snapshots = StoredSnapshots(self.data, ArrowTables())
        screening = Screening(
            self.artifacts, self.versions, snapshots, reading, ArrowScanner(), self.ledger, self.events, now
        )
        if not validate_data(FRAUD, registered.version, screening=screening).accepted:
            return
        signer, models = MemorySigner(), OnnxModels()
        validation = Validation(
            self.artifacts, self.policies, self.versions, self.references, models, ArrowTables(), signer,
            self.ledger, self.events, now,
            Contending(self.artifacts, self.versions, self.rollouts, self.traffic, models, ArrowTables()),
        )  # fmt: skip
        if validate_model(FRAUD, registered.version, validation=validation).status is not Status.VALIDATED:
            return
        starting = Starting(
            self.policies,
            self.versions,
            self.rollouts,
            self.traffic,
            Choosing(self.references, StoredProfileParts(self.data)),
            self.ledger,
            self.events,
            now,
            self.deployments,
        )
        start = start_rollout(FRAUD, registered.version, execution=key, starting=starting)
        if start.rollout is not None:
            publishing = Publishing(
                self.artifacts, self.versions, self.references, self.releases, signer, self.conducting
            )
            publish_release(FRAUD, start.rollout, publishing=publishing)


class FakeS3:
    """The one call that uploading makes of an S3 client."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def upload_fileobj(self, body: io.BytesIO, _bucket: str, key: str, *, Callback: Callable[[int], None]) -> None:  # noqa: N803 - boto3's
        """Take the object in, and tell the progress bar."""
        content = body.read()
        Callback(len(content))
        self._deployment.put(key, content)


class FakeFunctions:
    """The one call that the command line makes of a Lambda client, carried out by the function's own use case."""

    def __init__(self, keeping: Keeping) -> None:
        self._keeping = keeping
        self.called: list[tuple[str, dict[str, object]]] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, object]:  # noqa: N803 - boto3's
        """Answer as the named function does, its errors as Lambda does."""
        event = json.loads(Payload)
        self.called.append((FunctionName, event))
        try:
            answer = self._answer(FunctionName.removeprefix("serinus-"), event)
        except SerinusError as error:
            said = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(said).encode())}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def _answer(self, name: str, event: dict[str, Any]) -> dict[str, object]:
        endpoint, named, actor = event["endpoint"], event.get("name", ""), event["requested_by"]
        if name == "make-token":
            making = MakingWanted.model_validate(event)
            made = make_token(
                endpoint,
                name=named,
                lifetime=making.lifetime,
                calls_per_minute=making.calls_per_minute,
                actor=actor,
                keeping=self._keeping,
            )
            return made_document(made)
        if name == "rotate-token":
            rotation = RotationWanted.model_validate(event)
            made = rotate_token(
                endpoint,
                name=named,
                overlap=rotation.overlap,
                lifetime=rotation.lifetime,
                actor=actor,
                keeping=self._keeping,
            )
            return made_document(made)
        assert name == "revoke-token"
        return revocation_document(revoke_token(endpoint, wanted=named, actor=actor, keeping=self._keeping))


def rows(seed: int = 1, count: int = 400) -> Table:
    """Return labelled rows that a model can learn: `late` makes fraud likelier; `note` is nothing to learn from."""
    random = np.random.default_rng(seed)
    amount, late = random.uniform(0, 100, count), random.uniform(0, 1, count)
    fraud = (late + random.normal(0, 0.2, count) > 0.5).astype(np.float64)
    return Table({"amount": amount, "late": late, "fraud": fraud})


@cache
def trained(seed: int) -> bytes:
    """Train on rows and return the ONNX file."""
    amounts, late, fraud = (np.asarray(column, dtype=np.float64) for column in rows(seed).columns.values())
    return SklearnTrainer().train("logistic_regression", Table({"amount": amounts, "late": late}), fraud).onnx


def write_model(path: Path, *, seed: int = 1) -> Path:
    """Write the ONNX file of a model trained on rows."""
    path.write_bytes(trained(seed))
    return path


def write_holdout(path: Path, table: Table | None = None) -> Path:
    """Write rows as CSV."""
    found = rows(seed=2) if table is None else table
    names = list(found.columns)
    lines = [",".join(names)]
    lines += [",".join(str(found.columns[name][row]) for name in names) for row in range(found.rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


@built_once
def pushed(*seeds: int) -> Deployment:
    """Return a deployment to which models of these seeds were pushed: the first is live, a second on its way."""
    deployed = Deployment()
    with TemporaryDirectory() as name:
        holdout = write_holdout(Path(name) / "h.csv")
        for seed in seeds:
            model = write_model(Path(name) / "m.onnx", seed=seed)
            told = ["--holdout", str(holdout), "--target", "fraud", "--timeout-minutes", "0"]
            assert CliRunner().invoke(app, ["push", "fraud", str(model), *told], obj=deployed.client).exit_code == 0
    return deployed


def in_the_middle_of_a_rollout() -> Deployment:
    """Return a deployment where version 1 is live and version 2 at the first step of its rollout."""
    return pushed(1, 3)
