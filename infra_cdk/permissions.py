"""Who may do what: one function here for each thing a Lambda function can be allowed."""

from __future__ import annotations

from aws_cdk import ArnFormat, DefaultStackSynthesizer, Stack
from aws_cdk import aws_s3 as s3

from infra_cdk.constructs.permission import Permission
from infra_cdk.stacks.foundation import Foundation
from serinus.settings import (
    ALARM_PREFIX,
    POLICY_PATH,
    function_name,
    inference_function_name,
    model_layer_name,
    state_machine_name,
)

_BY_ENDPOINT = "Endpoints are deployed after the control plane, each with its name under this prefix."
_BY_KEY = "Objects are named by endpoint and digest; what this function may touch is bounded by the prefix."


def read_objects(bucket: s3.IBucket, *prefixes: str) -> Permission:
    """Read objects under prefixes."""
    return Permission(("s3:GetObject",), [bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes], _BY_KEY)


def list_objects(bucket: s3.IBucket, *prefixes: str) -> Permission:
    """List the keys under prefixes."""
    within = {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}}
    return Permission(("s3:ListBucket",), (bucket.bucket_arn,), conditions=within)


def write_objects(bucket: s3.IBucket, *prefixes: str) -> Permission:
    """Write objects under prefixes."""
    return Permission(("s3:PutObject",), [bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes], _BY_KEY)


def delete_objects(bucket: s3.IBucket, *prefixes: str) -> Permission:
    """Delete objects under prefixes. For what compacts alone, which removes what coarser files hold."""
    return Permission(("s3:DeleteObject",), [bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes], _BY_KEY)


def read_table(foundation: Foundation) -> Permission:
    """Read documents."""
    return Permission(("dynamodb:GetItem", "dynamodb:Query"), (foundation.table.table_arn,))


def read_documents_by_key(foundation: Foundation) -> Permission:
    """Read a document whose key is known, and list none. For `authorise_caller`, which all callers reach."""
    within = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["endpoint#*"]}}
    return Permission(("dynamodb:GetItem",), (foundation.table.table_arn,), conditions=within)


def count_calls(foundation: Foundation) -> Permission:
    """Count the calls of tokens, in partitions that hold nothing else."""
    within = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["calls#*"]}}
    return Permission(("dynamodb:UpdateItem",), (foundation.table.table_arn,), conditions=within)


def reset_authorisers(stack: Stack, api_id: str) -> Permission:
    """Have API Gateway forget whom it lets pass, so that a token is revoked at once."""
    cache = f"arn:{stack.partition}:apigateway:{stack.region}::/apis/{api_id}/stages/$default/cache/authorizers"
    return Permission(("apigateway:DELETE",), (cache,))


def read_partition(foundation: Foundation, endpoint: str) -> Permission:
    """Read the documents of one endpoint."""
    within = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [f"endpoint#{endpoint}"]}}
    return Permission(("dynamodb:GetItem", "dynamodb:Query"), (foundation.table.table_arn,), conditions=within)


