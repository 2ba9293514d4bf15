"""What a release is made of besides its model, as the endpoint's stack says in the parameter store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict

from serinus import settings
from serinus.adapters.aws.failures import code_of
from serinus.errors import EndpointNotFound

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class Runtime(BaseModel):
    """The deployed code, layers and environment. Memory and timeout come from the policy a rollout has pinned."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code_bucket: str
    code_key: str
    handler: str
    runtime: str
    architecture: str
    layers: tuple[str, ...]
    environment: dict[str, str]


def read_runtime(client: SSMClient, endpoint: str) -> Runtime:
    """Return what the endpoint's stack deployed.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
    """
    try:
        parameter = client.get_parameter(Name=settings.runtime_parameter(endpoint))["Parameter"]
    except ClientError as error:
        if code_of(error) == "ParameterNotFound":
            raise EndpointNotFound(endpoint) from error
        raise
    return Runtime.model_validate_json(parameter["Value"])
