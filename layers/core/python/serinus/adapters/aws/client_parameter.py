"""Where the command line learns the names of what is deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from serinus import settings
from serinus.errors import NothingDeployed

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

_STORED = TypeAdapter(settings.ClientSettings)


def read_client_settings(client: SSMClient) -> settings.ClientSettings:
    """Read what the control-plane stack says of itself.

    Raises:
        NothingDeployed: the account and region hold no Serinus.
    """
    try:
        parameter = client.get_parameter(Name=settings.CLIENT_PARAMETER)["Parameter"]
    except client.exceptions.ParameterNotFound as missing:
        raise NothingDeployed(client.meta.region_name) from missing
    return _STORED.validate_json(parameter["Value"])
