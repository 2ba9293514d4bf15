"""What a model takes and gives: the tensors of its graph, and what their columns mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class Datatype(StrEnum):
    """The tensor datatypes of the Open Inference Protocol v2."""

    BOOL = "BOOL"
    UINT8 = "UINT8"
    UINT16 = "UINT16"
    UINT32 = "UINT32"
    UINT64 = "UINT64"
    INT8 = "INT8"
    INT16 = "INT16"
    INT32 = "INT32"
    INT64 = "INT64"
    FP16 = "FP16"
    FP32 = "FP32"
    FP64 = "FP64"
    BYTES = "BYTES"

    @property
    def is_number(self) -> bool:
        """Whether values are numbers rather than strings."""
        return self is not Datatype.BYTES


@dataclass(frozen=True)
class InputTensor:
    """One input of the graph, of shape [-1, len(columns)]; a column is a feature."""

    name: str
    datatype: Datatype
    columns: tuple[str, ...]


@dataclass(frozen=True)
class OutputTensor:
    """One output of the graph; -1 in the shape is the row dimension or another variable one."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...]


EVERY_COLUMN = -1
SUREST = 0.999999  # the chance of a class is kept below 1 where it is added to the class's position


@dataclass(frozen=True)
class Score:
    """Where in the outputs the number stands that the model is judged by: an output, and a column of it.

    A multi-class model is judged by `EVERY_COLUMN`. Its score is the position of the greatest plus its value.
    """

    output: str
    column: int = 0


@dataclass(frozen=True)
class Feature:
    """A named column of an input."""

    name: str
    datatype: Datatype


@dataclass(frozen=True)
class Signature:
    """The inputs and outputs of a model version, and its score."""

    inputs: tuple[InputTensor, ...]
    outputs: tuple[OutputTensor, ...]
    score: Score

    @cached_property
    def inputs_by_name(self) -> Mapping[str, InputTensor]:
        """The inputs in the order of the graph."""
        return {tensor.name: tensor for tensor in self.inputs}

    @cached_property
    def output_names(self) -> tuple[str, ...]:
        """The names of the outputs in the order of the graph."""
        return tuple(tensor.name for tensor in self.outputs)

    @property
    def features(self) -> tuple[Feature, ...]:
        """Every column of every input, in the order of the graph."""
        return tuple(Feature(name, tensor.datatype) for tensor in self.inputs for name in tensor.columns)

    def accepts_callers_of(self, other: Signature) -> str | None:
        """Say what callers of a model with the other signature would stumble over; `None` where nothing is.

        They ask with just the inputs of the other, and read outputs of the other: more outputs do no harm.
        """
        asked = {tensor.name: tensor for tensor in other.inputs}
        taken = {tensor.name: tensor for tensor in self.inputs}
        answered = {tensor.name: tensor.datatype for tensor in self.outputs}
        faults = [f"it takes an input {name!r} that callers do not send" for name in taken if name not in asked]
        for name, sent in asked.items():
            faults += [f"it does not take the input {name!r}"] if name not in taken else _unlike(taken[name], sent)
        for output in other.outputs:
            found = answered.get(output.name)
            if found is None:
                faults.append(f"it has no output {output.name!r}")
            elif found is not output.datatype:
                faults.append(f"its output {output.name!r} is {found}, not {output.datatype}")
        return "; ".join(faults) or None


def _unlike(taken: InputTensor, sent: InputTensor) -> list[str]:
    faults = []
    if taken.datatype is not sent.datatype:
        faults.append(f"its input {taken.name!r} is {taken.datatype}, not {sent.datatype}")
    if taken.columns != sent.columns:
        columns = f"the columns {', '.join(taken.columns)}, not {', '.join(sent.columns)}"
        faults.append(f"its input {taken.name!r} has {columns}")
    return faults
