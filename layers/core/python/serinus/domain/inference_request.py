"""An inference request of the Open Inference Protocol v2, built from rows, and the scores in the answer to it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from serinus.domain.signature import Datatype, InputTensor, Score, Signature
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


def probe_event(endpoint: str, body: Mapping[str, object]) -> Mapping[str, object]:
    """Return the event that an HTTP API would send (payload format 2.0), marked as none of its.

    What answers it leaves no record, so that it is no evidence of how a release fares.
    """
    path = f"/v2/models/{endpoint}/infer"
    return {
        "serinus": {"probe": True},
        "version": "2.0",
        "routeKey": f"POST {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "pathParameters": {"endpoint": endpoint},
        "requestContext": {"http": {"method": "POST", "path": path}, "stage": "$default"},
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }


def scores_in(body: object, score: Score, rows: int) -> npt.NDArray[np.float64] | None:
    """Return the score of each row out of an answer's JSON, NaN where missing; `None` where it has not all of them.

    >>> answer = {"outputs": [{"name": "p", "shape": [2, 2], "data": [0.75, 0.25, 0.5, None]}]}
    >>> scores_in(json.dumps(answer), Score("p", 1), 2)
    array([0.25,  nan])
    """
    try:
        outputs = {output["name"]: output["data"] for output in json.loads(str(body))["outputs"]}
        values = np.array([np.nan if value is None else float(value) for value in outputs[score.output]])
        return np.asarray(values.reshape(rows, -1)[:, score.column], dtype=np.float64)
    except (ValueError, KeyError, TypeError, IndexError):
        return None


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
    if datatype is Datatype.BOOL:
        return bool(number)
    return number if datatype in {Datatype.FP16, Datatype.FP32, Datatype.FP64} else int(number)
