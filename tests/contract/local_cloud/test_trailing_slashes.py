"""Which route takes a path that ends in a slash."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.local_cloud.bench import ACCOUNT, REGION, Bench

pytestmark = pytest.mark.e2e

TELLING = """
    def handler(event, context):
        told = {"route": event["routeKey"], "given": event.get("pathParameters")}
        return {"statusCode": 200, "body": __import__("json").dumps(told)}
"""


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/pets", {"route": "POST /pets", "given": None}),
        ("/pets/", {"route": "POST /pets/{proxy+}", "given": {"proxy": ""}}),
        ("/pets/7", {"route": "POST /pets/{proxy+}", "given": {"proxy": "7"}}),
        ("/of/ann/pets/", {"route": "POST /of/{owner}/pets/{proxy+}", "given": {"owner": "ann", "proxy": ""}}),
        ("/of/ann/pets/7/", {"route": "POST /of/{owner}/pets/{proxy+}", "given": {"owner": "ann", "proxy": "7/"}}),
    ],
)
def test_a_greedy_path_takes_a_trailing_slash(bench: Bench, path: str, told: dict[str, Any]) -> None:
    """Whatever stands before it, and with nothing in its variable; without the slash the exact route answers."""
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{bench.make_function(TELLING)}"
    keys = ("POST /pets", "POST /pets/{proxy+}", "POST /of/{owner}/pets/{proxy+}")
    assert bench.post(bench.make_http_api(arn, *keys) + path) == told
