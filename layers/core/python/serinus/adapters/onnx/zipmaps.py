"""Takes the maps out of a graph: `ZipMap` turns a tensor of probabilities into a list of dictionaries.

Converters add it unless they are told not to. No protocol can say a list of maps, and it is slow; the tensor that it
is made of says the same, its columns in the order of the classes.
"""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from serinus.adapters.onnx.reading import parse

_ZIPMAP, _DOMAIN = "ZipMap", "ai.onnx.ml"
_CLASSES = ("classlabels_int64s", "classlabels_strings")


def without_zipmaps(model: bytes) -> bytes:
    """Return the model with every output that is a list of maps made a tensor of the same name.

    A model without such outputs is returned as it is, byte for byte.

    Raises:
        ModelRefused: it is no ONNX.
    """
    proto = parse(model)
    graph = proto.graph
    given = {output.name for output in graph.output}
    zipped = [
        node
        for node in graph.node
        if node.op_type == _ZIPMAP and node.domain == _DOMAIN and node.output and node.output[0] in given
    ]
    if not zipped:
        return model
    for node in zipped:
        _replace(graph, node)
    return bytes(proto.SerializeToString(deterministic=True))


def _replace(graph: onnx.GraphProto, zipmap: onnx.NodeProto) -> None:
    """Give what the node takes, under the name of what it gave."""
    name = zipmap.output[0]
    position = next(at for at, node in enumerate(graph.node) if node is zipmap or node == zipmap)
    through = helper.make_node("Identity", [zipmap.input[0]], [name], name=zipmap.name or f"{name}_as_tensor")
    graph.node.remove(graph.node[position])
    graph.node.insert(position, through)
    (output,) = (found for found in graph.output if found.name == name)
    tensor = helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, _classes(zipmap)])
    output.CopyFrom(tensor)


def _classes(zipmap: onnx.NodeProto) -> int | None:
    """Return how many classes there are; `None` where the node does not say."""
    for attribute in zipmap.attribute:
        if attribute.name in _CLASSES:
            return len(attribute.ints) or len(attribute.strings) or None
    return None
