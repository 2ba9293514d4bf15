"""What serves besides the model, as each endpoint's stack says in the parameter store."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from pydantic import TypeAdapter

from serinus import settings
from serinus.adapters.aws.failures import code_of
from serinus.domain.composition import Deployment, Runtime
from serinus.errors import EndpointNotFound

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

_RUNTIME = TypeAdapter(Runtime)
_NOT_THERE = {"ParameterNotFound", "ValidationException"}  # the latter where the name cannot be a parameter's


class SsmDeployments:
    """`Deployments` on Systems Manager; a deploy is known by the version and the time that the write of it has."""

    def __init__(self, client: SSMClient) -> None:
        self._client = client

    def current(self, endpoint: str) -> Deployment:
        """Return the latest deploy.

        Raises:
            EndpointNotFound: no such endpoint is deployed.
        """
        name = settings.runtime_parameter(endpoint)
        try:
            parameter = self._client.get_parameter(Name=name)["Parameter"]
        except ClientError as error:
            if code_of(error) in _NOT_THERE:
                raise EndpointNotFound(endpoint) from error
            raise
        written = f"{name} {parameter['Version']} {parameter['LastModifiedDate'].timestamp()}"
        return Deployment(hashlib.sha256(written.encode()).hexdigest(), _RUNTIME.validate_json(parameter["Value"]))
