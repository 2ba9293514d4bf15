"""`ModelVersions`: the registry, over documents."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from serinus.adapters.stored.model_versions import StoredModelVersions
from serinus.domain.metric import Metric
from serinus.domain.model_version import ModelVersion, Status
from serinus.errors import ModelVersionNotFound
from serinus.use_cases.ports.registry import ModelVersions
from tests.contract.builders import FRAUD, NOON, a_finding, a_manifest, an_upload
from tests.contract.clouds import Cloud


@pytest.fixture
def versions(cloud: Cloud) -> ModelVersions:
    """The registry."""
    return StoredModelVersions(cloud.documents)


def test_the_first_execution_claims_an_upload(versions: ModelVersions) -> None:
    """An event that comes five times is carried by one execution, and the others see whose it is."""
    mine = versions.claim(an_upload(execution="first"))
    theirs = versions.claim(an_upload(execution="second"))
    again = versions.claim(an_upload(execution="first"))
    assert [mine.execution, theirs.execution, again.execution] == ["first", "first", "first"]


def test_an_upload_nobody_claimed_has_no_record(versions: ModelVersions) -> None:
    """The client waits until there is one."""
    assert versions.upload("fraud", "upload-1") is None
    versions.claim(an_upload())
    assert versions.upload("fraud", "upload-1") == an_upload()


def test_a_refusal_is_kept(versions: ModelVersions) -> None:
    """Whoever uploaded learns why, and a repeated refusal changes nothing."""
    upload = versions.claim(an_upload())
    for _ in range(2):
        versions.refuse(upload, "the model has the custom operator 'X'")
    assert versions.upload("fraud", "upload-1") == replace(upload, refusal="the model has the custom operator 'X'")


def test_a_registered_version_is_read_back(versions: ModelVersions) -> None:
    """A version knows its manifest, size and upload, and its upload knows it."""
    made = versions.register(versions.claim(an_upload()), a_manifest(), 12_345)
    digest = a_manifest().content_digest
    assert made == ModelVersion(FRAUD, 1, digest, a_manifest(), 12_345, "upload-1", NOON)
    assert versions.get("fraud", 1) == made
    assert versions.upload("fraud", "upload-1") == replace(an_upload(), version=1)


def test_the_same_content_is_the_same_version(versions: ModelVersions) -> None:
    """Whoever sends it, and as often as a step is retried."""
    first = versions.register(versions.claim(an_upload("upload-1")), a_manifest(), 1)
    retried = versions.register(an_upload("upload-1"), a_manifest(), 1)
    second = versions.register(versions.claim(an_upload("upload-2")), a_manifest(), 1)
    assert first == retried == second
    assert versions.upload("fraud", "upload-2") == replace(an_upload("upload-2"), version=1)
    assert len(versions.list("fraud")) == 1


def test_a_rejected_version_that_is_uploaded_again_has_no_verdict_yet(versions: ModelVersions) -> None:
    """Whoever waits would take the old one for the new; a step that is retried takes no new one away."""
    made = versions.register(versions.claim(an_upload("upload-1")), a_manifest(), 1)
    rejected = made.validated((replace(a_finding(), passed=False),), {}, attestation=None)
    versions.record_validation(rejected)
    assert versions.register(an_upload("upload-1"), a_manifest(), 1) == rejected
    assert versions.register(versions.claim(an_upload("upload-2")), a_manifest(), 1) == made
    assert versions.get("fraud", 1) == made
    versions.record_validation(rejected)
    assert versions.register(an_upload("upload-2"), a_manifest(), 1) == rejected


def test_each_endpoint_counts_from_one(versions: ModelVersions) -> None:
    """The same content may be registered with several endpoints."""
    fraud = versions.register(an_upload(endpoint="fraud"), a_manifest(), 1)
    churn = versions.register(an_upload(endpoint="churn"), a_manifest(), 1)
    assert (fraud.number, churn.number) == (1, 1)


def test_an_unknown_version_is_not_found(versions: ModelVersions) -> None:
    """Neither to read nor to validate."""
    with pytest.raises(ModelVersionNotFound):
        versions.get("fraud", 1)
    with pytest.raises(ModelVersionNotFound):
        versions.record_validation(ModelVersion(FRAUD, 1, "c", a_manifest(), 1, "upload-1", NOON))


def test_what_validation_found_is_kept(versions: ModelVersions) -> None:
    """The statement that is signed survives being stored, or no attestation would ever hold."""
    version = versions.register(an_upload(), a_manifest(), 1)
    validated = version.validated((a_finding(),), {Metric.ROC_AUC: 0.8125}, attestation="c2lnbmVk")
    versions.record_validation(validated)
    found = versions.get("fraud", 1)
    assert (found, found.statement) == (validated, validated.statement)
    assert found.status is Status.VALIDATED


def test_versions_are_listed_by_number(versions: ModelVersions) -> None:
    """Version 10 comes after version 9."""
    for number in range(11):
        versions.register(an_upload(f"upload-{number}"), a_manifest(f"{number:x}"), 1)
    assert [version.number for version in versions.list("fraud")] == list(range(1, 12))


@pytest.mark.usefixtures("eager_threads")
def test_racing_registrations_of_one_content_give_one_number(versions: ModelVersions) -> None:
    """Five uploads of the same model at once are one version."""
    with ThreadPoolExecutor(5) as pool:
        made = list(
            pool.map(lambda number: versions.register(an_upload(f"upload-{number}"), a_manifest(), 1), range(5))
        )
    assert {version.number for version in made} == {1}
    assert len(versions.list("fraud")) == 1


@pytest.mark.usefixtures("eager_threads")
def test_racing_registrations_of_other_contents_leave_no_number_out(versions: ModelVersions) -> None:
    """Five models at once get five numbers without a gap."""
    with ThreadPoolExecutor(5) as pool:
        made = pool.map(
            lambda number: versions.register(an_upload(f"upload-{number}"), a_manifest(f"{number}"), 1), range(5)
        )
        numbers = sorted(version.number for version in made)
    assert numbers == [1, 2, 3, 4, 5]
    assert [version.number for version in versions.list("fraud")] == numbers
