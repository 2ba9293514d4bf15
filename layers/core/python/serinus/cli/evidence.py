"""A rollout's evidence, as people read and see it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from serinus.cli.terminal import in_utc

if TYPE_CHECKING:
    from serinus.domain.judgement import Figures
    from serinus.domain.rollout import Decision
    from serinus.domain.score_shift import ScoreShift
    from serinus.use_cases.explain_rollout import Explanation

FIGURE_HEADINGS = ("metric", "candidate", "stable", "difference", "evidence it is worse", "proof it is within")
LOOK_HEADINGS = ("when", "traffic", "verdict", "why")

_PLOT_SIZE = (96, 22)
_LEAST = 1e-300  # of which there is a logarithm
_MARKERS = "abcdefghij"  # tell lines apart where colours cannot


def figure_row(figures: Figures) -> tuple[str, ...]:
    """Return what is known of one metric."""
    proof = "not asked for"
    if figures.proof is not None and figures.margin is not None:
        proof = f"{_number(figures.proof)} of {figures.proof_needed:.0f}, within {figures.margin * 100:.3g} points"
    return (
        str(figures.metric),
        f"{figures.candidate_bad:,} of {figures.candidate_requests:,}",
        f"{figures.stable_bad:,} of {figures.stable_requests:,}",
        f"{figures.excess * 100:+.2f} points",
        f"{_number(figures.evidence)} of {figures.evidence_needed:.0f}",
        proof,
    )


def told_of_scores(scores: ScoreShift) -> str:
    """Say whether the candidate's scores are distributed otherwise than stable's, which is no fault by itself."""
    told = f"Evidence that the candidate's scores are distributed otherwise than stable's: {_power(scores.log_e)}"
    if scores.tolerance is None:
        return f"{told}; it decides nothing."
    beyond = _power(scores.log_e_beyond)
    return (
        f"{told}; that they have shifted by more than the policy tolerates: {beyond}, of which 20 stops a promotion."
    )


def look_row(look: Decision) -> tuple[str, ...]:
    """Return what one look said."""
    return in_utc(look.at), f"{look.percent} %", str(look.verdict), look.reason


def explanation_document(explained: Explanation) -> dict[str, object]:
    """Return an explanation as JSON has it: every look with all that it was said on."""
    from serinus.adapters.schemas.rollout_documents import rollout_document

    rollout = explained.rollout
    return {
        "rollout": rollout_document(rollout),
        "plan": {"steps": list(rollout.plan.steps), "reason": rollout.plan.reason},
        "replayed": str(explained.replayed),
        "log_evidence_of_shifted_scores": rollout.evidence.scores.log_e
        if rollout.evidence and rollout.evidence.scores
        else None,
        "looks": [_look_document(look) for look in explained.looks],
    }


def plotted(looks: Sequence[Decision], *, colour: bool) -> str:
    """Draw the evidence over time, on a scale of powers of ten, with what each needs.

    Args:
        looks: those at a rollout, in order; the ones that weighed a tick are drawn.
        colour: whether the terminal shows colours.
    """
    import plotext

    weighed = [look for look in looks if look.figures and look.since is not None]
    if not weighed:
        return "Nothing was weighed yet, so there is nothing to draw."
    begun = weighed[0].at
    minutes = [(look.at - begun).total_seconds() / 60 for look in weighed]
    plotext.clear_figure()
    plotext.plotsize(*_PLOT_SIZE)
    if not colour:
        plotext.theme("clear")
    markers = iter(_MARKERS)
    for metric in [figures.metric for figures in weighed[0].figures]:
        series = {f"{metric}: worse": [_log(_of(look, metric).evidence) for look in weighed]}
        proofs = [_of(look, metric).proof for look in weighed]
        if any(proof is not None for proof in proofs):
            series[f"{metric}: within the margin"] = [_log(proof or 0.0) for proof in proofs]
        for label, values in series.items():
            plotext.plot(minutes, values, label=label, marker="hd" if colour else next(markers))
    last = weighed[-1].figures[0]
    plotext.hline(_log(last.evidence_needed))
    plotext.hline(_log(last.proof_needed))
    plotext.title(
        f"evidence, as powers of ten: {last.evidence_needed:.0f} rolls back, {last.proof_needed:.0f} advances"
    )
    plotext.xlabel("minutes since the first look")
    drawn = str(plotext.build())
    return drawn if colour else str(plotext.uncolorize(drawn))


def _of(look: Decision, metric: object) -> Figures:
    return next(figures for figures in look.figures if figures.metric == metric)


def _look_document(look: Decision) -> Mapping[str, Any]:
    return {
        "at": look.at.isoformat(),
        "verdict": str(look.verdict),
        "reason": look.reason,
        "candidate_percent": look.percent,
        "tick_since": None if look.since is None else look.since.isoformat(),
        "counted": {}
        if look.tick is None
        else {
            str(metric): [
                [tally.stable_requests, tally.stable_bad, tally.candidate_requests, tally.candidate_bad]
                for tally in tallies
            ]
            for metric, tallies in look.tick.strata.items()
        },
        "metrics": [
            {
                "metric": str(figures.metric),
                "candidate_requests": figures.candidate_requests,
                "candidate_bad": figures.candidate_bad,
                "stable_requests": figures.stable_requests,
                "stable_bad": figures.stable_bad,
                "excess": figures.excess,
                "evidence": figures.evidence,
                "evidence_needed": figures.evidence_needed,
                "proof": figures.proof,
                "proof_needed": figures.proof_needed,
                "margin": figures.margin,
            }
            for figures in look.figures
        ],
    }


def _log(value: float) -> float:
    """Return the power of ten, no lower than a hundredth: below, nothing is told apart."""
    return math.log10(max(value, 0.01))


def _power(log_value: float) -> str:
    return _number(math.exp(log_value)) if log_value < math.log(1e6) else f"10^{log_value / math.log(10):.0f}"


def _number(value: float) -> str:
    from serinus.domain.judgement import in_words

    return in_words(math.log(max(value, _LEAST)))
