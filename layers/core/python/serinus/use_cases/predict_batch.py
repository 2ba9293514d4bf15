"""Score one part of a batch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from serinus.domain.batch import BatchPart, PartSummary
from serinus.domain.feature_columns import features_of
from serinus.domain.layout import Layout
from serinus.domain.model_version import ModelVersion
from serinus.domain.profile import empty, of_rows
from serinus.domain.signature import Signature
from serinus.domain.table import Column, Table, concatenated
from serinus.errors import AttestationInvalid, DataRefused, ReleaseFailed
from serinus.use_cases.infer import scores_from
from serinus.use_cases.ports.batches import Batches
from serinus.use_cases.ports.files import Tables
from serinus.use_cases.ports.models import LoadPredictor, Predictor
from serinus.use_cases.ports.registry import ModelVersions, References
from serinus.use_cases.ports.storage import Objects
from serinus.use_cases.register_model import served_model_key

_ROWS_AT_ONCE = 10_000  # so that a model's inner tensors stay small


@dataclass(frozen=True)
class Predicting:
    """What scoring a part needs of the world."""

    artifacts: Objects
    data: Objects
    versions: ModelVersions
    references: References
    tables: Tables
    batches: Batches
    load: LoadPredictor


@dataclass(frozen=True)
class _Scored:
    """Rows that were scored: what is written of them, and what their profile counts."""

    result: Table
    features: Table
    scores: npt.NDArray[np.float64]


def predict_batch(folder: str, number: int, *, predicting: Predicting) -> int:
    """Score a part and store its result; return how many rows it has. One that is done is not done again.

    The result has the rows in their order: `row`, their number in the object, `score`, the model's outputs by name
    (`name_0`, `name_1` … where an output has columns), and the columns that the model does not take.

    Raises:
        ObjectNotFound: there is no such batch, or its object has gone.
        DataRefused: the object has changed since it was planned, or does not hold what the model takes.
        AttestationInvalid: the model is not the one that was validated.
        ModelFailed: the model failed on the rows.
    """
    batch = predicting.batches.get(folder)
    part = batch.parts[number]
    if predicting.batches.is_done(folder, number):
        (summary,) = predicting.batches.summaries(folder, [number])
        return summary.rows
    version = predicting.versions.get(batch.endpoint, batch.model_version)
    layout = _layout(version, predicting)
    first, rows = _rows(part, predicting)
    scored = _scored(_model(version, predicting), version.manifest.signature, rows, part.key, first)
    counts = of_rows(layout, scored.features, scored.scores).counts if rows.rows else empty(layout).counts
    slots = np.flatnonzero(counts)
    summary = PartSummary(
        number,
        part.key,
        first,
        rows.rows,
        layout.digest,
        tuple(slots.tolist()),
        tuple(counts[slots].tolist()),
    )
    predicting.batches.put_part(folder, summary, scored.result)
    return rows.rows


def _layout(version: ModelVersion, predicting: Predicting) -> Layout:
    reference = predicting.references.get(version.endpoint, version.content_digest)
    if reference is None:
        raise ReleaseFailed(f"version {version.number} has no reference profile: validate it again")
    return reference.layout


def _model(version: ModelVersion, predicting: Predicting) -> Predictor:
    body = predicting.artifacts.get(served_model_key(version))
    if hashlib.sha256(body).hexdigest() != version.served_digest:
        raise AttestationInvalid(version.endpoint, version.number)
    return predicting.load(body, version.manifest.signature)


def _rows(part: BatchPart, predicting: Predicting) -> tuple[int, Table]:
    body = predicting.data.get(part.key)
    if len(body) != part.size:
        raise DataRefused(f"{part.key} has changed since the batch was planned: start it again")
    table = predicting.tables.read(part.key.rpartition("/")[2], body)
    start, stop = part.rows(table.rows)
    return start, table.slice(start, stop)


def _scored(model: Predictor, signature: Signature, rows: Table, key: str, first: int) -> _Scored:
    found = []
    for start in range(0, max(rows.rows, 1), _ROWS_AT_ONCE):
        some = rows.slice(start, start + _ROWS_AT_ONCE)
        where = f"{key}, from row {first + start + 1} on,"
        found.append(_scored_at_once(model, signature, some, where, first + start))
    return _Scored(
        concatenated([each.result for each in found]),
        concatenated([each.features for each in found]),
        np.concatenate([each.scores for each in found]),
    )


def _scored_at_once(model: Predictor, signature: Signature, rows: Table, where: str, first: int) -> _Scored:
    features = features_of(signature, rows, file=where)
    outputs = model.predict(features) if rows.rows else {}
    scores = scores_from(outputs, signature.score, rows=rows.rows) if rows.rows else np.empty(0)
    columns: dict[str, Column] = {
        "row": np.arange(first, first + rows.rows, dtype=np.float64),
        "score": scores,
        **_flattened(outputs),
    }
    others = {
        name: column for name, column in rows.columns.items() if name not in features.columns and name not in columns
    }
    return _Scored(Table(columns | others), features, scores)


def _flattened(outputs: Mapping[str, npt.NDArray[np.generic]]) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for name, values in outputs.items():
        if values.ndim == 1:
            columns[name] = _column(values)
            continue
        flat = values.reshape(len(values), -1)
        columns |= {f"{name}_{position}": _column(flat[:, position]) for position in range(flat.shape[1])}
    return columns


def _column(values: npt.NDArray[np.generic]) -> Column:
    if values.dtype.kind in "OU":
        return np.array([str(value) for value in values.tolist()], dtype=object)
    return np.asarray(values, dtype=np.float64)
