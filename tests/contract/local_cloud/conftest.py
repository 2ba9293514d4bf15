"""One local cloud for all contract tests of this folder."""

from collections.abc import Iterator

import pytest

from serinus.local_cloud.server import LocalCloud
from tests.contract.local_cloud.bench import Bench


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    """A local cloud on which a scheduled minute lasts a second."""
    with LocalCloud(schedule_seconds=1.0) as running:
        yield running


@pytest.fixture(scope="session")
def bench(cloud: LocalCloud) -> Bench:
    """Clients of the local cloud."""
    return Bench(cloud.endpoint_url)
