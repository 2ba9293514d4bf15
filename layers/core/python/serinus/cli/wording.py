"""The ledger's entries in words."""

from __future__ import annotations

from collections.abc import Mapping

from serinus.domain.ledger import Action, LedgerEntry

_WORDS: Mapping[Action, str] = {
    Action.UPLOAD_REFUSED: "upload {upload} refused",
    Action.DATA_REJECTED: "data rejected by {gates}",
    Action.MODEL_REGISTERED: "version {version} registered from upload {upload}",
    Action.MODEL_VALIDATED: "version {version} validated",
    Action.MODEL_REJECTED: "version {version} rejected",
    Action.ROLLOUT_REQUESTED: "rollout of version {version} asked for",
    Action.ROLLOUT_STARTED: "rollout {rollout} of version {version} started",
    Action.ROLLOUT_PAUSED: "rollout {rollout} of version {version} paused",
    Action.ROLLOUT_RESUMED: "rollout {rollout} of version {version} resumed",
    Action.PROMOTION_REQUESTED: "promotion of rollout {rollout} of version {version} asked for",
    Action.RELEASE_PUBLISHED: "release {release} published, with version {version}",
    Action.ROLLOUT_ENDED: "rollout {rollout} of version {version} ended as {outcome}",
    Action.RELEASE_RETIRED: "release {release} retired, with version {version}",
    Action.LAYER_REMOVED: "model layer {layer} removed",
    Action.DRIFT_DETECTED: "drift detected on {rows} rows of version {version}",
    Action.PERFORMANCE_DROPPED: "performance dropped on {rows} rows of version {version}, by {means}",
    Action.CONCEPT_DRIFT_DETECTED: "concept drift detected by {labelled_rows} labels of version {version}",
    Action.SNAPSHOT_TAKEN: "snapshot {snapshot:.12} taken, {train_rows} rows to train and {holdout_rows} held out",
    Action.RETRAINING_GIVEN_UP: "retraining given up",
    Action.TOKEN_MADE: "token {token} ({name}) made, good until {expires_at}",
    Action.TOKEN_ROTATED: "token {token} ({name}) made in place of {replaced}, good until {expires_at}",
    Action.TOKEN_REVOKED: "token {token} ({name}) revoked",
}


def in_words(entry: LedgerEntry) -> str:
    """Return what was done, as one clause, with its reason where it has one."""
    told = {key: "none" if value is None else value for key, value in entry.details.items()}
    told["means"] = "labels" if entry.details.get("realised") else "estimate"
    deed = (
        _shift(entry) if entry.action is Action.TRAFFIC_SHIFTED else _WORDS[entry.action].format_map(_Lenient(told))
    )
    reason = entry.details.get("reason") or entry.details.get("changes")
    return f"{deed}: {reason}" if reason else deed


class _Lenient(dict[str, object]):
    """Details that an older release may not have recorded: history must still be told."""

    def __missing__(self, key: str) -> str:
        return f"(no {key} recorded)"


def _shift(entry: LedgerEntry) -> str:
    stable, candidate = entry.details.get("stable"), entry.details.get("candidate")
    if candidate is None:
        return f"all traffic to release {stable}"
    percent = int(entry.details.get("candidate_percent") or 0)
    return f"{percent} % of traffic to release {candidate}, {100 - percent} % to release {stable}"
