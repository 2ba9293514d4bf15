"""The two worlds that every suite runs in, and what a test does to them behind the ports' backs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from serinus import settings
from serinus.adapters.aws.alarms import CloudWatchAlarms
from serinus.adapters.aws.clients import Clients
from serinus.adapters.aws.deployments import SsmDeployments
from serinus.adapters.aws.documents import DynamoDocuments
from serinus.adapters.aws.events import EventBridgeEvents
from serinus.adapters.aws.objects import S3Objects
from serinus.adapters.aws.policies import SsmPolicies
from serinus.adapters.aws.releases import LambdaReleases
from serinus.adapters.aws.signer import KmsSigner
from serinus.adapters.aws.traffic import LambdaTraffic
from serinus.adapters.memory.alarms import MemoryAlarms
from serinus.adapters.memory.deployments import MemoryDeployments
from serinus.adapters.memory.documents import MemoryDocuments
from serinus.adapters.memory.events import MemoryEvents
from serinus.adapters.memory.objects import MemoryObjects
from serinus.adapters.memory.policies import MemoryPolicies
from serinus.adapters.memory.releases import MemoryReleases
from serinus.adapters.memory.signer import MemorySigner
from serinus.adapters.memory.traffic import MemoryTraffic
from serinus.adapters.schemas.cloud_event import cloud_event
from serinus.adapters.schemas.policy import policy_json
from serinus.domain.composition import Runtime
from serinus.domain.policy import Policy
from serinus.domain.rollout import Split
from serinus.use_cases.ports.endpoints import Deployments, Policies
from serinus.use_cases.ports.ledger import Events
from serinus.use_cases.ports.registry import Signer
from serinus.use_cases.ports.releases import Alarms, Releases, Traffic
from serinus.use_cases.ports.storage import Documents, Objects
from tests.contract.builders import FRAUD
from tests.contract.deployment import (
    TABLE,
    a_runtime,
    make_function,
    make_key,
    make_runtime,
    make_table,
    write_runtime,
)

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef, PutEventsRequestTypeDef
    from mypy_boto3_lambda import LambdaClient

_PAGE = 2  # so small that every listing has several pages
BUS = "serinus"
BUCKET = "artifacts"


class Cloud(Protocol):
    """A world with every port in it, and with the endpoint `fraud` deployed, whose alias is at version 1."""

    @property
    def documents(self) -> Documents:
        """The table."""

    @property
    def objects(self) -> Objects:
        """A bucket."""

    @property
    def policies(self) -> Policies:
        """The deployed policies."""

    @property
    def deployments(self) -> Deployments:
        """What is deployed of what serves."""

    @property
    def events(self) -> Events:
        """The bus."""

    @property
    def releases(self) -> Releases:
        """The published versions."""

    @property
    def traffic(self) -> Traffic:
        """The alias."""

    @property
    def alarms(self) -> Alarms:
        """The alarms."""

    @property
    def signer(self) -> Signer:
        """The signing key."""

    @property
    def other_signer(self) -> Signer:
        """Another key."""

    def deploy(self, policy: Policy) -> None:
        """Deploy an endpoint's policy."""

    def deploy_runtime(self, runtime: Runtime) -> None:
        """Deploy what serves."""

    def published(self) -> list[tuple[str, Mapping[str, object]]]:
        """Return the events on the bus: name, and detail with the endpoint."""

    def fire(self, endpoint: str, release: int, reason: str) -> None:
        """Put one of the release's alarms into the state ALARM."""


class MemoryCloud:
    """Dictionaries."""

    def __init__(self) -> None:
        self.documents = MemoryDocuments()
        self.objects = MemoryObjects()
        self.policies = MemoryPolicies()
        self.events = MemoryEvents()
        self.deployments = MemoryDeployments({FRAUD: a_runtime(BUCKET)})
        self.releases = MemoryReleases()
        self.traffic = MemoryTraffic({FRAUD: Split(1)})
        self.alarms = MemoryAlarms()
        self.signer = MemorySigner(b"one")
        self.other_signer = MemorySigner(b"another")

    def deploy(self, policy: Policy) -> None:
        """Deploy an endpoint's policy."""
        self.policies.deploy(policy)

    def deploy_runtime(self, runtime: Runtime) -> None:
        """Deploy what serves."""
        self.deployments.deploy(FRAUD, runtime)

    def published(self) -> list[tuple[str, Mapping[str, object]]]:
        """Return the events on the bus: name, and detail."""
        return [(event.name, cloud_event(event.name, event.entry)) for event in self.events.published]

    def fire(self, endpoint: str, release: int, reason: str) -> None:
        """Put one of the release's alarms into the state ALARM."""
        self.alarms.fire(endpoint, release, reason)


