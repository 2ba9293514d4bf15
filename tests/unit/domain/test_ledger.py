"""The ledger's chain, and what it says was live."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from serinus.adapters.stored.stored_as import LEDGER_ENTRY
from serinus.domain.ledger import GENESIS, Action, Detail, LedgerEntry, first_broken, what_was_live
from serinus.domain.rollout import Split
from tests.builders import FRAUD, NOON

SPLITS = st.one_of(
    st.builds(Split, st.integers(1, 9)),
    st.builds(Split, st.integers(1, 9), st.integers(10, 19), st.integers(1, 99)),
)


def an_entry(
    number: int, *, action: Action = Action.MODEL_REGISTERED, details: dict[str, Detail] | None = None
) -> LedgerEntry:
    """Return an entry that is in no chain yet."""
    at = NOON + timedelta(seconds=number)
    return LedgerEntry(FRAUD, f"deed-{number}", action, "somebody", at, details or {"number": number, "share": 0.5})


def a_chain(length: int) -> list[LedgerEntry]:
    """Return a ledger of that many entries."""
    chain: list[LedgerEntry] = []
    for number in range(length):
        chain.append(an_entry(number).after(chain[-1] if chain else None))
    return chain


def a_shift(number: int, split: Split) -> LedgerEntry:
    """Return the entry of a move."""
    details: dict[str, Detail] = {
        "stable": split.stable,
        "candidate": split.candidate,
        "candidate_percent": split.candidate_percent,
    }
    return an_entry(number, action=Action.TRAFFIC_SHIFTED, details=details)


def test_a_chain_counts_from_one_and_begins_at_genesis() -> None:
    """Sequences count, and each entry names the digest of the one before."""
    chain = a_chain(3)
    assert [entry.sequence for entry in chain] == [1, 2, 3]
    assert [entry.previous for entry in chain] == [GENESIS, chain[0].digest, chain[1].digest]
    assert first_broken(chain) is None
    assert first_broken([]) is None


def test_a_chain_holds_through_storage() -> None:
    """Entries read back from JSON have the digests they were written with."""
    stored = [LEDGER_ENTRY.validate_json(LEDGER_ENTRY.dump_json(entry)) for entry in a_chain(5)]
    assert first_broken(stored) is None


@given(st.integers(0, 4), st.sampled_from(["actor", "details", "at", "id", "action"]))
def test_a_changed_entry_breaks_the_chain_right_after_it(position: int, field: str) -> None:
    """Whatever is changed of an entry, the next one no longer follows from it."""
    chain = a_chain(6)
    changed: dict[str, LedgerEntry] = {
        "actor": replace(chain[position], actor="nobody"),
        "details": replace(chain[position], details={"number": -1}),
        "at": replace(chain[position], at=NOON - timedelta(seconds=1)),
        "id": replace(chain[position], id="other"),
        "action": replace(chain[position], action=Action.SNAPSHOT_TAKEN),
    }
    assert first_broken([*chain[:position], changed[field], *chain[position + 1 :]]) == position + 2


@given(st.integers(0, 4))
def test_a_missing_entry_breaks_the_chain_where_it_was(position: int) -> None:
    """Taking one out is noticed at the one that followed."""
    chain = a_chain(6)
    assert first_broken([*chain[:position], *chain[position + 1 :]]) == position + 2


def test_two_entries_swapped_break_the_chain() -> None:
    """Order is part of the chain."""
    one, two, three = a_chain(3)
    assert first_broken([one, three, two]) == 3


def test_an_entry_that_was_put_in_breaks_the_chain() -> None:
    """A forged entry has a place of its own only by pushing out the next."""
    one, two, three = a_chain(3)
    forged = replace(an_entry(9), sequence=2, previous=one.digest)
    assert first_broken([one, forged, two, three]) == 2


@given(st.lists(SPLITS, max_size=12))
def test_what_was_live_is_the_alias_history(splits: list[Split]) -> None:
    """For any history of the alias, the ledger gives back every split, when it began and when it ended."""
    entries = [an_entry(0), *(a_shift(number + 1, split) for number, split in enumerate(splits)), an_entry(99)]
    lived = what_was_live(entries)
    assert [Split(span.stable, span.candidate, span.candidate_percent) for span in lived] == splits
    assert [span.start for span in lived] == [entry.at for entry in entries[1:-1]]
    assert [span.end for span in lived[:-1]] == [span.start for span in lived[1:]]
    assert not lived or lived[-1].end is None


def test_an_entrys_digest_does_not_hang_on_its_spelling() -> None:
    """The same deed has the same digest, in whatever order its details stand."""
    one = an_entry(1, details={"a": 1, "b": None})
    assert one.digest == an_entry(1, details={"b": None, "a": 1}).digest
    assert one.digest != an_entry(1, details={"a": 1, "b": False}).digest
