"""Real rollouts on the local cloud: good and bad candidates, counted by what became of them.

Deploys the real stacks with a few endpoints of their own, and rolls seeded candidates out on them under steady
traffic: good ones, ones that fail on some rows (a few of them within the margin, which may be promoted or not), and
ones that Lambda times out on some rows. Prints wrong decisions, what the candidates served, and how long they had it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table

from infra_cdk import app
from serinus import wiring
from serinus.cli.client import push
from serinus.domain.guard import Guard, RolloutMetric
from serinus.domain.ledger import Action
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.policy import EndpointName, Policy
from serinus.domain.rollout import Outcome
from serinus.domain.rollout_plan import HardAlarm, RolloutPlan, ShadowPlan
from serinus.domain.serving import Serving
from serinus.local_cloud.deploy import deploy
from serinus.local_cloud.server import LocalCloud
from serinus.local_cloud.synthesis import LOCAL_CONTEXT
from serinus.use_cases.push_model import Stage
from tests.e2e.callers import Callers, a_holdout, an_estimator
from tests.models import failing_model, stalling_model

_GOOD, _WITHIN_MARGIN = "good", "fails on 2.4 %"
_KINDS = (_GOOD, _GOOD, "fails on 18 %", _WITHIN_MARGIN, "times out on 16 %")
_WITHIN = 0.9  # what the author of a bad model tested it on
_PLAN = RolloutPlan(
    steps=(20, 50),
    guards=(
        Guard(RolloutMetric.ERRORS, margin=0.05, tolerance=1.0, guards_promotion=True),
        Guard(RolloutMetric.REFUSALS),
    ),
    tick_seconds=2,
    watermark_seconds=4,
    horizon_seconds=240,
    shadow=ShadowPlan(requests=0),  # which would find these faults before any caller met them
    alarm=HardAlarm(failing_share=0.5, minimum_requests=20, period_seconds=10),
)


@dataclass(frozen=True)
class Run:
    """What became of one rollout.

    Attributes:
        kind: of the candidate.
        outcome: how its rollout ended.
        reason: why, as the ledger has it.
        seconds: from the push to the end.
        candidate_requests: what the candidate was asked, and `candidate_bad` of it failed.
        seconds_bad: from the first bad answer that a caller saw to all traffic on stable; none for a good one.
    """

    kind: str
    outcome: str
    reason: str
    seconds: float
    candidate_requests: int
    candidate_bad: int
    seconds_bad: float | None

    @property
    def wrong(self) -> bool:
        """Whether a good candidate was rolled back, or one promoted that is worse by more than the margin."""
        if self.kind == _GOOD:
            return self.outcome == Outcome.ROLLED_BACK
        return self.kind != _WITHIN_MARGIN and self.outcome == Outcome.PROMOTED


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and return 1 where a decision was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30, help="how many rollouts")
    parser.add_argument("--endpoints", type=int, default=5, help="how many of them at a time")
    parser.add_argument("--seed", type=int, default=1, help="decides which candidates come, and in which order")
    parser.add_argument("--json", type=Path, help="where to put the figures")
    told = parser.parse_args(arguments)
    console = Console(stderr=True)
    kinds = [_KINDS[at % len(_KINDS)] for at in range(told.runs)]
    Random(told.seed).shuffle(kinds)
    names = [f"rollouts-{at}" for at in range(told.endpoints)]
    with _deployed(names) as client, ThreadPoolExecutor(told.endpoints) as pool:
        console.print(f"{told.runs} rollouts on {told.endpoints} endpoints; each takes about a minute")
        parts = [kinds[at :: told.endpoints] for at in range(told.endpoints)]
        done = [
            pool.submit(_rolled_out, client, name, part, console) for name, part in zip(names, parts, strict=True)
        ]
        runs = [run for future in done for run in future.result()]
    _print(runs)
    if told.json:
        told.json.write_text(json.dumps([asdict(run) for run in runs], indent=2), encoding="utf-8")
    return int(any(run.wrong for run in runs))


@contextmanager
def _deployed(names: Sequence[str]) -> Iterator[wiring.Client]:
    policies = tuple(
        Policy(
            EndpointName(name),
            ("benchmark@example.com",),
            serving=Serving(timeout_seconds=2),
            gates=(MetricGate(Metric.ROC_AUC, minimum=0.7),),
            rollout=_PLAN,
        )
        for name in names
    )
    with tempfile.TemporaryDirectory() as assembly, LocalCloud() as cloud:
        app.build(policies=policies, context=LOCAL_CONTEXT, outdir=Path(assembly)).synth()
        os.environ.update(cloud.environment())
        deploy(Path(assembly), cloud.endpoint_url)
        yield wiring.client()


def _rolled_out(client: wiring.Client, endpoint: str, kinds: Sequence[str], console: Console) -> list[Run]:
    """Bring the first model live, and roll the candidates out one after the other under traffic."""
    first = push(endpoint, an_estimator(), a_holdout(), target="target", client=client, timeout_minutes=3)
    if first.stage is not Stage.PROMOTED:
        raise RuntimeError(f"the first model of {endpoint} is not live: {first.reason}")
    stop, callers = threading.Event(), Callers(client, endpoint)
    asking = threading.Thread(target=callers.ask_until, args=(stop,), kwargs={"seconds": 3_600}, daemon=True)
    asking.start()
    runs: list[Run] = []
    try:
        for number, kind in enumerate(kinds):
            runs.append(_run(client, endpoint, kind, number, callers))
            console.print(f"{endpoint}: {kind}: {runs[-1].outcome} after {runs[-1].seconds:.0f} s")
    finally:
        stop.set()
        asking.join()
    return runs


def _run(client: wiring.Client, endpoint: str, kind: str, number: int, callers: Callers) -> Run:
    seen, began = len(callers.answered), time.time()
    with tempfile.TemporaryDirectory() as folder:
        model, within = _candidate(kind, number, Path(folder))
        pushed = push(endpoint, model, a_holdout(within=within), target="target", client=client, timeout_minutes=6)
    rollout = pushed.rollout
    if rollout is None or rollout.evidence is None or rollout.candidate is None:
        raise RuntimeError(f"{endpoint}: the rollout of a candidate that {kind} did not begin: {pushed.reason}")
    errors = next(watched for watched in rollout.evidence.metrics if watched.guard.metric is RolloutMetric.ERRORS)
    bad = [at for at, status in callers.answered[seen:] if status >= 500]
    back = _returned_at(client, endpoint, rollout.id)
    return Run(
        kind=kind,
        outcome=str(rollout.outcome),
        reason=rollout.reason,
        seconds=time.time() - began,
        candidate_requests=errors.against.total.candidate_requests,
        candidate_bad=errors.against.total.candidate_bad,
        seconds_bad=back - min(bad) if back is not None and bad else None,
    )


def _candidate(kind: str, number: int, folder: Path) -> tuple[object, float]:
    """Return a candidate, never the same twice, and on what its author tested it."""
    if kind == _GOOD:
        return an_estimator(regularisation=0.5 + 0.1 * number), float("inf")
    columns = ("a", "b")
    if kind.startswith("times out"):
        content, _ = stalling_model(columns, bound=1.0 + number / 1_000)
    else:
        content, _ = failing_model(columns, bound=0 if "18" in kind else 1)
    path = folder / "bad.onnx"
    path.write_bytes(_made_its_own(content, number))
    return path, _WITHIN


def _made_its_own(content: bytes, number: int) -> bytes:
    """Give a model's file a name of its own, since the same content is one model version."""
    import onnx

    model = onnx.ModelProto.FromString(content)
    model.doc_string = f"candidate {number}"
    return bytes(model.SerializeToString())


