"""Hold a registered model against every gate, build its reference profile, and sign what passed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from serinus.domain.feature_columns import features_of
from serinus.domain.gates import Finding, all_passed, judge_metrics
from serinus.domain.held_out import HeldOutRows
from serinus.domain.inference_request import request_body
from serinus.domain.ledger import Action, Detail, LedgerEntry
from serinus.domain.model_version import ModelVersion, Status, canonical_json
from serinus.domain.policy import Metric, Policy
from serinus.domain.profile import Profile, layout_from, of_rows
from serinus.domain.quality import ScoreTable, measure, score_table
from serinus.domain.signature import Signature
from serinus.domain.slices import judge_slices
from serinus.domain.table import Table
from serinus.errors import DataRefused, ModelFailed, ModelRefused
from serinus.use_cases.compare_with_stable import Contending, compare_with_stable
from serinus.use_cases.measure_importance import measure_importance
from serinus.use_cases.ports import (
    ChooseEncoding,
    Clock,
    Encoding,
    Events,
    Ledger,
    Model,
    Models,
    ModelVersions,
    Objects,
    Policies,
    References,
    Signer,
    Tables,
)
from serinus.use_cases.register_model import model_home, served_model_key


def as_uploaded(_model: bytes, _signature: Signature, _rows: Table) -> Encoding | None:
    """Look for no other file to serve."""
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
    judged = version.validated(examined.findings, examined.metrics, attestation=None, served_sha256=served)
    if judged.status is Status.VALIDATED and examined.reference is not None and examined.held_out is not None:
        request = canonical_json(examined.smoke_request).encode()
        validation.artifacts.put(smoke_request_key(version), request)
        if examined.served:
            validation.artifacts.put(served_model_key(judged), examined.served)
        validation.references.put(endpoint, version.content_digest, examined.reference, examined.held_out)
        judged = replace(judged, attestation=validation.signer.sign(judged.statement))
    validation.versions.record_validation(judged)
    _record(judged, policy, validation)
    return judged


def smoke_request_key(version: ModelVersion) -> str:
    """Return where validation keeps the request that the version's release must be able to answer."""
    return f"{model_home(version.endpoint, version.manifest)}/smoke_request.json"


def _examine(version: ModelVersion, policy: Policy, validation: Validation) -> _Examined:
    """Stop at the first kind of fault: what comes after would only repeat it."""
    home = model_home(version.endpoint, version.manifest)
    body = validation.artifacts.get(f"{home}/model.onnx")
    faults = validation.models.check(body, version.manifest.signature)
    if faults:
        return _failed(*(Finding("onnx", passed=False, message=fault) for fault in faults))
    sound = Finding("onnx", passed=True, message="the file is an ONNX model that matches its signature")
    try:
        model = validation.models.load(body, version.manifest.signature)
        name = version.manifest.holdout.name
        holdout = validation.tables.read(name, validation.artifacts.get(f"{home}/{name}"))
        features, labels = _features_and_labels(version, holdout)
        encoding = _encoding(body, version, features, validation)
        if encoding is not None and encoding.model is not None:
            model = validation.models.load(encoding.model, version.manifest.signature)
    except ModelRefused as refusal:
        return _failed(sound, Finding("session", passed=False, message=str(refusal)))
    except DataRefused as refusal:
        return _failed(sound, Finding("holdout", passed=False, message=str(refusal)))
    scored = _scored(version, model, holdout, features, labels)
    measure_importance(version, model, features, references=validation.references)
    del model  # before the live one takes its room
    if isinstance(scored, Finding):
        return _failed(sound, scored)
    try:
        examined = _measured(version, policy, scored, features, sound, validation)
    except DataRefused as refusal:
        return _failed(sound, Finding("holdout", passed=False, message=str(refusal)))
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
    version: ModelVersion, model: Model, holdout: Table, features: Table, labels: npt.NDArray[np.float64]
) -> HeldOutRows | Finding:
    """Score the held-out rows; what keeps the model from it is a finding."""
    try:
        scores = model.score(features)
    except DataRefused as refusal:
        return Finding("holdout", passed=False, message=str(refusal))
    except ModelFailed as failure:
        return Finding("smoke", passed=False, message=f"the model failed on the held-out rows: {failure}")
    if not np.all(np.isfinite(scores)):
        row = int(np.argmin(np.isfinite(scores)))
        message = f"the score of held-out row {row} is {scores[row]}: a score must be a finite number"
        return Finding("smoke", passed=False, message=message)
    return HeldOutRows(version.manifest.holdout.name, holdout, labels, scores)


def _measured(
    version: ModelVersion, policy: Policy, rows: HeldOutRows, features: Table, sound: Finding, validation: Validation
) -> _Examined:
    smoke = Finding("smoke", passed=True, message=f"the model scored all {rows.rows} held-out rows")
    layout = layout_from(version.manifest.signature, features, rows.scores, slicings=policy.slices)
    held_out = score_table(layout.score, rows.scores, rows.labels)
    metrics = measure(held_out, policy.operating_threshold)
    judged = list(judge_metrics(policy.gates, metrics, rows=rows.rows))
    if metrics:
        seed = int(version.content_digest[:16], 16)
        for slicing in policy.slices:
            judged += judge_slices(slicing, policy.gates, rows, policy.operating_threshold, seed=seed)
        judged += compare_with_stable(rows, policy, seed=seed, contending=validation.contending)
    request = request_body(version.manifest.signature, features.slice(0, 1))
    return _Examined((sound, smoke, *judged), metrics, of_rows(layout, features, rows.scores), held_out, request)


def _failed(*findings: Finding) -> _Examined:
    return _Examined(findings, {})


def _features_and_labels(version: ModelVersion, holdout: Table) -> tuple[Table, npt.NDArray[np.float64]]:
    manifest = version.manifest
    file, target = manifest.holdout.name, manifest.holdout.target
    features = features_of(manifest.signature, holdout, file=file, beside=(target,))
    labels = holdout.columns[manifest.holdout.target]
    if labels.dtype == object or not np.all(np.isin(labels, (0, 1))):
        raise DataRefused(
            f"the target {manifest.holdout.target!r} of {manifest.holdout.name} must be 0 or 1 in every row; "
            "`serinus push --positive VALUE` writes it so"
        )
    return features, np.asarray(labels, dtype=np.float64)


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
