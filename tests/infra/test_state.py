"""What is kept, and how."""

from __future__ import annotations

import pytest

from tests.infra.assembly import Assembly, Json

_STATEFUL = ("AWS::KMS::Key", "AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::Events::EventBus")


def _buckets(assembly: Assembly) -> dict[str, Json]:
    """Return the buckets' properties by the name they have in the stack, less its digest."""
    return {bucket.logical_id[:-8]: bucket.properties for bucket in assembly.resources("AWS::S3::Bucket")}


def test_state_is_retained(aws: Assembly) -> None:
    """Deleting a stack, or replacing a resource, deletes no data and no key."""
    stateful = list(aws.resources(*_STATEFUL))

    assert {resource.body["Type"] for resource in stateful} == set(_STATEFUL)
    for resource in stateful:
        assert resource.body["DeletionPolicy"] == "Retain", resource.logical_id
        assert resource.body["UpdateReplacePolicy"] == "Retain", resource.logical_id


def test_the_table_can_be_restored_and_not_deleted(aws: Assembly) -> None:
    """On demand, encrypted with our key, restorable to a second, protected, with a time to live."""
    (table,) = (table.properties for table in aws.resources("AWS::DynamoDB::Table"))

    assert table["TableName"] == "serinus"
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["SSESpecification"]["SSEType"] == "KMS"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


@pytest.mark.parametrize("name", ["AccessLogs", "Artifacts", "Data", "Ledger"])
def test_buckets_are_private_and_encrypted(aws: Assembly, name: str) -> None:
    """No bucket can be made public or holds plain text, and all but the last in line say who reads them."""
    bucket = _buckets(aws)[name]

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]
    assert ("LoggingConfiguration" in bucket) == (name != "AccessLogs")


def test_buckets_refuse_plain_http(aws: Assembly) -> None:
    """Every bucket has a policy that denies what does not come over TLS."""
    denied = [
        policy.properties["Bucket"]["Ref"]
        for policy in aws.resources("AWS::S3::BucketPolicy")
        for statement in policy.properties["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    ]

    assert sorted(denied) == sorted(bucket.logical_id for bucket in aws.resources("AWS::S3::Bucket"))


def test_the_ledger_cannot_be_rewritten(aws: Assembly) -> None:
    """Object Lock keeps an anchor for a year."""
    ledger = _buckets(aws)["Ledger"]

    assert ledger["ObjectLockEnabled"] is True
    assert ledger["ObjectLockConfiguration"]["Rule"]["DefaultRetention"] == {"Days": 365, "Mode": "GOVERNANCE"}
    assert ledger["VersioningConfiguration"] == {"Status": "Enabled"}


def test_uploads_are_announced(aws: Assembly) -> None:
    """The artifacts bucket keeps versions, and tells EventBridge of every new object."""
    artifacts = _buckets(aws)["Artifacts"]

    assert artifacts["VersioningConfiguration"] == {"Status": "Enabled"}
    assert artifacts["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_keys_are_what_they_are_for(aws: Assembly) -> None:
    """One key encrypts and is rotated; one signs, and can do nothing else."""
    keys = [key.properties for key in aws.resources("AWS::KMS::Key")]
    (signing,) = (key for key in keys if key.get("KeyUsage") == "SIGN_VERIFY")
    (encryption,) = (key for key in keys if key is not signing)

    assert signing["KeySpec"] == "ECC_NIST_P256"
    assert encryption["EnableKeyRotation"] is True
