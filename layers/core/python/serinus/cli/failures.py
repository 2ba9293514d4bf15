"""What went wrong, as one sentence for the person at the terminal. The only place that words errors of AWS."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from serinus.errors import SerinusError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_EXTRAS = {
    "jinja2": "cli",
    "joblib": "training",
    "ministack": "local",
    "onnx": "models",
    "onnxruntime": "models",
    "pyarrow": "data",
    "rich": "cli",
    "skl2onnx": "training",
    "sklearn": "training",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}
_STALE = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "UnrecognizedClientException",
}


def explanation(error: Exception) -> str | None:
    """Return one sentence that says what is wrong and what to do; `None` for a defect, whose traceback is wanted."""
    if isinstance(error, SerinusError):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return missing_extra(error)
    return _of_aws(error)


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """Say which extra brings the missing package; `None` where none of ours does."""
    package = (error.name or "").partition(".")[0]
    extra = _EXTRAS.get(package)
    if extra is None:
        return None
    extras = extra if extra == "cli" else f"cli,{extra}"
    return f"this needs {package}: pip install 'serinus[{extras}]'"


def _of_aws(error: Exception) -> str | None:
    from botocore import exceptions as aws

    if isinstance(error, (aws.NoCredentialsError, aws.PartialCredentialsError)):
        return (
            "no AWS credentials were found: run `aws configure` or `aws sso login`, or, for the local cloud, "
            '`eval "$(serinus local env)"`'
        )
    if isinstance(error, aws.NoRegionError):
        return "no AWS region is set: set AWS_REGION, or a region in your AWS profile"
    if isinstance(error, (aws.EndpointConnectionError, aws.ConnectTimeoutError, aws.ConnectionClosedError)):
        return _unreachable(error)
    if isinstance(error, aws.ClientError):
        return _refused(error)
    if isinstance(error, aws.BotoCoreError):
        return str(error)
    return None


def _unreachable(error: Exception) -> str:
    local = os.environ.get("AWS_ENDPOINT_URL")
    if local:
        return f"nothing answers at {local} (AWS_ENDPOINT_URL): is the local cloud up? `serinus local up` starts it"
    return f"AWS cannot be reached ({error}): check the network, and the region"


def _refused(error: ClientError) -> str:
    from serinus.adapters.aws.failures import code_of, message_of

    code, message = code_of(error), message_of(error)
    if code in _DENIED:
        return f"AWS denies you this: {message}"
    if code in _STALE:
        return f"AWS does not take your credentials ({message}): sign in again"
    return f"AWS refused the call ({code}): {message}"
