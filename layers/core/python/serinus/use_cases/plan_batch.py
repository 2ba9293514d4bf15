"""Decide what a batch is: which objects, in which parts, by which model."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from serinus.domain.batch import Batch, SourceObject, a_batch, is_data
from serinus.errors import DataRefused
from serinus.use_cases.ports.batches import Batches
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.registry import ModelVersions
from serinus.use_cases.ports.releases import Traffic
from serinus.use_cases.ports.rollouts import Rollouts
from serinus.use_cases.ports.storage import Objects

INPUT_PREFIX = "batch/"
OUTPUT_PREFIX = "predictions/"

_MAXIMUM_OUTPUT = 64  # characters; each part's name carries it, and they share one payload of 256 KiB
_AT_ONCE = 16


@dataclass(frozen=True)
class Planning:
    """What planning needs of the world."""

    policies: Policies
    versions: ModelVersions
    rollouts: Rollouts
    traffic: Traffic
    data: Objects
    batches: Batches


def plan_batch(endpoint: str, source: str, output: str | None, *, planning: Planning) -> Batch:
    """Plan to score all objects under a prefix by the model that is live, and store the plan.

    The same objects and the same model give the same batch, whose parts are where they were: what was done of it
    is not done again.

    Args:
        endpoint: whose model to use.
        source: the prefix of the objects in the data bucket; it begins with `batch/`.
        output: the folder for results, which begins with `predictions/`; of the endpoint's own by default.
        planning: what planning needs of the world.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
        DataRefused: nothing is live there, or the objects cannot be scored; the message says why.
    """
    policy = planning.policies.get(endpoint)
    if not source.startswith(INPUT_PREFIX):
        raise DataRefused(f"{source!r} is out of reach: put what is to be scored under {INPUT_PREFIX}")
    folder = _folder(output or f"{OUTPUT_PREFIX}{endpoint}/")
    release = planning.rollouts.release(endpoint, planning.traffic.current(endpoint).stable)
    if release is None:
        raise DataRefused(f"nothing is released on {endpoint!r} yet: push a model to it first")
    version = planning.versions.get(endpoint, release.model_version)
    batch = a_batch(
        policy.endpoint,
        model_version=version.number,
        content_digest=version.content_digest,
        output=folder,
        objects=_objects(source, planning.data),
    )
    planning.batches.put(batch)
    return batch


def _folder(output: str) -> str:
    folder = output if output.endswith("/") else f"{output}/"
    if not folder.startswith(OUTPUT_PREFIX):
        raise DataRefused(f"{output!r} is out of reach: results go under {OUTPUT_PREFIX}")
    if len(folder) > _MAXIMUM_OUTPUT:
        raise DataRefused(f"{folder!r} is too long: a folder of at most {_MAXIMUM_OUTPUT} characters will do")
    return folder


def _objects(source: str, data: Objects) -> list[SourceObject]:
    found = [(key, at) for key, at in data.modified(source) if is_data(key)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        sizes = list(pool.map(data.size, [key for key, _ in found]))
    objects = [SourceObject(key, size, at) for (key, at), size in zip(found, sizes, strict=True)]
    return sorted(objects, key=lambda each: each.key)
