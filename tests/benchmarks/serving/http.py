"""As much of HTTP/1.1 as a load generator and a bare server need, on bytes alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_END_OF_HEAD = b"\r\n\r\n"
_LONGEST_HEAD_BYTES = 65_536


class NotHttp(ValueError):
    """The bytes are no message of HTTP/1.1."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer.

    Attributes:
        first: the request line or the status line.
        headers: by lower-case name; of a header that comes twice, the last.
        length: how many bytes of the buffer the message takes.
    """

    first: str
    headers: Mapping[str, str]
    body: bytes
    length: int

    @property
    def status(self) -> int:
        """The status of an answer.

        Raises:
            NotHttp: it is none.
        """
        parts = self.first.split(" ", 2)
        if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not parts[1].isdigit():
            raise NotHttp(f"not a status line: {self.first!r}")
        return int(parts[1])


def first_message(buffer: bytes | bytearray) -> Message | None:
    """Return the first message in the buffer; `None` as long as it is not whole.

    Raises:
        NotHttp: no head within 64 KiB, a malformed header, or a length that is none.
    """
    end = buffer.find(_END_OF_HEAD)
    if end < 0:
        if len(buffer) > _LONGEST_HEAD_BYTES:
            raise NotHttp("no end of the head within 64 KiB")
        return None
    first, *lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    headers = dict(_header(line) for line in lines)
    begin = end + len(_END_OF_HEAD)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _chunked(first, headers, buffer, begin)
    said = headers.get("content-length", "0")
    if not said.isdigit():
        raise NotHttp(f"not a length: {said!r}")
    whole = begin + int(said)
    return Message(first, headers, bytes(buffer[begin:whole]), whole) if len(buffer) >= whole else None


def request(path: str, body: bytes, content_type: str) -> bytes:
    """Return a POST that keeps the connection open."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n"
        f"Accept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def answer(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return an answer that keeps the connection open."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} -\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise NotHttp(f"not a header: {line!r}")
    return name.strip().lower(), value.strip()


def _chunked(first: str, headers: Mapping[str, str], buffer: bytes | bytearray, at: int) -> Message | None:
    body = b""
    while True:
        end = buffer.find(b"\r\n", at)
        if end < 0:
            return None
        try:
            size = int(bytes(buffer[at:end]).split(b";")[0], 16)
        except ValueError as error:
            raise NotHttp(f"not a chunk's size: {bytes(buffer[at:end])!r}") from error
        at = end + 2
        if len(buffer) < at + size + 2:
            return None
        body += bytes(buffer[at : at + size])
        at += size + 2
        if size == 0:
            return Message(first, headers, body, at)
