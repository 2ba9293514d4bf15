"""The binary tensor data extension: values packed behind the JSON, as `tritonclient` sends and asks for by default.

Numbers are little-endian, row by row; a text is its length in four bytes and then its bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from serinus.domain.signature import Datatype
from serinus.domain.tensor import Tensor
from serinus.errors import RequestRefused

_LENGTH = struct.Struct("<I")
SIZE = "binary_data_size"


class Packed:
    """What stands behind the JSON of a request; it is taken piece by piece, in the order of the inputs."""

    def __init__(self, body: bytes, start: int = 0) -> None:
        self._body = memoryview(body)
        self._at = start

    def take(self, parameters: Mapping[str, Any], name: str) -> memoryview | None:
        """Return the bytes of an input; `None` where its parameters say that it has its data in the JSON.

        Raises:
            RequestRefused: there are fewer bytes than the input claims.
        """
        size = parameters.get(SIZE)
        if size is None:
            return None
        left = len(self._body) - self._at
        if type(size) is not int or not 0 <= size <= left:
            raise RequestRefused(
                f"{SIZE} of input {name!r} does not fit: {left} bytes are left behind the JSON for it, as counted by "
                "Inference-Header-Content-Length"
            )
        self._at += size
        return self._body[self._at - size : self._at]

    def refuse_rest(self) -> None:
        """Check that every byte belonged to an input.

        Raises:
            RequestRefused: some are left.
        """
        left = len(self._body) - self._at
        if left and self._at:
            raise RequestRefused(
                f"{left} bytes behind the JSON belong to no input: name the size of each input in its {SIZE}"
            )


def unpack_texts(data: memoryview, name: str, expected: int) -> list[str]:
    """Return the texts of an input.

    Raises:
        RequestRefused: the lengths do not add up to the data, there are more or fewer texts than expected, or one is
            not UTF-8.
    """
    texts: list[str] = []
    at = 0
    while at < len(data):
        if at + 4 > len(data) or at + 4 + (length := _LENGTH.unpack_from(data, at)[0]) > len(data):
            raise RequestRefused(f"text {len(texts)} of input {name!r} is cut off: send its length and all its bytes")
        try:
            texts.append(str(data[at + 4 : at + 4 + length], "utf-8"))
        except UnicodeDecodeError as error:
            raise RequestRefused(f"text {len(texts)} of input {name!r} is not UTF-8: encode it so") from error
        at += 4 + length
    if len(texts) != expected:
        raise RequestRefused(
            f"input {name!r} has {len(texts)} values, but its shape needs {expected}: send as many as the shape says"
        )
    return texts


def pack(tensor: Tensor) -> bytes:
    """Return a tensor's values as they stand behind an answer's JSON."""
    if tensor.datatype is Datatype.BYTES:
        return pack_texts(tensor.values())
    packed: Any = tensor.data
    return bytes(packed)


def pack_texts(texts: Sequence[str]) -> bytes:
    """Return texts as `unpack_texts` reads them.

    >>> pack_texts(["ch"]).hex()
    '020000006368'
    """
    encoded = [text.encode("utf-8", errors="replace") for text in texts]
    return b"".join(part for text in encoded for part in (_LENGTH.pack(len(text)), text))
