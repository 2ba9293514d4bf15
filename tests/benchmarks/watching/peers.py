"""Run Evidently and NannyML as they are, each in an environment of its own under build/bench."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_ROOT = Path(__file__).parents[3]
_BENCH = _ROOT / "build" / "bench"
_SCRIPTS = Path(__file__).parent / "peer_scripts"
_PACKAGES = {
    "evidently": ("evidently==0.7.23", "pandas<3.1"),  # it fails on pandas 3.1
    "nannyml": ("nannyml==0.13.1", "statsmodels"),  # it imports what it does not require
}
_SILENT = {"NML_DISABLE_USAGE_LOGGING": "1", "DO_NOT_TRACK": "1"}  # else they contact analytics hosts
_INSTALL_SECONDS, _RUN_SECONDS = 600, 1_200


def run_peer(peer: str, script: str, **arrays: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]] | str:
    """Run a script of `peer_scripts` on arrays in a peer's environment; return its arrays, or why it did not run."""
    python = _environment(peer)
    if isinstance(python, str):
        return python
    given, answer = _BENCH / f"{script}.in.npz", _BENCH / f"{script}.out.npz"
    np.savez(given, **arrays)  # type: ignore[arg-type]  # its stub takes a keyword of its own for one of them
    try:
        ran = subprocess.run(
            [str(python), str(_SCRIPTS / f"{script}.py"), str(given), str(answer)],
            env={**os.environ, **_SILENT},
            capture_output=True,
            text=True,
            timeout=_RUN_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {_RUN_SECONDS} seconds"
    if ran.returncode:
        return f"it failed: {ran.stderr.strip().splitlines()[-1:]}"
    with np.load(answer) as found:
        return dict(found)


def evidently_looks(
    reference: npt.NDArray[np.float64], rows: npt.NDArray[np.float64], nows: Sequence[int], window: int
) -> list[bool] | str:
    """Return whether Evidently's preset finds the data set drifted at each look, or why it was not asked."""
    return _looks("evidently", "evidently_looks", reference, rows, nows, window)


def nannyml_looks(
    reference: npt.NDArray[np.float64], rows: npt.NDArray[np.float64], nows: Sequence[int], window: int
) -> list[bool] | str:
    """Return whether NannyML's univariate drift alerts on any feature at each look, or why it was not asked."""
    return _looks("nannyml", "nannyml_looks", reference, rows, nows, window)


def _looks(
    peer: str,
    script: str,
    reference: npt.NDArray[np.float64],
    rows: npt.NDArray[np.float64],
    nows: Sequence[int],
    window: int,
) -> list[bool] | str:
    found = run_peer(peer, script, reference=reference, rows=rows, nows=np.array(nows), window=np.array(window))
    return found if isinstance(found, str) else [bool(alarm) for alarm in found["alarms"]]


def _environment(peer: str) -> Path | str:
    home = _BENCH / peer
    python = home / "bin" / "python"
    if python.exists():
        return python
    uv = Path(sys.executable).parent / "uv"
    _BENCH.mkdir(parents=True, exist_ok=True)
    for command in (
        [str(uv), "venv", "--quiet", "--python", sys.executable, str(home)],
        [str(uv), "pip", "install", "--quiet", "--python", str(python), *_PACKAGES[peer]],
    ):
        print(f"making an environment for {peer}", file=sys.stderr)
        made = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
        if made.returncode:
            python.unlink(missing_ok=True)
            return f"it did not install: {made.stderr.strip().splitlines()[-1:]}"
    return python
