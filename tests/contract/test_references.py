"""`References`: the reference profile of each model version, over objects."""

from __future__ import annotations

import numpy as np

from serinus.adapters.stored.references import StoredReferences
from serinus.domain.profile import of_rows
from serinus.domain.table import Table
from tests.contract.builders import a_layout
from tests.contract.clouds import Cloud


def test_a_reference_is_read_back(cloud: Cloud) -> None:
    """The layout keeps its digest, or no live part would ever be counted."""
    features = Table({"amount": np.array([0.1, np.nan]), "country": np.array(["ch", None], dtype=object)})
    profile = of_rows(a_layout(), features, np.array([0.2, 0.9]))
    references = StoredReferences(cloud.objects)
    references.put("fraud", "digest", profile)
    found = references.get("fraud", "digest")
    assert found == profile
    assert found.layout == a_layout()


def test_a_version_never_validated_has_no_reference(cloud: Cloud) -> None:
    """Its live traffic is not compared."""
    assert StoredReferences(cloud.objects).get("fraud", "digest") is None
