"""Each synth is made once a session, with stubs for the layers of third-party packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra_cdk.layers import third_party
from serinus.domain.policy import Policy
from tests.infra.assembly import OPEN, Assembly, a_policy, synthesise


@pytest.fixture(scope="session")
def policies() -> tuple[Policy, ...]:
    """Two endpoints: one behind IAM and started from snapshots, one open and with much to say."""
    return (
        a_policy("fraud", serving={"snap_start": True}),
        a_policy("open-house", serving=OPEN, description="a long story " * 320),
    )


@pytest.fixture(scope="session")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stubs of the built layers."""
    built = tmp_path_factory.mktemp("layers")
    for name in third_party():
        (built / name / "python").mkdir(parents=True)
        (built / name / "python" / "stub.py").write_text(f"NAME = {name!r}\n", encoding="utf-8")
    return built


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory, layers: Path, policies: tuple[Policy, ...]) -> Assembly:
    """The synth for AWS."""
    return synthesise(tmp_path_factory.mktemp("aws"), layers=layers, policies=policies)


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory, layers: Path, policies: tuple[Policy, ...]) -> Assembly:
    """The synth for a laptop."""
    return synthesise(tmp_path_factory.mktemp("local"), layers=layers, policies=policies, local=True)
