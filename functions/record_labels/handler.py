"""POST /endpoints/{endpoint}/labels: what became of predictions."""

from __future__ import annotations

import dataclasses
from typing import Any

from serinus import settings, wiring
from serinus.adapters.control_api.app import ControlApi
from serinus.adapters.control_api.bodies import LabelsAsked
from serinus.use_cases.record_labels import record_labels

_RECORDING = wiring.recording(settings.read(settings.RecordLabelsSettings))
_API = ControlApi()


@_API.post("/endpoints/<endpoint>/labels")
def _record(endpoint: str) -> dict[str, object]:
    caller = _API.caller
    asked = _API.body(LabelsAsked)
    recorded = record_labels(endpoint, [label.as_label for label in asked.labels], recording=_RECORDING)
    return {**dataclasses.asdict(recorded), "recorded_by": caller}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Answer how many labels are recorded, and whether they are new."""
    return _API.resolve(event, context)
