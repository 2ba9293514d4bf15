"""The routes that ask about the API itself."""

from __future__ import annotations

from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

_PATHS = {"Server": "/v2", "BelowServer": "/v2/{proxy+}"}


class ServerRoutes(Construct):
    """The server's own paths of the Open Inference Protocol, behind the API's default authorisation.

    A caller of an endpoint that is authorised otherwise asks below `/models/{endpoint}` instead. The greedy path also
    takes a trailing slash, which no route can name; where no endpoint is deployed, the protocol's words say so.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, api: apigateway.IHttpApi, server: lambda_.IFunction
    ) -> None:
        super().__init__(scope, construct_id)
        integration = integrations.HttpLambdaIntegration("Server", server)
        for route_id, path in _PATHS.items():
            apigateway.HttpRoute(
                self,
                f"{route_id}Route",
                http_api=api,
                route_key=apigateway.HttpRouteKey.with_(path, apigateway.HttpMethod.ANY),
                integration=integration,
            )
