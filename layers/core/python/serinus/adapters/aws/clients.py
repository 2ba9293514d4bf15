"""Clients of AWS, each made when it is first asked for: making one costs a Lambda start tens of milliseconds."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient

_CONFIG = Config(
    connect_timeout=3,
    read_timeout=35,  # a probe may take the 29 seconds that a policy allows an inference function
    max_pool_connections=32,
    retries={"mode": "standard", "total_max_attempts": 4},
)


class Clients:
    """The clients that the adapters are given, all with the same timeouts and retries."""

    def __init__(self) -> None:
        self._session = boto3.Session()

    @cached_property
    def apis(self) -> ApiGatewayV2Client:
        """Amazon API Gateway."""
        return self._session.client("apigatewayv2", config=_CONFIG)

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        """Amazon CloudWatch."""
        return self._session.client("cloudwatch", config=_CONFIG)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """Amazon DynamoDB."""
        return self._session.client("dynamodb", config=_CONFIG)

    @cached_property
    def events(self) -> EventBridgeClient:
        """Amazon EventBridge."""
        return self._session.client("events", config=_CONFIG)

    @cached_property
    def functions(self) -> LambdaClient:
        """AWS Lambda."""
        return self._session.client("lambda", config=_CONFIG)

    @cached_property
    def kms(self) -> KMSClient:
        """AWS Key Management Service."""
        return self._session.client("kms", config=_CONFIG)

    @cached_property
    def s3(self) -> S3Client:
        """Amazon S3."""
        return self._session.client("s3", config=_CONFIG)

    @cached_property
    def ssm(self) -> SSMClient:
        """AWS Systems Manager's parameter store."""
        return self._session.client("ssm", config=_CONFIG)

    @cached_property
    def state_machines(self) -> SFNClient:
        """AWS Step Functions."""
        return self._session.client("stepfunctions", config=_CONFIG)
