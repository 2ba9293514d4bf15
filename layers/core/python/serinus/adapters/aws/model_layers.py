"""Models as Lambda layers."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict
from typing import TYPE_CHECKING

from serinus import settings
from serinus.adapters.aws.objects import S3Objects
from serinus.domain.layout import Layout
from serinus.domain.model_version import ModelVersion

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_PACKAGE = "python/serinus_release"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can tell
_READABLE = 0o100644 << 16  # Lambda reads layers as another user


class ModelLayers:
    """Publishes each model once, as a layer version whose description is the model's content digest."""

    def __init__(self, client: LambdaClient, artifacts: S3Objects) -> None:
        self._client = client
        self._artifacts = artifacts

    def publish(self, version: ModelVersion, model: bytes, layout: Layout) -> str:
        """Return the ARN of the layer version that carries the model; doing it again returns the same."""
        return self._published(version) or self._publish(version, model, layout)

    def remove(self, endpoint: str, layer: str) -> None:
        """Remove a layer version by its ARN; Lambda takes it well where there is none.

        Raises:
            ValueError: it is no version of the endpoint's model layer.
        """
        named, _, number = layer.rpartition(":")
        name = settings.model_layer_name(endpoint)
        if named.rpartition(":")[2] != name:
            raise ValueError(f"{layer} is no version of the layer {name}")
        self._client.delete_layer_version(LayerName=name, VersionNumber=int(number))

    def _published(self, version: ModelVersion) -> str | None:
        pages = self._client.get_paginator("list_layer_versions").paginate(
            LayerName=settings.model_layer_name(version.endpoint)
        )
        for page in pages:
            for layer in page["LayerVersions"]:
                if layer.get("Description") == version.content_digest:
                    return layer["LayerVersionArn"]
        return None

    def _publish(self, version: ModelVersion, model: bytes, layout: Layout) -> str:
        key = f"layers/{version.endpoint}/{version.content_digest}.zip"
        self._artifacts.put(key, layer_zip(version, model, layout))
        answer = self._client.publish_layer_version(
            LayerName=settings.model_layer_name(version.endpoint),
            Description=version.content_digest,
            Content={"S3Bucket": self._artifacts.bucket, "S3Key": key},
        )
        return answer["LayerVersionArn"]


def layout_document(layout: Layout) -> dict[str, object]:
    """Return what `lean_layout` reads; what is counted jointly, the inference function does not count."""
    return {"digest": layout.digest, **layout.without_joint.document}


def layer_zip(version: ModelVersion, model: bytes, layout: Layout) -> bytes:
    """Return the layer: an importable package with the model and what the inference function needs to know of it.

    The same model gives the same bytes: times are fixed, and nothing is compressed, since compressors differ.
    """
    release = {
        "endpoint": version.endpoint,
        "model_version": version.number,
        "content_digest": version.content_digest,
        "signature": asdict(version.manifest.signature),
    }
    files = {
        "__init__.py": b"",
        "model.onnx": model,
        "release.json": json.dumps(release, sort_keys=True).encode(),
        "layout.json": json.dumps(layout_document(layout), sort_keys=True).encode(),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, body in files.items():
            entry = zipfile.ZipInfo(f"{_PACKAGE}/{name}", _EPOCH)
            entry.create_system, entry.external_attr = 3, _READABLE  # Unix, whatever writes it
            archive.writestr(entry, body)
    return buffer.getvalue()
