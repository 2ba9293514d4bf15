"""Manifests: each bad field is refused by name, and hostile names go nowhere."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.adapters.schemas.manifest import read_manifest, write_manifest
from serinus.errors import ManifestRefused
from tests.builders import a_manifest

Json = Any  # a document that a test damages anywhere


def a_document() -> Json:
    """Return a manifest as JSON."""
    return json.loads(write_manifest(a_manifest()))


def damaged(path: str, value: object) -> bytes:
    """Return the manifest with another value at a dotted path; `...` drops the field."""
    document = copy.deepcopy(a_document())
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place = document
    for step in way:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(document).encode()


def test_a_manifest_survives_writing_and_reading() -> None:
    """Written and read back it is the same, to the byte."""
    manifest = a_manifest()
    assert read_manifest(write_manifest(manifest)) == manifest
    assert write_manifest(read_manifest(write_manifest(manifest))) == write_manifest(manifest)


def test_a_manifest_names_the_frameworks_predictions_only_where_there_are_some() -> None:
    """One without them is what it always was, so that an older control plane reads it too."""
    assert "framework_predictions" not in a_document()["holdout"]
    plain = a_manifest()
    manifest = replace(plain, holdout=replace(plain.holdout, framework_predictions="said"))
    assert read_manifest(write_manifest(manifest)) == manifest


@pytest.mark.parametrize("column", ["amount", "class"])
def test_the_frameworks_predictions_are_neither_feature_nor_target(column: str) -> None:
    """A model that is told them could not be judged; the target is no prediction."""
    with pytest.raises(ManifestRefused, match="also a feature or the target"):
        read_manifest(damaged("holdout.framework_predictions", column))


REQUIRED = [
    "format",
    "model",
    "model.key",
    "model.sha256",
    "holdout",
    "holdout.key",
    "holdout.sha256",
    "holdout.target",
    "signature",
    "signature.inputs",
    "signature.inputs.0.name",
    "signature.inputs.0.datatype",
    "signature.inputs.0.columns",
    "signature.outputs",
    "signature.outputs.0.name",
    "signature.outputs.0.datatype",
    "signature.outputs.0.shape",
    "signature.score",
    "signature.score.output",
]


@pytest.mark.parametrize("path", REQUIRED)
@pytest.mark.parametrize("value", [..., None, {"un": "expected"}])
def test_a_field_that_is_missing_or_nonsense_is_named(path: str, value: object) -> None:
    """The refusal begins with the file and names the field."""
    with pytest.raises(ManifestRefused) as caught:
        read_manifest(damaged(path, value))
    assert str(caught.value).startswith("manifest.json: ")
    assert path in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("format", 2, "format"),
        ("model.sha256", "A" * 64, "model.sha256"),
        ("model.sha256", "a" * 63, "model.sha256"),
        ("holdout.sha256", "a" * 64 + "\n", "holdout.sha256"),
        ("signature.inputs", [], "signature.inputs"),
        ("signature.inputs.0.columns", [], "signature.inputs.0.columns"),
        ("signature.inputs.0.columns.0", "_request", "signature.inputs.0.columns.0"),
        ("signature.inputs.0.columns.0", "age", "name the column 'age' twice"),
        ("signature.inputs.1.columns.0", "age", "name the column 'age' twice"),
        ("signature.inputs.0.datatype", "FP8", "signature.inputs.0.datatype"),
        ("signature.outputs.0.shape", [-2], "signature.outputs.0.shape.0"),
        ("signature.score.column", -2, "signature.score.column"),
        ("holdout.target", "age", "is also a column of signature.inputs"),
        ("lineage", {"git": 7}, "lineage.git"),
        ("lineage", {"": "x"}, "lineage"),
        ("lineage", {"git": "x" * 2_001}, "lineage.git"),
        ("surprise", 1, "surprise"),
    ],
)
def test_a_field_out_of_bounds_is_named(path: str, value: object, said: str) -> None:
    """Digests, datatypes, columns, shapes and lineage are held to their rules."""
    with pytest.raises(ManifestRefused) as caught:
        read_manifest(damaged(path, value))
    assert said in str(caught.value)


HOSTILE = [
    "../x",
    "/etc/passwd",
    "a/b",
    "..",
    ".hidden",
    "",
    "a\\b",
    "a b",
    "x\n",
    "x" * 129,
    "model\u2024onnx",
    "a\x00",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(("field", "ending"), [("model", ""), ("holdout", ".parquet")])
def test_a_hostile_file_name_is_refused(field: str, ending: str, name: str) -> None:
    """A name that leads elsewhere, hides or breaks a key goes no further."""
    hostile = name if name.endswith("\n") or name in {"", ".."} else name + ending
    with pytest.raises(ManifestRefused, match=f"{field}.key"):
        read_manifest(damaged(f"{field}.key", hostile))


@pytest.mark.parametrize("name", ["reference.json", "smoke_request.json", "model.onnx", "manifest.json", "rows.txt"])
def test_a_holdout_cannot_take_the_name_of_what_validation_writes(name: str) -> None:
    """It would come to lie beside the reference profile of a version with the same content, and replace it."""
    with pytest.raises(ManifestRefused, match=r"holdout.key: .* is of no kind that Serinus reads"):
        read_manifest(damaged("holdout.key", name))


@given(st.binary(max_size=200))
def test_bytes_that_are_no_manifest_are_refused(body: bytes) -> None:
    """Whatever comes, the answer is a refusal."""
    with pytest.raises(ManifestRefused):
        read_manifest(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
        max_leaves=9,
    )
)
def test_json_that_is_no_manifest_is_refused(document: object) -> None:
    """Whatever its shape."""
    with pytest.raises(ManifestRefused):
        read_manifest(json.dumps(document).encode())
