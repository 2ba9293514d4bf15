"""Attestations by a secret that stays in the process."""

from __future__ import annotations

import base64
import hashlib
import hmac


class MemorySigner:
    """`Signer` for tests and benchmarks: a keyed digest, which needs no asymmetric cryptography."""

    def __init__(self, secret: bytes = b"known to everybody") -> None:
        self._secret = secret

    def sign(self, statement: bytes) -> str:
        """Return the signature of a statement, in base64."""
        return base64.b64encode(hmac.new(self._secret, statement, hashlib.sha256).digest()).decode()

    def verify(self, statement: bytes, signature: str) -> bool:
        """Whether the secret signed just this statement."""
        return hmac.compare_digest(self.sign(statement).encode(), signature.encode())
