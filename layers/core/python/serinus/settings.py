"""What each function is told by its environment, and the names that code and infrastructure must agree on.

The only module that reads the environment. The CDK app fills each function's environment from the same classes
(`as_environment`), so a variable's name has one source. Tuples with names, because the inference function, which must
start fast, imports them all: as dataclasses they would take five times as long to make.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from serinus.errors import SettingMissing

_PREFIX = "SERINUS_"
_MB_OF_A_PROCESSOR = 1_769


class RegisterModelSettings(NamedTuple):
    """Settings of `register_model`."""

    table_name: str
    artifacts_bucket: str
    ledger_bucket: str
    event_bus_name: str


class ValidateDataSettings(NamedTuple):
    """Settings of `validate_data`."""

    table_name: str
    artifacts_bucket: str
    data_bucket: str
    ledger_bucket: str
    event_bus_name: str


class ValidateModelSettings(NamedTuple):
    """Settings of `validate_model`."""

    table_name: str
    artifacts_bucket: str
    ledger_bucket: str
    event_bus_name: str
    signing_key_id: str


class RejectUploadSettings(NamedTuple):
    """Settings of `reject_upload`."""

    table_name: str
    ledger_bucket: str
    event_bus_name: str


class StartRolloutSettings(NamedTuple):
    """Settings of `start_rollout`."""

    table_name: str
    artifacts_bucket: str
    data_bucket: str
    ledger_bucket: str
    event_bus_name: str


class FollowDeploymentSettings(NamedTuple):
    """Settings of `follow_deployment`."""

    table_name: str
    rollout_machine_arn: str


class PublishReleaseSettings(NamedTuple):
    """Settings of `publish_release`."""

    table_name: str
    artifacts_bucket: str
    ledger_bucket: str
    event_bus_name: str
    signing_key_id: str


class ShadowCandidateSettings(NamedTuple):
    """Settings of `shadow_candidate`."""

    table_name: str
    artifacts_bucket: str
    data_bucket: str
    ledger_bucket: str
    event_bus_name: str


class AdvanceRolloutSettings(NamedTuple):
    """Settings of `advance_rollout`."""

    table_name: str
    artifacts_bucket: str
    data_bucket: str
    ledger_bucket: str
    event_bus_name: str


class RollBackSettings(NamedTuple):
    """Settings of `roll_back`."""

    table_name: str
    ledger_bucket: str
    event_bus_name: str


class RequestRolloutSettings(NamedTuple):
    """Settings of `request_rollout`.

    Attributes:
        rollout_machine_arn: the state machine that carries rollouts.
    """

    table_name: str
    ledger_bucket: str
    rollout_machine_arn: str


class ListRolloutsSettings(NamedTuple):
    """Settings of `list_rollouts`."""

    table_name: str


class DescribeRolloutSettings(NamedTuple):
    """Settings of `describe_rollout`."""

    table_name: str


class SteerRolloutSettings(NamedTuple):
    """Settings of `steer_rollout`."""

    table_name: str
    ledger_bucket: str
    event_bus_name: str


class RequestRollBackSettings(NamedTuple):
    """Settings of `request_roll_back`."""

    table_name: str


class RecordLabelsSettings(NamedTuple):
    """Settings of `record_labels`."""

    data_bucket: str


class InferSettings(NamedTuple):
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


class InferVersionSettings(NamedTuple):
    """Settings of `infer_version`."""

    endpoint: str
    table_name: str


class DescribeServerSettings(NamedTuple):
    """Settings of `describe_server`, which needs to be told nothing."""


class AuthoriseCallerSettings(NamedTuple):
    """Settings of `authorise_caller`."""

    table_name: str


class MakeTokenSettings(NamedTuple):
    """Settings of `make_token`."""

    table_name: str
    ledger_bucket: str
    api_id: str


class RotateTokenSettings(MakeTokenSettings):
    """Settings of `rotate_token`."""


class RevokeTokenSettings(MakeTokenSettings):
    """Settings of `revoke_token`."""


class CollectPredictionsSettings(NamedTuple):
    """Settings of `collect_predictions`."""

    table_name: str
    artifacts_bucket: str
    data_bucket: str


class CompactProfilesSettings(NamedTuple):
    """Settings of `compact_profiles`."""

    data_bucket: str


class CompactLabelsSettings(NamedTuple):
    """Settings of `compact_labels`."""

    data_bucket: str


class PruneReleasesSettings(NamedTuple):
    """Settings of `prune_releases`."""

    table_name: str
    artifacts_bucket: str
    ledger_bucket: str


class DetectDriftSettings(NamedTuple):
    """Settings of `detect_drift`."""

    table_name: str
    artifacts_bucket: str
    data_bucket: str
    ledger_bucket: str
    event_bus_name: str


class EstimatePerformanceSettings(NamedTuple):
    """Settings of `estimate_performance`."""

    table_name: str
    artifacts_bucket: str
    data_bucket: str
    ledger_bucket: str
    event_bus_name: str


class ReviewPerformanceSettings(EstimatePerformanceSettings):
    """Settings of `review_performance`."""


class SnapshotDataSettings(NamedTuple):
    """Settings of `snapshot_data`."""

    table_name: str
    data_bucket: str
    ledger_bucket: str
    event_bus_name: str


class TrainModelSettings(NamedTuple):
    """Settings of `train_model`."""

    artifacts_bucket: str
    data_bucket: str


class PlanBatchSettings(NamedTuple):
    """Settings of `plan_batch`."""

    table_name: str
    data_bucket: str


class PredictBatchSettings(NamedTuple):
    """Settings of `predict_batch`."""

    table_name: str
    artifacts_bucket: str
    data_bucket: str


class ConcludeBatchSettings(NamedTuple):
    """Settings of `conclude_batch`."""

    artifacts_bucket: str
    data_bucket: str


class ClientSettings(NamedTuple):
    """What the command line needs to know of a deployment; kept as JSON in the parameter `CLIENT_PARAMETER`."""

    table_name: str
    artifacts_bucket: str
    data_bucket: str
    ledger_bucket: str
    event_bus_name: str
    api_url: str


Settings = TypeVar("Settings", bound=tuple[str, ...])


def read(kind: type[Settings], environ: Mapping[str, str] | None = None) -> Settings:
    """Read a settings class from the environment.

    Raises:
        SettingMissing: a variable is absent or empty; the error names it.

    >>> read(TrainModelSettings, {"SERINUS_ARTIFACTS_BUCKET": "models", "SERINUS_DATA_BUCKET": "data"})
    TrainModelSettings(artifacts_bucket='models', data_bucket='data')
    """
    source = os.environ if environ is None else environ
    values: dict[str, str] = {}
    for field in field_names(kind):
        name = _PREFIX + field.upper()
        if not source.get(name):
            raise SettingMissing(name)
        values[field] = source[name]
    return kind(**values)


def field_names(kind: type[tuple[str, ...]]) -> tuple[str, ...]:
    """Return what a settings class is told, in order.

    >>> field_names(TrainModelSettings)
    ('artifacts_bucket', 'data_bucket')
    """
    names: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]  # only named tuples are passed
    return names


def as_environment(settings: tuple[str, ...]) -> dict[str, str]:
    """Return the environment variables that `read` turns back into these settings.

    >>> as_environment(TrainModelSettings(artifacts_bucket="models", data_bucket="data"))
    {'SERINUS_ARTIFACTS_BUCKET': 'models', 'SERINUS_DATA_BUCKET': 'data'}
    """
    values = zip(field_names(type(settings)), settings, strict=True)
    return {_PREFIX + name.upper(): str(value) for name, value in values}


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
