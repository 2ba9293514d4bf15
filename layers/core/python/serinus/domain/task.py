"""What an endpoint's model predicts.

The policy holds it, so this module imports none of it; nor numpy, without which policies are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from serinus.domain.signature import EVERY_COLUMN, Signature

FEWEST_CLASSES, MOST_CLASSES = 3, 100
GREATEST_NUMBER = 3.4028234663852886e38  # that FP32 holds, as a regression answers: squares of such can be added up


class Task(StrEnum):
    """BINARY: the chance of a yes. MULTICLASS: the chances of classes. REGRESSION: a number."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


@dataclass(frozen=True)
class Target:
    """What is predicted.

    Attributes:
        task: of which kind it is.
        classes: the names of a multi-class target's classes, in the order of the model's columns; none otherwise.
    """

    task: Task = Task.BINARY
    classes: tuple[str, ...] = ()

    @property
    def needs(self) -> str:
        """What held-out rows must have for the task's metrics to be measured."""
        match self.task:
            case Task.BINARY:
                return "a target of 0 and 1 with both present, and scores between 0 and 1"
            case Task.MULTICLASS:
                return "at least two of the classes present"
            case Task.REGRESSION:
                return "targets that are not all the same"
            case unreachable:
                assert_never(unreachable)

    def faults(self, signature: Signature) -> tuple[str, ...]:
        """Return what keeps a model of this signature from the task, one sentence each.

        >>> from serinus.domain.signature import Datatype, OutputTensor, Score
        >>> two = Signature((), (OutputTensor("p", Datatype.FP32, (-1, 2)),), Score("p", EVERY_COLUMN))
        >>> Target(Task.MULTICLASS, ("a", "b", "c")).faults(two)
        ("the output 'p' has 2 columns, but the policy names 3 classes: a, b, c",)
        """
        score = signature.score
        shape = next((output.shape for output in signature.outputs if output.name == score.output), ())
        columns = shape[1] if len(shape) > 1 else 1
        every = score.column == EVERY_COLUMN
        match self.task:
            case Task.MULTICLASS if not every:
                return (f"the policy's task is multiclass, so score.column must be {EVERY_COLUMN}: every column",)
            case Task.MULTICLASS if columns not in {-1, len(self.classes)}:
                named = f"{len(self.classes)} classes: {', '.join(self.classes)}"
                return (f"the output {score.output!r} has {columns} columns, but the policy names {named}",)
            case Task.BINARY | Task.REGRESSION if every:
                return (f"score.column is {EVERY_COLUMN}, every column, but the policy's task is {self.task}",)
            case Task.REGRESSION if columns not in {-1, 1}:
                return (
                    f"the output {score.output!r} has {columns} columns, but the policy's task is regression, which "
                    "gives one number a row: is it a classifier?",
                )
            case _:
                return ()


BINARY_TARGET = Target()
