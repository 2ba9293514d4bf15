"""Calls counted in the table: one item a token and minute, which DynamoDB removes by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from serinus.adapters.aws.failures import code_of
from serinus.domain.token import Token

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT = timedelta(hours=1)


class DynamoCalls:
    """`Calls` on DynamoDB: one conditional update a call.

    The counts have partitions of their own, so that the authoriser can be kept from writing in the endpoint's. An
    update that is retried after its answer was lost counts twice: the caller loses a call, and gains none.
    """

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def admit(self, token: Token, at: datetime, *, at_most: int) -> bool:
        """Count a call within the minute of `at`; `False`, and uncounted, where that minute has had as many."""
        minute = at.astimezone(UTC).replace(second=0, microsecond=0)
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": f"calls#{token.endpoint}"}, "sk": {"S": f"{token.id}#{minute:%Y-%m-%dT%H:%M}"}},
                UpdateExpression="ADD calls :one SET expires_at = :expires_at",
                ConditionExpression="attribute_not_exists(calls) OR calls < :bound",
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":bound": {"N": str(at_most)},
                    ":expires_at": {"N": str(int((minute + _KEPT).timestamp()))},
                },
            )
        except ClientError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True
