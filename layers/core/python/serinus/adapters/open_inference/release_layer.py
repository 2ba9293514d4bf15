"""Where the release's layer lies: the package `serinus_release`.

Lambda unpacks layers into folders, so files are read as such: `importlib.resources`, which could read them out of an
archive too, costs a start-up 10 ms.
"""

from __future__ import annotations

from importlib.util import find_spec

_PACKAGE = "serinus_release"


def released_file(name: str) -> bytes | None:
    """Return what a file of the layer holds; `None` where no layer brings one: nothing is released yet.

    Raises:
        FileNotFoundError: there is a layer, but it lacks the file.
    """
    spec = find_spec(_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        return None
    with open(f"{folders[0]}/{name}", "rb") as file:  # noqa: PTH123 - pathlib is not imported, for the same reason
        return file.read()
