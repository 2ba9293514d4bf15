"""A model that takes far too long, or all memory, is rejected before all rows are scored by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from serinus.domain.footprint import Footprint
from serinus.domain.model_version import ModelVersion, Status
from serinus.domain.serving import Serving
from serinus.domain.signature import Signature
from serinus.domain.table import Table
from serinus.errors import ModelFailed, ModelOverran
from serinus.use_cases.ports.models import Encoding, MeasureFootprint
from serinus.use_cases.validate_model import validate_model
from tests.builders import FRAUD, World, a_policy, scores_of

QUICK = Footprint(1.0, 2.0, 200, 5_000.0, 400, 90.0)


def validated(world: World, measure: MeasureFootprint) -> tuple[ModelVersion, list[int]]:
    """Validate a model that is measured so; return the version, and how many rows it was let near."""
    scored: list[int] = []

    def script(features: Table) -> npt.NDArray[np.float64]:
        scored.append(features.rows)
        return scores_of(features)

    number = world.registered()
    world.models.script = script
    validation = replace(world.validation, measure_footprint=measure)
    return validate_model(FRAUD, number, validation=validation), scored


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (ModelOverran("it took longer than 40 seconds in a process of its own"), "look whether the model ends"),
        (replace(QUICK, row_p50_ms=10_001.0), "takes 10 s for a row, and the endpoint must answer within"),
        (replace(QUICK, rows_per_second=3.0), "the 400 held-out rows would take 133 s of the 120"),
    ],
)
def test_a_model_that_overruns_scores_no_held_out_rows(found: Footprint | ModelOverran, said: str) -> None:
    """The finding says what it took and what to do, the ledger too."""

    def measure(*_: object) -> Footprint:
        if isinstance(found, ModelOverran):
            raise found
        return found

    world = World()
    version, scored = validated(world, measure)
    assert version.status is Status.REJECTED
    (fault,) = [finding for finding in version.findings if not finding.passed]
    assert fault.gate == "footprint:pace"
    assert said in fault.message
    assert said in str(world.entries()[-1].details["reason"])
    assert scored == []


def test_the_trial_lasts_as_long_as_the_endpoint_has_to_answer() -> None:
    """Twice that, and what loading takes."""
    asked: list[float] = []

    def measure(_model: bytes, _signature: Signature, _rows: Table, within_seconds: float) -> Footprint:
        asked.append(within_seconds)
        return QUICK

    world = World(replace(a_policy(), serving=Serving(timeout_seconds=29)))
    version, scored = validated(world, measure)
    assert version.status is Status.VALIDATED
    assert asked == [78.0]
    assert max(scored) == 400


def test_a_model_that_fails_on_a_few_rows_is_told_by_scoring_all() -> None:
    """Which names the row."""

    def measure(*_: object) -> Footprint:
        raise ModelFailed("its process ended with 1")

    version, scored = validated(World(), measure)
    assert version.status is Status.VALIDATED
    assert max(scored) == 400
    assert "footprint:run" in {finding.gate for finding in version.findings}


def test_where_another_file_is_served_both_are_measured() -> None:
    """What the uploaded one takes says nothing of the other."""
    asked: list[bytes] = []

    def measure(model: bytes, *_: object) -> Footprint:
        asked.append(model)
        return QUICK

    world = World()
    world.validation = replace(world.validation, choose_encoding=lambda *_: Encoding(b"served", "re-encoded"))
    validated(world, measure)
    assert asked == [b"model 1", b"served"]
