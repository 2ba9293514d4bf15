"""A greedy path takes what is below its base, a bare trailing slash included.

AWS: no route key may end in a slash, and a request for ``/pets/`` reaches the route ``/pets/{proxy+}``.

Stock: ``{proxy+}`` takes at least one character, so that ``/pets/`` is answered 404.

Mended: as AWS; the path variable is empty.
"""

from __future__ import annotations

from typing import Any

from ministack.services import apigateway

from serinus.local_cloud.mends.replacing import replace


def _extract(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    def extract(route_path: str, request_path: str) -> dict[str, str] | None:
        found: dict[str, str] | None = original(route_path, request_path)
        if found is not None or not (route_path.endswith("+}") and request_path.endswith("/")):
            return found
        base, _, greedy = route_path.rpartition("/")
        above: dict[str, str] | None = original(base, request_path[:-1])
        return None if above is None else {**above, greedy[1:-2]: ""}

    return extract


def apply() -> None:
    """Apply the mend."""
    replace(apigateway, "_extract_path_params", _extract)
