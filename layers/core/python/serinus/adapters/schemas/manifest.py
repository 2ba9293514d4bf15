"""The `manifest.json` of an upload."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError

from serinus.adapters.schemas.faults import described
from serinus.adapters.schemas.strict import Strict
from serinus.domain.model_version import Holdout, Manifest
from serinus.domain.signature import EVERY_COLUMN, Datatype, InputTensor, OutputTensor, Score, Signature
from serinus.errors import ManifestRefused

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_TABLES = (".csv", ".jsonl", ".parquet")  # no other name may come to lie beside what validation writes there


def _plain(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no plain file name: use letters, digits, '.', '_' and '-'")
    return name


def _table(name: str) -> str:
    if not name.endswith(_TABLES):
        raise ValueError(f"{name!r} is of no kind that Serinus reads: name it .csv, .jsonl or .parquet")
    return name


_FileName = Annotated[str, AfterValidator(_plain)]
_TableName = Annotated[_FileName, AfterValidator(_table)]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Name = Annotated[str, Field(min_length=1, max_length=256)]
_Column = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^_]")]  # an underscore marks our own


class _Model(Strict):
    key: _FileName
    sha256: _Sha256


class _Holdout(Strict):
    key: _TableName
    sha256: _Sha256
    target: _Name
    framework_predictions: _Name | None = None


class _Input(Strict):
    name: _Name
    datatype: Datatype
    columns: Annotated[tuple[_Column, ...], Field(min_length=1, max_length=10_000)]


class _Output(Strict):
    name: _Name
    datatype: Datatype
    shape: Annotated[tuple[Annotated[int, Field(ge=-1)], ...], Field(max_length=8)]


class _Score(Strict):
    output: _Name
    column: Annotated[int, Field(ge=EVERY_COLUMN)] = 0


class _Signature(Strict):
    inputs: Annotated[tuple[_Input, ...], Field(min_length=1)]
    outputs: Annotated[tuple[_Output, ...], Field(min_length=1)]
    score: _Score


class _ManifestFile(Strict):
    format: Literal[1]
    model: _Model
    holdout: _Holdout
    signature: _Signature
    lineage: Annotated[dict[_Name, Annotated[str, Field(max_length=2_000)]], Field(max_length=50)] = Field(
        default_factory=dict
    )


def read_manifest(document: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        ManifestRefused: naming each field that is missing or wrong.
    """
    try:
        file = _ManifestFile.model_validate_json(document)
    except ValidationError as error:
        raise ManifestRefused(f"manifest.json: {described(error)}") from error
    signature = Signature(
        inputs=tuple(InputTensor(tensor.name, tensor.datatype, tensor.columns) for tensor in file.signature.inputs),
        outputs=tuple(OutputTensor(tensor.name, tensor.datatype, tensor.shape) for tensor in file.signature.outputs),
        score=Score(file.signature.score.output, file.signature.score.column),
    )
    names = [feature.name for feature in signature.features]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ManifestRefused(f"manifest.json: signature.inputs name the column {repeated[0]!r} twice")
    if file.holdout.target in names:
        raise ManifestRefused(
            f"manifest.json: holdout.target {file.holdout.target!r} is also a column of signature.inputs: a model "
            "that is told the answer cannot be judged"
        )
    framework = file.holdout.framework_predictions
    if framework is not None and framework in {*names, file.holdout.target}:
        raise ManifestRefused(
            f"manifest.json: holdout.framework_predictions {framework!r} is also a feature or the target: name a "
            "column of its own"
        )
    return Manifest(
        model_name=file.model.key,
        model_sha256=file.model.sha256,
        signature=signature,
        holdout=Holdout(file.holdout.key, file.holdout.sha256, file.holdout.target, framework),
        lineage=file.lineage,
    )


def write_manifest(manifest: Manifest) -> bytes:
    """Return the file that `read_manifest` reads back; the same manifest gives the same bytes."""
    signature = manifest.signature
    file = _ManifestFile(
        format=1,
        model=_Model(key=manifest.model_name, sha256=manifest.model_sha256),
        holdout=_Holdout(
            key=manifest.holdout.name,
            sha256=manifest.holdout.sha256,
            target=manifest.holdout.target,
            framework_predictions=manifest.holdout.framework_predictions,
        ),
        signature=_Signature(
            inputs=tuple(
                _Input(name=tensor.name, datatype=tensor.datatype, columns=tensor.columns)
                for tensor in signature.inputs
            ),
            outputs=tuple(
                _Output(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
                for tensor in signature.outputs
            ),
            score=_Score(output=signature.score.output, column=signature.score.column),
        ),
        lineage=dict(manifest.lineage),
    )
    return file.model_dump_json(indent=1, exclude_none=True).encode()
