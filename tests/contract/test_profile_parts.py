"""`ProfileParts`: what was counted, over objects."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from serinus.adapters.memory.objects import MemoryObjects
from serinus.adapters.stored.part_files import encoded
from serinus.adapters.stored.profile_parts import StoredProfileParts
from serinus.domain.profile import Profile, minute_of, of_parts
from serinus.errors import ObjectNotFound
from serinus.use_cases.ports.watching import Folded, ProfileParts
from tests.contract.builders import a_layout, a_part, after
from tests.contract.clouds import Cloud


@pytest.fixture
def parts(cloud: Cloud) -> ProfileParts:
    """The parts."""
    return StoredProfileParts(cloud.objects)


def put(parts: ProfileParts, request: str, seconds: float, *, release: int = 2) -> None:
    """Store a part of one request in its minute."""
    parts.put("fraud", release, minute_of(after(seconds)), a_part((request, seconds, [0, 5])))


def requests(parts: ProfileParts, start: float, end: float, *, release: int = 2) -> set[str]:
    """Return the requests of every part of a window."""
    found = parts.read("fraud", release, after(start), after(end))
    return {counts.request for part in found for counts in part.requests}


def test_a_part_is_read_back(parts: ProfileParts) -> None:
    """Ids, instants and slots survive; a request of no slots is a request."""
    part = a_part(("b", 1.25, [0, 4, 4, 9]), ("a", 0.0, []), ("c", 59.999, [3]))
    parts.put("fraud", 2, "2026-03-04T12:00", part)
    (found,) = parts.read("fraud", 2, after(0), after(60))
    assert (found.key, found.layout_digest, found.stream) == (part.key, part.layout_digest, part.stream)
    read = [
        (counts.request, counts.at, counts.slots.tolist(), [] if counts.times is None else counts.times.tolist())
        for counts in found.requests
    ]
    assert read == [
        ("a", after(0), [], []),
        ("b", after(1.25), [0, 4, 9], [1, 2, 1]),
        ("c", after(59.999), [3], [1]),
    ]
    assert found.requests[1].slots.dtype == np.int64


def test_the_same_part_again_is_the_same_object(parts: ProfileParts, cloud: Cloud) -> None:
    """At-least-once delivery in another order writes the same bytes under the same key."""
    one, other = a_part(("a", 0, [0]), ("b", 1, [0])), a_part(("b", 1, [0]), ("a", 0, [0]))
    parts.put("fraud", 2, "2026-03-04T12:00", one)
    parts.put("fraud", 2, "2026-03-04T12:00", other)
    assert encoded(one) == encoded(other)
    assert cloud.objects.list("profiles/") == [f"profiles/fraud/minutes/2026-03-04T12:00/2/{one.key}.json.gz"]


def test_what_was_delivered_twice_counts_once(parts: ProfileParts) -> None:
    """A batch that came back split differently is recognised by the ids that its parts carry."""
    parts.put("fraud", 2, "2026-03-04T12:00", a_part(("a", 0, [0]), ("b", 1, [0])))
    parts.put("fraud", 2, "2026-03-04T12:00", a_part(("b", 1, [0]), ("c", 2, [2])))
    profile = of_parts(a_layout(), parts.read("fraud", 2, after(0), after(60)))
    assert (profile.requests, profile.failures) == (3, 1)


def test_a_window_reads_the_minutes_that_touch_it(parts: ProfileParts) -> None:
    """The first minute may begin before the window; the end is exclusive."""
    for seconds, request in ((-1, "before"), (0, "first"), (119, "last"), (120, "after")):
        put(parts, request, seconds)
    assert requests(parts, 30, 120) == {"first", "last"}
    assert requests(parts, 30, 121) == {"first", "last", "after"}
    assert requests(parts, 30, 30) == set()


@pytest.mark.parametrize("hours", [1, 5, 7, 30, 24 * 40], ids=lambda hours: f"{hours} h")
def test_windows_cross_hours_days_and_months(parts: ProfileParts, hours: int) -> None:
    """However long the window, it holds what was asked in it, and nothing else."""
    length = timedelta(hours=hours).total_seconds()
    for seconds, request in (
        (-61, "before"),
        (0, "first"),
        (length / 2, "middle"),
        (length - 1, "last"),
        (length, "after"),
    ):
        put(parts, request, seconds)
    assert requests(parts, 0, length) == {"first", "middle", "last"}


def test_releases_and_endpoints_are_apart(parts: ProfileParts) -> None:
    """Release 2 is not release 20."""
    put(parts, "mine", 0, release=2)
    put(parts, "other", 0, release=20)
    parts.put("fraud-eu", 2, minute_of(after(0)), a_part(("elsewhere", 0, [0])))
    assert requests(parts, 0, 60, release=2) == {"mine"}


def test_folded_parts_have_the_same_sums(parts: ProfileParts, cloud: Cloud) -> None:
    """Minutes become hours, hours become days, and every window sums as before."""
    for number in range(30):
        put(parts, f"r{number}", 600 * number)
    windows = [(0, 18_000), (0, 3_600), (1_234, 9_876), (3_600, 7_200), (17_400, 17_401)]

    def summed() -> list[Profile]:
        """Return the sums of every window."""
        spans = [(after(start), after(end)) for start, end in windows]
        return [of_parts(a_layout(), parts.read("fraud", 2, *span), *span) for span in spans]

    before = summed()
    assert parts.fold("fraud", after(18_000)) == Folded(hours=5, days=1)
    assert len(cloud.objects.list("profiles/")) == 6
    assert summed() == before
    put(parts, "late", 600)
    put(parts, "r1", 600)
    assert of_parts(a_layout(), parts.read("fraud", 2, after(0), after(18_000))).requests == 31
    assert parts.fold("fraud", after(18_000)) == Folded(hours=1, days=1)
    assert len(cloud.objects.list("profiles/")) == 6
    assert [profile.requests for profile in before] == [30, 6, 14, 6, 1]
    assert [profile.requests for profile in summed()] == [31, 7, 14, 6, 1]


def test_requests_of_folded_hours_are_read_singly_where_that_is_wanted(parts: ProfileParts) -> None:
    """What was asked in which minute is known of an hour long folded, in whatever window."""
    for number in range(30):
        put(parts, f"r{number}", 600 * number)
    parts.fold("fraud", after(18_000))
    found = parts.read("fraud", 2, after(0), after(18_000), singly=True)
    asked = {counts.request: counts.at for part in found for counts in part.requests}
    assert asked == {f"r{number}": after(600 * number) for number in range(30)}


def test_only_files_of_the_endpoint_are_folded(parts: ProfileParts, cloud: Cloud) -> None:
    """Others have schedules of their own."""
    put(parts, "mine", 0)
    parts.put("fraud-eu", 2, minute_of(after(0)), a_part(("elsewhere", 0, [0])))
    parts.fold("fraud", after(60))
    assert len(cloud.objects.list("profiles/fraud-eu/minutes/")) == 1
    assert cloud.objects.list("profiles/fraud/minutes/") == []


def test_a_reader_that_finds_files_gone_again_and_again_gives_up() -> None:
    """Then something else than folding removes them."""

    class Listing(MemoryObjects):
        def get(self, key: str) -> bytes:
            raise ObjectNotFound(key)

    parts = StoredProfileParts(Listing())
    put(parts, "a", 0)
    with pytest.raises(ObjectNotFound):
        parts.read("fraud", 2, after(0), after(60))
