"""The demonstration tells its whole story, and leaves nothing running."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import psutil
import pytest

pytestmark = pytest.mark.e2e

_AT_MOST_SECONDS = 400  # three minutes on an idle machine of two cores; a test machine is rarely idle


def test_the_demonstration_tells_its_story() -> None:
    """Four models: live, promoted, rolled back by alarm or evidence, retrained after drift, better, and promoted."""
    before = local_clouds()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    ran = subprocess.run(
        [sys.executable, "-m", "serinus.cli.demo"],
        capture_output=True,
        text=True,
        timeout=_AT_MOST_SECONDS,
        env=environment,
        check=False,
    )
    told = ran.stdout
    assert ran.returncode == 0, told + ran.stderr
    ended = re.findall(r"rollout v(\d)-\w+ of version \d ended as (\w+)", told)
    assert ended == [("1", "promoted"), ("2", "promoted"), ("3", "rolled_back"), ("4", "promoted")]
    assert told.index("drift detected") < told.index("The labels of the new market come") < told.index("snapshot ")
    assert re.search(
        r"all traffic to release \d+: (alarm serinus-rollout|hard alarm|errors: \d+ of \d+ requests)", told
    )
    better = re.search(r"AUC │ +its own │ +(0\.\d+) │ +(0\.\d+) │ +\+", told)
    assert better, "the retrained model was to be better than the live one on the new market"
    assert "3 promoted, 1 rolled back" in told
    assert "the chain of hashes holds" in told
    assert local_clouds() <= before


def local_clouds() -> set[int]:
    """Return the local clouds that run with nobody to wait for them."""
    return {
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if "serinus.local_cloud.process" in (process.info["cmdline"] or []) and process.ppid() == 1
    }
