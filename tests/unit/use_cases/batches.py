"""A world in which batches are planned, scored and concluded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from serinus.adapters.stored.batches import StoredBatches
from serinus.domain.batch import Batch
from serinus.domain.signature import Signature
from serinus.domain.table import Table
from serinus.use_cases.conclude_batch import Concluding
from serinus.use_cases.plan_batch import Planning, plan_batch
from serinus.use_cases.predict_batch import Predicting
from tests.builders import FRAUD, World, a_table, scores_of

Outputs = Mapping[str, npt.NDArray[np.generic]]


def answer_of(features: Table) -> Outputs:
    """Return what the model of these tests says: a label as text, and two probabilities."""
    scores = scores_of(features)
    labels = np.array(["yes" if score > 0.5 else "no" for score in scores], dtype=object)
    return {"label": labels, "probabilities": np.column_stack([1 - scores, scores])}


@dataclass
class BatchWorld:
    """A world with a live model and its batches; `asked` holds how many rows each run had."""

    world: World = field(default_factory=World)
    script: Callable[[Table], Outputs] = answer_of
    asked: list[int] = field(default_factory=list)
    loaded: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world.published("1")
        self.batches = StoredBatches(self.world.data, self.world.tables)
        self.planning = Planning(
            self.world.policies,
            self.world.versions,
            self.world.rollouts,
            self.world.traffic,
            self.world.data,
            self.batches,
        )
        self.predicting = Predicting(
            self.world.artifacts,
            self.world.data,
            self.world.versions,
            self.world.references,
            self.world.tables,
            self.batches,
            self._load,
        )
        self.concluding = Concluding(self.batches, self.world.references)

    def predict(self, features: Table) -> Outputs:
        """Answer as scripted."""
        self.asked.append(features.rows)
        return self.script(features)

    def put(self, name: str, rows: int, *, seed: int = 0) -> Table:
        """Put an object of rows under `batch/march/`; return them."""
        table = a_table(rows, seed=seed)
        self.world.data.put(f"batch/march/{name}.parquet", self.world.tables.write(table))
        return table

    def planned(self) -> Batch:
        """Plan what is under `batch/march/`."""
        return plan_batch(FRAUD, "batch/march/", None, planning=self.planning)

    def result(self, batch: Batch, number: int) -> Table:
        """Return a part's rows."""
        return self.world.tables.read("part.parquet", self.world.data.get(f"{batch.folder}parts/{number:05}.parquet"))

    def _load(self, model: bytes, signature: Signature) -> BatchWorld:
        assert [output.name for output in signature.outputs] == ["label", "probabilities"]
        self.loaded.append(model)
        return self
