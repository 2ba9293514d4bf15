"""The peers' virtual environments, one each below `build/bench`, so that nobody's packages meet another's."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from infra_cdk.layers.commands import run
from infra_cdk.layers.errors import BuildFailed

PEERS = Path(__file__).parent / "serving" / "peers"
BUILT = Path(__file__).parents[2] / "build" / "bench"


class PeerSkipped(RuntimeError):
    """A peer cannot be installed on this machine, or does not serve there."""

    def __init__(self, peer: str, why: str) -> None:
        super().__init__(f"{peer} was skipped: {why}")


def interpreter(peer: str, pinned: Path = PEERS) -> Path:
    """Return the Python of a peer's environment, which is made if it is not there or its requirements have changed.

    Args:
        peer: its name.
        pinned: the folder that holds its requirements, all of them with their versions.

    Raises:
        PeerSkipped: uv could not install what the peer's requirements pin.
    """
    requirements, folder = pinned / f"{peer}.txt", BUILT / peer
    python, stamp = folder / "bin" / "python", BUILT / f"{peer}.sha256"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    stamp.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    uv = [sys.executable, "-m", "uv"]
    try:
        run([*uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        run([*uv, "pip", "sync", "--quiet", "--compile-bytecode", "--python", str(python), str(requirements)])
    except BuildFailed as error:
        raise PeerSkipped(peer, _last_line(str(error))) from error
    stamp.write_text(wanted, encoding="utf-8")
    return python


def packages(peer: str) -> Path:
    """Return the folder of what a peer's environment holds."""
    (found,) = (BUILT / peer / "lib").glob("python3.*/site-packages")
    return found


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1].strip()
