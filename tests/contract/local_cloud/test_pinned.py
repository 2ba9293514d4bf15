"""The mends are written against one release of ministack, and say so when they meet another."""

import importlib.metadata
import os
import types
from pathlib import Path

import pytest

from serinus.local_cloud.errors import MendRefused, WrongMinistack
from serinus.local_cloud.mends.replacing import replace, substitute
from serinus.local_cloud.process import Options, require_pinned_ministack, sealed_environment

pytestmark = pytest.mark.e2e


def test_pinned_release_is_accepted() -> None:
    """The one that is installed."""
    require_pinned_ministack()


@pytest.mark.parametrize("found", ["1.5.34", None])
def test_any_other_release_is_refused(found: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Newer, or none at all."""

    def version(name: str) -> str:
        if found is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return found

    monkeypatch.setattr(importlib.metadata, "version", version)
    with pytest.raises(WrongMinistack) as caught:
        require_pinned_ministack()
    assert caught.value.found == found


def test_what_is_not_there_is_not_replaced() -> None:
    """Neither a missing function, nor source text that is missing or ambiguous, nor anything twice."""
    module = types.SimpleNamespace(__name__="some_service", known=len)
    with pytest.raises(MendRefused, match=r"some_service\.unknown is missing"):
        replace(module, "unknown", lambda original: original)

    def mended(_original: object) -> object:
        return test_pinned_release_is_accepted

    replace(module, "known", mended)
    with pytest.raises(MendRefused, match="already"):
        replace(module, "known", mended)
    for text in ("nothing", "one one"):
        with pytest.raises(MendRefused, match="expected one occurrence"):
            substitute(text, "one", "two")


def test_nothing_of_the_persons_aws_reaches_the_cloud() -> None:
    """Credentials, profiles, endpoints and proxies to Docker stay outside; the rest of the environment stays."""
    inherited = {
        "PATH": os.defpath,
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL": "https://elsewhere",
        "AWS_SESSION_TOKEN": "secret",
        "LAMBDA_EXECUTOR": "docker",
    }
    sealed = sealed_environment(Options(4577, Path("/s"), True, None, None), inherited)
    assert sealed["PATH"] == os.defpath
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "LAMBDA_EXECUTOR"} & sealed.keys()
    assert (sealed["BIND_HOST"], sealed["AWS_ACCESS_KEY_ID"]) == ("127.0.0.1", "000000000000")
