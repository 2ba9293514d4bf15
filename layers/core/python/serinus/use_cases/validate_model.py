"""Hold a registered model against every gate, build its reference profile, and sign what passed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from serinus.domain.feature_columns import features_of
from serinus.domain.footprint import Footprint
from serinus.domain.gates import Finding, all_passed, judge_metrics
from serinus.domain.held_out import HeldOutRows
from serinus.domain.history import History
from serinus.domain.inference_request import request_body
from serinus.domain.ledger import Action, Detail, LedgerEntry
from serinus.domain.metric import Metric
from serinus.domain.model_version import ModelVersion, Status, canonical_json
from serinus.domain.policy import Policy
from serinus.domain.profile import Profile, of_rows
from serinus.domain.quality import ScoreTable, score_table
from serinus.domain.signature import Signature
from serinus.domain.slices import judge_slices
from serinus.domain.table import Table
from serinus.domain.target_values import labels_of
from serinus.domain.task import GREATEST_NUMBER, Target, Task
from serinus.errors import DataRefused, ModelFailed, ModelRefused
from serinus.use_cases.compare_with_stable import Contending, compare_with_stable
from serinus.use_cases.measure_importance import measure_importance
from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.files import Tables
from serinus.use_cases.ports.ledger import Events, Ledger
from serinus.use_cases.ports.models import ChooseEncoding, Encoding, MeasureFootprint, Model, Models
from serinus.use_cases.ports.registry import ModelVersions, References, Signer
from serinus.use_cases.ports.storage import Objects
from serinus.use_cases.probe_model import Probing, probe_model
from serinus.use_cases.register_model import model_home, served_model_key
from serinus.use_cases.score_history import score_history
from serinus.use_cases.score_rows import answers_of
from serinus.use_cases.try_model import try_model
from serinus.use_cases.validate_data import data_findings


def as_uploaded(_model: bytes, _signature: Signature, _rows: Table) -> Encoding | None:
    """Look for no other file to serve."""
    return None


def unmeasured(_model: bytes, _signature: Signature, _rows: Table, _within_seconds: float) -> Footprint | None:
    """Measure nothing."""
    return None


@dataclass(frozen=True)
class Validation:
    """What validating needs of the world."""

    artifacts: Objects
    policies: Policies
    versions: ModelVersions
    references: References
    models: Models
    tables: Tables
    signer: Signer
    ledger: Ledger
    events: Events
    clock: Clock
    contending: Contending
    choose_encoding: ChooseEncoding = as_uploaded
    measure_footprint: MeasureFootprint = unmeasured


@dataclass(frozen=True)
class _Examined:
    findings: tuple[Finding, ...]
    metrics: dict[Metric, float]
    reference: Profile | None = None
    held_out: ScoreTable | None = None
    smoke_request: dict[str, object] | None = None
    served: bytes | None = None


def validate_model(endpoint: str, number: int, *, validation: Validation) -> ModelVersion:
    """Validate a registered model version.

    One that was validated before stays as it is, and is only recorded again, should the record be missing. One that
    was rejected is examined anew: its policy may have changed since.

    Raises:
        ModelVersionNotFound: there is no such version.
        EndpointNotFound: its endpoint is no longer deployed.
    """
    version = validation.versions.get(endpoint, number)
    policy = validation.policies.get(endpoint)
    if version.status is Status.VALIDATED:
        _record(version, policy, validation)
        return version
    examined = _examine(version, policy, validation)
    served = hashlib.sha256(examined.served).hexdigest() if examined.served else None
    if examined.reference is not None:  # of a rejected one too: its report draws it
        validation.references.put(endpoint, version.content_digest, examined.reference, examined.held_out)
    judged = version.validated(examined.findings, examined.metrics, attestation=None, served_sha256=served)
    if judged.status is Status.VALIDATED:
        request = canonical_json(examined.smoke_request).encode()
        validation.artifacts.put(smoke_request_key(version), request)
        if examined.served:
            validation.artifacts.put(served_model_key(judged), examined.served)
        judged = replace(judged, attestation=validation.signer.sign(judged.statement))
    validation.versions.record_validation(judged)
    _record(judged, policy, validation)
    return judged


def smoke_request_key(version: ModelVersion) -> str:
    """Return where validation keeps the request that the version's release must be able to answer."""
    return f"{model_home(version.endpoint, version.manifest)}/smoke_request.json"


def _examine(version: ModelVersion, policy: Policy, validation: Validation) -> _Examined:
    """Stop at the first kind of fault: what comes after would only repeat it."""
    data = data_findings(version)
    if not all_passed(data):
        return _failed(*data)
    examined = _examine_model(version, policy, validation)
    return replace(examined, findings=(*data, *examined.findings))


