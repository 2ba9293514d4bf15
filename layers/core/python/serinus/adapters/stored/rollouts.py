"""Rollouts, their lock, and the releases they publish."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from serinus.adapters.stored import keys
from serinus.adapters.stored.racing import retried
from serinus.adapters.stored.stored_as import DECISION, RELEASE, ROLLOUT
from serinus.domain.rollout import Decision, Release, Rollout
from serinus.errors import AlreadyExists, RevisionChanged, RolloutInProgress, RolloutNotFound
from serinus.use_cases.ports.storage import Change, Documents


class StoredRollouts:
    """`Rollouts` over documents.

    The lock is a document that holds the id of the rollout which has it. It is written with the rollout's start and
    deleted with its end, each in one transaction: there is never a lock without a running rollout, nor the reverse.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def start(self, rollout: Rollout) -> Rollout:
        """Take the endpoint's lock and store the rollout; return the stored one if it is the same rollout again.

        Raises:
            RolloutInProgress: another rollout holds the lock.
        """
        return retried(lambda: self._start(rollout))

    def end_early(self, ended: Rollout) -> None:
        """Store a rollout that ended before it began, and free the lock where it has it; again is harmless."""
        retried(lambda: self._end_early(ended))

    def get(self, endpoint: str, rollout: str) -> Rollout:
        """Return a rollout.

        Raises:
            RolloutNotFound: there is none of that id.
        """
        found = self._find(endpoint, rollout)
        if found is None:
            raise RolloutNotFound(endpoint, rollout)
        return found

    def active(self, endpoint: str) -> Rollout | None:
        """Return the rollout that holds the endpoint's lock."""
        lock = self._documents.get(keys.partition(endpoint), keys.ROLLOUT_LOCK)
        return None if lock is None else self.get(endpoint, lock.body)

    def save(self, rollout: Rollout, replaced: Rollout, looks: Sequence[Decision] = ()) -> None:
        """Store a rollout's new state, and the looks that led to it; free the lock where it has ended.

        All of it is one transaction: what was weighed is in the state just where it is on record.

        Raises:
            RevisionChanged: the stored state is not `replaced`, or a look at the same tick is stored already.
            RolloutNotFound: it was never started.
        """
        partition, key = keys.partition(rollout.endpoint), keys.rollout(rollout.id)
        found = self._documents.get(partition, key)
        if found is None:
            raise RolloutNotFound(rollout.endpoint, rollout.id)
        if ROLLOUT.validate_json(found.body) != replaced:
            raise RevisionChanged(f"rollout {rollout.id!r}")
        changes = [Change(key, _json(rollout), found.revision)]
        changes += [_kept(rollout, look) for look in looks]
        if rollout.outcome is not None:
            changes += self._unlocking(rollout)
        try:
            self._documents.put_all(partition, changes)
        except AlreadyExists as known:
            raise RevisionChanged(f"rollout {rollout.id!r}") from known

    def change(self, endpoint: str, rollout: str, decide: Callable[[Rollout], Rollout]) -> Rollout:
        """Store what `decide` makes of the stored state, and return it; where a race is lost, it decides again.

        Raises:
            RolloutNotFound: there is none of that id.
        """
        return retried(lambda: self._change(endpoint, rollout, decide))

    def decisions(self, endpoint: str, rollout: str) -> Sequence[Decision]:
        """Return every look at a rollout, in order."""
        found = self._documents.list(keys.partition(endpoint), keys.decisions(rollout))
        looks = [DECISION.validate_json(document.body) for _, document in found]
        return sorted(looks, key=lambda look: (look.at, look.since or look.at))

    def list(self, endpoint: str) -> Sequence[Rollout]:
        """Return every rollout, by start."""
        found = self._documents.list(keys.partition(endpoint), keys.ROLLOUTS)
        rollouts = [ROLLOUT.validate_json(document.body) for _, document in found]
        return sorted(rollouts, key=lambda rollout: (rollout.started_at, rollout.id))

    def record_release(self, release: Release) -> None:
        """Keep a published release; recording it again is harmless, and changes nothing."""
        self._create(release.endpoint, keys.release(release.number), RELEASE.dump_json(release).decode())

    def save_release(self, release: Release, replaced: Release) -> None:
        """Store what has become of a release.

        Raises:
            RevisionChanged: the stored one is not `replaced`.
        """
        partition, key = keys.partition(release.endpoint), keys.release(release.number)
        found = self._documents.get(partition, key)
        if found is None or RELEASE.validate_json(found.body) != replaced:
            raise RevisionChanged(f"release {release.number} of {release.endpoint!r}")
        self._documents.put_all(partition, [Change(key, RELEASE.dump_json(release).decode(), found.revision)])

    def release(self, endpoint: str, number: int) -> Release | None:
        """Return a release, or `None` where that Lambda version is none (such as the first, which answers 503)."""
        document = self._documents.get(keys.partition(endpoint), keys.release(number))
        return None if document is None else RELEASE.validate_json(document.body)

    def releases(self, endpoint: str) -> Sequence[Release]:
        """Return every release, by number."""
        found = self._documents.list(keys.partition(endpoint), keys.RELEASES)
        return [RELEASE.validate_json(document.body) for _, document in found]

    def _change(self, endpoint: str, rollout: str, decide: Callable[[Rollout], Rollout]) -> Rollout:
        stored = self.get(endpoint, rollout)
        decided = decide(stored)
        if decided != stored:
            self.save(decided, replaced=stored)
        return decided

    def _start(self, rollout: Rollout) -> Rollout:
        known = self._find(rollout.endpoint, rollout.id)
        if known is not None:
            return known
        lock = self._documents.get(keys.partition(rollout.endpoint), keys.ROLLOUT_LOCK)
        if lock is not None and lock.body != rollout.id:
            raise RolloutInProgress(rollout.endpoint, lock.body)
        self._documents.put_all(
            keys.partition(rollout.endpoint),
            [
                Change(keys.ROLLOUT_LOCK, rollout.id, revision=None),
                Change(keys.rollout(rollout.id), _json(rollout), revision=None),
            ],
        )
        return rollout

    def _end_early(self, ended: Rollout) -> None:
        partition, key = keys.partition(ended.endpoint), keys.rollout(ended.id)
        known = self._documents.get(partition, key)
        if known is not None and ROLLOUT.validate_json(known.body).outcome is not None:
            return
        change = Change(key, _json(ended), known.revision if known else None)
        self._documents.put_all(partition, [change, *self._unlocking(ended)])

    def _find(self, endpoint: str, rollout: str) -> Rollout | None:
        document = self._documents.get(keys.partition(endpoint), keys.rollout(rollout))
        return None if document is None else ROLLOUT.validate_json(document.body)

    def _unlocking(self, rollout: Rollout) -> Sequence[Change]:
        lock = self._documents.get(keys.partition(rollout.endpoint), keys.ROLLOUT_LOCK)
        held = lock is not None and lock.body == rollout.id
        return [Change(keys.ROLLOUT_LOCK, None, lock.revision)] if lock is not None and held else []

    def _create(self, endpoint: str, key: str, body: str) -> None:
        try:
            self._documents.put_all(keys.partition(endpoint), [Change(key, body, revision=None)])
        except AlreadyExists:
            return


def _kept(rollout: Rollout, look: Decision) -> Change:
    """A tick is weighed once, so its look goes by when it began; a look that weighed none by when it was made."""
    key = keys.decision(rollout.id, look.since or look.at)
    return Change(key, DECISION.dump_json(look).decode(), revision=None)


def _json(rollout: Rollout) -> str:
    return ROLLOUT.dump_json(rollout).decode()
