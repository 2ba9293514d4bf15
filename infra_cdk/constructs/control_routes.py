"""The routes by which people have rollouts done and send labels, behind the API's default authorisation."""

from __future__ import annotations

from collections.abc import Callable

from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

_ROLLOUTS = "/endpoints/{endpoint}/rollouts"
_ROLLOUT = f"{_ROLLOUTS}/{{rollout}}"
_ROUTES = (
    ("Start", "request_rollout", apigateway.HttpMethod.POST, _ROLLOUTS),
    ("List", "list_rollouts", apigateway.HttpMethod.GET, _ROLLOUTS),
    ("Describe", "describe_rollout", apigateway.HttpMethod.GET, _ROLLOUT),
    ("Pause", "steer_rollout", apigateway.HttpMethod.POST, f"{_ROLLOUT}/pause"),
    ("Resume", "steer_rollout", apigateway.HttpMethod.POST, f"{_ROLLOUT}/resume"),
    ("Promote", "steer_rollout", apigateway.HttpMethod.POST, f"{_ROLLOUT}/promote"),
    ("Abort", "request_roll_back", apigateway.HttpMethod.POST, f"{_ROLLOUT}/abort"),
    ("RollBack", "request_roll_back", apigateway.HttpMethod.POST, "/endpoints/{endpoint}/rollback"),
    ("Labels", "record_labels", apigateway.HttpMethod.POST, "/endpoints/{endpoint}/labels"),
)


class ControlRoutes(Construct):
    """One route a deed, with its method, so that IAM policies can tell who may do which, and to which endpoint."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        api: apigateway.IHttpApi,
        function: Callable[[str], lambda_.IFunction],
    ) -> None:
        """Make the routes.

        Args:
            scope: the stack.
            construct_id: within the stack.
            api: to which they are added.
            function: finds a function by the name of its folder.
        """
        super().__init__(scope, construct_id)
        behind = {
            verb_noun: integrations.HttpLambdaIntegration(verb_noun.title().replace("_", ""), function(verb_noun))
            for _, verb_noun, _, _ in _ROUTES
        }
        for route_id, verb_noun, method, path in _ROUTES:
            apigateway.HttpRoute(
                self,
                route_id,
                http_api=api,
                route_key=apigateway.HttpRouteKey.with_(path, method),
                integration=behind[verb_noun],
            )
