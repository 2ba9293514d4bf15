"""`Ledger`: the append-only record, over documents and an anchor of objects."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from serinus.adapters.stored.ledger import StoredLedger
from serinus.domain.ledger import GENESIS, first_broken
from serinus.use_cases.ports.ledger import Ledger
from serinus.use_cases.ports.storage import Objects
from tests.contract.builders import an_entry
from tests.contract.clouds import Cloud


class UnreachableAnchor:
    """An anchor that cannot be written."""

    def __init__(self, objects: Objects) -> None:
        self.get, self.size, self.list, self.modified = objects.get, objects.size, objects.list, objects.modified
        self.create, self.delete = self.put, objects.delete

    def put(self, key: str, body: bytes) -> None:
        """Refuse to write.

        Raises:
            ConnectionError: always.
        """
        raise ConnectionError(f"{key}: {len(body)} bytes not written")


@pytest.fixture
def ledger(cloud: Cloud) -> Ledger:
    """The ledger."""
    return StoredLedger(cloud.documents, cloud.objects)


def test_entries_are_chained(ledger: Ledger) -> None:
    """Each entry carries its number and the digest of the one before, and the chain holds when it is read back."""
    first = ledger.append(an_entry("one"))
    second = ledger.append(an_entry("two"))
    assert (first.sequence, first.previous) == (1, GENESIS)
    assert (second.sequence, second.previous) == (2, first.digest)
    assert ledger.entries("fraud") == [first, second]
    assert first_broken(ledger.entries("fraud")) is None


def test_details_keep_their_types(ledger: Ledger) -> None:
    """The digest is of what is stored, so 1, 1.0 and true must stay apart."""
    stored = ledger.append(an_entry("one", whole=1, real=1.0, third=1 / 3, yes=True, none=None, text="ü"))
    (found,) = ledger.entries("fraud")
    assert found.digest == stored.digest
    assert [type(value) for value in found.details.values()] == [int, float, float, bool, type(None), str]


def test_a_deed_is_recorded_once(ledger: Ledger) -> None:
    """A repeated step gets the earlier entry, whatever it says the second time."""
    first = ledger.append(an_entry("one", share=0.05))
    ledger.append(an_entry("two"))
    assert ledger.append(an_entry("one", share=0.07)) == first
    assert len(ledger.entries("fraud")) == 2


def test_an_entry_is_found_by_its_id(ledger: Ledger) -> None:
    """A step asks whether its deed is recorded."""
    stored = ledger.append(an_entry("one"))
    assert ledger.find("fraud", "one") == stored
    assert ledger.find("fraud", "two") is None


def test_each_endpoint_has_its_chain(ledger: Ledger) -> None:
    """Entries count from 1 in each endpoint, and the same id is another deed there."""
    assert [ledger.append(an_entry("one", endpoint=name)).sequence for name in ("fraud", "churn")] == [1, 1]
    assert [entry.endpoint for entry in ledger.entries("churn")] == ["churn"]


@pytest.mark.usefixtures("eager_threads")
def test_racing_writers_make_one_chain(ledger: Ledger) -> None:
    """Eight deeds at once, some of them twice: no gap, no fork, no double."""
    deeds = [f"deed-{number % 6}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda deed: ledger.append(an_entry(deed)), deeds))
    entries = ledger.entries("fraud")
    assert sorted(entry.id for entry in entries) == sorted(set(deeds))
    assert [entry.sequence for entry in entries] == list(range(1, 7))
    assert first_broken(entries) is None


def test_every_entry_is_anchored(ledger: Ledger, cloud: Cloud) -> None:
    """The anchor holds what the table holds, one object an entry."""
    stored = [ledger.append(an_entry(deed)) for deed in ("one", "two")]
    assert cloud.objects.list("ledger/") == ["ledger/fraud/00000001.json", "ledger/fraud/00000002.json"]
    anchored = json.loads(cloud.objects.get("ledger/fraud/00000002.json"))
    assert (anchored["id"], anchored["previous"]) == ("two", stored[0].digest)


def test_a_retry_mends_a_missing_anchor(ledger: Ledger, cloud: Cloud) -> None:
    """A writer that died between the table and the anchor is made good by the step's retry."""
    with pytest.raises(ConnectionError):
        StoredLedger(cloud.documents, UnreachableAnchor(cloud.objects)).append(an_entry("one"))
    assert cloud.objects.list("ledger/") == []
    ledger.append(an_entry("one"))
    assert cloud.objects.list("ledger/") == ["ledger/fraud/00000001.json"]
    assert len(ledger.entries("fraud")) == 1


def test_an_anchor_is_written_once(ledger: Ledger, cloud: Cloud) -> None:
    """A second writing would be a second version under Object Lock; a known entry with an anchor writes nothing."""
    ledger.append(an_entry("one"))
    StoredLedger(cloud.documents, UnreachableAnchor(cloud.objects)).append(an_entry("one"))
    assert len(cloud.objects.list("ledger/")) == 1
