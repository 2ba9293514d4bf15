"""Answering one request with a loaded model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature
from serinus.domain.table import Table
from serinus.errors import ModelFailed
from serinus.use_cases.infer import InferenceRequest, infer, scores_from

SIGNATURE = Signature(
    (InputTensor("x", Datatype.FP32, ("a",)),),
    (OutputTensor("label", Datatype.INT64, (-1,)), OutputTensor("p", Datatype.FP32, (-1, 2))),
    Score("p", 1),
)


@dataclass
class FakeModel:
    """Answers with what it is given."""

    outputs: Mapping[str, npt.NDArray[np.generic]]

    def run(self, inputs: Mapping[str, npt.NDArray[np.generic]]) -> Mapping[str, npt.NDArray[np.generic]]:
        """Return the outputs, whatever is asked."""
        assert set(inputs) == {"x"}
        return self.outputs

    def score(self, features: Table) -> npt.NDArray[np.float64]:
        """Never asked by this use case."""
        raise NotImplementedError


def a_request(rows: int = 2, outputs: tuple[str, ...] = ("label", "p")) -> InferenceRequest:
    """Return a request of that many rows."""
    return InferenceRequest({"x": np.zeros((rows, 1), dtype=np.float32)}, {"a": [0.0] * rows}, rows, outputs)


def test_a_request_is_answered_with_the_wanted_outputs_and_every_rows_score() -> None:
    """The score is recorded even where its output is not asked for."""
    model = FakeModel({"label": np.array([0, 1]), "p": np.array([[0.75, 0.25], [0.5, 0.5]], dtype=np.float32)})
    prediction = infer(model, SIGNATURE, a_request(outputs=("label",)))
    assert list(prediction.outputs) == ["label"]
    assert prediction.scores.tolist() == [0.25, 0.5]
    assert prediction.scores.dtype == np.float64


@pytest.mark.parametrize("shape", [(1, 2), (3, 2), (), (2, 1), (2, 0)])
def test_an_output_that_is_not_what_the_signature_says_is_the_models_failure(shape: tuple[int, ...]) -> None:
    """A graph may declare one shape and give another; no row then gets another row's score."""
    model = FakeModel({"label": np.array([0, 1]), "p": np.zeros(shape, dtype=np.float32)})
    with pytest.raises(ModelFailed, match="the model returned 'p' of shape"):
        infer(model, SIGNATURE, a_request())


def test_texts_are_no_scores() -> None:
    """They fail as the model's failure, not as ours."""
    with pytest.raises(ModelFailed):
        scores_from({"p": np.array(["a"], dtype=object)}, Score("p"), rows=1)


def test_an_output_of_one_dimension_has_one_column() -> None:
    """Column 0 is the value itself."""
    assert scores_from({"p": np.array([0.1, 0.2])}, Score("p"), rows=2).tolist() == [0.1, 0.2]


def test_no_rows_have_no_scores() -> None:
    """Whatever shape the graph gives them."""
    assert scores_from({"p": np.zeros((0, 2))}, Score("p", 1), rows=0).shape == (0,)
