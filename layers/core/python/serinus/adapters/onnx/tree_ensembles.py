"""Tree ensembles as ai.onnx.ml up to 3 spells them, and as 5 does: a node's name in a field of bytes, not of texts.

`TreeEnsembleClassifier` and `TreeEnsembleRegressor` repeat the tree's number and the mode's name for every node, and
list the votes of leaves apart, by the leaf's name. `TreeEnsemble` refers by position, keeps numbers packed, and gives
each leaf one vote. Nothing is computed here, only moved: thresholds and weights keep their bits, trees their order,
and so the sums theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import onnx

from serinus.errors import SerinusError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
_Array = TypeVar("_Array", Ints, Floats)

LEAF = 255
_MODES = {
    b"BRANCH_LEQ": 0,
    b"BRANCH_LT": 1,
    b"BRANCH_GTE": 2,
    b"BRANCH_GT": 3,
    b"BRANCH_EQ": 4,
    b"BRANCH_NEQ": 5,
    b"LEAF": LEAF,
}
AGGREGATES = {b"AVERAGE": 0, b"SUM": 1, b"MIN": 2, b"MAX": 3}


class Inexpressible(SerinusError):
    """`TreeEnsemble` cannot say this, or not so that it surely means the same; the text says what."""


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Trees by position; every field of nodes has the shape [nodes], of votes [votes].

    Attributes:
        starts: where each tree begins, and where the last one ends; its first node is its root.
        modes: as the newer operator numbers them; `LEAF` for a leaf.
        missing: 1 where a missing value goes the way of the true ones.
        on_true: the position of the child; of a leaf, nothing that means anything.
        on_false: likewise.
        vote_tree: the tree's position.
        vote_leaf: the leaf's position; votes are sorted by tree, target and leaf.
        base_values: added to each target in the end; none where empty.
    """

    starts: Ints
    modes: npt.NDArray[np.uint8]
    features: Ints
    splits: Floats
    missing: Ints
    on_true: Ints
    on_false: Ints
    vote_tree: Ints
    vote_target: Ints
    vote_leaf: Ints
    vote_weight: Floats
    base_values: Floats


def read(attributes: Mapping[str, onnx.AttributeProto], votes: str) -> Ensemble:
    """Read the attributes of a node of ai.onnx.ml up to 3.

    Args:
        attributes: by name.
        votes: `class` or `target`, as the fields of votes begin.

    Raises:
        Inexpressible: it keeps doubles, or is no set of binary trees whose first nodes are the roots.
    """
    for name in attributes:
        if name.endswith("_as_tensor"):
            raise Inexpressible(f"{name} holds numbers of a precision of its own")
    modes = _modes(attributes)
    tree_ids = ints(attributes, "nodes_treeids", len(modes))
    node_ids = ints(attributes, "nodes_nodeids", len(modes))
    names = _Names(tree_ids, node_ids)
    inner = np.flatnonzero(modes != LEAF)
    starts = _starts(tree_ids)
    on_true, on_false = (_children(attributes, side, inner, tree_ids, names) for side in ("true", "false"))
    _refuse_what_is_no_tree(starts, inner, on_true, on_false, len(modes))
    voted = names.find(ints(attributes, f"{votes}_treeids"), ints(attributes, f"{votes}_nodeids"))
    targets = ints(attributes, f"{votes}_ids", len(voted))
    trees = np.searchsorted(starts, voted, side="right") - 1
    order = np.lexsort((voted, targets, trees))
    return Ensemble(
        starts=starts,
        modes=modes,
        features=ints(attributes, "nodes_featureids", len(modes)),
        splits=floats(attributes, "nodes_values", len(modes)),
        missing=_missing(attributes, len(modes)),
        on_true=on_true,
        on_false=on_false,
        vote_tree=trees[order],
        vote_target=targets[order],
        vote_leaf=voted[order],
        vote_weight=floats(attributes, f"{votes}_weights", len(voted))[order],
        base_values=floats(attributes, "base_values"),
    )


