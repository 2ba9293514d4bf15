"""What many texts are made of, told at once: as `slotting.text_slot` tells of each, many times as quickly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from serinus.domain.bins import Slots
from serinus.domain.slotting import LENGTHS, TEXT_CLASSES, text_slot

_DIGIT, _LETTER, _JOINT, _SPACE, _AT, _UNKNOWN, _OTHER = (1 << bit for bit in range(7))
_EMPTY, _SPECIAL = 1, 2  # slots


def text_slots(texts: Sequence[str]) -> Slots:
    """Return the slot of each text among `TextBins`, [texts].

    What a text is made of is the union of what its characters are. Few texts need a look at their order, or at
    characters beyond ASCII; these are taken one by one.

    >>> text_slots(["", "12", "one two"]).tolist()
    [1, 2, 20]
    """
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    slots = np.full(lengths.size, _EMPTY, dtype=np.int64)
    some = np.flatnonzero(lengths)
    if some.size == 0:
        return slots
    ends, lengths = np.cumsum(lengths)[some], lengths[some]
    # A character beyond ASCII becomes one question mark, so that lengths stay.
    characters = np.frombuffer("".join(texts).encode("ascii", "replace"), np.uint8)
    kinds = _KINDS.take(characters)
    found = np.bitwise_or.reduceat(kinds, ends - lengths)
    at_ends = kinds.take(ends - lengths) | kinds.take(ends - 1)
    slots[some] = _FIRST_SLOTS.take(found) + np.searchsorted(LENGTHS, lengths, side="right") - 1
    padded = (found & _SPACE > 0) & (at_ends & (_SPACE | _OTHER) > 0)
    for at in some[padded | (found & (_AT | _UNKNOWN) > 0)].tolist():
        slots[at] = text_slot(texts[at])
    return slots


def _kind(character: str) -> int:
    if character.isdigit():
        return _DIGIT
    if character.isalpha():
        return _LETTER
    return {"-": _JOINT, "_": _JOINT, ".": _JOINT, " ": _SPACE, "@": _AT, "?": _UNKNOWN}.get(character, _OTHER)


def _class(kinds: int) -> str:
    """Return the class of a text of characters of these kinds, with a space within if with any."""
    if kinds & _SPACE:
        return "words" if kinds == _LETTER | _SPACE else "sentences"
    if kinds & _OTHER or not kinds & (_DIGIT | _LETTER):
        return "others"
    return {_DIGIT: "digits", _LETTER: "letters"}.get(kinds, "identifiers")


_KINDS = np.array([_kind(chr(code)) for code in range(128)], dtype=np.uint8)
_FIRST_SLOTS = np.array(
    [_SPECIAL + TEXT_CLASSES.index(_class(kinds)) * len(LENGTHS) for kinds in range(2 * _OTHER)], dtype=np.int64
)
