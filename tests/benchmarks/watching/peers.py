"""Run Evidently, NannyML and whylogs as they are, each in an environment of its own under build/bench."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.benchmarks.environments import BUILT, PeerSkipped, interpreter
from tests.benchmarks.progress import Tell

SCRIPTS = Path(__file__).parent / "peer_scripts"
_SILENT = {
    "NML_DISABLE_USAGE_LOGGING": "1",
    "DO_NOT_TRACK": "1",
    "WHYLOGS_NO_ANALYTICS": "True",
}  # else they contact analytics hosts
_BUSY = 20  # on a machine with other work to do, a second of the processor may take so many by the clock
_AT_ONCE = 2
PEERS = {
    "evidently": "Evidently 0.7.23, data drift preset",
    "nannyml": "NannyML 0.13.1, univariate drift",
    "whylogs": "whylogs 1.6.4, any drift score",
}  # and which of its rules is asked


def run_peer(
    peer: str, script: str, *, processor_seconds: int, **arrays: npt.NDArray[Any]
) -> dict[str, npt.NDArray[Any]] | str:
    """Run a script of `peer_scripts` on arrays in a peer's environment; return its arrays, or why it did not run.

    Args:
        peer: whose requirements `peer_scripts` pins.
        script: its name.
        processor_seconds: after which it is cut off.
        arrays: what it is given.
    """
    try:
        python = interpreter(peer, SCRIPTS)
    except PeerSkipped as skipped:
        return str(skipped)
    return run_script(python, SCRIPTS / f"{script}.py", processor_seconds=processor_seconds, **arrays)


def run_script(
    python: Path, script: Path, *, processor_seconds: int, **arrays: npt.NDArray[Any]
) -> dict[str, npt.NDArray[Any]] | str:
    """Run a script on arrays by an interpreter; return its arrays, or why it did not run.

    Its allowance is of the processor's time, so that who ends within it does not depend on what else the machine
    does. Who waits rather than works is cut off, too, if much later.
    """
    BUILT.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=BUILT) as folder:
        given, answer, said = Path(folder) / "in.npz", Path(folder) / "out.npz", Path(folder) / "said.txt"
        np.savez(given, **arrays)  # type: ignore[arg-type]  # its stub takes a keyword of its own for one of them
        with said.open("wb") as output:
            ran = subprocess.Popen(
                [str(python), str(script), str(given), str(answer)],
                env={**os.environ, **_SILENT},
                stdout=subprocess.DEVNULL,
                stderr=output,
            )
            try:
                resource.prlimit(ran.pid, resource.RLIMIT_CPU, (processor_seconds, processor_seconds))
                code = ran.wait(_BUSY * processor_seconds)
            except subprocess.TimeoutExpired:
                return f"cut off after {_BUSY * processor_seconds} seconds by the clock"
            finally:
                ran.kill()
                ran.wait()
        if code in {-signal.SIGXCPU, -signal.SIGKILL}:
            return f"cut off after {processor_seconds} seconds of the processor"
        if code:
            return f"it failed: {said.read_text(errors='replace').strip().splitlines()[-1:]}"
        with np.load(answer) as found:
            return dict(found)


def looks_of_peers(
    tell: Tell,
    what: str,
    reference: npt.NDArray[np.float64],
    rows: npt.NDArray[np.float64],
    windows: Sequence[tuple[int, int]],
    *,
    processor_seconds: int,
) -> dict[str, list[bool] | str]:
    """Return whether each peer alarms, by its defaults, at each look at a window of rows; or why it was not asked.

    How long they take is not measured here, so two look at a time.
    """

    def looked(peer: str) -> list[bool] | str:
        tell(f"{what}: {PEERS[peer]}, at most {processor_seconds} s of the processor")
        found = run_peer(
            peer,
            f"{peer}_looks",
            processor_seconds=processor_seconds,
            reference=reference,
            rows=rows,
            windows=np.array(windows),
        )
        return found if isinstance(found, str) else [bool(alarm) for alarm in found["alarms"]]

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(PEERS.values(), pool.map(looked, PEERS), strict=True))
