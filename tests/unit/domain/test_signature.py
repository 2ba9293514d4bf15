"""Which signature may take the place of another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Signature
from tests.builders import a_signature

_LIVE = a_signature()
_NUMBERS, _TEXTS = _LIVE.inputs
_LABEL, _PROBABILITIES = _LIVE.outputs
_MORE = InputTensor("more", Datatype.FP32, ("extra",))


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(_LIVE, id="the same"),
        pytest.param(replace(_LIVE, inputs=(_TEXTS, _NUMBERS)), id="inputs in another order"),
        pytest.param(
            replace(_LIVE, outputs=(*_LIVE.outputs, OutputTensor("why", Datatype.BYTES, (-1,)))), id="one output more"
        ),
    ],
)
def test_callers_of_the_one_can_use_the_other(signature: Signature) -> None:
    """Tensors are found by name, and an output more does no harm."""
    assert signature.accepts_callers_of(_LIVE) is None


@pytest.mark.parametrize(
    ("signature", "difference"),
    [
        pytest.param(
            replace(_LIVE, inputs=(*_LIVE.inputs, _MORE)),
            "it takes an input 'more' that callers do not send",
            id="an input more",
        ),
        pytest.param(replace(_LIVE, inputs=(_NUMBERS,)), "it does not take the input 'texts'", id="an input less"),
        pytest.param(
            replace(_LIVE, inputs=(replace(_NUMBERS, datatype=Datatype.FP64), _TEXTS)),
            "its input 'numbers' is FP64, not FP32",
            id="another datatype",
        ),
        pytest.param(
            replace(_LIVE, inputs=(replace(_NUMBERS, columns=("age", "amount")), _TEXTS)),
            "its input 'numbers' has the columns age, amount, not amount, age",
            id="columns in another order",
        ),
        pytest.param(replace(_LIVE, outputs=(_PROBABILITIES,)), "it has no output 'label'", id="an output less"),
        pytest.param(
            replace(_LIVE, outputs=(replace(_LABEL, datatype=Datatype.BYTES), _PROBABILITIES)),
            "its output 'label' is BYTES, not INT64",
            id="an output of another datatype",
        ),
        pytest.param(
            replace(_LIVE, inputs=(_NUMBERS, _MORE), outputs=()),
            "it takes an input 'more' that callers do not send; it does not take the input 'texts'; "
            "it has no output 'label'; it has no output 'probabilities'",
            id="much at once",
        ),
    ],
)
def test_what_callers_would_stumble_over_is_said(signature: Signature, difference: str) -> None:
    """All of it, each by its name."""
    assert signature.accepts_callers_of(_LIVE) == difference
