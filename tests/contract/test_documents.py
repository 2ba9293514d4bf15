"""`Documents`: compare-and-set, all or nothing, in the order of keys."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from serinus.errors import AlreadyExists, Conflict, RevisionChanged
from serinus.use_cases.ports.storage import Change, Document
from tests.contract.clouds import Cloud

HOME = "endpoint#fraud"


def test_what_is_put_is_read_back_with_a_revision(cloud: Cloud) -> None:
    """A document is its text and the revision that a replacement must name."""
    cloud.documents.put_all(HOME, [Change("a", "text: ü", None)])
    assert cloud.documents.get(HOME, "a") == Document("text: ü", 1)


def test_nothing_is_none(cloud: Cloud) -> None:
    """A document that was never written is `None`, in a known partition and in an unknown one."""
    cloud.documents.put_all(HOME, [Change("a", "1", None)])
    assert cloud.documents.get(HOME, "b") is None
    assert cloud.documents.get("endpoint#other", "a") is None


def test_creating_twice_is_refused(cloud: Cloud) -> None:
    """A change without a revision means that nothing may be there."""
    cloud.documents.put_all(HOME, [Change("a", "1", None)])
    with pytest.raises(AlreadyExists) as caught:
        cloud.documents.put_all(HOME, [Change("b", "1", None), Change("a", "2", None)])
    assert caught.value.key == "a"
    assert cloud.documents.get(HOME, "b") is None


def test_replacing_needs_the_revision_that_was_read(cloud: Cloud) -> None:
    """A replacement raises the revision; one that names an older revision is refused."""
    cloud.documents.put_all(HOME, [Change("a", "1", None)])
    cloud.documents.put_all(HOME, [Change("a", "2", 1)])
    with pytest.raises(RevisionChanged):
        cloud.documents.put_all(HOME, [Change("a", "3", 1)])
    assert cloud.documents.get(HOME, "a") == Document("2", 2)


def test_replacing_nothing_is_refused(cloud: Cloud) -> None:
    """What was deleted in the meantime has changed, too."""
    with pytest.raises(RevisionChanged):
        cloud.documents.put_all(HOME, [Change("a", "1", 1)])


def test_a_deletion_is_conditional_too(cloud: Cloud) -> None:
    """A body of `None` deletes just the revision that it names."""
    cloud.documents.put_all(HOME, [Change("a", "1", None)])
    with pytest.raises(RevisionChanged):
        cloud.documents.put_all(HOME, [Change("a", None, 7)])
    cloud.documents.put_all(HOME, [Change("a", None, 1)])
    assert cloud.documents.get(HOME, "a") is None


def test_all_changes_or_none(cloud: Cloud) -> None:
    """One condition that fails undoes creations, replacements and deletions alike."""
    cloud.documents.put_all(HOME, [Change("kept", "1", None), Change("deleted", "1", None)])
    changes = [Change("new", "1", None), Change("deleted", None, 1), Change("kept", "2", 5)]
    with pytest.raises(RevisionChanged) as caught:
        cloud.documents.put_all(HOME, changes)
    assert caught.value.what == "kept"
    assert [key for key, _ in cloud.documents.list(HOME, "")] == ["deleted", "kept"]


def test_listing_is_by_prefix_and_in_the_order_of_keys(cloud: Cloud) -> None:
    """Listings go on over pages, and keep to their partition and prefix."""
    keys = [f"version#{number:06d}" for number in range(1, 8)]
    for key in reversed(keys):
        cloud.documents.put_all(HOME, [Change(key, key, None)])
    cloud.documents.put_all(HOME, [Change("versions", "x", None), Change("upload#1", "x", None)])
    cloud.documents.put_all("endpoint#other", [Change("version#000099", "x", None)])
    assert cloud.documents.list(HOME, "version#") == [(key, Document(key, 1)) for key in keys]
    assert len(cloud.documents.list(HOME, "")) == 9


@pytest.mark.usefixtures("eager_threads")
def test_of_racing_creations_one_wins(cloud: Cloud) -> None:
    """Compare-and-set holds between threads: one of ten writers creates, nine are told so."""

    def create(writer: int) -> int | None:
        try:
            cloud.documents.put_all(HOME, [Change("lock", str(writer), None)])
        except Conflict:
            return None
        return writer

    with ThreadPoolExecutor(10) as pool:
        winners = [writer for writer in pool.map(create, range(10)) if writer is not None]
    lock = cloud.documents.get(HOME, "lock")
    assert lock is not None
    assert [lock.body] == [str(winner) for winner in winners]
