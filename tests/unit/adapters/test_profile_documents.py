"""Profiles as documents: read back as they were, of this format and of the one before."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serinus.adapters.memory.objects import MemoryObjects
from serinus.adapters.stored.profile_documents import profile_document, profile_of
from serinus.adapters.stored.references import StoredReferences
from serinus.domain.bins import CategoricalBins, DateBins, NumericBins, TextBins
from serinus.domain.layout import Layout, layout_from
from serinus.domain.policy import Slicing
from serinus.domain.profile import Profile, of_rows
from serinus.domain.signature import Datatype
from serinus.errors import ProfileRefused
from tests.builders import a_layout, a_signature, a_table, scores_of

FORMAT_1 = Path(__file__).parent / "stored_profiles" / "reference-format-1.json"
FORMAT_1_DIGEST = "0b5cd0d518937b2922b812318acb8acccfa7eb23b70c75156d8014d002895889"


def a_profile() -> Profile:
    """Return a profile of every kind of bins, sliced."""
    table = a_table(60)
    chosen = layout_from(a_signature(), table, scores_of(table), slicings=[Slicing("colour", profiled=True)])
    more = (
        TextBins("note"),
        DateBins("day", (0.0, 1.5)),
        NumericBins("age", (0.0, 1.0), Datatype.FP32, (None, 9.0), detailed=True),
    )
    layout = Layout(chosen.latency, chosen.score, (*chosen.features, *more), chosen.slices)
    return of_rows(layout, table, scores_of(table))


def test_a_profile_is_read_back() -> None:
    """Its digest too, or no live part would ever be counted; only slots that count anything are said."""
    profile = a_profile()
    said = json.loads(json.dumps(profile_document(profile)))
    assert profile_of(said) == profile
    assert profile_of(said).layout == profile.layout
    assert said["layout"]["format"] == 2
    assert 0 not in said["times"]


def test_a_reference_of_format_1_is_still_read() -> None:
    """It was written by an earlier version, whose parts are known by the digest of its layout."""
    objects = MemoryObjects()
    objects.put("models/fraud/digest/reference.json", FORMAT_1.read_bytes())
    references = StoredReferences(objects)
    found = references.get("fraud", "digest")
    assert found is not None
    assert found.layout.digest == FORMAT_1_DIGEST
    assert found.layout.features == (
        NumericBins("amount", (-1.0, 0.1, 1.0), Datatype.FP32),
        CategoricalBins("colour", ("red", "blue")),
    )
    assert (found.rows, found.feature(0).tolist(), found.feature(1).tolist()) == (4, [1, 1, 0, 1, 1], [1, 1, 1, 1])
    kept = references.held_out("fraud", "digest")
    assert kept is not None
    assert kept.positives.tolist() == [0, 2]
    assert "format" not in a_layout().document


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda whole: whole["layout"].update(format=4), "format 4.*update Serinus"),
        (lambda whole: whole.pop("layout"), "no profile"),
        (lambda whole: whole["layout"].pop("score"), "layout is damaged"),
        (lambda whole: whole["layout"]["features"][0].update(kind="sketch"), "unknown kind 'sketch'"),
        (lambda whole: whole["layout"]["features"][0].update(edges=[]), "no edges"),
        (lambda whole: whole["layout"].update(score={"name": "score", "kind": "text"}), "is to be a number"),
        (lambda whole: whole["slots"].append(10**9), "counts are damaged"),
        (lambda whole: whole["times"].pop(), "damaged|do not fit"),
        (lambda whole: whole["times"].__setitem__(0, -1), "do not fit"),
        (lambda whole: whole.pop("times"), "counts are damaged"),
    ],
)
def test_a_damaged_profile_is_refused(damage: Callable[[dict[str, Any]], object], said: str) -> None:
    """With what is wrong; a count is never guessed."""
    whole = copy.deepcopy(profile_document(a_profile()))
    damage(whole)
    with pytest.raises(ProfileRefused, match=said):
        profile_of(whole)


def test_counts_are_whole_numbers_of_the_layout() -> None:
    """Read as they were written."""
    profile = a_profile()
    assert profile_of(profile_document(profile)).counts.dtype == np.int64
