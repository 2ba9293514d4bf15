"""Who may call one endpoint, as its policy says."""

from __future__ import annotations

from typing import assert_never

from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from constructs import Construct

from infra_cdk.constructs.permission import acknowledge
from infra_cdk.constructs.token_authorisers import TokenAuthorisers
from serinus.domain.serving import Authorisation, JwtIssuer, Serving

_HEADER = "$request.header.Authorization"


class EndpointAuthoriser(Construct):
    """What the routes of an endpoint are authorised by.

    Attributes:
        authorizer: what to make each route with.
        scopes: which scopes a token must have one of; none where all do.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        serving: Serving,
        api: apigateway.IHttpApi,
        tokens: TokenAuthorisers,
    ) -> None:
        super().__init__(scope, construct_id)
        self._serving = serving
        self._api = api
        self._tokens = tokens
        self.authorizer = self._chosen()
        self.scopes = list(serving.jwt.scopes) if serving.jwt else []

    def acknowledge_on(self, route: apigateway.HttpRoute) -> None:
        """Say on a route why nobody is asked who calls, where the policy wants it so."""
        if self._serving.authorisation is Authorisation.OPEN:
            acknowledge(route, {"AwsSolutions-APIG4": f"The policy says: {self._serving.open_to_everybody}."})

    def _chosen(self) -> apigateway.IHttpRouteAuthorizer:
        match self._serving.authorisation:
            case Authorisation.IAM:
                return authorizers.HttpIamAuthorizer()
            case Authorisation.OPEN:
                return apigateway.HttpNoneAuthorizer()
            case Authorisation.TOKEN:
                counted = self._serving.throttle_callers
                made = self._tokens.counting if counted else self._tokens.remembering
                return self._by(made, "CUSTOM")
            case Authorisation.JWT:
                if self._serving.jwt is None:
                    raise ValueError("the policy names no issuer; its schema refuses that")
                return self._by(self._jwt(self._serving.jwt), "JWT")
            case unknown:
                assert_never(unknown)

    def _jwt(self, trusted: JwtIssuer) -> apigateway.HttpAuthorizer:
        return apigateway.HttpAuthorizer(
            self,
            "Jwt",
            http_api=self._api,
            type=apigateway.HttpAuthorizerType.JWT,
            jwt_issuer=trusted.issuer,
            jwt_audience=list(trusted.audience),
            identity_source=[_HEADER],
        )

    def _by(self, authoriser: apigateway.HttpAuthorizer, kind: str) -> apigateway.IHttpRouteAuthorizer:
        return apigateway.HttpAuthorizer.from_http_authorizer_attributes(
            self, "Chosen", authorizer_id=authoriser.authorizer_id, authorizer_type=kind
        )
