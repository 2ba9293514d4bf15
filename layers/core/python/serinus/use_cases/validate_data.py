"""Hold the rows of an upload or of a snapshot against the data gates, before a model is measured or trained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

from serinus.domain.bins import NumericBins
from serinus.domain.data_findings import DATA_GATES, DataFinding, Schema, schema_of
from serinus.domain.data_limits import ColumnKind
from serinus.domain.gates import Finding
from serinus.domain.ledger import Action, Detail, LedgerEntry
from serinus.domain.model_version import ModelVersion, Status
from serinus.domain.policy import Policy
from serinus.use_cases.compare_with_live import compare_with_live
from serinus.use_cases.examine_data import FILE, examine_data, limits_of
from serinus.use_cases.live_window import Reading, live_release
from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.files import Scanner
from serinus.use_cases.ports.ledger import Events, Ledger
from serinus.use_cases.ports.registry import ModelVersions
from serinus.use_cases.ports.storage import Objects
from serinus.use_cases.ports.watching import Snapshots
from serinus.use_cases.register_model import model_home


@dataclass(frozen=True)
class Screening:
    """What validating data needs of the world."""

    artifacts: Objects
    versions: ModelVersions
    snapshots: Snapshots
    reading: Reading
    scanner: Scanner
    ledger: Ledger
    events: Events
    clock: Clock


@dataclass(frozen=True)
class DataVerdict:
    """The result: `reason` says what stands against the data, where anything does."""

    endpoint: str
    accepted: bool
    findings: tuple[DataFinding, ...]
    reason: str


def validate_data(endpoint: str, of: int | str, *, screening: Screening) -> DataVerdict:
    """Validate the held-out rows of a model version, by its number, or a snapshot, by its digest.

    A version's findings go with it, and validation of the model, which signs, goes on only where they are there. What
    was validated before stays as it is.

    Raises:
        EndpointNotFound: the endpoint is not deployed.
        ModelVersionNotFound: there is no such version.
        ObjectNotFound: there is no such snapshot.
    """
    policy = screening.reading.policies.get(endpoint)
    if isinstance(of, str):
        return _validate_snapshot(policy, of, screening)
    version = screening.versions.get(endpoint, of)
    if version.status is Status.VALIDATED:
        return DataVerdict(endpoint, accepted=True, findings=(), reason="the model version is validated already")
    return _validate_upload(version, policy, screening)


def _validate_upload(version: ModelVersion, policy: Policy, screening: Screening) -> DataVerdict:
    manifest = version.manifest
    home, name, now = model_home(version.endpoint, manifest), manifest.holdout.name, screening.clock()
    body = screening.artifacts.get(f"{home}/{name}")
    others = (*policy.looked_at, manifest.holdout.framework_predictions)
    findings = examine_data(
        partial(screening.scanner.scan, name, body),
        schema_of(manifest.signature, manifest.holdout.target, others),
        limits_of(policy),
        at=now,
        compare=lambda sample: compare_with_live(policy, sample, at=now, reading=screening.reading),
    )
    told = tuple(found.finding for found in findings)
    judged = replace(version.to_be_judged(), findings=told)
    if _faults(findings):
        judged = judged.validated(told, {}, attestation=None)
    screening.versions.record_validation(judged)
    deed = f"data_rejected:{version.number}:{policy.digest[:12]}"
    return _told(policy, findings, deed, {"version": version.number}, screening)


def _validate_snapshot(policy: Policy, digest: str, screening: Screening) -> DataVerdict:
    """Judge the rows that are to train; those that are held out are judged again with the model, as an upload's are.

    Of the held-out rows it is looked here whether they are training rows too, which is not known later.
    """
    endpoint, now = policy.endpoint, screening.clock()
    snapshot, train, holdout = screening.snapshots.files(endpoint, digest)
    scan = screening.scanner.scan
    schema = _live_schema(policy, snapshot.target, screening)
    limits = limits_of(policy)
    findings = examine_data(
        partial(scan, "train.parquet", train),
        schema,
        limits,
        at=now,
        compare=lambda sample: compare_with_live(policy, sample, at=now, reading=screening.reading),
        taken_to=snapshot.end,
    )
    held_out = examine_data(
        partial(scan, "holdout.parquet", holdout),
        schema,
        limits,
        at=now,
        training=partial(scan, "train.parquet", train),
    )
    findings += tuple(found for found in held_out if found.gate in {"overlap", "file"})
    deed = f"data_rejected:{digest}:{policy.digest[:12]}"
    return _told(policy, findings, deed, {"snapshot": digest}, screening)


def _live_schema(policy: Policy, target: str, screening: Screening) -> Schema:
    """A snapshot must have what the live model takes: it trains the model that takes its place."""
    live = live_release(policy.endpoint, reading=screening.reading)
    if live is None:
        return Schema(None, target, policy.looked_at)
    features = {
        bins.name: ColumnKind.NUMBER if isinstance(bins, NumericBins) else None for bins in live[1].layout.features
    }
    return Schema(features, target, policy.looked_at)


def _told(
    policy: Policy, findings: tuple[DataFinding, ...], deed: str, subject: dict[str, Detail], screening: Screening
) -> DataVerdict:
    """Record a rejection, once however often it is found; a pass is told by what comes after it."""
    faults = _faults(findings)
    reason = "; ".join(found.message for found in faults)
    if faults:
        gates = ", ".join(found.gate for found in faults)
        details = subject | {"policy": policy.digest, "gates": gates, "reason": reason}
        entry = LedgerEntry(policy.endpoint, deed, Action.DATA_REJECTED, "validate_data", screening.clock(), details)
        screening.ledger.append(entry)
        screening.events.publish("DataRejected", entry)
    return DataVerdict(policy.endpoint, not faults, findings, reason)


def data_findings(version: ModelVersion) -> tuple[Finding, ...]:
    """Return what was found in a version's held-out rows; that nothing was looked for stands against it."""
    found = tuple(finding for finding in version.findings if finding.gate.startswith(DATA_GATES))
    if found:
        return found
    message = "nobody has looked at the held-out rows: push the model again, so that `validate_data` does"
    return (Finding(f"{DATA_GATES}{FILE}", passed=False, message=message),)


def _faults(findings: Iterable[DataFinding]) -> list[DataFinding]:
    return [found for found in findings if found.rejects]
