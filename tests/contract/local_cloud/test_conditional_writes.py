"""The local S3 creates an object only where there is none, as folding asks of it. Stock does it right."""

from __future__ import annotations

import pytest

from serinus.adapters.aws.objects import S3Objects
from serinus.errors import AlreadyExists
from tests.contract.local_cloud.bench import Bench


def test_what_is_created_is_not_replaced(bench: Bench) -> None:
    """Of two that create the same object, one fails; once it is deleted, it may be created anew."""
    bench.buckets.create_bucket(Bucket="conditional-writes")
    objects = S3Objects(bench.buckets, "conditional-writes")
    objects.create("a", b"first")
    with pytest.raises(AlreadyExists):
        objects.create("a", b"second")
    assert objects.get("a") == b"first"
    objects.delete("a")
    objects.create("a", b"third")
    assert objects.get("a") == b"third"