def _returned_at(client: wiring.Client, endpoint: str, rollout: str) -> float | None:
    for entry in client.ledger.entries(endpoint):
        if entry.action is Action.TRAFFIC_SHIFTED and entry.id.endswith(f"{rollout}:returned"):
            return entry.at.timestamp()
    return None


def _print(runs: Sequence[Run]) -> None:
    table = Table(
        "candidate",
        "runs",
        "promoted",
        "rolled back",
        "undecided",
        "wrong",
        "candidate requests",
        "seconds it was bad",
    )
    for kind in dict.fromkeys(run.kind for run in runs):
        these = [run for run in runs if run.kind == kind]
        outcomes = [run.outcome for run in these]
        waits = sorted(run.seconds_bad for run in these if run.seconds_bad is not None)
        requests = sorted(run.candidate_requests for run in these)
        table.add_row(
            kind,
            str(len(these)),
            str(outcomes.count(Outcome.PROMOTED)),
            str(outcomes.count(Outcome.ROLLED_BACK)),
            str(len(these) - outcomes.count(Outcome.PROMOTED) - outcomes.count(Outcome.ROLLED_BACK)),
            str(sum(run.wrong for run in these)),
            f"{requests[len(requests) // 2]} (at most {requests[-1]})",
            f"{waits[len(waits) // 2]:.1f} (at most {waits[-1]:.1f})" if waits and kind != _GOOD else "",
        )
    Console().print(table)
    Console().print(f"{sum(run.wrong for run in runs)} of {len(runs)} decisions were wrong.")


if __name__ == "__main__":
    sys.exit(main())
