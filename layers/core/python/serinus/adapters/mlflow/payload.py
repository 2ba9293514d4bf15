"""Decodes a scoring payload: `dataframe_split`, `dataframe_records`, `instances`, `inputs`, or CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from serinus.adapters.mlflow.columns import converted
from serinus.adapters.mlflow.rows import (
    Rows,
    Wanted,
    from_inputs,
    from_instances,
    from_records,
    from_split,
    refuse_too_many,
)
from serinus.adapters.open_inference.document import read_document
from serinus.adapters.open_inference.tensor import tensor_of
from serinus.domain.signature import Datatype, InputTensor, Signature
from serinus.domain.tensor import Values
from serinus.errors import RequestRefused
from serinus.use_cases.infer import InferenceRequest

_READERS = {
    "dataframe_split": from_split,
    "dataframe_records": from_records,
    "instances": from_instances,
    "inputs": from_inputs,
}
_KINDS = ", ".join(_READERS)
_EXAMPLE = '{"dataframe_split": {"columns": [...], "data": [[...]]}}'


def decode_payload(
    body: str | bytes, signature: Signature, *, is_csv: bool = False, id_column: str | None = None
) -> InferenceRequest:
    """Return the request that a body holds.

    Args:
        body: as it came.
        signature: the model's.
        is_csv: whether it is CSV rather than JSON.
        id_column: a column that may come besides those that the model takes.

    Raises:
        RequestRefused: it is neither, or does not fit the signature; the message says what, where, and what to do.
    """
    if is_csv:
        from serinus.adapters.mlflow.text import from_csv

        return _request(from_csv(body), _first(signature), signature, id_column)
    document = read_document(body, _EXAMPLE)
    given = [kind for kind in _READERS if kind in document]
    if len(given) != 1:
        found = ", ".join(given) or "none"
        raise RequestRefused(f"the body must hold one of {_KINDS}, and has {found}: send {_EXAMPLE}")
    rows = _READERS[given[0]](document[given[0]], _wanted(signature))
    return _request(rows, _outputs(document.get("params"), signature), signature, id_column)


def _wanted(signature: Signature) -> Wanted:
    wide = {tensor.name: tensor.columns for tensor in signature.inputs if tensor.columns != (tensor.name,)}
    return Wanted([feature.name for feature in signature.features], wide)


def _request(rows: Rows, outputs: tuple[str, ...], signature: Signature, id_column: str | None) -> InferenceRequest:
    known = {feature.name for feature in signature.features}
    _refuse_unknown(rows.columns, known, id_column)
    refuse_too_many(len(known), rows.count)
    written = {tensor.name: _written(tensor, rows) for tensor in signature.inputs}
    tensors = {tensor.name: tensor_of(written[tensor.name], tensor, rows.count) for tensor in signature.inputs}
    extras: dict[str, Values] = {}
    if id_column is not None and id_column in rows.columns and id_column not in known:
        ids = InputTensor(id_column, Datatype.BYTES, (id_column,))
        extras[id_column] = named = _written(ids, rows)
        tensor_of(named, ids, rows.count)  # as texts, or they are refused
    return InferenceRequest(signature, tensors, rows.count, outputs, None, written, extras)


def _refuse_unknown(given: Mapping[str, Sequence[object]], known: set[str], id_column: str | None) -> None:
    """Check the columns: what is not known is more likely misspelt than meant for nobody."""
    unknown = [name for name in given if name not in known and name != id_column]
    if unknown:
        raise RequestRefused(
            f"the column {unknown[0][:80]!r} is not one that the model takes: send {_listed(sorted(known))}"
        )
    if not any(name in known for name in given):
        raise RequestRefused(f"there is no column that the model takes: send {_listed(sorted(known))}")


def _written(tensor: InputTensor, rows: Rows) -> list[Any]:
    """Return the values of an input, row by row; a column that did not come is missing in every row."""
    columns = [
        converted(rows.columns.get(name, [None] * rows.count), name, tensor.datatype) for name in tensor.columns
    ]
    return columns[0] if len(columns) == 1 else list(chain.from_iterable(zip(*columns, strict=True)))


def _outputs(params: object, signature: Signature) -> tuple[str, ...]:
    """Return the outputs that are wanted: the first, or those that `params` names."""
    known = [tensor.name for tensor in signature.outputs]
    if params is None:
        return _first(signature)
    if not isinstance(params, dict):
        raise RequestRefused('params is no object: leave it out, or send {"outputs": [...]}')
    wanted = params.get("outputs")
    if wanted is None:
        return _first(signature)
    if (
        not isinstance(wanted, list)
        or not wanted
        or any(not isinstance(name, str) or name not in known for name in wanted)
        or len(set(wanted)) != len(wanted)
    ):
        raise RequestRefused(f"params.outputs is no list of outputs: ask for {_listed(known)}, once each")
    return tuple(wanted)


def _first(signature: Signature) -> tuple[str, ...]:
    return (signature.outputs[0].name,)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:40])
    return shown if len(names) <= 40 else f"{shown} and {len(names) - 40} more"
