"""The graph with which the inference function counts, node by node.

`python -m tests.step_count_graph` writes the files that the package ships, since the inference function has no `onnx`
to make graphs with; a test holds them to what is made here.
"""

from __future__ import annotations

from pathlib import Path

from onnx import GraphProto, TensorProto, helper

from serinus.adapters.onnx import step_counts
from serinus.domain.signature import Datatype

ELEMENTS = {Datatype.FP32: TensorProto.FLOAT, Datatype.FP64: TensorProto.DOUBLE}
_OPSET, _IR_VERSION = 17, 8


def made(datatype: Datatype) -> bytes:
    """Return the graph of a datatype: values [N, F], steps [F, E] and groups [G, N] give counts [F, G, E]."""
    element = ELEMENTS[datatype]
    # Column by column, so that each step is compared with many values that lie side by side.
    column_by_column = helper.make_node(
        "Scan", ["values", "steps"], ["sums"], num_scan_inputs=2, scan_input_axes=[1, 0], body=_column(element)
    )
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["groups"], ["weights"], to=TensorProto.FLOAT),
            column_by_column,
            helper.make_node("Cast", ["sums"], ["counts"], to=TensorProto.INT64),
        ],
        "step counts",
        [
            helper.make_tensor_value_info("values", element, ["rows", "columns"]),
            helper.make_tensor_value_info("steps", element, ["columns", "steps"]),
            helper.make_tensor_value_info("groups", TensorProto.UINT8, ["groups", "rows"]),
        ],
        [helper.make_tensor_value_info("counts", TensorProto.INT64, ["columns", "groups", "steps"])],
        [helper.make_tensor("one", TensorProto.INT64, [1], [1])],
    )
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION, producer_name="serinus")
    packed: bytes = model.SerializeToString(deterministic=True)
    return packed


def _column(element: int) -> GraphProto:
    """Return how a column [N] and its steps [E] give sums [G, E]."""
    return helper.make_graph(
        [
            helper.make_node("Unsqueeze", ["steps of it", "one"], ["each step"]),
            helper.make_node("GreaterOrEqual", ["column", "each step"], ["is reached"]),  # [E, N]
            helper.make_node("Cast", ["is reached"], ["reached"], to=TensorProto.FLOAT),
            # Sums of ones and zeros, exact up to 2**24 rows at a time, and sooner than integers are summed.
            helper.make_node("Gemm", ["weights", "reached"], ["sums of it"], transB=1),
        ],
        "column",
        [
            helper.make_tensor_value_info("column", element, ["rows"]),
            helper.make_tensor_value_info("steps of it", element, ["steps"]),
        ],
        [helper.make_tensor_value_info("sums of it", TensorProto.FLOAT, ["groups", "steps"])],
    )


def write() -> None:
    """Write the files that the package ships."""
    for datatype in ELEMENTS:
        path = Path(step_counts.__file__).with_name(f"step_counts_{datatype.lower()}.onnx")
        path.write_bytes(made(datatype))


if __name__ == "__main__":
    write()
