"""Run Evidently and NannyML as they are, each in an environment of its own under build/bench."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.benchmarks.environments import BUILT, PeerSkipped, interpreter

SCRIPTS = Path(__file__).parent / "peer_scripts"
_SILENT = {"NML_DISABLE_USAGE_LOGGING": "1", "DO_NOT_TRACK": "1"}  # else they contact analytics hosts
_RUN_SECONDS = 1_200


def run_peer(
    peer: str, script: str, *, seconds: float = _RUN_SECONDS, **arrays: npt.NDArray[Any]
) -> dict[str, npt.NDArray[Any]] | str:
    """Run a script of `peer_scripts` on arrays in a peer's environment; return its arrays, or why it did not run.

    Args:
        peer: whose requirements `peer_scripts` pins.
        script: its name.
        seconds: after which it is cut off.
        arrays: what it is given.
    """
    try:
        python = interpreter(peer, SCRIPTS)
    except PeerSkipped as skipped:
        return str(skipped)
    return run_script(python, SCRIPTS / f"{script}.py", seconds=seconds, **arrays)


def run_script(
    python: Path, script: Path, *, seconds: float = _RUN_SECONDS, **arrays: npt.NDArray[Any]
) -> dict[str, npt.NDArray[Any]] | str:
    """Run a script on arrays by an interpreter; return its arrays, or why it did not run."""
    BUILT.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=BUILT) as folder:
        given, answer = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(given, **arrays)  # type: ignore[arg-type]  # its stub takes a keyword of its own for one of them
        try:
            ran = subprocess.run(
                [str(python), str(script), str(given), str(answer)],
                env={**os.environ, **_SILENT},
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"cut off after {seconds:g} seconds"
        if ran.returncode:
            return f"it failed: {ran.stderr.strip().splitlines()[-1:]}"
        with np.load(answer) as found:
            return dict(found)


def evidently_looks(
    reference: npt.NDArray[np.float64], rows: npt.NDArray[np.float64], windows: Sequence[tuple[int, int]]
) -> list[bool] | str:
    """Return whether Evidently's preset finds the data set drifted at each look, or why it was not asked."""
    return _looks("evidently", "evidently_looks", reference, rows, windows)


def nannyml_looks(
    reference: npt.NDArray[np.float64], rows: npt.NDArray[np.float64], windows: Sequence[tuple[int, int]]
) -> list[bool] | str:
    """Return whether NannyML's univariate drift alerts on any feature at each look, or why it was not asked."""
    return _looks("nannyml", "nannyml_looks", reference, rows, windows)


def _looks(
    peer: str,
    script: str,
    reference: npt.NDArray[np.float64],
    rows: npt.NDArray[np.float64],
    windows: Sequence[tuple[int, int]],
) -> list[bool] | str:
    found = run_peer(peer, script, reference=reference, rows=rows, windows=np.array(windows))
    return found if isinstance(found, str) else [bool(alarm) for alarm in found["alarms"]]
