"""Run Evidently, NannyML and whylogs as they are, each in an environment of its own under build/bench."""

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
_SILENT = {
    "NML_DISABLE_USAGE_LOGGING": "1",
    "DO_NOT_TRACK": "1",
    "WHYLOGS_NO_ANALYTICS": "True",
}  # else they contact analytics hosts
_RUN_SECONDS = 600
PEERS = {
    "evidently": "Evidently 0.7.23, data drift preset",
    "nannyml": "NannyML 0.13.1, univariate drift",
    "whylogs": "whylogs 1.6.4, any drift score",
}  # and which of its rules is asked


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


def peer_looks(
    peer: str,
    reference: npt.NDArray[np.float64],
    rows: npt.NDArray[np.float64],
    windows: Sequence[tuple[int, int]],
    *,
    seconds: float,
) -> list[bool] | str:
    """Return whether a peer alarms, by its defaults, at each look at a window of rows; or why it was not asked."""
    found = run_peer(
        peer, f"{peer}_looks", seconds=seconds, reference=reference, rows=rows, windows=np.array(windows)
    )
    return found if isinstance(found, str) else [bool(alarm) for alarm in found["alarms"]]
