"""Attestations by an asymmetric key that never leaves KMS."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from serinus.adapters.aws.failures import code_of

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


class KmsSigner:
    """`Signer` on KMS: ECDSA over P-256 and SHA-256.

    The digest is what is sent, since KMS takes no more than 4,096 bytes of message.
    """

    def __init__(self, client: KMSClient, key: str) -> None:
        self._client = client
        self._key = key

    def sign(self, statement: bytes) -> str:
        """Return the signature of a statement (DER), in base64."""
        answer = self._client.sign(
            KeyId=self._key,
            Message=hashlib.sha256(statement).digest(),
            MessageType="DIGEST",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        return base64.b64encode(answer["Signature"]).decode()

    def verify(self, statement: bytes, signature: str) -> bool:
        """Whether the key signed just this statement; what is no signature at all was not signed."""
        try:
            raw = base64.b64decode(signature, validate=True)
        except (binascii.Error, ValueError):
            return False
        if not raw:
            return False
        try:
            answer = self._client.verify(
                KeyId=self._key,
                Message=hashlib.sha256(statement).digest(),
                MessageType="DIGEST",
                Signature=raw,
                SigningAlgorithm="ECDSA_SHA_256",
            )
        except ClientError as error:
            if code_of(error) == "KMSInvalidSignatureException":
                return False
            raise
        return answer["SignatureValid"]
