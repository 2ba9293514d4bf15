"""A signature proposed for a graph from the names of its columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

import onnx
import pytest

from serinus.adapters.onnx.describe import infer_signature
from serinus.adapters.onnx.signature_json import parse_signature
from serinus.domain.model_version import canonical_json
from serinus.domain.signature import Score
from serinus.errors import ModelRefused
from tests import models


@pytest.mark.parametrize(
    ("build", "columns"),
    [
        (models.logistic_model, ["a", "b"]),
        (models.boosted_model, ["a", "b"]),
        (models.mixed_model, ["country", "other", "amount"]),
    ],
)
def test_the_signature_that_fits_is_proposed(build: Callable[[], models.Built], columns: Sequence[str]) -> None:
    """One input takes all columns; several take one each, by name. The score is the positive class's probability."""
    model, signature = build()
    assert infer_signature(model, columns) == signature


def test_the_score_may_be_named() -> None:
    """An output of one dimension has one column, the first."""
    assert infer_signature(models.logistic_model()[0], ["a", "b"], "label").score == Score("label", 0)


def _without_names() -> bytes:
    proto = onnx.ModelProto.FromString(models.logistic_model()[0])
    for node in proto.graph.node:
        node.input[:] = ["scores" if name == "probabilities" else name for name in node.input]
        node.output[:] = ["scores" if name == "probabilities" else name for name in node.output]
    proto.graph.output[1].name = "scores"
    return bytes(proto.SerializeToString())


def test_without_a_telling_name_the_only_floating_point_output_is_the_score() -> None:
    """The label is a whole number, so that the choice is clear."""
    assert infer_signature(_without_names(), ["a", "b"]).score == Score("scores", 1)


@pytest.mark.parametrize(
    ("model", "columns", "score", "says"),
    [
        (models.logistic_model()[0], ["a"], None, "takes 2 columns, but there are 1: a"),
        (models.logistic_model()[0], ["a", "b"], "p", "has no output 'p': choose one of label, probabilities"),
        (models.mixed_model()[0], ["amount"], None, "input 'country' has no column of its name"),
        (models.zipmap_model()[0], ["a", "b"], None, "which of the outputs label is the score cannot be told"),
        (b"\x80\x04.", ["a"], None, "is a pickle"),
    ],
)
def test_what_cannot_be_guessed_is_refused(model: bytes, columns: list[str], score: str | None, says: str) -> None:
    """The refusal says what to give instead."""
    with pytest.raises(ModelRefused, match=says):
        infer_signature(model, columns, score)


@pytest.mark.parametrize("build", [models.logistic_model, models.mixed_model])
def test_a_signature_survives_json(build: Callable[[], models.Built]) -> None:
    """As a release carries it."""
    signature = build()[1]
    assert parse_signature(json.loads(canonical_json(asdict(signature)))) == signature
