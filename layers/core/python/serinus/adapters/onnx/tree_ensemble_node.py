"""Writes trees as one `TreeEnsemble` node of ai.onnx.ml 5."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from serinus.adapters.onnx.tree_ensembles import AGGREGATES, LEAF, Ensemble, Floats, Inexpressible

_TENSORS = {"nodes_splits", "nodes_modes", "leaf_weights"}
_COLUMNS = (
    "nodes_featureids",
    "nodes_splits",
    "nodes_modes",
    "nodes_missing_value_tracks_true",
    "nodes_truenodeids",
    "nodes_trueleafs",
    "nodes_falsenodeids",
    "nodes_falseleafs",
    "leaf_targetids",
    "leaf_weights",
)


def write(trees: Ensemble, source: str, sums: str, *, name: str, targets: int, aggregate: int = 1) -> onnx.NodeProto:
    """Return the `TreeEnsemble` node that reads `source` and writes the sums, [rows, targets], untransformed.

    A leaf that votes for several targets has one vote there, so that its tree is repeated for each target. Base
    values become trees of their own, the last ones, which adds them when they were added before.

    Raises:
        Inexpressible: some leaves of a tree vote for a target and others do not, or repeated trees would be counted
            by an average.
    """
    written = _Written(int(trees.modes[trees.modes != LEAF][:1].max(initial=0)))
    groups = list(_votes_of_trees(trees))
    if {target for _, target, _ in groups} != set(range(targets)):
        raise Inexpressible("there are targets for which no tree votes")
    if aggregate != AGGREGATES[b"SUM"] and (trees.base_values.size or len(groups) != len(trees.starts) - 1):
        raise Inexpressible("an average, minimum or maximum would be of other trees")
    for tree, target, weights in groups:
        written.add(trees, slice(trees.starts[tree], trees.starts[tree + 1]), target, weights)
    for target, base in enumerate(trees.base_values):
        written.add_constant(target, base)
    fields = written.fields()
    return helper.make_node(
        "TreeEnsemble",
        [source],
        [sums],
        name=name,
        domain="ai.onnx.ml",
        n_targets=targets,
        aggregate_function=aggregate,
        **fields,
    )


class _Written:
    """The fields of `TreeEnsemble`, tree by tree."""

    def __init__(self, mode: int) -> None:
        """Take the mode of what stands in for a tree without branches: where all modes are one, rows run faster."""
        self._mode = mode
        self._roots: list[int] = []
        self._columns: dict[str, list[npt.NDArray[np.generic]]] = {name: [] for name in _COLUMNS}
        self._nodes = self._leaves = 0

    def add(self, trees: Ensemble, nodes: slice, target: int, weights: Floats) -> None:
        """Add a tree whose leaves, in the order of their positions, vote for one target."""
        leaf = trees.modes[nodes] == LEAF
        if leaf[0]:
            self.add_constant(target, weights[0])
            return
        ranks = np.where(leaf, np.cumsum(leaf) - 1 + self._leaves, np.cumsum(~leaf) - 1 + self._nodes)
        on_true = trees.on_true[nodes][~leaf] - nodes.start
        on_false = trees.on_false[nodes][~leaf] - nodes.start
        self._append(
            nodes_featureids=trees.features[nodes][~leaf],
            nodes_splits=trees.splits[nodes][~leaf],
            nodes_modes=trees.modes[nodes][~leaf],
            nodes_missing_value_tracks_true=trees.missing[nodes][~leaf],
            nodes_truenodeids=ranks[on_true],
            nodes_trueleafs=leaf[on_true].astype(np.int64),
            nodes_falsenodeids=ranks[on_false],
            nodes_falseleafs=leaf[on_false].astype(np.int64),
            leaf_targetids=np.full(weights.size, target),
            leaf_weights=weights,
        )

    def add_constant(self, target: int, weight: np.float32) -> None:
        """Add a tree that always votes the same.

        It has two leaves: a single one would be looked up by its node's number by some releases of ONNX Runtime.
        """
        zero = np.zeros(1, dtype=np.int64)
        self._append(
            nodes_featureids=zero,
            nodes_splits=np.zeros(1, dtype=np.float32),
            nodes_modes=np.full(1, self._mode, dtype=np.uint8),
            nodes_missing_value_tracks_true=zero,
            nodes_truenodeids=zero + self._leaves,
            nodes_trueleafs=zero + 1,
            nodes_falsenodeids=zero + self._leaves + 1,
            nodes_falseleafs=zero + 1,
            leaf_targetids=np.full(2, target),
            leaf_weights=np.full(2, weight, dtype=np.float32),
        )

    def fields(self) -> dict[str, Any]:
        """Return the attributes."""
        joined = {name: np.concatenate(parts) for name, parts in self._columns.items()}
        if not joined["nodes_missing_value_tracks_true"].any():
            del joined["nodes_missing_value_tracks_true"]
        return {"tree_roots": self._roots} | {
            name: numpy_helper.from_array(values, name) if name in _TENSORS else values.tolist()
            for name, values in joined.items()
        }

    def _append(self, **columns: npt.NDArray[np.generic]) -> None:
        self._roots.append(self._nodes)
        for name, values in columns.items():
            self._columns[name].append(values)
        self._nodes += len(columns["nodes_splits"])
        self._leaves += len(columns["leaf_weights"])


def _votes_of_trees(trees: Ensemble) -> Iterator[tuple[int, int, Floats]]:
    """Walk the trees, and of each the targets that its leaves vote for, with the leaves' weights by position."""
    changes = np.flatnonzero((np.diff(trees.vote_tree) != 0) | (np.diff(trees.vote_target) != 0)) + 1
    leaves = np.flatnonzero(trees.modes == LEAF)
    first = np.searchsorted(leaves, trees.starts)
    voting = set()
    for start, stop in pairwise([0, *changes.tolist(), trees.vote_tree.size]):
        tree, target = int(trees.vote_tree[start]), int(trees.vote_target[start])
        if not np.array_equal(trees.vote_leaf[start:stop], leaves[first[tree] : first[tree + 1]]):
            raise Inexpressible("of a tree some leaves vote for a target and others do not")
        voting.add(tree)
        yield tree, target, trees.vote_weight[start:stop]
    if len(voting) != len(trees.starts) - 1:
        raise Inexpressible("there are trees that vote for nothing")
