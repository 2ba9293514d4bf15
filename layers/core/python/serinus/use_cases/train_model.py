"""Train the policy's recipe on a snapshot, and upload the model like anybody else's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from serinus.domain.feature_columns import features_of
from serinus.domain.model_version import Holdout, Manifest
from serinus.domain.table import Table
from serinus.domain.target_values import labels_of
from serinus.errors import PolicyRefused
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.files import Tables
from serinus.use_cases.ports.models import Trainer
from serinus.use_cases.ports.registry import WriteManifest
from serinus.use_cases.ports.storage import Objects
from serinus.use_cases.ports.watching import Snapshots

_HOLDOUT = "holdout.parquet"
_FRAMEWORK_PREDICTIONS = "_framework_prediction"  # no feature begins with an underscore


@dataclass(frozen=True)
class Training:
    """What training needs of the world."""

    policies: Policies
    snapshots: Snapshots
    trainer: Trainer
    tables: Tables
    artifacts: Objects
    write_manifest: WriteManifest


def train_model(endpoint: str, digest: str, *, training: Training) -> str:
    """Train and upload; return the upload's id.

    Where the framework itself says one score a row, the held-out rows carry it, so that validation can see whether
    the file says the same. The id is the snapshot's, and a recipe is deterministic: training twice uploads the same
    model under the same name, which the registry takes once.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
        PolicyRefused: its policy does not retrain.
        ObjectNotFound: there is no such snapshot.
        DataRefused: the snapshot cannot train the recipe.
    """
    policy = training.policies.get(endpoint)
    if policy.retraining is None:
        raise PolicyRefused(f"the policy of {endpoint!r} has no [retraining]: add it and deploy the endpoint")
    snapshot, train, holdout = training.snapshots.get(endpoint, digest)
    labels = labels_of(train, snapshot.target, file=f"snapshot {digest}", target=policy.target)
    features = Table({name: column for name, column in train.columns.items() if name != snapshot.target})
    trained = training.trainer.train(policy.retraining.recipe, features, labels, policy.target)
    predicted = trained.predict(features_of(trained.signature, holdout, file=_HOLDOUT))
    told = {_FRAMEWORK_PREDICTIONS: predicted} if predicted.ndim == 1 else {}
    held_out = training.tables.write(Table({**holdout.columns, **told}))
    manifest = Manifest(
        model_name="model.onnx",
        model_sha256=hashlib.sha256(trained.onnx).hexdigest(),
        signature=trained.signature,
        holdout=Holdout(_HOLDOUT, hashlib.sha256(held_out).hexdigest(), snapshot.target, next(iter(told), None)),
        lineage={**trained.lineage, "snapshot": digest, "reason": snapshot.reason},
    )
    upload = f"retrained-{digest[:16]}"
    folder = f"incoming/{endpoint}/{upload}"
    training.artifacts.put(f"{folder}/model.onnx", trained.onnx)
    training.artifacts.put(f"{folder}/{_HOLDOUT}", held_out)
    training.artifacts.put(f"{folder}/manifest.json", training.write_manifest(manifest))
    return upload