def write_table(foundation: Foundation) -> Permission:
    """Read documents, and change them by transactions of compare-and-set."""
    changes = ("dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
    return Permission(("dynamodb:GetItem", "dynamodb:Query", *changes), (foundation.table.table_arn,))


def append_to_ledger(foundation: Foundation) -> tuple[Permission, ...]:
    """Anchor ledger entries, having looked whether they are there; Object Lock keeps what was written first."""
    return read_objects(foundation.ledger, "ledger/"), write_objects(foundation.ledger, "ledger/")


def publish_events(foundation: Foundation) -> Permission:
    """Say on the `serinus` bus what happened."""
    return Permission(("events:PutEvents",), (foundation.bus.event_bus_arn,))


def use_encryption_key(foundation: Foundation) -> Permission:
    """Read and write what the encryption key protects, but only through the services that keep it."""
    services = [f"{service}.{foundation.region}.{foundation.url_suffix}" for service in ("dynamodb", "s3")]
    actions = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
    return Permission(
        [f"kms:{action}" for action in actions],
        (foundation.encryption_key.key_arn,),
        conditions={"StringEquals": {"kms:ViaService": services}},
    )


def sign(foundation: Foundation) -> Permission:
    """Attest what validation found. For `validate_model` alone."""
    return Permission(("kms:Sign",), (foundation.signing_key.key_arn,))


def verify(foundation: Foundation) -> Permission:
    """Check an attestation."""
    return Permission(("kms:Verify",), (foundation.signing_key.key_arn,))


def read_policies(stack: Stack) -> Permission:
    """Read the policies and runtimes of the deployed endpoints."""
    path = stack.format_arn(service="ssm", resource="parameter", resource_name=f"{POLICY_PATH.strip('/')}/*")
    root = stack.format_arn(service="ssm", resource="parameter", resource_name=POLICY_PATH.strip("/"))
    return Permission(
        ("ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"), (root, path), _BY_ENDPOINT
    )


def read_alias(stack: Stack) -> Permission:
    """See where traffic goes."""
    return Permission(("lambda:GetAlias",), (_inference_functions(stack),), _BY_ENDPOINT)


def move_alias(stack: Stack) -> Permission:
    """Shift traffic. For the three functions that carry out a rollout."""
    return Permission(("lambda:UpdateAlias",), (_inference_functions(stack),), _BY_ENDPOINT)


def start_executions(state_machine_arn: str) -> Permission:
    """Start a state machine."""
    return Permission(("states:StartExecution",), (state_machine_arn,))


def publish_versions(stack: Stack) -> tuple[Permission, ...]:
    """Publish a model's layer and a version of an inference function with it, and try that version out."""
    model_layers = _lambda_arn(stack, "layer", model_layer_name("*"))
    endpoint_layers = _lambda_arn(stack, "layer", inference_function_name("*"))
    look = ("GetFunction", "GetFunctionConfiguration", "InvokeFunction", "ListVersionsByFunction")
    change = ("PublishVersion", "UpdateFunctionCode", "UpdateFunctionConfiguration")
    return (
        Permission([f"lambda:{action}" for action in (*look, *change)], (_inference_functions(stack),), _BY_ENDPOINT),
        Permission(("lambda:ListLayerVersions", "lambda:PublishLayerVersion"), (model_layers,), _BY_ENDPOINT),
        Permission(("lambda:GetLayerVersion",), (f"{model_layers}:*", f"{endpoint_layers}:*"), _BY_ENDPOINT),
    )


def wake_versions(stack: Stack) -> Permission:
    """See whether a published version sleeps, and call it awake. For `roll_back`, which returns to earlier ones."""
    actions = ("lambda:GetFunctionConfiguration", "lambda:InvokeFunction")
    return Permission(actions, (_inference_functions(stack),), _BY_ENDPOINT)


def rollout_machine(stack: Stack) -> str:
    """Return the ARN of the rollout machine by its name, as the machine itself needs the functions first."""
    name = state_machine_name("rollout")
    return stack.format_arn(
        service="states", resource="stateMachine", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )


def have_rolled_back(stack: Stack) -> Permission:
    """Invoke `roll_back`, and by it move traffic back. For `request_roll_back`, which says who asked."""
    return Permission(("lambda:InvokeFunction",), (_lambda_arn(stack, "function", function_name("roll_back")),))


def remove_versions(stack: Stack) -> tuple[Permission, ...]:
    """Remove published versions and model layers. For `prune_releases` alone.

    A version is named by digits: neither a function as a whole nor its `$LATEST` matches.
    """
    model_layers = _lambda_arn(stack, "layer", model_layer_name("*"))
    return (
        Permission(("lambda:DeleteFunction",), _numbered_versions(stack), _BY_ENDPOINT),
        Permission(("lambda:DeleteLayerVersion",), (f"{model_layers}:*",), _BY_ENDPOINT),
    )


def invoke_versions(stack: Stack, endpoint: str) -> Permission:
    """Ask the published versions of one endpoint's function."""
    function = _lambda_arn(stack, "function", inference_function_name(endpoint))
    return Permission(("lambda:InvokeFunction",), (f"{function}:*",), "Every release has a number of its own.")


def invoke_all_versions(stack: Stack) -> Permission:
    """Ask the published versions of every endpoint's function, past its alias. For `shadow_candidate`."""
    return Permission(("lambda:InvokeFunction",), _numbered_versions(stack), _BY_ENDPOINT)


def read_code(stack: Stack) -> Permission:
    """Read function code where deploys put it: a release sets an inference function's code as well."""
    bucket = f"cdk-{DefaultStackSynthesizer.DEFAULT_QUALIFIER}-assets-{stack.account}-{stack.region}"
    reason = "Code is stored under the digest of its content, which changes with every deploy."
    return Permission(("s3:GetObject",), (f"arn:{stack.partition}:s3:::{bucket}/*",), reason)


def set_alarms(stack: Stack) -> Permission:
    """Make the alarms that watch a rollout."""
    return Permission(("cloudwatch:PutMetricAlarm",), (_alarms(stack, f"{ALARM_PREFIX}/*"),), _BY_ENDPOINT)


def clear_alarms(stack: Stack) -> tuple[Permission, ...]:
    """Read and remove the alarms that watch a rollout."""
    remove = Permission(("cloudwatch:DeleteAlarms",), (_alarms(stack, f"{ALARM_PREFIX}/*"),), _BY_ENDPOINT)
    return remove, see_alarms(stack)


def see_alarms(stack: Stack) -> Permission:
    """Read the alarms that watch a rollout."""
    found_by_prefix = "Alarms are looked up by the prefix of their name, and that takes the right to see any of them."
    return Permission(("cloudwatch:DescribeAlarms",), (_alarms(stack, "*"),), found_by_prefix)


def _alarms(stack: Stack, name: str) -> str:
    return stack.format_arn(
        service="cloudwatch", resource="alarm", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )


def _inference_functions(stack: Stack) -> str:
    """Return the ARN of the inference functions; the wildcard spans a version or alias after the name as well."""
    return _lambda_arn(stack, "function", inference_function_name("*"))


def _numbered_versions(stack: Stack) -> list[str]:
    """Return the ARNs of their published versions, which begin with a digit as no alias of ours does."""
    return [_lambda_arn(stack, "function", f"{inference_function_name('*')}:{digit}*") for digit in range(1, 10)]


def _lambda_arn(stack: Stack, kind: str, name: str) -> str:
    return stack.format_arn(
        service="lambda", resource=kind, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
