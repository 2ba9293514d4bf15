"""The append-only record: documents for reading, and an anchor of objects that nobody may change."""

from __future__ import annotations

from collections.abc import Sequence

from serinus.adapters.stored import keys
from serinus.adapters.stored.racing import retried
from serinus.adapters.stored.stored_as import LEDGER_ENTRY
from serinus.domain.ledger import LedgerEntry
from serinus.errors import ObjectNotFound
from serinus.use_cases.ports.storage import Change, Documents, Objects


class StoredLedger:
    """`Ledger` over documents and objects.

    The entry, the head of the chain and the marker of the entry's id are one transaction. The anchor is written after
    it; should the writer die in between, the step that is retried finds its id and writes the anchor.
    """

    def __init__(self, documents: Documents, anchor: Objects) -> None:
        self._documents = documents
        self._anchor = anchor

    def append(self, entry: LedgerEntry) -> LedgerEntry:
        """Chain the entry to the last one; return the stored entry, which is the earlier one if its id is known."""
        stored = retried(lambda: self._append(entry))
        self._anchor_entry(stored)
        return stored

    def find(self, endpoint: str, entry: str) -> LedgerEntry | None:
        """Return the entry of that id, or `None` while the deed is not recorded."""
        document = self._documents.get(keys.partition(endpoint), keys.ledger_id(entry))
        return None if document is None else LEDGER_ENTRY.validate_json(document.body)

    def entries(self, endpoint: str) -> Sequence[LedgerEntry]:
        """Return every entry, in order."""
        found = self._documents.list(keys.partition(endpoint), keys.LEDGER)
        return [LEDGER_ENTRY.validate_json(document.body) for _, document in found]

    def _append(self, entry: LedgerEntry) -> LedgerEntry:
        partition = keys.partition(entry.endpoint)
        known = self.find(entry.endpoint, entry.id)
        if known is not None:
            return known
        head = self._documents.get(partition, keys.LEDGER_HEAD)
        chained = entry.after(LEDGER_ENTRY.validate_json(head.body) if head else None)
        body = _json(chained)
        self._documents.put_all(
            partition,
            [
                Change(keys.ledger(chained.sequence), body, revision=None),
                Change(keys.LEDGER_HEAD, body, head.revision if head else None),
                Change(keys.ledger_id(entry.id), body, revision=None),
            ],
        )
        return chained

    def _anchor_entry(self, entry: LedgerEntry) -> None:
        """Write the anchor, once: under Object Lock a second writing would be a second version, kept for years."""
        key = f"ledger/{entry.endpoint}/{entry.sequence:08d}.json"
        try:
            self._anchor.size(key)
        except ObjectNotFound:
            self._anchor.put(key, _json(entry).encode())


def _json(entry: LedgerEntry) -> str:
    return LEDGER_ENTRY.dump_json(entry).decode()
