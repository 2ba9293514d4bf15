"""Gates and what they find. A finding says what was wrong, where, and what to do, with the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from serinus.domain.metric import Metric, MetricGate
from serinus.domain.task import BINARY_TARGET

# A model may weigh this much: a function and its layers may unzip to 250 MB, and the inference layers need 40.
MAXIMUM_MODEL_BYTES = 200_000_000


@dataclass(frozen=True)
class Finding:
    """What one gate found.

    Attributes:
        gate: the gate's name.
        passed: whether what it checks may be released.
        message: what was wrong, where, and what to do; what was found, where it passed.
        numbers: the figures it was judged by.
    """

    gate: str
    passed: bool
    message: str
    numbers: Mapping[str, float] = field(default_factory=dict)


def all_passed(findings: Iterable[Finding]) -> bool:
    """Whether nothing stands against a release."""
    return all(finding.passed for finding in findings)


def judge_metrics(
    gates: Iterable[MetricGate], measured: Mapping[Metric, float], *, rows: int, needs: str = BINARY_TARGET.needs
) -> tuple[Finding, ...]:
    """Hold measured metrics against the policy's gates.

    Args:
        gates: the policy's.
        measured: what was measured; nothing where the rows lack what it takes.
        rows: how many it was measured on.
        needs: what it takes.

    >>> judge_metrics([MetricGate(Metric.ROC_AUC, minimum=0.7)], {Metric.ROC_AUC: 0.65}, rows=100)[0].message
    'roc_auc is 0.6500 on 100 held-out rows, below the minimum of 0.7: train a better model, or change the gate'
    """
    return tuple(_judge_metric(gate, measured.get(gate.metric), rows, needs) for gate in gates)


def _judge_metric(gate: MetricGate, value: float | None, rows: int, needs: str) -> Finding:
    name = f"metric:{gate.metric}"
    if value is None:
        return Finding(
            name,
            passed=False,
            message=f"{gate.metric} cannot be measured on the held-out snapshot of {rows} rows: it needs {needs}",
        )
    found = f"{gate.metric} is {value:.4f} on {rows} held-out rows"
    numbers = {"value": value, "rows": float(rows)}
    if gate.minimum is not None and value < gate.minimum:
        message = f"{found}, below the minimum of {gate.minimum}: train a better model, or change the gate"
        return Finding(name, passed=False, message=message, numbers=numbers | {"minimum": gate.minimum})
    if gate.maximum is not None and value > gate.maximum:
        message = f"{found}, above the maximum of {gate.maximum}: train a better model, or change the gate"
        return Finding(name, passed=False, message=message, numbers=numbers | {"maximum": gate.maximum})
    return Finding(name, passed=True, message=found, numbers=numbers)
