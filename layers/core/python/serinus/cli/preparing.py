"""From what a data scientist has (a model, and held-out rows) to what is pushed. Nothing leaves the machine here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from serinus.adapters.onnx.describe import infer_signature
from serinus.adapters.onnx.models import OnnxModels
from serinus.adapters.onnx.zipmaps import without_zipmaps
from serinus.adapters.tables.arrow import ArrowTables
from serinus.cli.estimators import classes_of, columns_of, converted, load_estimator
from serinus.cli.lineage import lineage_of
from serinus.cli.targets import checked_labels, chosen_target
from serinus.domain.signature import EVERY_COLUMN, Score, Signature
from serinus.domain.table import Table
from serinus.domain.task import BINARY_TARGET, Target, Task
from serinus.errors import DataRefused, ManifestRefused, ModelFailed, ModelRefused
from serinus.use_cases.push_model import Package

_PICKLES = frozenset({".joblib", ".pkl", ".pickle"})
_TRIED_ROWS = 100  # enough to tell that the model takes these columns, whatever the size of the file


@dataclass(frozen=True)
class Choices:
    """What the pusher may say where it cannot be told; see `serinus push --help`."""

    target: str | None = None
    positive: str | None = None
    score_output: str | None = None
    framework_predictions: str | None = None
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Servable:
    model: bytes
    signature: Signature
    target: str
    classes: tuple[str, ...] = ()  # where it is an estimator that tells them


def is_pickle(model: object) -> bool:
    """Whether loading this model would run what its pickle says."""
    return isinstance(model, (str, Path)) and Path(model).suffix.lower() in _PICKLES


def prepare(
    model: object,
    holdout: object,
    *,
    choices: Choices,
    lineage: Mapping[str, str],
    looked_at: Collection[str] = (),
    target: Target = BINARY_TARGET,
) -> Package:
    """Return what to push; everything that can be checked here is.

    Of the held-out columns only the features, the target, those that the policy looks at and those that the choices
    name are taken along.

    Args:
        model: a path to an .onnx file or to a pickled scikit-learn estimator, or such an estimator itself.
        holdout: a path to a .csv, .parquet or .jsonl file, or a table in memory (Serinus's own, a mapping of columns,
            or a data frame that speaks Arrow, as those of pandas, polars and pyarrow do).
        choices: which column is the target, and the like.
        lineage: what to say of the model's origin besides what can be told from here.
        looked_at: the columns by which the policy judges, features or not.
        target: what the endpoint's policy says is predicted.

    Raises:
        DataRefused: the held-out data cannot be read, or are not what the model takes.
        ModelRefused: the model cannot be converted or served.
        ManifestRefused: a name or a lineage entry is one that no manifest may hold.
    """
    table = _table(holdout)
    _refuse_unknown(choices, table)
    servable = _of_task(_servable(model, table, choices, looked_at), target)
    features = table.select([feature.name for feature in servable.signature.features])
    _try_out(servable, features)
    labels = checked_labels(servable.target, table, choices.positive, target)
    named = {choices.framework_predictions, *choices.beside, *looked_at}
    beside = {name: column for name, column in table.columns.items() if name in named}
    kept = Table({**features.columns, **beside, servable.target: labels})
    told = {**lineage_of(_folder(model), converted=not _is_onnx(model)), **lineage}
    package = Package(
        servable.model,
        ArrowTables().write(kept),
        servable.target,
        servable.signature,
        told,
        choices.framework_predictions,
    )
    _refuse_unwritable(package)
    return package


def _servable(model: object, table: Table, choices: Choices, looked_at: Collection[str]) -> _Servable:
    """Find the features among the columns that are not set aside."""
    aside = {choices.framework_predictions, *choices.beside}
    asked = Table({name: column for name, column in table.columns.items() if name not in aside})
    make = _from_onnx if _is_onnx(model) else _from_estimator
    try:
        return make(model, asked, choices)
    except (DataRefused, ModelRefused) as refusal:
        unsure = sorted(name for name in asked.columns if name in looked_at and name != choices.target)
        if not unsure:
            raise
        hint = f"the policy looks at {', '.join(map(repr, unsure))}: name with --beside which of them are no features"
        raise type(refusal)(f"{refusal}; {hint}") from refusal


def _refuse_unknown(choices: Choices, table: Table) -> None:
    named = [("--beside", name) for name in choices.beside]
    if choices.framework_predictions is not None:
        named.append(("--framework-predictions", choices.framework_predictions))
    for option, name in named:
        if name not in table.columns:
            raise DataRefused(f"the held-out data have no column {name!r}, which {option} names")
        if name == choices.target:
            raise DataRefused(f"{name!r} is the target, so {option} cannot name it")


def _is_onnx(model: object) -> bool:
    if not isinstance(model, (str, Path)):
        return False
    path = Path(model)
    if not path.is_file():
        raise ModelRefused(f"there is no file {path}")
    if path.suffix.lower() != ".onnx" and not is_pickle(path):
        raise ModelRefused(
            f"{path} is of no kind that can be pushed: name an .onnx file, or a scikit-learn pipeline saved as "
            ".joblib or .pkl"
        )
    return path.suffix.lower() == ".onnx"


def _folder(model: object) -> Path:
    return Path(model).resolve().parent if isinstance(model, (str, Path)) else Path.cwd()


def _table(holdout: object) -> Table:
    if isinstance(holdout, Table):
        return holdout
    if isinstance(holdout, (str, Path)):
        path = Path(holdout)
        if not path.is_file():
            raise DataRefused(f"there is no file {path}")
        return ArrowTables().read(path.name, path.read_bytes())
    return _from_memory(holdout)


def _from_memory(holdout: Any) -> Table:  # noqa: ANN401 - any data frame
    import pyarrow as pa
    from pyarrow import parquet

    if not isinstance(holdout, Mapping) and not hasattr(holdout, "__arrow_c_stream__"):
        raise DataRefused(f"{type(holdout).__name__} is no table: give a path, a mapping of columns, or a data frame")
    sink = pa.BufferOutputStream()
    try:
        parquet.write_table(pa.table(holdout), sink)
    except pa.ArrowException as error:
        raise DataRefused(f"the held-out data are no table ({error}): give columns of one type and length") from error
    return ArrowTables().read("holdout.parquet", sink.getvalue().to_pybytes())


def _from_onnx(path: Any, table: Table, choices: Choices) -> _Servable:  # noqa: ANN401 - a path, as `_is_onnx` has found
    model = without_zipmaps(Path(path).read_bytes())
    target = chosen_target(choices.target, table, _called_by_name(model, table, choices))
    features = [name for name in table.columns if name != target]
    return _Servable(model, infer_signature(model, features, choices.score_output), target)


def _called_by_name(model: bytes, table: Table, choices: Choices) -> tuple[str, ...] | None:
    """Return the columns a graph names, where it has an input for each; one with a single input names none."""
    if choices.target is not None:
        return None
    try:
        signature = infer_signature(model, list(table.columns), choices.score_output)
    except ModelRefused:
        return None
    return tuple(feature.name for feature in signature.features) if len(signature.inputs) > 1 else None


def _from_estimator(model: object, table: Table, choices: Choices) -> _Servable:
    estimator = load_estimator(model) if isinstance(model, (str, Path)) else model
    named = columns_of(estimator)
    target = chosen_target(choices.target, table, named)
    onnx, signature = converted(estimator, table, target, choices)
    return _Servable(onnx, signature, target, classes_of(estimator))


def _of_task(servable: _Servable, target: Target) -> _Servable:
    """Score by what the policy's task says, and refuse a model of another one before anything is uploaded."""
    signature = servable.signature
    if target.task is Task.MULTICLASS:
        signature = replace(signature, score=Score(signature.score.output, EVERY_COLUMN))
    faults = list(target.faults(signature))
    if target.task is Task.MULTICLASS and servable.classes not in {(), target.classes}:
        faults = [
            f"the model's classes are {', '.join(servable.classes)}, in this order, but the policy's are "
            f"{', '.join(target.classes)}: name them in the policy as the model does"
        ]
    if target.task is Task.REGRESSION and servable.classes:
        faults = [
            f"the model tells classes apart ({', '.join(servable.classes)}), but the policy's task is regression"
        ]
    if faults:
        raise ModelRefused("; ".join(faults))
    return replace(servable, signature=signature)


def _try_out(servable: _Servable, features: Table) -> None:
    """Find here and now what validation would refuse minutes later: it also sees rows that are not tried here."""
    models = OnnxModels()
    faults = models.check(servable.model, servable.signature)
    if faults:
        raise ModelRefused("; ".join(faults))
    try:
        models.load(servable.model, servable.signature).score(features.slice(0, _TRIED_ROWS))
    except ModelFailed as failure:
        raise ModelRefused(f"the model fails on the first held-out rows: {failure}") from failure


def _refuse_unwritable(package: Package) -> None:
    from pydantic import ValidationError

    from serinus.adapters.schemas.faults import described
    from serinus.adapters.schemas.manifest import write_manifest

    ours = [feature.name for feature in package.signature.features if feature.name.startswith("_")]
    if ours:
        raise DataRefused(
            f"the column {ours[0]!r} begins with an underscore, which marks Serinus's own columns: rename it and "
            "train the model on the new name"
        )
    try:
        write_manifest(package.manifest)
    except ValidationError as error:
        raise ManifestRefused(f"the manifest cannot be written: {described(error)}") from error
