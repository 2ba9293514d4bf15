"""What API Gateway asks about callers who show a bearer token."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

_REMEMBERED = Duration.minutes(5)
_HEADER = "$request.header.Authorization"
_ROUTE = "$context.routeKey"


class TokenAuthorisers(Construct):
    """Two authorisers for the endpoints of all stacks, since an API has ten by default; one function answers both.

    What the one is told is remembered for five minutes, by header and route: a token opens one endpoint, and an
    answer that was remembered by the header alone would open them all. So a token that expires may be let in for five
    minutes more, and one that is revoked is not, because revoking resets what is remembered. The other remembers
    nothing, so that every call is counted.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, api: apigateway.HttpApi, function: lambda_.IFunction
    ) -> None:
        super().__init__(scope, construct_id)
        self._api = api
        self._function = function
        self.remembering = self._authoriser("Remembering", "serinus-token", _REMEMBERED, _HEADER, _ROUTE)
        self.counting = self._authoriser("Counting", "serinus-token-counting", Duration.seconds(0), _HEADER)

    def _authoriser(
        self, construct_id: str, name: str, remembered: Duration, *keys: str
    ) -> apigateway.HttpAuthorizer:
        stack = Stack.of(self)
        authoriser = apigateway.HttpAuthorizer(
            self,
            construct_id,
            http_api=self._api,
            type=apigateway.HttpAuthorizerType.LAMBDA,
            authorizer_name=name,
            authorizer_uri=(
                f"arn:{stack.partition}:apigateway:{stack.region}:lambda:path/2015-03-31/functions/"
                f"{self._function.function_arn}/invocations"
            ),
            payload_format_version=apigateway.AuthorizerPayloadVersion.VERSION_2_0,
            enable_simple_responses=True,
            identity_source=list(keys),
            results_cache_ttl=remembered,
        )
        self._function.add_permission(
            f"Ask{construct_id}",
            principal=iam.ServicePrincipal("apigateway.amazonaws.com"),
            source_arn=(
                f"arn:{stack.partition}:execute-api:{stack.region}:{stack.account}:{self._api.api_id}"
                f"/authorizers/{authoriser.authorizer_id}"
            ),
            scope=self,
        )
        return authoriser
