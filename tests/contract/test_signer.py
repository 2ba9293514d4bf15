"""`Signer`: attestations."""

from __future__ import annotations

import base64

import pytest
from botocore.stub import Stubber

from tests.contract.clouds import AwsCloud, Cloud


@pytest.mark.parametrize("statement", [b"said", b"x" * 100_000], ids=["short", "longer than KMS takes"])
def test_what_was_signed_is_verified(cloud: Cloud, statement: bytes) -> None:
    """A statement may be of any length."""
    assert cloud.signer.verify(statement, cloud.signer.sign(statement))


def test_another_statement_was_not_signed(cloud: Cloud) -> None:
    """One changed byte is another statement."""
    assert not cloud.signer.verify(b"said", cloud.signer.sign(b"sald"))


def test_another_key_did_not_sign(cloud: Cloud) -> None:
    """Only the validating function's key counts."""
    assert not cloud.signer.verify(b"said", cloud.other_signer.sign(b"said"))


@pytest.mark.parametrize("signature", ["", "no base64!", "ü", base64.b64encode(b"no signature").decode()])
def test_what_is_no_signature_verifies_nothing(cloud: Cloud, signature: str) -> None:
    """A damaged attestation is invalid, not a crash."""
    assert not cloud.signer.verify(b"said", signature)


def test_a_signature_is_base64(cloud: Cloud) -> None:
    """It is stored in JSON."""
    assert base64.b64decode(cloud.signer.sign(b"said"), validate=True)


def test_kms_refusing_a_signature_is_an_answer(aws: AwsCloud) -> None:
    """KMS raises where the signature is invalid (moto answers `false`)."""
    signer = aws.signer
    with Stubber(aws.clients.kms) as stub:
        stub.add_client_error("verify", "KMSInvalidSignatureException")
        assert not signer.verify(b"said", base64.b64encode(b"other").decode())
