"""How long one drift check took, and how much memory it had at its peak beyond what was there before."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def measured(check: Callable[[], dict[str, Any]], answer: str) -> None:
    """Check once; write what it found, its seconds and its megabytes."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    before = _peak_megabytes()
    begun, used = time.perf_counter(), time.process_time()
    found = check()
    taken = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - used}
    taken["megabytes"] = _peak_megabytes() - before
    told = {name: np.array(value) for name, value in {**found, **taken}.items()}
    np.savez(answer, **told)  # type: ignore[arg-type]  # its stub takes a keyword of its own for one of them


def frame(pandas: Any, numbers: Any, kinds: Any) -> Any:  # noqa: ANN401 - the peers' packages are not here
    """Return columns n0, n1, … of numbers and c0, c1, … of categories."""
    columns = {f"n{at}": numbers[:, at] for at in range(numbers.shape[1])}
    names = np.array([f"kind {number}" for number in range(64)], dtype=object)
    return pandas.DataFrame({**columns, **{f"c{at}": names[kinds[:, at]] for at in range(kinds.shape[1])}})


def _peak_megabytes() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    told = [line for line in lines if line.startswith("VmHWM")]
    return int(told[0].split()[1]) / 1_024 if told else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
