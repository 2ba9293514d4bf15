"""Many texts at once are told as each alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.slotting import text_slot
from serinus.domain.text_shapes import text_slots

PIECES = st.sampled_from(
    ["a", "Z", "7", " ", "-", "_", ".", "@", "?", "!", "\n", "\t", "é", "٣", "²", "\x1f", "\ud800"]
)
TEXTS = st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=140) | st.emails()


@given(st.lists(TEXTS, max_size=30))
def test_every_text_counts_as_it_does_alone(texts: list[str]) -> None:
    """Whatever it is made of, however long it is, and whatever comes beside it."""
    assert text_slots(texts).tolist() == [text_slot(text) for text in texts]