class AwsCloud:
    """The adapters of AWS, in moto's."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self._sent: list[PutEventsRequestEntryTypeDef] = []

    @cached_property
    def documents(self) -> DynamoDocuments:
        """A table."""
        make_table(self.clients)
        return DynamoDocuments(self.clients.dynamodb, TABLE, page_size=_PAGE)

    @cached_property
    def objects(self) -> S3Objects:
        """A bucket."""
        self.clients.s3.create_bucket(Bucket=BUCKET)
        return S3Objects(self.clients.s3, BUCKET, page_size=_PAGE)

    @cached_property
    def policies(self) -> SsmPolicies:
        """The parameter store, where an endpoint's stack writes its runtime beside its policy."""
        self.clients.ssm.put_parameter(Name=settings.runtime_parameter("bare"), Value="{}", Type="String")
        return SsmPolicies(self.clients.ssm)

    @cached_property
    def events(self) -> EventBridgeEvents:
        """A bus."""
        self.clients.events.create_event_bus(Name=BUS)
        return EventBridgeEvents(self.clients.events, BUS)

    @cached_property
    def deployments(self) -> SsmDeployments:
        """The parameter store, with what an endpoint's stack says of its runtime."""
        make_runtime(self.clients, self.objects)
        return SsmDeployments(self.clients.ssm)

    @cached_property
    def releases(self) -> LambdaReleases:
        """The function's versions."""
        return LambdaReleases(self.functions, self.objects)

    @cached_property
    def functions(self) -> LambdaClient:
        """Lambda, with the endpoint's function in it."""
        make_function(self.clients)
        return self.clients.functions

    @cached_property
    def traffic(self) -> LambdaTraffic:
        """The function's alias."""
        return LambdaTraffic(self.functions)

    @cached_property
    def alarms(self) -> CloudWatchAlarms:
        """CloudWatch's alarms."""
        return CloudWatchAlarms(self.clients.cloudwatch)

    @cached_property
    def signer(self) -> KmsSigner:
        """A key."""
        return KmsSigner(self.clients.kms, make_key(self.clients))

    @cached_property
    def other_signer(self) -> KmsSigner:
        """Another key."""
        return KmsSigner(self.clients.kms, make_key(self.clients))

    def deploy(self, policy: Policy) -> None:
        """Write what an endpoint's stack writes."""
        self.clients.ssm.put_parameter(
            Name=settings.policy_parameter(policy.endpoint), Value=policy_json(policy), Type="String", Overwrite=True
        )

    def deploy_runtime(self, runtime: Runtime) -> None:
        """Write what an endpoint's stack writes."""
        write_runtime(self.clients, runtime)

    def note_sent(self, params: PutEventsRequestTypeDef, **_: object) -> None:
        """Keep what is sent to the bus; heard from botocore, since a target in moto needs more packages."""
        self._sent += params["Entries"]

    def published(self) -> list[tuple[str, Mapping[str, object]]]:
        """Return the events that a rule on our bus and source would match."""
        matching = [
            entry for entry in self._sent if (entry.get("EventBusName"), entry.get("Source")) == (BUS, "serinus")
        ]
        return [(entry["DetailType"], json.loads(entry["Detail"])) for entry in matching]

    def fire(self, endpoint: str, release: int, reason: str) -> None:
        """Put one of the release's alarms into the state ALARM."""
        self.clients.cloudwatch.set_alarm_state(
            AlarmName=f"{settings.ALARM_PREFIX}/{endpoint}/{release}/failures", StateValue="ALARM", StateReason=reason
        )
