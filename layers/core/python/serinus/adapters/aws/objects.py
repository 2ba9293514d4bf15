"""Objects in an S3 bucket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from serinus.adapters.aws.failures import answering, code_of, message_of
from serinus.errors import AlreadyExists, ObjectNotFound

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, ObjectTypeDef, PaginatorConfigTypeDef


class S3Objects:
    """`Objects` on S3."""

    def __init__(self, client: S3Client, bucket: str, *, page_size: int | None = None) -> None:
        self._client = client
        self._page_size = page_size
        self.bucket = bucket

    def get(self, key: str) -> bytes:
        """Return the object.

        Raises:
            ObjectNotFound: there is none.
            SourceFailed: the bucket does not answer.
        """
        with answering(f"the bucket {self.bucket}"), closing(self._open(key)["Body"]) as body:
            return body.read()

    def put(self, key: str, body: bytes) -> None:
        """Write the object; writing the same again is harmless."""
        self._client.put_object(Bucket=self.bucket, Key=key, Body=body)

    def create(self, key: str, body: bytes) -> None:
        """Write the object where there is none.

        S3 answers 412 where there is one, and 409 where another is being written, which then is taken to be there.

        Raises:
            AlreadyExists: there is one.
        """
        try:
            self._client.put_object(Bucket=self.bucket, Key=key, Body=body, IfNoneMatch="*")
        except ClientError as error:
            if code_of(error) in {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}:
                raise AlreadyExists(key) from error
            raise

    def delete(self, key: str) -> None:
        """Remove the object; removing none is harmless."""
        self._client.delete_object(Bucket=self.bucket, Key=key)

    def size(self, key: str) -> int:
        """Return its length in bytes.

        Asked by a GET whose body is not read, because the answer to a HEAD cannot say why it was refused.

        Raises:
            ObjectNotFound: there is none.
        """
        answer = self._open(key)
        answer["Body"].close()
        return answer["ContentLength"]

    def list(self, prefix: str) -> Sequence[str]:
        """Return every key with that prefix, sorted."""
        return sorted(item["Key"] for item in self._items(prefix))

    def sizes(self, prefix: str) -> Mapping[str, int]:
        """Return the length in bytes of every object with that prefix, by key."""
        return {item["Key"]: item["Size"] for item in self._items(prefix)}

    def modified(self, prefix: str) -> Sequence[tuple[str, datetime]]:
        """Return every key with that prefix and when it was last written, oldest first; S3 tells whole seconds."""
        found = [(item["Key"], item["LastModified"]) for item in self._items(prefix)]
        return sorted(found, key=lambda item: (item[1], item[0]))

    def _items(self, prefix: str) -> Iterator[ObjectTypeDef]:
        paging: PaginatorConfigTypeDef = {} if self._page_size is None else {"PageSize": self._page_size}
        paginator = self._client.get_paginator("list_objects_v2")
        with answering(f"the bucket {self.bucket}"):
            for page in paginator.paginate(Bucket=self.bucket, Prefix=prefix, PaginationConfig=paging):
                yield from page.get("Contents", ())

    def _open(self, key: str) -> GetObjectOutputTypeDef:
        try:
            return self._client.get_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if _is_missing(error):
                raise ObjectNotFound(key) from error
            raise


def _is_missing(error: ClientError) -> bool:
    """Whether there is no such object.

    To who may not list the bucket, S3 says of a missing object that access is denied, for want of `s3:ListBucket`;
    other denials are real.
    """
    code = code_of(error)
    return code in {"NoSuchKey", "404"} or (code == "AccessDenied" and "s3:ListBucket" in message_of(error))
