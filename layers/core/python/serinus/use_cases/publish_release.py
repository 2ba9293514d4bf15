"""Turn a rollout's model version into a published release, and give it its shadow or its first traffic."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from serinus.domain.ledger import Action, LedgerEntry
from serinus.domain.model_version import ModelVersion
from serinus.domain.rollout import Outcome, Release, Rollout, Split, Stage
from serinus.domain.shadow_tally import ShadowTally
from serinus.errors import AttestationInvalid, ReleaseFailed, RevisionChanged
from serinus.use_cases.begin_step import begin_step
from serinus.use_cases.end_rollout import Progress, end_rollout, progress_of, settle
from serinus.use_cases.ports.registry import ModelVersions, References, Signer
from serinus.use_cases.ports.releases import Releases
from serinus.use_cases.ports.storage import Objects
from serinus.use_cases.register_model import served_model_key
from serinus.use_cases.shift_traffic import Conducting, shift_traffic
from serinus.use_cases.validate_model import smoke_request_key

_ACTOR = "publish_release"


@dataclass(frozen=True)
class Publishing:
    """What publishing a release needs of the world."""

    artifacts: Objects
    versions: ModelVersions
    references: References
    releases: Releases
    signer: Signer
    conducting: Conducting


def publish_release(endpoint: str, rollout_id: str, *, publishing: Publishing, shadows: bool = False) -> Progress:
    """Publish the candidate, ask it a question, make its alarms, and begin the first step.

    Where the policy asks for a shadow, that begins in place of the first step, and whoever called calls again once
    it is passed. The first release of an endpoint has nothing to be compared with: it goes live after its smoke test.
    Every step is the same when it is done again. Where the rollout is ended meanwhile, by a roll-back, none of it
    stays behind.

    Args:
        endpoint: whose traffic the candidate is to get.
        rollout_id: the rollout.
        publishing: what it needs of the world.
        shadows: whether the caller can carry a shadow.

    Raises:
        RolloutNotFound: there is no such rollout.
        RevisionChanged: somebody else changed the rollout or moved traffic in the meantime.
    """
    conducting = publishing.conducting
    rollout = conducting.rollouts.get(endpoint, rollout_id)
    if rollout.outcome:
        return _settled(rollout, conducting)
    if rollout.step >= 0:
        return progress_of(rollout, "published already")
    if shadows and rollout.stage is Stage.SHADOWING:
        return progress_of(rollout, "the shadow has begun already")
    try:
        return _publish(rollout, publishing, shadows=shadows)
    except RevisionChanged:
        found = conducting.rollouts.get(endpoint, rollout_id)
        if found.outcome is None:
            raise
        return _settled(found, conducting)


def _settled(ended: Rollout, conducting: Conducting) -> Progress:
    settle(ended, ended.reason, actor=_ACTOR, conducting=conducting)
    return progress_of(ended, "published already")


def _publish(rollout: Rollout, publishing: Publishing, *, shadows: bool) -> Progress:
    conducting, endpoint = publishing.conducting, rollout.endpoint
    before = conducting.traffic.current(endpoint)
    if rollout.shadow is None and not _has_traffic(rollout, before):
        version = publishing.versions.get(endpoint, rollout.model_version)
        try:
            release = _published(version, rollout, publishing)
            publishing.releases.probe(release, _smoke_request(version, publishing.artifacts))
        except (AttestationInvalid, ReleaseFailed) as failure:
            return end_rollout(rollout, Outcome.FAILED, str(failure), actor=_ACTOR, conducting=conducting)
        rollout = _with_releases(rollout, release, before, conducting)
    if rollout.stable is None:
        return _go_live(rollout, before, conducting)
    if shadows and rollout.policy.shadow and rollout.shadow is None and before == rollout.split:
        return _begin_shadow(rollout, conducting)
    return _first_step(rollout, before, conducting)


def _has_traffic(rollout: Rollout, current: Split) -> bool:
    """Whether an earlier try published, probed and shifted already, and died before it could say so."""
    return rollout.candidate is not None and rollout.candidate in {current.stable, current.candidate}


def _with_releases(rollout: Rollout, release: Release, before: Split, conducting: Conducting) -> Rollout:
    if rollout.candidate is not None:
        return rollout
    known = conducting.rollouts.release(rollout.endpoint, before.stable)
    stable = before.stable if known and known.number != release.number else None
    published = rollout.published(stable=stable, candidate=release.number)
    conducting.rollouts.save(published, replaced=rollout)
    return published


def _published(version: ModelVersion, rollout: Rollout, publishing: Publishing) -> Release:
    model = publishing.artifacts.get(served_model_key(version))
    signed = version.attestation is not None and publishing.signer.verify(version.statement, version.attestation)
    if not signed or hashlib.sha256(model).hexdigest() != version.served_digest:
        raise AttestationInvalid(version.endpoint, version.number)
    reference = publishing.references.get(version.endpoint, version.content_digest)
    if reference is None:
        raise ReleaseFailed(f"version {version.number} has no reference profile: validate it again")
    if rollout.composition is None:
        raise ReleaseFailed(f"rollout {rollout.id} was started by an earlier version of Serinus: push again")
    release = publishing.releases.publish(version, model, reference.layout, rollout.composition, rollout=rollout.id)
    publishing.conducting.rollouts.record_release(release)
    publishing.conducting.ledger.append(
        LedgerEntry(
            version.endpoint,
            f"published:{rollout.id}",
            Action.RELEASE_PUBLISHED,
            _ACTOR,
            publishing.conducting.clock(),
            {
                "rollout": rollout.id,
                "release": release.number,
                "version": version.number,
                "content": version.content_digest,
                "served": version.served_digest,
                "layer": release.layer,
                "composition": rollout.composition.digest,
            },
        )
    )
    return release


def _smoke_request(version: ModelVersion, artifacts: Objects) -> dict[str, object]:
    stored: dict[str, object] = json.loads(artifacts.get(smoke_request_key(version)))
    return stored


def _go_live(rollout: Rollout, before: Split, conducting: Conducting) -> Progress:
    assert rollout.candidate is not None  # noqa: S101 - `published` has just set it
    reason = "the first release goes live after its smoke test"
    shift_traffic(
        rollout.endpoint,
        Split(rollout.candidate),
        expected=before,
        deed=f"{rollout.id}:live",
        actor=_ACTOR,
        reason=reason,
        conducting=conducting,
    )
    return end_rollout(rollout, Outcome.PROMOTED, reason, actor=_ACTOR, conducting=conducting)


def _begin_shadow(rollout: Rollout, conducting: Conducting) -> Progress:
    begun = rollout.shadowed(ShadowTally(began_at=conducting.clock()))
    conducting.rollouts.save(begun, replaced=rollout)
    return progress_of(begun, "the candidate answered its smoke test: its shadow begins")


def _first_step(rollout: Rollout, before: Split, conducting: Conducting) -> Progress:
    assert rollout.candidate is not None  # noqa: S101 - `published` has set it
    if before not in {rollout.split, rollout.advanced(at=conducting.clock()).split}:
        raise RevisionChanged(f"the alias of endpoint {rollout.endpoint!r}")
    conducting.alarms.create(rollout.endpoint, rollout.candidate, rollout.policy.rollout.alarm)
    passed = (rollout.shadow and rollout.shadow.passed) or "the candidate answered its smoke test"
    reason = f"{passed}: step 1 of {len(rollout.plan.steps)}"
    return begin_step(rollout, current=before, actor=_ACTOR, reason=reason, conducting=conducting)
