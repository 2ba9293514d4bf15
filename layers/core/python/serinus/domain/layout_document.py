"""Bins as plain documents, which JSON can say, and back.

Format 1, of versions before 0.2, knew numbers without details and categories without rarer ones. Such layouts are
still read, and written as they were: parts that were counted by them are known by a digest of that document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serinus.domain.bins import Bins, CategoricalBins, DateBins, NumericBins, TextBins
from serinus.domain.signature import Datatype

FORMAT = 2


def bins_document(bins: Bins) -> dict[str, Any]:
    """Return what there is to say of a column's bins; in format 1 where that can say it."""
    if isinstance(bins, NumericBins):
        said: dict[str, Any] = {"name": bins.name, "edges": list(bins.edges), "datatype": str(bins.datatype)}
        detailed = {"kind": "number", "detailed": True, "declared": list(bins.declared)}
        return said | detailed if bins.detailed else said
    if isinstance(bins, CategoricalBins):
        said = {"name": bins.name, "categories": list(bins.categories)}
        return said if bins.rarer is None else said | {"kind": "category", "rarer": bins.rarer}
    if isinstance(bins, TextBins):
        return {"name": bins.name, "kind": "text"}
    return {"name": bins.name, "kind": "date", "edges": list(bins.edges)}


def bins_of(said: Mapping[str, Any]) -> Bins:
    """Return the bins that a document says.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    name = str(said["name"])
    match said.get("kind"):
        case "text":
            return TextBins(name)
        case "date":
            return DateBins(name, tuple(map(float, said["edges"])))
        case "category":
            return CategoricalBins(name, tuple(map(str, said["categories"])), str(said["rarer"]))
        case None if "categories" in said:
            return CategoricalBins(name, tuple(map(str, said["categories"])))
        case "number" | None:
            return _number(name, said)
        case unknown:
            raise ValueError(f"column {name!r} has bins of an unknown kind {unknown!r}")


def number_of(said: Mapping[str, Any]) -> NumericBins:
    """Return the bins of a number that a document says.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    bins = bins_of(said)
    if not isinstance(bins, NumericBins):
        raise TypeError(f"{bins.name!r} is to be a number")
    return bins


def is_of_format_1(bins: Bins) -> bool:
    """Whether format 1 can say these bins."""
    return "kind" not in bins_document(bins)


def _number(name: str, said: Mapping[str, Any]) -> NumericBins:
    low, high = (None if bound is None else float(bound) for bound in said.get("declared", (None, None)))
    edges = tuple(map(float, said["edges"]))
    if not edges:
        raise ValueError(f"column {name!r} has no edges")
    return NumericBins(name, edges, Datatype(said["datatype"]), (low, high), detailed=bool(said.get("detailed")))
