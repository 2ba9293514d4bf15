"""Releases as published Lambda versions, with the model in a layer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from serinus import settings
from serinus.adapters.aws.configuration import Configuration, Wanted
from serinus.adapters.aws.failures import code_of
from serinus.adapters.aws.model_layers import ModelLayers
from serinus.adapters.aws.objects import S3Objects
from serinus.domain.composition import Composition
from serinus.domain.inference_request import probe_event
from serinus.domain.layout import Layout
from serinus.domain.model_version import ModelVersion
from serinus.domain.rollout import Release
from serinus.errors import ReleaseFailed, ReleaseInUse

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_FIRST_VERSION = 1  # it answers 503, and is what CloudFormation made the alias on
_SHOWN = 500  # characters of an answer that a message carries


class LambdaReleases:
    """`Releases` on Lambda."""

    def __init__(self, functions: LambdaClient, artifacts: S3Objects) -> None:
        self._functions = functions
        self._layers = ModelLayers(functions, artifacts)
        self._configuration = Configuration(functions)

    def publish(
        self, version: ModelVersion, model: bytes, layout: Layout, composition: Composition, *, rollout: str
    ) -> Release:
        """Publish the model's layer and a Lambda version with it; doing it again returns the same release.

        The version carries the rollout's id, by which it is found again; a later rollout gets a version of its own.

        Raises:
            ReleaseFailed: the function does not have the configuration that was asked for.
        """
        layer = self._layers.publish(version, model, layout)
        published = self._configuration.publish(
            Wanted(
                function=settings.inference_function_name(version.endpoint),
                description=f"rollout {rollout}",
                runtime=composition.runtime,
                layers=(*composition.runtime.layers, layer),
            )
        )
        return Release(
            endpoint=version.endpoint,
            number=published.number,
            model_version=version.number,
            content_digest=version.content_digest,
            layer=layer,
            published_at=datetime.fromisoformat(published.at),
            rollout=rollout,
            composition=composition,
        )

    def probe(self, release: Release, body: Mapping[str, object]) -> Mapping[str, object]:
        """Send the release an inference request that no alias routes and no profile counts; return its answer.

        Raises:
            ReleaseFailed: it did not answer 200; the message carries what it answered.
        """
        answer = self._functions.invoke(
            FunctionName=settings.inference_function_name(release.endpoint),
            Qualifier=str(release.number),
            Payload=json.dumps(probe_event(release.endpoint, body)).encode(),
        )
        payload = answer["Payload"].read().decode("utf-8", errors="replace")
        if answer.get("FunctionError"):
            raise ReleaseFailed(f"release {release.number} of {release.endpoint!r} failed: {payload[:_SHOWN]}")
        return _answered(release, payload)

    def remove(self, release: Release) -> None:
        """Remove the release's Lambda version; removing none is harmless.

        Raises:
            ReleaseInUse: the alias sends traffic to it.
        """
        if release.number <= _FIRST_VERSION:  # without a number, the call would remove the function itself
            raise ValueError(f"version {release.number} of endpoint {release.endpoint!r} is no release")
        function = settings.inference_function_name(release.endpoint)
        try:
            self._functions.delete_function(FunctionName=function, Qualifier=str(release.number))
        except ClientError as error:
            if code_of(error) == "ResourceConflictException":
                raise ReleaseInUse(release.endpoint, release.number) from error
            if code_of(error) != "ResourceNotFoundException":
                raise

    def remove_layer(self, endpoint: str, layer: str) -> None:
        """Remove a version of the endpoint's model layer; removing none is harmless."""
        self._layers.remove(endpoint, layer)


def _answered(release: Release, payload: str) -> Mapping[str, object]:
    try:
        response = json.loads(payload)
        if response["statusCode"] == 200:
            answer: Mapping[str, object] = json.loads(response["body"])
            return answer
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseFailed(
            f"release {release.number} of {release.endpoint!r} gave no HTTP answer: {payload[:_SHOWN]}"
        ) from error
    raise ReleaseFailed(
        f"release {release.number} of {release.endpoint!r} answered {response['statusCode']}: "
        f"{str(response.get('body'))[:_SHOWN]}"
    )
