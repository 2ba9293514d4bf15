"""What is deployed, unzipped: our inference layers beside the peers' environments."""

from __future__ import annotations

from contextlib import suppress

from infra_cdk.layers import BUILT, CORE, build
from infra_cdk.layers import interpreter as compiler
from infra_cdk.layers.building import is_compiled
from infra_cdk.layers.errors import BuildFailed, PythonNotAtHand
from infra_cdk.layers.files import size
from tests.benchmarks.environments import PeerSkipped, interpreter, packages
from tests.benchmarks.figures import Goal, Section
from tests.benchmarks.progress import Tell

_MB = 1024**2
_LAYERS = (CORE, "inference")
_PEERS = ("obvious", "kserve", "mlserver", "mlflow", "bentoml")
_NAMES = {"obvious": "the obvious handler", "kserve": "KServe", "mlserver": "MLServer", "mlflow": "MLflow"}


def measure(tell: Tell) -> Section:
    """Build the layers and make the environments that are not there, and weigh both."""
    figures: dict[str, float] = {}
    notes = ["Code and modules compiled, without an interpreter: site-packages, or the layer's `python` folder."]
    tell("fetching a Python of the functions' version, which compiles the layers")
    with suppress(PythonNotAtHand):
        compiler.fetched()
    try:
        for name in _LAYERS:
            tell(f"building the layer {name}")
            build(name)
        figures["Serinus: the layers core and inference"] = sum(size(BUILT / name) for name in _LAYERS) / _MB
        if not all(is_compiled(BUILT / name) for name in _LAYERS):
            notes.append("No Python of the functions' version was at hand: our layers hold sources only.")
    except BuildFailed as error:
        notes.append(f"our layers were skipped: {error}")
    for peer in _PEERS:
        tell(f"making the environment of {peer}")
        try:
            interpreter(peer)
            figures[_NAMES.get(peer, "BentoML")] = size(packages(peer)) / _MB
        except PeerSkipped as absent:
            notes.append(str(absent))
    ours = next(iter(figures.values()), 0.0)
    return Section(
        name="sizes",
        title="What is deployed to serve, unzipped",
        columns=("what", "MB", "× ours"),
        rows=[(name, f"{megabytes:,.1f}", f"{megabytes / ours:.1f}") for name, megabytes in figures.items()],
        figures=figures,
        goals=[Goal("our inference layers, MB", ours, 40)] if next(iter(figures), "").startswith("Serinus") else [],
        notes=notes,
    )