def _examine_model(version: ModelVersion, policy: Policy, validation: Validation) -> _Examined:
    home = model_home(version.endpoint, version.manifest)
    body = validation.artifacts.get(f"{home}/model.onnx")
    faults = validation.models.check(body, version.manifest.signature)
    if faults:
        return _failed(*(Finding("onnx", passed=False, message=fault) for fault in faults))
    sound = Finding("onnx", passed=True, message="the file is an ONNX model that matches its signature")
    unfit = policy.target.faults(version.manifest.signature)
    if unfit:
        return _failed(sound, *(Finding("task", passed=False, message=fault) for fault in unfit))
    signature, measuring = version.manifest.signature, validation.measure_footprint
    try:
        name = version.manifest.holdout.name
        holdout = validation.tables.read(name, validation.artifacts.get(f"{home}/{name}"))
        features, labels = _features_and_labels(version, holdout, policy.target)
        trial = try_model(body, signature, features, policy=policy, measure=measuring)
        if trial.refusal is not None:
            return _failed(sound, trial.refusal)
        model = validation.models.load(body, signature)
        encoding = _encoding(body, version, features, validation)
        if encoding is not None and encoding.model is not None:
            model = validation.models.load(encoding.model, signature)
    except ModelRefused as refusal:
        return _failed(sound, Finding("session", passed=False, message=str(refusal)))
    except DataRefused as refusal:
        return _failed(sound, Finding("holdout", passed=False, message=str(refusal)))
    scored = _scored(version, model, holdout, features, labels, policy.target)
    if isinstance(scored, Finding):
        return _failed(sound, scored)
    history = score_history(version, model, policy, seed=version.seed, contending=validation.contending)
    served = encoding.model if encoding is not None and encoding.model is not None else body
    tried = trial.footprint if served is body else None
    probing = Probing(version, served, model, scored, features, measuring, validation.clock, tried)
    probed = probe_model(policy, probing=probing)
    measure_importance(version, model, features, references=validation.references)
    del model  # before the live one takes its room
    try:
        examined = _measured(version, policy, scored, history, features, sound, validation)
    except DataRefused as refusal:
        return _failed(sound, Finding("holdout", passed=False, message=str(refusal)))
    examined = replace(examined, findings=(*examined.findings, *probed))
    return examined if encoding is None else _served(examined, encoding)


def _encoding(body: bytes, version: ModelVersion, features: Table, validation: Validation) -> Encoding | None:
    """Look for a cheaper file; that the model fails on the rows is told by measuring it, and told better."""
    try:
        return validation.choose_encoding(body, version.manifest.signature, features)
    except (DataRefused, ModelFailed):
        return None


def _served(examined: _Examined, encoding: Encoding) -> _Examined:
    """Say which file is served; a validation's last finding, as nothing is judged by it."""
    finding = Finding("encoding", passed=True, message=encoding.message, numbers=encoding.numbers)
    return replace(examined, findings=(*examined.findings, finding), served=encoding.model)


def _scored(
    version: ModelVersion,
    model: Model,
    holdout: Table,
    features: Table,
    labels: npt.NDArray[np.float64],
    target: Target,
) -> HeldOutRows | Finding:
    """Score the held-out rows; what keeps the model from it is a finding."""
    manifest = version.manifest
    try:
        scores = answers_of(model, manifest.signature, features, target)
    except DataRefused as refusal:
        return Finding("holdout", passed=False, message=str(refusal))
    except ModelFailed as failure:
        return Finding("smoke", passed=False, message=f"the model failed on the held-out rows: {failure}")
    fits = np.abs(scores) <= GREATEST_NUMBER  # NaN does not
    if not np.all(fits):
        row, *_ = np.argwhere(~fits)[0]
        message = (
            f"the score of held-out row {row} is {scores[row]}: a score must be a finite number, that FP32 holds"
        )
        return Finding("smoke", passed=False, message=message)
    rows = HeldOutRows(manifest.holdout.name, holdout, labels, scores, target)
    if target.task is Task.MULTICLASS and rows.refused_scores:
        return Finding(
            "smoke", passed=False, message=f"the model scored the held-out rows, but {rows.refused_scores}"
        )
    return rows


def _measured(
    version: ModelVersion,
    policy: Policy,
    rows: HeldOutRows,
    history: History,
    features: Table,
    sound: Finding,
    validation: Validation,
) -> _Examined:
    smoke = Finding("smoke", passed=True, message=f"the model scored all {rows.rows} held-out rows")
    layout = rows.layout(version.manifest.signature, features, declared=policy.data.ranges, slicings=policy.slices)
    held_out = score_table(layout.score, rows.scores, rows.labels) if policy.task is Task.BINARY else None
    measurable = policy.task is not Task.BINARY or rows.refused_scores is None
    metrics = dict(rows.answers(policy.operating_threshold).measured()) if measurable else {}
    judged = list(judge_metrics(policy.gates, metrics, rows=rows.rows, needs=policy.target.needs))
    if metrics:
        judged += rows.described()
        for slicing in policy.slices:
            judged += judge_slices(slicing, policy.gates, rows, policy.operating_threshold, seed=version.seed)
        judged += compare_with_stable(rows, history, policy, seed=version.seed, contending=validation.contending)
    request = request_body(version.manifest.signature, features.slice(0, 1))
    reference = of_rows(layout, features, rows.logged_scores)
    return _Examined((sound, smoke, *judged), metrics, reference, held_out, request)


def _failed(*findings: Finding) -> _Examined:
    return _Examined(findings, {})


def _features_and_labels(
    version: ModelVersion, holdout: Table, target: Target
) -> tuple[Table, npt.NDArray[np.float64]]:
    manifest = version.manifest
    file, column = manifest.holdout.name, manifest.holdout.target
    features = features_of(manifest.signature, holdout, file=file, beside=(column,))
    return features, labels_of(holdout, column, file=file, target=target)


def _record(version: ModelVersion, policy: Policy, validation: Validation) -> None:
    passed = all_passed(version.findings)
    action = Action.MODEL_VALIDATED if passed else Action.MODEL_REJECTED
    faults = "; ".join(finding.message for finding in version.findings if not finding.passed)
    deed = f"validated:{version.number}" if passed else f"rejected:{version.number}:{policy.digest[:12]}"
    details: dict[str, Detail] = {
        "version": version.number,
        "policy": policy.digest,
        **({"served": version.served_digest} if passed else {}),
        **({"reason": faults} if faults else {}),
        **{str(metric): round(value, 6) for metric, value in version.metrics.items()},
    }
    entry = LedgerEntry(version.endpoint, deed, action, "validate_model", validation.clock(), details)
    validation.ledger.append(entry)
    validation.events.publish("ModelValidated" if passed else "ModelRejected", entry)
