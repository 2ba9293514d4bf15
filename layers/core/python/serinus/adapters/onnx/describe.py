"""Proposes a signature for a graph, from the names of its columns."""

from __future__ import annotations

from collections.abc import Sequence

from serinus.adapters.onnx.reading import parse
from serinus.adapters.onnx.signature_rules import GraphTensor, graph_inputs, graph_outputs
from serinus.domain.signature import InputTensor, OutputTensor, Score, Signature
from serinus.errors import ModelRefused


def infer_signature(model: bytes, columns: Sequence[str], score_output: str | None = None) -> Signature:
    """Return the signature that a graph suggests.

    One input takes all columns in the order given; several take one column each, of the same name. The score is the
    second column of an output whose name contains `prob`, else the only output of floating-point numbers.

    Args:
        model: the ONNX file.
        columns: the feature columns of the training data, in order.
        score_output: the output to take the score from, where the choice is not clear.

    Raises:
        ModelRefused: it is no ONNX, or its signature cannot be guessed; the message says what to write instead.
    """
    graph = parse(model).graph
    outputs = tuple(
        OutputTensor(tensor.name, tensor.datatype, tensor.shape if tensor.shape is not None else (-1,))
        for tensor in graph_outputs(graph)
        if tensor.datatype is not None
    )
    return Signature(_inputs(graph_inputs(graph), tuple(columns)), outputs, _score(outputs, score_output))


def _inputs(found: Sequence[GraphTensor], columns: tuple[str, ...]) -> tuple[InputTensor, ...]:
    inputs = []
    for tensor in found:
        if tensor.datatype is None:
            raise ModelRefused(
                f"the graph's input {tensor.name!r} is no tensor of numbers or texts: export it as one"
            )
        names = columns if len(found) == 1 else (tensor.name,)
        width = tensor.shape[1] if tensor.shape is not None and len(tensor.shape) == 2 else -1
        if not set(names) <= set(columns):
            raise ModelRefused(
                f"the graph's input {tensor.name!r} has no column of its name: rename the column, or write the "
                "signature"
            )
        if width not in {-1, len(names)}:
            raise ModelRefused(
                f"the graph's input {tensor.name!r} takes {width} columns, but there are {len(names)}: "
                f"{', '.join(names)}; "
                "give the columns that it was trained on, in order"
            )
        inputs.append(InputTensor(tensor.name, tensor.datatype, names))
    return tuple(inputs)


def _score(outputs: Sequence[OutputTensor], wanted: str | None) -> Score:
    named = {output.name: output for output in outputs}
    if wanted is not None:
        if wanted not in named:
            raise ModelRefused(f"the graph has no output {wanted!r}: choose one of {', '.join(named)}")
        return Score(wanted, _column(named[wanted]))
    likely = [output for output in outputs if "prob" in output.name.lower()]
    floats = likely or [output for output in outputs if output.datatype.startswith("FP")]
    if len(floats) != 1:
        raise ModelRefused(
            f"which of the outputs {', '.join(named) or '(none)'} is the score cannot be told: name it, or, if the "
            "model "
            "was converted with ZipMap, convert it with options={'zipmap': False}"
        )
    return Score(floats[0].name, _column(floats[0]))


def _column(output: OutputTensor) -> int:
    """Return the column of the positive class: the second, where there are columns."""
    return 1 if len(output.shape) == 2 and output.shape[1] != 1 else 0
