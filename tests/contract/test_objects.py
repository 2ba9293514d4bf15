"""`Objects`: blobs by key."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from serinus.errors import AlreadyExists, ObjectNotFound
from tests.contract.clouds import AwsCloud, Cloud


def test_what_is_put_is_read_back(cloud: Cloud) -> None:
    """Bytes come back as they went in, however often they are written."""
    for _ in range(2):
        cloud.objects.put("models/fraud/a", b"\x00\xff")
    assert cloud.objects.get("models/fraud/a") == b"\x00\xff"
    assert cloud.objects.list("models/") == ["models/fraud/a"]


def test_what_is_created_is_not_replaced(cloud: Cloud) -> None:
    """Of two that create the same object, one fails, and what the other wrote stays."""
    cloud.objects.create("a", b"first")
    with pytest.raises(AlreadyExists) as refused:
        cloud.objects.create("a", b"second")
    assert refused.value.key == "a"
    assert cloud.objects.get("a") == b"first"


def test_what_is_deleted_is_gone_and_may_be_created_anew(cloud: Cloud) -> None:
    """Deleting nothing is harmless."""
    cloud.objects.create("a", b"first")
    for _ in range(2):
        cloud.objects.delete("a")
    assert cloud.objects.list("") == []
    cloud.objects.create("a", b"second")
    assert cloud.objects.get("a") == b"second"


def test_nothing_may_be_stored(cloud: Cloud) -> None:
    """An object without bytes is an object."""
    cloud.objects.put("empty", b"")
    assert (cloud.objects.get("empty"), cloud.objects.size("empty")) == (b"", 0)


def test_the_size_is_told_in_bytes(cloud: Cloud) -> None:
    """Sizes are checked before anything large is read."""
    cloud.objects.put("a", "ü".encode())
    assert cloud.objects.size("a") == 2


def test_a_missing_object_is_not_found(cloud: Cloud) -> None:
    """The error carries the key."""
    with pytest.raises(ObjectNotFound) as read:
        cloud.objects.get("no/such")
    with pytest.raises(ObjectNotFound) as measured:
        cloud.objects.size("no/such")
    assert (read.value.key, measured.value.key) == ("no/such", "no/such")


def test_listing_is_by_prefix_and_sorted(cloud: Cloud) -> None:
    """Listings go on over pages, and leave out what only looks alike."""
    for key in ("b/3", "b/1", "b/2", "b/10", "a/1", "bb/1"):
        cloud.objects.put(key, b"x")
    assert cloud.objects.list("b/") == ["b/1", "b/10", "b/2", "b/3"]
    assert cloud.objects.list("c/") == []


def test_sizes_are_told_of_everything_with_a_prefix(cloud: Cloud) -> None:
    """In bytes, page after page; of nothing, none."""
    for number in range(5):
        cloud.objects.put(f"labels/{number}", b"x" * number)
    cloud.objects.put("other/1", b"xx")
    assert cloud.objects.sizes("labels/") == {f"labels/{number}": number for number in range(5)}
    assert cloud.objects.sizes("nothing/") == {}


def test_modified_is_oldest_first(cloud: Cloud) -> None:
    """What was written last comes last, whatever its key; S3 tells whole seconds."""
    cloud.objects.put("labels/b", b"1")
    cloud.objects.put("labels/a", b"1")
    time.sleep(1.1)
    cloud.objects.put("labels/0", b"1")
    found = cloud.objects.modified("labels/")
    assert found[-1][0] == "labels/0"
    assert [at.utcoffset() is not None for _, at in found] == [True, True, True]
    assert [at for _, at in found] == sorted(at for _, at in found)


def test_denied_for_want_of_listing_means_missing(aws: AwsCloud) -> None:
    """S3 does not tell who may not list that an object is missing, except in the text of the denial."""
    objects = aws.objects
    with Stubber(aws.clients.s3) as stub:
        said = "User: x is not authorized to perform: s3:ListBucket on resource: y"
        stub.add_client_error("get_object", "AccessDenied", said, http_status_code=403)
        with pytest.raises(ObjectNotFound):
            objects.get("a")


def test_denied_for_another_reason_propagates(aws: AwsCloud) -> None:
    """A missing permission must not look like a missing object."""
    objects = aws.objects
    with Stubber(aws.clients.s3) as stub:
        said = "User: x is not authorized to perform: kms:Decrypt on resource: y"
        stub.add_client_error("get_object", "AccessDenied", said, http_status_code=403)
        with pytest.raises(ClientError):
            objects.size("a")
