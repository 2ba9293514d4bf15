"""Answering one request with a loaded model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature
from serinus.domain.tensor import Block, Tensor, Values
from serinus.errors import ModelFailed
from serinus.use_cases.infer import InferenceRequest, infer, scores_from, scores_of

SIGNATURE = Signature(
    (InputTensor("x", Datatype.FP32, ("a",)),),
    (OutputTensor("label", Datatype.INT64, (-1,)), OutputTensor("p", Datatype.FP32, (-1, 2))),
    Score("p", 1),
)
LABELS = Tensor.of(Datatype.INT64, (2,), [0, 1])


def zeros(*shape: int) -> Tensor:
    """Return a tensor of zeros."""
    return Tensor.of(Datatype.FP32, shape, [0.0] * int(np.prod(shape)))


@dataclass
class FakeModel:
    """Answers with what it is given."""

    outputs: Mapping[str, Tensor]
    asked: list[str] = field(default_factory=list)

    def run_tensors(self, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> Mapping[str, Tensor]:
        """Return the outputs asked for."""
        assert set(inputs) == {"x"}
        self.asked.extend(outputs)
        return {name: self.outputs[name] for name in outputs}


def a_request(rows: int = 2, outputs: tuple[str, ...] = ("label", "p"), **written: Values) -> InferenceRequest:
    """Return a request of that many rows."""
    return InferenceRequest(SIGNATURE, {"x": zeros(rows, 1)}, rows, outputs, written=written)


def test_a_request_is_answered_with_the_wanted_outputs_and_every_rows_score() -> None:
    """The score is recorded even where its output is not asked for."""
    model = FakeModel({"label": LABELS, "p": Tensor.of(Datatype.FP32, (2, 2), [0.75, 0.25, 0.5, 0.5])})
    prediction = infer(model, SIGNATURE, a_request(outputs=("label",)))
    assert list(prediction.outputs) == ["label"]
    assert prediction.scores == [0.25, 0.5]
    assert model.asked == ["label", "p"]


def test_the_features_are_what_the_caller_wrote() -> None:
    """And where nothing was written, what came packed."""
    (written,), (packed,) = a_request(x=[1, None]).blocks(), a_request().blocks()
    assert (written.columns, written.values) == (packed.columns, [1, None]) == (("a",), [1, None])
    assert list(packed.values) == [0.0, 0.0]


def test_a_block_gives_its_columns_and_its_rows() -> None:
    """Whichever are wanted."""
    block = Block(("a", "b", "c"), [1, 2, 3, 4, 5, 6])
    assert block.column(1) == [2, 5]
    assert block.rows([1]) == [4, 5, 6]
    assert block.only([0, 2]) == Block(("a", "c"), [1, 3, 4, 6])


@pytest.mark.parametrize("shape", [(1, 2), (3, 2), (), (2, 1), (2, 0)])
def test_an_output_that_is_not_what_the_signature_says_is_the_models_failure(shape: tuple[int, ...]) -> None:
    """A graph may declare one shape and give another; no row then gets another row's score."""
    with pytest.raises(ModelFailed, match="the model returned 'p' of shape"):
        infer(FakeModel({"label": LABELS, "p": zeros(*shape)}), SIGNATURE, a_request())
    with pytest.raises(ModelFailed, match="the model returned 'p' of shape"):
        scores_from({"p": np.zeros(shape, dtype=np.float32)}, SIGNATURE.score, rows=2)


def test_texts_are_no_scores() -> None:
    """They fail as the model's failure, not as ours."""
    with pytest.raises(ModelFailed):
        scores_of(Tensor(Datatype.BYTES, (1,), ["a"]), Score("p"), rows=1)
    with pytest.raises(ModelFailed):
        scores_from({"p": np.array(["a"], dtype=object)}, Score("p"), rows=1)


def test_an_output_of_one_dimension_has_one_column() -> None:
    """Column 0 is the value itself; whole numbers become fractions."""
    assert scores_of(LABELS, Score("label"), rows=2) == [0.0, 1.0]
    assert scores_from({"p": np.array([0.1, 0.2])}, Score("p"), rows=2).tolist() == [0.1, 0.2]


def test_no_rows_have_no_scores() -> None:
    """Whatever shape the graph gives them."""
    assert scores_from({"p": np.zeros((0, 2))}, Score("p", 1), rows=0).shape == (0,)
