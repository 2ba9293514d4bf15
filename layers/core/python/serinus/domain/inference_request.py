"""An inference request of the Open Inference Protocol v2, built from rows."""

from __future__ import annotations

import numpy as np

from serinus.domain.signature import Datatype, InputTensor, Signature
from serinus.domain.table import Table


def request_body(signature: Signature, rows: Table, *, request_id: str | None = None) -> dict[str, object]:
    """Return the JSON body that asks a model about these rows.

    >>> from serinus.domain.signature import Score
    >>> signature = Signature((InputTensor("X", Datatype.FP32, ("a",)),), (), Score("p"))
    >>> request_body(signature, Table({"a": np.array([1.5])}))
    {'inputs': [{'name': 'X', 'shape': [1, 1], 'datatype': 'FP32', 'data': [1.5]}]}
    """
    body: dict[str, object] = {"inputs": [_tensor(tensor, rows) for tensor in signature.inputs]}
    return body if request_id is None else {"id": request_id, **body}


def _tensor(tensor: InputTensor, rows: Table) -> dict[str, object]:
    columns = [rows.columns[name] for name in tensor.columns]
    data = [_value(column[row], tensor.datatype) for row in range(rows.rows) for column in columns]
    return {
        "name": tensor.name,
        "shape": [rows.rows, len(columns)],
        "datatype": str(tensor.datatype),
        "data": data,
    }


def _value(value: object, datatype: Datatype) -> float | int | str | None:
    if value is None or value != value:
        return None
    if not datatype.is_number:
        return str(value)
    number = float(str(value)) if not isinstance(value, (int, float, np.number)) else float(value)
    return number if datatype in {Datatype.FP16, Datatype.FP32, Datatype.FP64} else int(number)
