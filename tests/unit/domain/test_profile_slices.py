"""Profiles slice by slice: the same counts as of each slice's rows alone."""

from __future__ import annotations

import json

import numpy as np
import pytest

from serinus.domain.layout import Layout, layout_from
from serinus.domain.lean_layout import LeanLayout
from serinus.domain.policy import Slicing
from serinus.domain.prediction import counted
from serinus.domain.profile import Profile, ProfilePart, of_parts, of_rows
from serinus.domain.profile_slices import MISSING, OTHER
from serinus.domain.table import Table
from serinus.domain.tensor import Block
from serinus.errors import DataRefused
from tests.builders import (
    NOON,
    a_prediction,
    a_signature,
    a_table,
    an_object_column,
    reached_in_numpy,
    scores_of,
)

SLICINGS = (Slicing("amount", edges=(-0.5, 0.5), profiled=True), Slicing("colour", profiled=True), Slicing("other"))


def a_sliced_layout() -> Layout:
    """Return a layout that counts by amount and by colour."""
    reference = a_table(400, seed=3)
    return layout_from(a_signature(), reference, scores_of(reference), slicings=SLICINGS)


def rows_with_gaps() -> Table:
    """Return rows of every slice: missing, unseen and infinite values too."""
    table = a_table(300, seed=5)
    columns = {name: column.copy() for name, column in table.columns.items()}
    columns["amount"][:5] = [np.nan, np.inf, -np.inf, 99.0, -99.0]
    columns["colour"] = an_object_column(["mauve", None, *columns["colour"][2:].tolist()])
    return Table(columns)


def test_each_slice_counts_its_rows() -> None:
    """Just as a profile of these rows alone would; all slices of a slicing add up to the whole."""
    layout, table = a_sliced_layout(), rows_with_gaps()
    scores = scores_of(table)
    profile = of_rows(layout, table, scores)
    amount = np.asarray(table.columns["amount"], dtype=np.float64)
    expected = [amount < -0.5, (amount >= -0.5) & (amount < 0.5), amount >= 0.5, np.isnan(amount)]
    assert layout.slices[0].names == ("below -0.5", "-0.5 to 0.5", "0.5 and above", MISSING)
    for number, rows in enumerate(expected):
        alone = np.flatnonzero(rows)
        assert profile.of_slice(0, number) == of_rows(layout.without_slices, table.take(alone), scores[alone])
    for number, name in enumerate(layout.slices[1].names):
        texts = [MISSING if text is None else str(text) for text in table.columns["colour"].tolist()]
        known = [OTHER if text not in layout.slices[1].names else text for text in texts]
        alone = np.flatnonzero(np.array(known) == name)
        assert profile.of_slice(1, number).rows == alone.size
    for at, slicing in enumerate(layout.slices):
        slices = [profile.of_slice(at, number) for number in range(len(slicing.names))]
        assert _added(slices).counts.tolist() == _whole(profile).tolist()


def test_the_inference_function_slices_alike() -> None:
    """Whether it says the counts of all rows, though not jointly, or the bin number of each."""
    layout, table = a_sliced_layout(), rows_with_gaps()
    scores = scores_of(table)
    lean = LeanLayout(json.loads(json.dumps({"digest": layout.digest, **layout.document})), reached_in_numpy)
    columns = {name: column.tolist() for name, column in table.columns.items()}
    expected = of_rows(layout, table, scores).counts
    slots, times = lean.counts([Block((name,), values) for name, values in columns.items()], scores.tolist())
    assert slots == np.flatnonzero(expected[: layout.joint_start]).tolist()
    assert times == expected[slots].tolist()
    numbers = {name: np.array(found, dtype=np.int64) for name, found in lean.bins(columns).items()}
    assert (
        np.bincount(layout.row_slots(Table({}), scores, numbers), minlength=layout.size).tolist() == expected.tolist()
    )


def test_slices_are_counted_once_however_often_a_request_comes() -> None:
    """They are slots like the others."""
    layout = a_sliced_layout()
    predictions = [a_prediction(f"r{seed}", at=NOON, features=a_table(3, seed=seed)) for seed in range(6)]
    part = ProfilePart(layout.digest, "s", counted(predictions, layout))
    singly = ProfilePart(layout.digest, "t", tuple(one.counted(layout) for one in predictions[2:4]))
    once, twice = of_parts(layout, [part]), of_parts(layout, [part, singly, part])
    assert once == twice
    assert sum(once.of_slice(0, number).rows for number in range(4)) == once.rows == 18


@pytest.mark.parametrize(
    ("slicing", "said"),
    [
        (Slicing("region", profiled=True), "no feature of the model"),
        (Slicing("colour", edges=(1.0,), profiled=True), "make no slices"),
    ],
)
def test_what_profiles_cannot_follow_is_refused(slicing: Slicing, said: str) -> None:
    """A column beside the features, or texts cut by numbers."""
    reference = a_table(50, seed=3)
    with pytest.raises(DataRefused, match=said):
        layout_from(a_signature(), reference, scores_of(reference), slicings=[slicing])


def _whole(profile: Profile) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    layout = profile.layout
    counts = np.zeros(layout.without_slices.size, dtype=np.int64)
    start = layout.score_section.start
    counts[start:] = profile.counts[start : start + layout.row_width]
    return counts


def _added(profiles: list[Profile]) -> Profile:
    return sum(profiles[1:], profiles[0])
