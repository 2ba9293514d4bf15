"""`serinus rollout explain`: why a rollout advanced, held or rolled back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from serinus.cli.terminal import AsJson, console, deployment, escaped, print_json, print_table

if TYPE_CHECKING:
    from serinus.use_cases.explain_rollout import Explanation


def explain(
    ctx: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="The endpoint whose rollout to explain.")],
    rollout: Annotated[
        str | None, typer.Option("--rollout", help="The rollout's id; the one under way or the latest, if not given.")
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the evidence over time.")] = False,
    every_look: Annotated[bool, typer.Option("--every-look", help="Tell of each look, not just of changes.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say in words and numbers why a rollout advanced, held or rolled back; check that its record bears it out."""
    from serinus.cli.evidence import explanation_document, plotted
    from serinus.use_cases.explain_rollout import explain_rollout

    deployed = deployment(ctx)
    deployed.policies.get(endpoint)
    explained = explain_rollout(endpoint, rollout, rollouts=deployed.rollouts)
    if as_json:
        print_json(explanation_document(explained))
        return
    _print(explained, every_look=every_look)
    if plot:
        print(plotted(explained.looks, colour=sys.stdout.isatty()))  # noqa: T201 - drawn already


def _print(explained: Explanation, *, every_look: bool) -> None:
    from serinus.cli.evidence import FIGURE_HEADINGS, LOOK_HEADINGS, figure_row, look_row, told_of_scores
    from serinus.use_cases.explain_rollout import Replayed

    rollout, looks = explained.rollout, explained.looks
    ended = (
        f"{rollout.outcome}: {rollout.reason}" if rollout.outcome else f"under way at {rollout.candidate_percent} %"
    )
    sides = (
        f"release {rollout.candidate} against release {rollout.stable}" if rollout.candidate else "not published yet"
    )
    for line in (
        f"Rollout {rollout.id} of version {rollout.model_version}, {sides}: {ended}",
        f"Plan: {' → '.join(f'{step} %' for step in (*rollout.plan.steps, 100))}; {rollout.plan.reason}",
    ):
        console().print(escaped(line), soft_wrap=True)
    judged = [look for look in looks if look.figures]
    if judged:
        print_table("What is known", FIGURE_HEADINGS, [figure_row(figures) for figures in judged[-1].figures])
    if rollout.evidence and rollout.evidence.scores:
        console().print(told_of_scores(rollout.evidence.scores), soft_wrap=True)
    told = looks if every_look else explained.told
    print_table(
        f"What was said ({len(told)} of {len(looks)} looks)", LOOK_HEADINGS, [look_row(look) for look in told]
    )
    words = {
        Replayed.SAME: "Replayed from the record, the ticks give the evidence that was judged.",
        Replayed.DIFFERENT: "Replayed from the record, the ticks give ANOTHER evidence than was judged: look into it",
        Replayed.NOTHING: "No tick was weighed, so there is nothing to replay.",
    }
    console().print(words[explained.replayed])
