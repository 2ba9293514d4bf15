"""The address of an HTTP API is one that every machine can reach.

AWS: ``ApiEndpoint`` is a public name, ``https://{id}.execute-api.{region}.amazonaws.com``.

Stock: it is ``http://{id}.execute-api.localhost:{port}``, a name that many machines do not resolve.

Mended: it is the path form that the same gateway serves, at the loopback address.
"""

from __future__ import annotations

import os
from typing import Any

from ministack.services import apigateway
from ministack.services.cloudformation import provisioners

from serinus.local_cloud.errors import MendRefused
from serinus.local_cloud.mends.replacing import replace


def _reachable(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    def create(logical_id: str, props: Any, stack_name: str) -> Any:  # noqa: ANN401
        api_id, attributes = original(logical_id, props, stack_name)
        address = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}/_aws/execute-api/{api_id}"
        apigateway._apis[api_id]["apiEndpoint"] = address
        return api_id, attributes | {"ApiEndpoint": address}

    return create


def apply() -> None:
    """Apply the mend."""
    handlers = provisioners._RESOURCE_HANDLERS.get("AWS::ApiGatewayV2::Api")
    if handlers is None or "create" not in handlers:
        raise MendRefused("CloudFormation has no handlers for AWS::ApiGatewayV2::Api")
    replace(provisioners, "_apigw_v2_api_create", _reachable)
    handlers["create"] = provisioners._apigw_v2_api_create
