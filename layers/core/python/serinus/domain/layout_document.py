"""Bins as plain documents, which JSON can say, and back.

Format 2 counted nothing jointly, and is written where there is nothing to. Format 1, of versions before 0.2, knew
numbers without details and categories without rarer ones. Such layouts are still read, and written as they were:
parts that were counted by them are known by a digest of that document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from serinus.domain.bins import Bins, CategoricalBins, DateBins, NumericBins, TextBins
from serinus.domain.joint import Joint
from serinus.domain.signature import Datatype

FORMAT = 3
FORMAT_WITHOUT_JOINT = 2


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


def joint_document(joint: Joint) -> dict[str, Any]:
    """Return what there is to say of what is counted jointly."""
    return {
        "values": [list(values) for values in joint.values],
        "loadings": [list(loadings) for loadings in joint.loadings],
        "bins": [bins_document(bins) for bins in joint.bins],
    }


def joint_from(said: Mapping[str, Any], features: Sequence[Bins]) -> Joint:
    """Return what a document says is counted jointly of these features.

    Raises:
        KeyError, TypeError, ValueError: it is nothing of these features.
    """
    values = tuple(tuple(map(int, each)) for each in said["values"])
    loadings = tuple(tuple(map(int, each)) for each in said["loadings"])
    if [len(each) for each in values] != [bins.width for bins in features]:
        raise ValueError("what is counted jointly does not fit the features' bins")
    if any(len(each) != len(features) for each in loadings) or len(said["bins"]) != len(loadings) + 1:
        raise ValueError("what is counted jointly has loadings or bins for other features")
    return Joint(values, loadings, tuple(map(number_of, said["bins"])))


def is_of_format_1(bins: Bins) -> bool:
    """Whether format 1 can say these bins."""
    return "kind" not in bins_document(bins)


def _number(name: str, said: Mapping[str, Any]) -> NumericBins:
    low, high = (None if bound is None else float(bound) for bound in said.get("declared", (None, None)))
    edges = tuple(map(float, said["edges"]))
    if not edges:
        raise ValueError(f"column {name!r} has no edges")
    return NumericBins(name, edges, Datatype(said["datatype"]), (low, high), detailed=bool(said.get("detailed")))