def ints(attributes: Mapping[str, onnx.AttributeProto], name: str, length: int | None = None) -> Ints:
    """Return a list of integers, empty where there is none.

    Raises:
        Inexpressible: it has another length.
    """
    found = np.array(attributes[name].ints if name in attributes else [], dtype=np.int64)
    return _of_length(name, found, length)


def floats(attributes: Mapping[str, onnx.AttributeProto], name: str, length: int | None = None) -> Floats:
    """Return a list of numbers, empty where there is none.

    Raises:
        Inexpressible: it has another length.
    """
    found = np.array(attributes[name].floats if name in attributes else [], dtype=np.float32)
    return _of_length(name, found, length)


class _Names:
    """Finds nodes by tree and name."""

    def __init__(self, trees: Ints, nodes: Ints) -> None:
        if trees.size == 0 or min(trees.min(), nodes.min()) < 0:
            raise Inexpressible("there are no trees, or trees or nodes with negative names")
        self._span = int(nodes.max()) + 1
        names = trees * self._span + nodes
        self._order = np.argsort(names, kind="stable")
        self._sorted = names[self._order]
        if np.any(self._sorted[1:] == self._sorted[:-1]):
            raise Inexpressible("two nodes of one tree have the same name")

    def find(self, trees: Ints, nodes: Ints) -> Ints:
        """Return the positions of the nodes of these names."""
        if trees.size != nodes.size or np.any((nodes < 0) | (nodes >= self._span)):
            raise Inexpressible("a node is referred to that is not there")
        wanted = trees * self._span + nodes
        found = np.minimum(np.searchsorted(self._sorted, wanted), self._sorted.size - 1)
        if not np.array_equal(self._sorted[found], wanted):
            raise Inexpressible("a node is referred to that is not there")
        return self._order[found]


def _modes(attributes: Mapping[str, onnx.AttributeProto]) -> npt.NDArray[np.uint8]:
    found = attributes["nodes_modes"].strings if "nodes_modes" in attributes else []
    unknown = set(found) - set(_MODES)
    if unknown:
        raise Inexpressible(f"a node compares by {min(unknown)[:40]!r}")
    return np.array([_MODES[mode] for mode in found], dtype=np.uint8)


def _missing(attributes: Mapping[str, onnx.AttributeProto], length: int) -> Ints:
    found = ints(attributes, "nodes_missing_value_tracks_true")
    return found if found.size == length else np.zeros(length, dtype=np.int64)


def _starts(tree_ids: Ints) -> Ints:
    starts = np.concatenate([[0], np.flatnonzero(np.diff(tree_ids)) + 1, [tree_ids.size]])
    if len(np.unique(tree_ids)) != len(starts) - 1:
        raise Inexpressible("the nodes of a tree do not stand together")
    return starts


def _children(
    attributes: Mapping[str, onnx.AttributeProto], side: str, inner: Ints, tree_ids: Ints, names: _Names
) -> Ints:
    found = np.zeros(tree_ids.size, dtype=np.int64)
    children = ints(attributes, f"nodes_{side}nodeids", tree_ids.size)
    found[inner] = names.find(tree_ids[inner], children[inner])
    return found


def _refuse_what_is_no_tree(starts: Ints, inner: Ints, on_true: Ints, on_false: Ints, nodes: int) -> None:
    parents = np.bincount(np.concatenate([on_true[inner], on_false[inner]]), minlength=nodes)
    expected = np.ones(nodes, dtype=np.int64)
    expected[starts[:-1]] = 0
    if not np.array_equal(parents, expected):
        raise Inexpressible("a tree's first node is not its root, or a node has two parents or none")


def _of_length(name: str, found: _Array, length: int | None) -> _Array:
    if length is not None and found.size != length:
        raise Inexpressible(f"{name} has {found.size} values, not {length}")
    return found
