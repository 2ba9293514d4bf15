"""What each function is told by its environment, and the names that code and infrastructure must agree on.

The only module that reads the environment. The CDK app fills each function's environment from the same classes
(`as_environment`), so a variable's name has one source. Plain dataclasses, because the inference function, which
must start fast, uses them too.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import TypeVar

from serinus.errors import SettingMissing

_PREFIX = "SERINUS_"
_MB_OF_A_PROCESSOR = 1_769


@dataclasses.dataclass(frozen=True)
class RegisterModelSettings:
    """Settings of `register_model`."""

    table_name: str
    artifacts_bucket: str
    ledger_bucket: str
    event_bus_name: str


@dataclasses.dataclass(frozen=True)
class ValidateModelSettings:
    """Settings of `validate_model`."""

    table_name: str
    artifacts_bucket: str
    ledger_bucket: str
    event_bus_name: str
    signing_key_id: str


@dataclasses.dataclass(frozen=True)
class StartRolloutSettings:
    """Settings of `start_rollout`."""

    table_name: str
    artifacts_bucket: str
    data_bucket: str
    ledger_bucket: str
    event_bus_name: str


@dataclasses.dataclass(frozen=True)
class FollowDeploymentSettings:
    """Settings of `follow_deployment`."""

    table_name: str
    rollout_machine_arn: str


@dataclasses.dataclass(frozen=True)
class PublishReleaseSettings:
    """Settings of `publish_release`."""

    table_name: str
    artifacts_bucket: str
    ledger_bucket: str
    event_bus_name: str
    signing_key_id: str


@dataclasses.dataclass(frozen=True)
class ShadowCandidateSettings:
    """Settings of `shadow_candidate`."""

    table_name: str
    artifacts_bucket: str
    data_bucket: str
    ledger_bucket: str
    event_bus_name: str


@dataclasses.dataclass(frozen=True)
class AdvanceRolloutSettings:
    """Settings of `advance_rollout`."""

    table_name: str
    artifacts_bucket: str
    data_bucket: str
    ledger_bucket: str
    event_bus_name: str


@dataclasses.dataclass(frozen=True)
class RollBackSettings:
    """Settings of `roll_back`."""

    table_name: str
    ledger_bucket: str
    event_bus_name: str


@dataclasses.dataclass(frozen=True)
class RequestRolloutSettings:
    """Settings of `request_rollout`.

    Attributes:
        rollout_machine_arn: the state machine that carries rollouts.
    """

    table_name: str
    ledger_bucket: str
    rollout_machine_arn: str


@dataclasses.dataclass(frozen=True)
class ListRolloutsSettings:
    """Settings of `list_rollouts`."""

    table_name: str


@dataclasses.dataclass(frozen=True)
class DescribeRolloutSettings:
    """Settings of `describe_rollout`."""

    table_name: str


@dataclasses.dataclass(frozen=True)
class SteerRolloutSettings:
    """Settings of `steer_rollout`."""

    table_name: str
    ledger_bucket: str
    event_bus_name: str


@dataclasses.dataclass(frozen=True)
class RequestRollBackSettings:
    """Settings of `request_roll_back`."""

    table_name: str


@dataclasses.dataclass(frozen=True)
class InferSettings:
    """Settings of `infer`; it reaches nothing, so all it is told is its name and what its log may hold.

    Attributes:
        log_inputs: `all`, `sample` or `none`.
        log_share: of which share of requests, as JSON.
        personal: the columns that are never logged, as a JSON list.
        id_column: the column that labels join on, as JSON; `null` for none.
    """

    endpoint: str
    log_inputs: str
    log_share: str
    personal: str
    id_column: str


@dataclasses.dataclass(frozen=True)
class InferVersionSettings:
    """Settings of `infer_version`."""

    endpoint: str
    table_name: str


@dataclasses.dataclass(frozen=True)
class DescribeServerSettings:
    """Settings of `describe_server`, which needs to be told nothing."""


@dataclasses.dataclass(frozen=True)
class AuthoriseCallerSettings:
    """Settings of `authorise_caller`."""

    table_name: str


@dataclasses.dataclass(frozen=True)
class MakeTokenSettings:
    """Settings of `make_token`."""

    table_name: str
    ledger_bucket: str
    api_id: str


@dataclasses.dataclass(frozen=True)
class RotateTokenSettings(MakeTokenSettings):
    """Settings of `rotate_token`."""


@dataclasses.dataclass(frozen=True)
class RevokeTokenSettings(MakeTokenSettings):
    """Settings of `revoke_token`."""


@dataclasses.dataclass(frozen=True)
class CollectPredictionsSettings:
    """Settings of `collect_predictions`."""

    table_name: str
    artifacts_bucket: str
    data_bucket: str


@dataclasses.dataclass(frozen=True)
class CompactProfilesSettings:
    """Settings of `compact_profiles`."""

    data_bucket: str


@dataclasses.dataclass(frozen=True)
class PruneReleasesSettings:
    """Settings of `prune_releases`."""

    table_name: str
    artifacts_bucket: str
    ledger_bucket: str


@dataclasses.dataclass(frozen=True)
class DetectDriftSettings:
    """Settings of `detect_drift`."""

    table_name: str
    artifacts_bucket: str
    data_bucket: str
    ledger_bucket: str
    event_bus_name: str


@dataclasses.dataclass(frozen=True)
class EstimatePerformanceSettings:
    """Settings of `estimate_performance`."""

    table_name: str
    artifacts_bucket: str
    data_bucket: str
    ledger_bucket: str
    event_bus_name: str


@dataclasses.dataclass(frozen=True)
class SnapshotDataSettings:
    """Settings of `snapshot_data`."""

    table_name: str
    data_bucket: str
    ledger_bucket: str
    event_bus_name: str


@dataclasses.dataclass(frozen=True)
class TrainModelSettings:
    """Settings of `train_model`."""

    artifacts_bucket: str
    data_bucket: str


@dataclasses.dataclass(frozen=True)
class PlanBatchSettings:
    """Settings of `plan_batch`."""

    table_name: str
    data_bucket: str


@dataclasses.dataclass(frozen=True)
class PredictBatchSettings:
    """Settings of `predict_batch`."""

    table_name: str
    artifacts_bucket: str
    data_bucket: str


@dataclasses.dataclass(frozen=True)
class ConcludeBatchSettings:
    """Settings of `conclude_batch`."""

    artifacts_bucket: str
    data_bucket: str


@dataclasses.dataclass(frozen=True)
class ClientSettings:
    """What the command line needs to know of a deployment; kept as JSON in the parameter `CLIENT_PARAMETER`."""

    table_name: str
    artifacts_bucket: str
    data_bucket: str
    ledger_bucket: str
    event_bus_name: str
    api_url: str


Settings = TypeVar("Settings")


def read(kind: type[Settings], environ: Mapping[str, str] | None = None) -> Settings:
    """Read a settings class from the environment.

    Raises:
        SettingMissing: a variable is absent or empty; the error names it.

    >>> read(TrainModelSettings, {"SERINUS_ARTIFACTS_BUCKET": "models", "SERINUS_DATA_BUCKET": "data"})
    TrainModelSettings(artifacts_bucket='models', data_bucket='data')
    """
    source = os.environ if environ is None else environ
    values: dict[str, str] = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]  # only dataclasses are passed
        name = _PREFIX + field.name.upper()
        if not source.get(name):
            raise SettingMissing(name)
        values[field.name] = source[name]
    return kind(**values)


def as_environment(settings: object) -> dict[str, str]:
    """Return the environment variables that `read` turns back into these settings.

    >>> as_environment(TrainModelSettings(artifacts_bucket="models", data_bucket="data"))
    {'SERINUS_ARTIFACTS_BUCKET': 'models', 'SERINUS_DATA_BUCKET': 'data'}
    """
    values = dataclasses.asdict(settings)  # type: ignore[call-overload]  # only dataclasses are passed
    return {_PREFIX + name.upper(): str(value) for name, value in values.items()}


def lambda_version(environ: Mapping[str, str] | None = None) -> str:
    """Return the published version this process runs as; `$LATEST` where there is none."""
    source = os.environ if environ is None else environ
    return source.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")


def lambda_processors(environ: Mapping[str, str] | None = None) -> int:
    """Return how many processors this function's memory buys: Lambda gives one for each 1,769 MB, six at the most.

    >>> [lambda_processors({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": size}) for size in ("128", "1769", "3008", "10240")]
    [1, 1, 2, 6]
    """
    source = os.environ if environ is None else environ
    return max(1, round(int(source.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "0")) / _MB_OF_A_PROCESSOR))


LIVE_ALIAS = "live"
METRIC_NAMESPACE = "Serinus"
EVENT_SOURCE = "serinus"
POLICY_PATH = "/serinus/endpoints"
CLIENT_PARAMETER = "/serinus/client"
ALARM_PREFIX = "serinus-rollout"
LATENCY_HEADER = "x-serinus-latency-ms"
STACK_PREFIX = "Serinus"


def function_name(verb_noun: str) -> str:
    """Return the deployed name of a control-plane function.

    >>> function_name("register_model")
    'serinus-register-model'
    """
    return f"serinus-{verb_noun.replace('_', '-')}"


def state_machine_name(name: str) -> str:
    """Return the deployed name of a state machine.

    >>> state_machine_name("batch")
    'serinus-batch'
    """
    return f"serinus-{name}"


def inference_function_name(endpoint: str) -> str:
    """Return the deployed name of an endpoint's inference function.

    >>> inference_function_name("fraud")
    'serinus-endpoint-fraud'
    """
    return f"serinus-endpoint-{endpoint}"


def version_function_name(endpoint: str) -> str:
    """Return the deployed name of the function that asks an endpoint's versions by their numbers.

    >>> version_function_name("fraud")
    'serinus-versions-fraud'
    """
    return f"serinus-versions-{endpoint}"


def inference_log_group(endpoint: str) -> str:
    """Return the log group that carries an endpoint's prediction records.

    >>> inference_log_group("fraud")
    '/aws/lambda/serinus-endpoint-fraud'
    """
    return f"/aws/lambda/{inference_function_name(endpoint)}"


def model_layer_name(endpoint: str) -> str:
    """Return the name of the layer whose versions carry the endpoint's models.

    >>> model_layer_name("fraud")
    'serinus-model-fraud'
    """
    return f"serinus-model-{endpoint}"


def policy_parameter(endpoint: str) -> str:
    """Return the SSM parameter that holds the endpoint's policy as JSON.

    >>> policy_parameter("fraud")
    '/serinus/endpoints/fraud/policy'
    """
    return f"{POLICY_PATH}/{endpoint}/policy"


def runtime_parameter(endpoint: str) -> str:
    """Return the SSM parameter that says what a release is made of besides its model (code, layers, memory…).

    >>> runtime_parameter("fraud")
    '/serinus/endpoints/fraud/runtime'
    """
    return f"{POLICY_PATH}/{endpoint}/runtime"
