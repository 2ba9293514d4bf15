"""What only DynamoDB says: transactions that meet, and failures that are no lost race."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from serinus.errors import RevisionChanged
from serinus.use_cases.ports.storage import Change
from tests.contract.clouds import AwsCloud


def test_a_transaction_that_meets_another_is_a_lost_race(aws: AwsCloud) -> None:
    """`TransactionConflict` means that somebody else is just changing the document: read again, decide again."""
    documents = aws.documents
    with Stubber(aws.clients.dynamodb) as stub:
        _cancelled(stub, "None", "TransactionConflict")
        with pytest.raises(RevisionChanged) as caught:
            documents.put_all("p", [Change("a", "1", None), Change("b", "1", 3)])
    assert caught.value.what == "b"
    assert isinstance(caught.value.__cause__, ClientError)


def test_a_throttled_transaction_is_no_conflict(aws: AwsCloud) -> None:
    """What is unexpected propagates, so that retries and dead-letter queues do their work."""
    documents = aws.documents
    with Stubber(aws.clients.dynamodb) as stub:
        _cancelled(stub, "ConditionalCheckFailed", "ThrottlingError")
        with pytest.raises(ClientError):
            documents.put_all("p", [Change("a", "1", None), Change("b", "1", 3)])


def _cancelled(stub: Stubber, *codes: str) -> None:
    stub.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        modeled_fields={"CancellationReasons": [{"Code": code} for code in codes]},
    )
