"""Documents as items of a DynamoDB table: `pk` is the partition, `sk` the key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from serinus.adapters.aws.failures import code_of
from serinus.errors import AlreadyExists, RevisionChanged
from serinus.use_cases.ports.storage import Change, Document

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        QueryInputPaginateTypeDef,
        TransactWriteItemTypeDef,
    )

_LOST_RACES = {"ConditionalCheckFailed", "TransactionConflict"}


class DynamoDocuments:
    """`Documents` on DynamoDB.

    Every write is one `TransactWriteItems`, whose token (botocore adds it) makes a retried call harmless.
    """

    def __init__(self, client: DynamoDBClient, table: str, *, page_size: int | None = None) -> None:
        self._client = client
        self._table = table
        self._page_size = page_size

    def get(self, partition: str, key: str) -> Document | None:
        """Return the document, or `None`. Reads are consistent."""
        answer = self._client.get_item(TableName=self._table, Key=_key(partition, key), ConsistentRead=True)
        item = answer.get("Item")
        return _document(item) if item else None

    def put_all(self, partition: str, changes: Sequence[Change]) -> None:
        """Make all changes or none.

        Raises:
            AlreadyExists: a change with revision `None` found a document there.
            RevisionChanged: a document is no longer at the revision that its change names, or another transaction is
                just changing it.
        """
        writes = [self._write(partition, change) for change in changes]
        try:
            self._client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            change = _lost(error, changes)
            if change is None:
                raise
            if change.revision is None:
                raise AlreadyExists(change.key) from error
            raise RevisionChanged(change.key) from error

    def list(self, partition: str, prefix: str) -> Sequence[tuple[str, Document]]:
        """Return (key, document) of every key with that prefix, in the order of keys."""
        condition, values = "pk = :partition", {":partition": {"S": partition}}
        if prefix:
            condition, values = f"{condition} AND begins_with(sk, :prefix)", values | {":prefix": {"S": prefix}}
        query: QueryInputPaginateTypeDef = {
            "TableName": self._table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ConsistentRead": True,
        }
        if self._page_size is not None:
            query["PaginationConfig"] = {"PageSize": self._page_size}
        pages = self._client.get_paginator("query").paginate(**query)
        return [(item["sk"]["S"], _document(item)) for page in pages for item in page["Items"]]

    def _write(self, partition: str, change: Change) -> TransactWriteItemTypeDef:
        if change.revision is None:
            guard: dict[str, str] = {"ConditionExpression": "attribute_not_exists(pk)"}
            values: dict[str, AttributeValueTypeDef] = {}
        else:
            guard = {"ConditionExpression": "revision = :revision"}
            values = {":revision": {"N": str(change.revision)}}
        known: dict[str, object] = {"TableName": self._table, **guard}
        if values:
            known["ExpressionAttributeValues"] = values
        if change.body is None:
            return cast("TransactWriteItemTypeDef", {"Delete": known | {"Key": _key(partition, change.key)}})
        revision = {"N": str((change.revision or 0) + 1)}
        item = _key(partition, change.key) | {"body": {"S": change.body}, "revision": revision}
        return cast("TransactWriteItemTypeDef", {"Put": known | {"Item": item}})


def _key(partition: str, key: str) -> dict[str, AttributeValueTypeDef]:
    return {"pk": {"S": partition}, "sk": {"S": key}}


def _document(item: Mapping[str, AttributeValueTypeDef]) -> Document:
    return Document(item["body"]["S"], int(item["revision"]["N"]))


def _lost(error: ClientError, changes: Sequence[Change]) -> Change | None:
    """Return the change that lost a race; `None` where something else went wrong."""
    if code_of(error) != "TransactionCanceledException":
        return None
    reasons = cast("Sequence[Mapping[str, str]]", error.response.get("CancellationReasons", ()))
    codes = [reason.get("Code", "None") for reason in reasons]
    if not {code for code in codes if code != "None"} <= _LOST_RACES:
        return None
    return next((change for change, code in zip(changes, codes, strict=False) if code in _LOST_RACES), None)
