"""The routes of one endpoint."""

from __future__ import annotations

from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra_cdk.constructs.endpoint_authoriser import EndpointAuthoriser
from infra_cdk.constructs.token_authorisers import TokenAuthorisers
from serinus.domain.policy import Policy


class ServingRoutes(Construct):
    """Every path that an endpoint answers, authorised as its policy says.

    The Open Inference Protocol's paths stand where the protocol wants them. Below `/models/{endpoint}` the endpoint
    is a server of its own, with MLflow's paths and once more the protocol's: whoever is given that as the base
    address finds health and metadata under the endpoint's own authorisation. Greedy paths, because an API has 300
    routes by default, and the functions answer for what they do not serve.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        policy: Policy,
        api: apigateway.IHttpApi,
        live: lambda_.IFunction,
        versions: lambda_.IFunction,
        tokens: TokenAuthorisers,
    ) -> None:
        super().__init__(scope, construct_id)
        self._api = api
        self._authoriser = EndpointAuthoriser(self, "Authoriser", serving=policy.serving, api=api, tokens=tokens)
        model, server = f"/v2/models/{policy.endpoint}", f"/models/{policy.endpoint}"
        to_live = integrations.HttpLambdaIntegration("Live", live)
        self._route("Model", model, to_live)
        self._route("BelowModel", f"{model}/{{proxy+}}", to_live)
        self._route("Server", f"{server}/{{proxy+}}", to_live)
        to_versions = integrations.HttpLambdaIntegration("Versions", versions)
        for construct_id, base in (("Version", model), ("ServerVersion", server + model)):
            self._route(construct_id, f"{base}/versions/{{version}}", to_versions)
            self._route(f"Below{construct_id}", f"{base}/versions/{{version}}/{{proxy+}}", to_versions)

    def _route(self, construct_id: str, path: str, integration: integrations.HttpLambdaIntegration) -> None:
        route = apigateway.HttpRoute(
            self,
            construct_id,
            http_api=self._api,
            route_key=apigateway.HttpRouteKey.with_(path, apigateway.HttpMethod.ANY),
            integration=integration,
            authorizer=self._authoriser.authorizer,
            authorization_scopes=self._authoriser.scopes or None,
        )
        self._authoriser.acknowledge_on(route)
