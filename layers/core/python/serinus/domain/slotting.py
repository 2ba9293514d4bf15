"""Which slot one value counts into, without numpy: what profiles and the inference function count by alike."""

from __future__ import annotations

from array import array
from binascii import a2b_base64, b2a_base64
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from math import inf, nextafter

Range = tuple[float | None, float | None]

LENGTHS = (1, 3, 5, 9, 17, 33, 65, 129)  # the shortest text of each bin
TEXT_CLASSES = ("digits", "letters", "words", "identifiers", "e-mail addresses", "sentences", "others")
BITS_A_CATEGORY = 10
_HASHES = 7  # the best number for ten bits: 0.8 % of unseen categories are then taken for known ones
_LOWEST = nextafter(-inf, 0)


def stepped(
    edges: Sequence[float], declared: Range = (None, None), *, detailed: bool = False
) -> tuple[list[float], list[int]]:
    """Return the slots of numbers as a step function: slots[bisect_right(steps, value)], for all but NaN.

    Args:
        edges: of the inner bins, rising.
        declared: the least and the greatest value that the column may hold.
        detailed: whether infinite values, and those out of the declared range, have slots of their own.
    """
    inner = max(len(edges) - 1, 1)
    above = inner + 2
    low, high = (declared[0], declared[1]) if detailed else (None, None)

    def slot(value: float) -> int:
        if detailed and value in (-inf, inf):
            return above + (1 if value < 0 else 2)
        if low is not None and value < low:
            return above + 3
        if high is not None and value > high:
            return above + 4
        if value < edges[0]:
            return 1
        return above if value > edges[-1] else min(bisect_right(edges, value) - 1, inner - 1) + 2

    steps = dict.fromkeys(edges)
    alike = len(edges) - len(steps)
    ordinary = alike == 0 or (alike == 1 and edges[-1] == edges[-2])
    if (low, high) == (None, None) and ordinary and _LOWEST < edges[0] <= edges[-1] < -_LOWEST:
        # By far the most columns, quickly: each edge begins the next bin, and the last may come twice.
        slots = [*range(2, len(steps) + 1), inner + 1]
        rising = [*steps, nextafter(edges[-1], inf)]
        if detailed:
            return [_LOWEST, *rising, inf], [above + 1, 1, *slots, above, above + 2]
        return rising, [1, *slots, above]
    steps[nextafter(edges[-1], inf)] = None  # what is above the last edge is not below its successor
    if detailed:
        steps |= {_LOWEST: None, inf: None}
    steps |= {bound: None for bound in (low, None if high is None else nextafter(high, inf)) if bound is not None}
    rising = sorted(steps)
    return rising, [slot(-inf), *map(slot, rising)]


def single_at(step: float) -> float:
    """Return the least number of single precision that is not below a step: the same values reach it.

    >>> single_at(0.5), single_at(0.1), single_at(1e-300), single_at(1e300)
    (0.5, 0.10000000149011612, 1.401298464324817e-45, inf)
    """
    nearest = array("f", [step])
    if nearest[0] < step:
        bits = memoryview(nearest).cast("B").cast("i")
        bits[0] += -1 if nearest[0] < 0 else 1
    return nearest[0]


def text_slot(text: str) -> int:
    """Return the slot of a text among `TextBins`: by what it is made of, and by its length.

    >>> text_slot(""), text_slot("12"), text_slot("one two")
    (1, 2, 20)
    """
    if not text:
        return 1
    return 2 + _text_class(text) * len(LENGTHS) + bisect_right(LENGTHS, len(text)) - 1


def _text_class(text: str) -> int:
    if text.isalnum():
        return 0 if text.isdigit() else 1 if text.isalpha() else 3
    if " " in text.strip():
        return 2 if text.replace(" ", "").isalpha() else 5
    name, _, domain = text.partition("@")
    if domain and name and "." in domain.strip(".") and "@" not in domain:
        return 4
    return 3 if text.replace("-", "").replace("_", "").replace(".", "").isalnum() else 6


def instant_of(text: str) -> float | None:
    """Return an ISO 8601 date or instant in seconds since 1970, `None` for what is none; without a zone it is UTC.

    >>> instant_of("1970-01-02"), instant_of("1970-01-01T01:00+01:00"), instant_of("02.01.1970")
    (86400.0, 0.0, None)
    """
    from datetime import UTC, datetime

    if len(text) < 10 or text[4] != "-" or text[7] != "-":
        return None
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()


def remembered(categories: Iterable[str]) -> str:
    """Return a Bloom filter of categories in base64, 10 bits each; `knows` asks it."""
    known = list(categories)
    bits = bytearray((len(known) * BITS_A_CATEGORY + 7) // 8)
    for category in known:
        for place in _places(category, len(bits) * 8):
            bits[place >> 3] |= 1 << (place & 7)
    return b2a_base64(bytes(bits), newline=False).decode()


class Remembered:
    """Categories of which only a Bloom filter is kept: none that it holds is denied, 0.8 % of others are not."""

    def __init__(self, said: str) -> None:
        """Take what `remembered` returned."""
        self._bits = a2b_base64(said)

    def __contains__(self, category: str) -> bool:
        """Whether the category is among them."""
        bits = self._bits
        return bool(bits) and all(bits[place >> 3] >> (place & 7) & 1 for place in _places(category, len(bits) * 8))


def _places(category: str, size: int) -> list[int]:
    from hashlib import blake2b  # costs a start-up some milliseconds, and few columns need it

    digest = int.from_bytes(blake2b(category.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
    first, stride = digest & 0xFFFFFFFF, digest >> 32 | 1
    return [(first + number * stride) % size for number in range(_HASHES)]
