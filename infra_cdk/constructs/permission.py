"""What a role may do, written so that every wildcard carries the reason it was let through."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import jsii
from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct, IValidation


@dataclass(frozen=True)
class Permission:
    """Actions on resources.

    Attributes:
        actions: in full; a wildcard here is never let through.
        resources: ARNs.
        wildcard_reason: why a resource has to hold a wildcard; empty where none does.
        conditions: what must hold besides.
    """

    actions: Sequence[str]
    resources: Sequence[str]
    wildcard_reason: str = ""
    conditions: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def statement(self) -> iam.PolicyStatement:
        """Return the policy statement."""
        return iam.PolicyStatement(
            actions=list(self.actions), resources=list(self.resources), conditions=dict(self.conditions)
        )


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Acknowledge findings of cdk-nag on a construct: rule (with its finding in brackets) to reason."""
    Validations.of(construct).acknowledge(*[Acknowledgment(id=rule, reason=why) for rule, why in reasons.items()])


def let_wildcards_through(construct: Construct, permissions: Sequence[Permission]) -> None:
    """Acknowledge the wildcards that the permissions give a reason for, and no others."""
    construct.node.add_validation(_Wildcards(construct, permissions))


@jsii.implements(IValidation)
class _Wildcards:
    """Acknowledges late: cdk-nag names a finding by its ARN, and stacks are wired together after construction."""

    def __init__(self, construct: Construct, permissions: Sequence[Permission]) -> None:
        self._construct = construct
        self._permissions = permissions

    def validate(self) -> list[str]:
        """Find nothing wrong."""
        stack = Stack.of(self._construct)
        reasons = {
            f"AwsSolutions-IAM5[Resource::{_flat(stack.resolve(arn))}]": permission.wildcard_reason
            for permission in self._permissions
            if permission.wildcard_reason
            for arn in permission.resources
        }
        if reasons:
            acknowledge(self._construct, reasons)
        return []


def _flat(resolved: object) -> str:
    """Return a resolved ARN in the notation cdk-nag names its findings in: `arn:<AWS::Partition>:s3:::…/*`."""
    match resolved:
        case str():
            return resolved
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(_flat(part) for part in parts)
        case _:
            return json.dumps(resolved, separators=(",", ":"))
