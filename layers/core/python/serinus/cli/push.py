"""`serinus push`: from a model file to a rollout's outcome."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serinus.cli.terminal import AsJson, deployment, print_json

if TYPE_CHECKING:
    from serinus.use_cases.push_model import PushProgress


def push(
    ctx: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="The endpoint to push to.")],
    model: Annotated[
        Path,
        typer.Argument(
            help="An .onnx file, or a scikit-learn pipeline saved as .joblib or .pkl. A pickle is loaded on this "
            "machine only, so push only your own; it is converted to ONNX here and never uploaded.",
        ),
    ],
    holdout: Annotated[
        Path, typer.Option(help="Held-out rows with every feature and the target: .csv, .parquet or .jsonl.")
    ],
    target: Annotated[
        str | None,
        typer.Option(help="The column to predict; not needed where it is the only one the model does not use."),
    ] = None,
    positive: Annotated[
        str | None, typer.Option(help="The target's value that counts as 1; not needed where it holds 0 and 1.")
    ] = None,
    score_output: Annotated[
        str | None, typer.Option(help="The graph's output that holds the score, where that cannot be told.")
    ] = None,
    framework_predictions: Annotated[
        str | None,
        typer.Option(
            help="The column of the held-out rows that holds what the framework itself said of each, to hold the "
            "served scores against; never a feature.",
        ),
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            help="A column of the held-out rows that is no feature, for the policy to judge by; may be repeated. Not "
            "needed where the model names its features.",
        ),
    ] = None,
    lineage: Annotated[
        list[str] | None, typer.Option(help="What to record of the model's origin, as KEY=VALUE; may be repeated.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Whether to wait for the rollout's outcome.")] = True,
    timeout_minutes: Annotated[
        float, typer.Option(min=0.0, help="How long to wait; the pipeline goes on by itself afterwards.")
    ] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Push a model to an endpoint: upload, register, validate and roll it out, and say what became of it.

    Exits with 0 where the model was promoted, or was validated and time was up before the rollout's end; with 1 where
    it was refused, rejected or rolled back.
    """
    from serinus.cli import client as api
    from serinus.cli.push_reporting import PushReporter, UploadBars, announce_pickle, print_outcome

    origin = _pairs(lineage or [])
    deployed = deployment(ctx)
    announce_pickle(model)
    with ExitStack() as shown:
        pushed = api.push(
            endpoint,
            model,
            holdout,
            target=target,
            positive=positive,
            score_output=score_output,
            framework_predictions=framework_predictions,
            beside=beside or (),
            lineage=origin,
            wait=wait,
            timeout_minutes=timeout_minutes,
            report=shown.enter_context(PushReporter()),
            client=deployed,
            uploads=UploadBars(deployed.uploads, deployed.resources.artifacts_bucket),
        )
    if as_json:
        from serinus.cli.documents import push_document

        print_json(push_document(pushed))
    else:
        print_outcome(pushed)
    raise typer.Exit(_exit_code(pushed, waited=wait))


def _exit_code(pushed: PushProgress, *, waited: bool) -> int:
    return 0 if pushed.succeeded or not waited else 1


def _pairs(given: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        key, separator, value = text.partition("=")
        if not key or not separator:
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--lineage")
        pairs[key] = value
    return pairs
