"""The HTTP API that every endpoint adds its routes to."""

from __future__ import annotations

import json

from aws_cdk import RemovalPolicy
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_logs as logs
from constructs import Construct

_REQUESTS_PER_SECOND = 1_000
_BURST = 2_000
_LOGGED = {
    "request_id": "$context.requestId",
    "at": "$context.requestTimeEpoch",
    "caller": "$context.identity.caller",
    "caller_arn": "$context.identity.userArn",
    "token": "$context.authorizer.token",
    "token_name": "$context.authorizer.name",
    "subject": "$context.authorizer.claims.sub",
    "ip": "$context.identity.sourceIp",
    "route": "$context.routeKey",
    "status": "$context.status",
    "latency_ms": "$context.responseLatency",
    "error": "$context.integrationErrorMessage",
    "refusal": "$context.authorizer.error",
}


class SerinusApi(Construct):
    """An API that lets nobody in without a signed request, unless a route says otherwise; every access is logged."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.api = apigateway.HttpApi(
            self,
            "Api",
            api_name="serinus",
            default_authorizer=authorizers.HttpIamAuthorizer(),
            create_default_stage=False,
        )
        self.url = self.api.api_endpoint
        log = logs.LogGroup(
            self,
            "Log",
            log_group_name="/aws/vendedlogs/apigateway/serinus",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        apigateway.CfnStage(
            self,
            "Stage",
            api_id=self.api.api_id,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=apigateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=_REQUESTS_PER_SECOND, throttling_burst_limit=_BURST
            ),
            access_log_settings=apigateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=log.log_group_arn, format=json.dumps(_LOGGED)
            ),
        )
