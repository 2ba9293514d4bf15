"""`References`: the reference profile of each model version, over objects."""

from __future__ import annotations

import json

import numpy as np

from serinus.adapters.stored.references import StoredReferences
from serinus.domain.profile import of_rows
from serinus.domain.quality import ScoreTable
from serinus.domain.table import Table
from tests.contract.builders import a_layout
from tests.contract.clouds import Cloud


def test_a_reference_is_read_back(cloud: Cloud) -> None:
    """The layout keeps its digest, or no live part would ever be counted."""
    features = Table({"amount": np.array([0.1, np.nan]), "country": np.array(["ch", None], dtype=object)})
    profile = of_rows(a_layout(), features, np.array([0.2, 0.9]))
    references = StoredReferences(cloud.objects)
    held_out = ScoreTable(a_layout().score.edges, np.array([1, 0]), np.array([0, 1]))
    references.put("fraud", "digest", profile, held_out)
    found = references.get("fraud", "digest")
    assert found == profile
    assert found.layout == a_layout()
    kept = references.held_out("fraud", "digest")
    assert kept is not None
    assert (kept.edges, kept.negatives.tolist(), kept.positives.tolist()) == (held_out.edges, [1, 0], [0, 1])


def test_a_version_never_validated_has_no_reference(cloud: Cloud) -> None:
    """Its live traffic is not compared."""
    references = StoredReferences(cloud.objects)
    assert references.get("fraud", "digest") is None
    assert references.held_out("fraud", "digest") is None


def test_a_reference_kept_without_labels_is_read_all_the_same(cloud: Cloud) -> None:
    """Versions were validated before labels were kept: their drift is seen, their performance is not estimated."""
    references = StoredReferences(cloud.objects)
    profile = of_rows(a_layout(), Table({"amount": np.array([0.1])}), np.array([0.2]))
    edges = a_layout().score.edges
    references.put("fraud", "digest", profile, ScoreTable(edges, np.array([1, 0]), np.array([0, 1])))
    key = "models/fraud/digest/reference.json"
    stored = json.loads(cloud.objects.get(key))
    del stored["held_out"]
    cloud.objects.put(key, json.dumps(stored).encode())
    assert references.get("fraud", "digest") == profile
    assert references.held_out("fraud", "digest") is None


def test_what_matters_to_a_model_is_kept_beside_its_reference(cloud: Cloud) -> None:
    """And nothing is known of a version of which it was not measured."""
    references = StoredReferences(cloud.objects)
    assert references.importance("fraud", "digest") == {}
    references.put_importance("fraud", "digest", {"amount": 0.5, "age": 0.0})
    assert references.importance("fraud", "digest") == {"amount": 0.5, "age": 0.0}
    assert references.get("fraud", "digest") is None
