"""The layers that functions import from: `python -m infra_cdk.layers [name …]` fills `build/layers/<name>`.

A layer holds what `rules.RULES` keeps of the packages that `layers/<name>/requirements.txt` lists, at the versions of
the lock file, for the interpreter and the processor of the functions, compiled. The core layer is our own package;
every synth for AWS brings it up to date, so that it cannot be stale.
"""

from infra_cdk.layers.building import BUILT, SOURCES, build, third_party
from infra_cdk.layers.errors import BuildFailed, LayerNotBuilt, LayersTooLarge
from infra_cdk.layers.rules import CORE, PYTHON_VERSION
from infra_cdk.layers.sizes import LIMIT_BYTES, check_fits, folder

__all__ = (
    "BUILT",
    "CORE",
    "LIMIT_BYTES",
    "PYTHON_VERSION",
    "SOURCES",
    "BuildFailed",
    "LayerNotBuilt",
    "LayersTooLarge",
    "build",
    "check_fits",
    "folder",
    "third_party",
)
