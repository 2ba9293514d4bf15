"""Ask the candidate what the stable release was asked, before any caller can reach it, and judge its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zlib import crc32

import numpy as np
import numpy.typing as npt

from serinus.domain.inference_request import probe_event, request_body, scores_in
from serinus.domain.profile import of_parts
from serinus.domain.rollout import Decision, Outcome, Release, Rollout, Stage, heed_steering
from serinus.domain.rollout_plan import ShadowPlan
from serinus.domain.shadow import ShadowJudgement, Slices, Visit, compare, judge_shadow, slices_of
from serinus.domain.shadow_tally import Answer, Replay, ShadowTally
from serinus.domain.signature import Signature
from serinus.domain.table import Table
from serinus.domain.verdict import Verdict
from serinus.errors import ReleaseBusy, ReleaseFailed, ReleaseNotFound, RevisionChanged
from serinus.settings import LATENCY_HEADER
from serinus.use_cases.end_rollout import Progress, conclude, end_rollout, progress_of
from serinus.use_cases.ports.registry import ModelVersions, References
from serinus.use_cases.ports.releases import Invocations
from serinus.use_cases.ports.watching import ProfileParts, Records
from serinus.use_cases.shift_traffic import Conducting

_ACTOR = "shadow_candidate"
_LONGEST_SECONDS = 60  # of asking in one tick; the last answer may take the 29 that a policy allows
_MOST_CRASHES = 4  # in one tick: five a minute would ring the endpoint's own alarm, though no caller saw one


@dataclass(frozen=True)
class Shadowing:
    """What a shadow needs of the world."""

    versions: ModelVersions
    references: References
    records: Records
    parts: ProfileParts
    invocations: Invocations
    conducting: Conducting


def shadow_candidate(endpoint: str, rollout_id: str, *, shadowing: Shadowing) -> Progress:
    """Replay some of the log to the candidate, one request after the other, and do what the look at it says.

    What was counted and how far the log was read are saved together, with compare-and-set: a tick that comes twice
    or dies half way counts nothing twice. Traffic is not touched: a shadow that is passed is only marked so.

    Raises:
        RolloutNotFound: there is no such rollout.
        ReleaseNotFound: the candidate's Lambda version is no more, or the stable release was never validated.
    """
    conducting = shadowing.conducting
    rollout = conducting.rollouts.get(endpoint, rollout_id)
    if rollout.outcome:
        conclude(rollout, actor=_ACTOR, conducting=conducting)
    if rollout.outcome or rollout.stage is not Stage.SHADOWING:
        return progress_of(rollout, "the shadow is over")
    try:
        return _tick(rollout, shadowing)
    except RevisionChanged:
        return progress_of(conducting.rollouts.get(endpoint, rollout_id), "somebody else was quicker")


def _tick(rollout: Rollout, shadowing: Shadowing) -> Progress:
    plan, tally, conducting = rollout.policy.shadow, rollout.shadow, shadowing.conducting
    assert plan is not None  # noqa: S101 - the policy is pinned, and asked for the shadow
    assert tally is not None  # noqa: S101 - the stage says so
    convicted = judge_shadow(tally, plan, now=conducting.clock()).verdict is Verdict.ROLL_BACK
    if tally.replayed < plan.requests and not convicted and not rollout.promoted_by_hand:
        tally = _Tick(rollout, plan, shadowing).carry_out(tally)
    now = conducting.clock()
    judgement = judge_shadow(tally, plan, now=now)
    decision = heed_steering(Decision(now, judgement.verdict, judgement.reason), rollout.steering)
    if decision.verdict is Verdict.ADVANCE:
        tally = replace(tally, passed=decision.reason)
    looked = rollout.shadowed(tally).looked_at(decision)
    conducting.rollouts.save(looked, replaced=rollout, looks=(decision,))
    outcome = _outcome(looked, decision, judgement)
    if outcome:
        return end_rollout(looked, outcome, decision.reason, actor=_ACTOR, conducting=conducting)
    return progress_of(looked, decision.reason)


def _outcome(rollout: Rollout, decision: Decision, judgement: ShadowJudgement) -> Outcome | None:
    """Return how the look ends the rollout, if it does; a pause holds it as long as the whole rollout may take."""
    if decision.verdict is Verdict.ADVANCE:
        return None
    if rollout.paused and decision.verdict is Verdict.HOLD:
        return Outcome.INCONCLUSIVE if rollout.horizon_passed(decision.at) else None
    return judgement.outcome


@dataclass(frozen=True, eq=False)
class _Request:
    """A logged request: the rows that were asked about, and what became of them."""

    id: str
    rows: Table

    @property
    def scores(self) -> npt.NDArray[np.float64]:
        """What the stable release scored each row."""
        return np.asarray(self.rows.columns["_score"], dtype=np.float64)

    @property
    def latency_ms(self) -> float | None:
        """How long that took, if the log told."""
        latency = float(self.rows.columns["_latency_ms"][0])
        return None if latency != latency else latency


class _Tick:
    """One tick of a shadow: bounded in requests and in time, and never more than one request at once."""

    def __init__(self, rollout: Rollout, plan: ShadowPlan, shadowing: Shadowing) -> None:
        self._rollout = rollout
        self._plan = plan
        self._shadowing = shadowing
        self._clock = shadowing.conducting.clock
        self._began = self._clock()
        self._counted_until = self._began - timedelta(seconds=rollout.policy.rollout.watermark_seconds)
        self._stable = self._release(rollout.stable)
        self._candidate = self._release(rollout.candidate)
        self._asked_as = self._signature(self._stable)
        self._scored_as = self._signature(self._candidate).score
        self._replays: list[Replay] = []
        self._crashes = 0
        self._unreplayable = 0

    def carry_out(self, tally: ShadowTally) -> ShadowTally:
        """Replay what comes next, and return the tally with it."""
        slices = self._slices(tally)
        left = min(self._plan.maximum_per_tick, self._plan.requests - tally.replayed)
        visited, taken = tally.visited, tally.taken
        while len(self._replays) < left and self._goes_on():
            visit = slices.visit(visited)
            if visit.end > self._counted_until:
                break
            due = self._requests(visit)[taken:]
            done = self._replay(due, left)
            if done < len(due):
                taken += done
                break
            visited, taken = visited + 1, 0
        counted = tally.counting(
            self._replays, self._plan, visited=visited, taken=taken, unreplayable=self._unreplayable
        )
        return self._beside(counted, slices.since)

    def _goes_on(self) -> bool:
        return self._crashes < _MOST_CRASHES and (self._clock() - self._began).total_seconds() < _LONGEST_SECONDS

    def _replay(self, due: Sequence[_Request], left: int) -> int:
        """Ask about requests until enough were asked; return how many are done with.

        Where Lambda has no room the tick is over: callers need it more.
        """
        for done, request in enumerate(due):
            if len(self._replays) >= left or not self._goes_on():
                return done
            event = self._event(request)
            if event is None:
                self._unreplayable += 1
                continue
            try:
                self._replays.append(self._ask(request, event))
            except ReleaseBusy:
                return done
        return len(due)

    def _requests(self, visit: Visit) -> Sequence[_Request]:
        """Return the requests of a visit whose inputs were logged, each with all of its logged rows."""
        table = self._shadowing.records.read(self._rollout.endpoint, self._stable.number, visit.begin, visit.end)
        table = table.take(np.flatnonzero(np.asarray(table.columns["_inputs"], dtype=np.float64) == 1))
        ids = np.asarray(table.columns["_request"], dtype=str)
        shuffled = sorted(set(ids.tolist()), key=lambda request: (crc32(request.encode()), request))
        return [
            _Request(request, table.take(np.flatnonzero(ids == request)))
            for request in shuffled[visit.first : visit.last]
        ]

    def _event(self, request: _Request) -> Mapping[str, object] | None:
        """Return the event that asks again; `None` where the log lacks a column or holds text for a number."""
        try:
            body = request_body(self._asked_as, request.rows)
        except (KeyError, ValueError):
            return None
        return probe_event(self._rollout.endpoint, body)

    def _ask(self, request: _Request, event: Mapping[str, object]) -> Replay:
        try:
            answer = self._shadowing.invocations.ask(self._candidate, event)
        except ReleaseFailed:
            self._crashes += 1
            return Replay(Answer.FAILED)
        status = answer.get("statusCode")
        if isinstance(status, int) and 400 <= status < 500:
            return Replay(Answer.REFUSED)
        scores = scores_in(answer.get("body"), self._scored_as, request.rows.rows) if status == 200 else None
        if scores is None:
            return Replay(Answer.FAILED)
        policy = self._rollout.policy
        agreed, difference = compare(request.scores, scores, policy.operating_threshold, policy.task)
        return Replay(Answer.SCORED, len(scores), agreed, difference, _latency_ms(answer), request.latency_ms)

    def _slices(self, tally: ShadowTally) -> Slices:
        rollout = self._rollout.policy.rollout
        return slices_of(
            self._plan,
            began_at=tally.began_at,
            served_since=self._stable.published_at,
            tick_seconds=rollout.tick_seconds,
            watermark_seconds=rollout.watermark_seconds,
        )

    def _beside(self, tally: ShadowTally, since: datetime) -> ShadowTally:
        """Count what stable did in the time that the log is replayed of."""
        reference = self._shadowing.references.get(self._rollout.endpoint, self._stable.content_digest)
        if reference is None:
            wanted = f"release {self._stable.number} with a reference profile"
            raise ReleaseNotFound(self._rollout.endpoint, wanted)
        until = max(since, self._counted_until)
        parts = self._shadowing.parts.read(self._rollout.endpoint, self._stable.number, since, until)
        profile = of_parts(reference.layout, parts, since, until)
        return tally.beside(requests=profile.requests, failures=profile.failures)

    def _release(self, number: int | None) -> Release:
        found = None
        if number is not None:
            found = self._shadowing.conducting.rollouts.release(self._rollout.endpoint, number)
        if found is None:
            raise ReleaseNotFound(self._rollout.endpoint, f"release {number}")
        return found

    def _signature(self, release: Release) -> Signature:
        return self._shadowing.versions.get(release.endpoint, release.model_version).manifest.signature


def _latency_ms(answer: Mapping[str, object]) -> float | None:
    headers = answer.get("headers")
    told = headers.get(LATENCY_HEADER) if isinstance(headers, Mapping) else None
    try:
        return float(str(told))
    except ValueError:
        return None
