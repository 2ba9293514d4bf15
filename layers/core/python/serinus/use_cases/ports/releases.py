"""Releases, the traffic they get, and the alarms that guard it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from serinus.domain.composition import Composition
from serinus.domain.layout import Layout
from serinus.domain.model_version import ModelVersion
from serinus.domain.rollout import Release, Split
from serinus.domain.rollout_plan import HardAlarm


class Releases(Protocol):
    """Turns a model version into a published, immutable Lambda version."""

    def publish(
        self, version: ModelVersion, model: bytes, layout: Layout, composition: Composition, *, rollout: str
    ) -> Release:
        """Publish the model's layer and a Lambda version with it; doing it again returns the same release.

        Args:
            version: what is released.
            model: its ONNX file.
            layout: what profiles count of it; the release bins by it what it may not log.
            composition: what else it is made of.
            rollout: by whose id the release is found again.

        Raises:
            ReleaseFailed: the function does not have the configuration that was asked for.
        """

    def probe(self, release: Release, body: Mapping[str, object]) -> Mapping[str, object]:
        """Send the release an inference request that no alias routes and no profile counts; return its answer.

        Raises:
            ReleaseFailed: it did not answer 200; the message carries what it answered.
        """

    def remove(self, release: Release) -> None:
        """Remove the release's Lambda version; removing none is harmless.

        Raises:
            ReleaseInUse: the alias sends traffic to it.
        """

    def remove_layer(self, endpoint: str, layer: str) -> None:
        """Remove a version of the endpoint's model layer; removing none is harmless.

        Releases that were made with it keep it: Lambda copies layers into versions.
        """


class Traffic(Protocol):
    """The endpoint's alias `live`. Only `publish_release`, `advance_rollout` and `roll_back` may write it."""

    def current(self, endpoint: str) -> Split:
        """Return where traffic goes now."""

    def awake(self, endpoint: str, release: int) -> bool:
        """Whether a release answers at once; one that sleeps is woken hereby, and awake some minutes later.

        Raises:
            ReleaseNotFound: its Lambda version was pruned.
            ReleaseFailed: it cannot be woken.
        """

    def has(self, endpoint: str, release: int) -> bool:
        """Whether the release's Lambda version is there to send traffic to."""

    def shift(self, endpoint: str, split: Split, *, expected: Split | None = None) -> None:
        """Send traffic elsewhere, in one call.

        Raises:
            ReleaseNotFound: a release that is to get traffic is there no more.
            RevisionChanged: `expected` is given and traffic goes elsewhere already.
        """


class Alarms(Protocol):
    """The per-version alarms of a rollout."""

    def create(self, endpoint: str, release: int, alarm: HardAlarm) -> None:
        """Make the candidate's alarms; making them again is harmless."""

    def remove(self, endpoint: str, release: int) -> None:
        """Remove them; removing none is harmless."""

    def firing(self, endpoint: str, release: int) -> tuple[str, ...]:
        """Return the reasons of those that are in alarm.

        Raises:
            SourceFailed: what watches them does not answer.
        """


class Invocations(Protocol):
    """Asks a published release directly, past the alias."""

    def ask(self, release: Release, event: Mapping[str, object]) -> Mapping[str, object]:
        """Send a release an HTTP event as it is; return its HTTP answer as it is.

        Raises:
            ReleaseNotFound: its Lambda version was pruned.
            ReleaseBusy: Lambda had no room to run it.
            ReleaseFailed: it gave no answer.
        """
