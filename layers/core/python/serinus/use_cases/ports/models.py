"""Models: read, run, encoded anew, trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from serinus.domain.footprint import Footprint
from serinus.domain.signature import Signature
from serinus.domain.table import Table
from serinus.domain.task import BINARY_TARGET, Target


class Model(Protocol):
    """A loaded model."""

    def run(self, inputs: Mapping[str, npt.NDArray[np.generic]]) -> Mapping[str, npt.NDArray[np.generic]]:
        """Run the graph on tensors by name.

        Raises:
            ModelFailed: the graph raised an error.
        """

    def score(self, features: Table) -> npt.NDArray[np.float64]:
        """Score rows by the signature's score; the result has the shape [rows].

        Raises:
            ModelFailed: the graph raised an error.
        """

    def columns(self, features: Table) -> npt.NDArray[np.float64]:
        """Return all of the output that the score is taken from, such as every class's chance; [rows, columns].

        Raises:
            ModelFailed: the graph raised an error.
        """


class Models(Protocol):
    """Reads ONNX files."""

    def check(self, model: bytes, signature: Signature) -> Sequence[str]:
        """Return everything that stands against serving the file, each as one sentence; nothing where it is fine.

        Refuses what is no ONNX, custom operators, external data, opsets and sizes out of bounds, and a signature that
        does not match the graph, all before a session is made.
        """

    def load(self, model: bytes, signature: Signature) -> Model:
        """Make a session.

        Raises:
            ModelRefused: ONNX Runtime cannot load it.
        """


@dataclass(frozen=True)
class Encoding:
    """How a model is served.

    Attributes:
        model: the file that is served in place of the uploaded one; `None` where that one is served.
        message: what was found, as one sentence.
        numbers: the figures it was decided by.
    """

    model: bytes | None
    message: str
    numbers: Mapping[str, float] = field(default_factory=dict)


# Looks for a cheaper file that gives the same answers on these rows; `None` where there is nothing to look for.
ChooseEncoding = Callable[[bytes, Signature, Table], Encoding | None]


# Loads and runs a model in a process of its own, on these rows; raises `ModelFailed` where it cannot be run there,
# and returns `None` where nothing is measured.
MeasureFootprint = Callable[[bytes, Signature, Table], Footprint | None]


class Predictor(Protocol):
    """A loaded model that scores tables."""

    def predict(self, features: Table) -> Mapping[str, npt.NDArray[np.generic]]:
        """Return the signature's outputs by name, of shape [rows, …] each.

        Raises:
            DataRefused: a column does not hold what the graph takes.
            ModelFailed: the graph raised an error.
        """


LoadPredictor = Callable[[bytes, Signature], Predictor]


@dataclass(frozen=True)
class TrainedModel:
    """What a recipe made.

    Attributes:
        onnx: the file.
        signature: the file's.
        lineage: how it was made.
        predict: the framework's own scores of other rows with the same features, to hold the file's against.
    """

    onnx: bytes
    signature: Signature
    lineage: Mapping[str, str]
    predict: Callable[[Table], npt.NDArray[np.float64]]


class Trainer(Protocol):
    """Runs a training recipe."""

    def train(
        self, recipe: str, features: Table, labels: npt.NDArray[np.float64], target: Target = BINARY_TARGET
    ) -> TrainedModel:
        """Fit the named recipe and convert it to ONNX; the same data give the same bytes.

        Args:
            recipe: its name.
            features: the feature columns, [rows] each.
            labels: 0 or 1, positions of classes, or numbers, as the target's task says; [rows].
            target: what is predicted.

        Raises:
            DataRefused: the recipe is unknown, or the data cannot train it.
        """
