"""What several functions are told, import from and may do."""

from __future__ import annotations

from typing import TypeVar

from aws_cdk import Stack

from infra_cdk import permissions as may
from infra_cdk.constructs.permission import Permission
from infra_cdk.layers import CORE
from infra_cdk.stacks.foundation import Foundation
from serinus import settings

_Settings = TypeVar("_Settings", bound=tuple[str, ...])

HANDLERS = (CORE, "handlers")
JOIN_DISK_MB = 4_608  # what a join may spill, and the parts that it is reading


def settings_of(kind: type[_Settings], foundation: Foundation) -> _Settings:
    """Return settings of a kind, every field filled with the foundation's resource of that name."""
    names = {
        "table_name": foundation.table.table_name,
        "artifacts_bucket": foundation.artifacts.bucket_name,
        "data_bucket": foundation.data.bucket_name,
        "ledger_bucket": foundation.ledger.bucket_name,
        "event_bus_name": foundation.bus.event_bus_name,
        "signing_key_id": foundation.signing_key.key_id,
    }
    return kind(**{name: names[name] for name in settings.field_names(kind)})


def record(foundation: Foundation) -> tuple[Permission, ...]:
    """Return what recording a deed takes: the table, the ledger, the bus, and the key they are encrypted with."""
    return (
        may.use_encryption_key(foundation),
        may.write_table(foundation),
        *may.append_to_ledger(foundation),
        may.publish_events(foundation),
    )


def move(foundation: Foundation, stack: Stack) -> tuple[Permission, ...]:
    """Return what carrying out a rollout takes; only the functions that do may move traffic."""
    return (
        *record(foundation),
        may.read_alias(stack),
        may.move_alias(stack),
        *may.clear_alarms(stack),
    )
