"""The alias that traffic follows, made so that CloudFormation can never move it."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from serinus.settings import LIVE_ALIAS


class LiveAlias(Construct):
    """The alias `live`, created once on a first version that holds no model and answers 503.

    From then on only rollouts publish versions and write the alias. CloudFormation touches a resource only when its
    properties in the template change, so both resources here are written such that nothing a deploy can change (code,
    layers, memory, environment, policy) appears in them: they name the function, which keeps its name, and each
    other. The CDK's own `Version` and `current_version` hash code and configuration into the version's logical id;
    with them every deploy would make a new version and send all traffic to it, past every gate.
    """

    def __init__(self, scope: Construct, construct_id: str, *, function: lambda_.Function) -> None:
        super().__init__(scope, construct_id)
        first = lambda_.CfnVersion(
            self, "First", function_name=function.function_name, description="Nothing has been released yet."
        )
        first.apply_removal_policy(RemovalPolicy.RETAIN)
        alias = lambda_.CfnAlias(
            self,
            "Alias",
            name=LIVE_ALIAS,
            function_name=function.function_name,
            function_version=first.attr_version,
        )
        self.alias = lambda_.Function.from_function_attributes(
            self, "Live", function_arn=alias.ref, same_environment=True
        )
