"""Which error AWS answered with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from serinus.errors import SourceFailed


def code_of(error: ClientError) -> str:
    """Return the error's code, such as `ResourceNotFoundException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def answering(source: str) -> Iterator[None]:
    """Say of a source that it failed, where AWS does not answer or answers with an error that nothing translates.

    Raises:
        SourceFailed: it did.
    """
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise SourceFailed(source, str(error)) from error


def message_of(error: ClientError) -> str:
    """Return the error's text."""
    return str(error.response.get("Error", {}).get("Message", ""))
