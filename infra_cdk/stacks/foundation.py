"""What is kept: keys, buckets, the table and the event bus. Everything here outlives the stack."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra_cdk.constructs.permission import acknowledge
from infra_cdk.local import departures
from serinus.settings import EVENT_SOURCE

_LEDGER_RETENTION = Duration.days(365)


class Foundation(Stack):
    """The stateful part."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id, description="Serinus: what is kept", termination_protection=True)
        self.encryption_key = kms.Key(
            self,
            "EncryptionKey",
            description="Serinus: encrypts models, data and records",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        self.signing_key = kms.Key(
            self,
            "SigningKey",
            description="Serinus: signs what validation found about a model version",
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            removal_policy=RemovalPolicy.RETAIN,
        )
        self._access_logs = self._access_log_bucket()
        self.artifacts = self._bucket("Artifacts", versioned=True)
        _send_events(self.artifacts)
        self.data = self._bucket("Data")
        self.ledger = self._bucket(
            "Ledger", versioned=True, retention=s3.ObjectLockRetention.governance(_LEDGER_RETENTION)
        )
        self.table = self._table()
        self.bus = self._bus()

    def _access_log_bucket(self) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "AccessLogs",
            encryption=s3.BucketEncryption.S3_MANAGED,  # S3 cannot deliver access logs to a bucket with a KMS key
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(365))],
            removal_policy=RemovalPolicy.RETAIN,
        )
        acknowledge(bucket, {"AwsSolutions-S1": "It holds the access logs; logging its own would never end."})
        return bucket

    def _bucket(
        self, construct_id: str, *, versioned: bool = False, retention: s3.ObjectLockRetention | None = None
    ) -> s3.Bucket:
        return s3.Bucket(
            self,
            construct_id,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.encryption_key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            versioned=versioned,
            object_lock_default_retention=retention,
            server_access_logs_bucket=self._access_logs,
            server_access_logs_prefix=f"{construct_id.lower()}/",
            lifecycle_rules=[s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(7))],
            removal_policy=RemovalPolicy.RETAIN,
        )

    def _table(self) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            "Table",
            table_name="serinus",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.encryption_key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute="expires_at",
            deletion_protection=True,
            removal_policy=RemovalPolicy.RETAIN,
        )

    def _bus(self) -> events.EventBus:
        bus = events.EventBus(self, "Bus", event_bus_name="serinus")
        bus.apply_removal_policy(RemovalPolicy.RETAIN)
        if not departures(self).event_archive:
            bus.archive(
                "Archive",
                description="What Serinus said, to be played again",
                event_pattern=events.EventPattern(source=[EVENT_SOURCE]),
                retention=Duration.days(365),
            )
        return bus


def _send_events(bucket: s3.Bucket) -> None:
    """Have S3 tell EventBridge about new objects; the construct's own switch would bring a function of the CDK's."""
    resource = bucket.node.default_child
    if not isinstance(resource, s3.CfnBucket):
        raise TypeError("the bucket is no CloudFormation resource")
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )
