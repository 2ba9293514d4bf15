"""What a killed local cloud leaves behind is not taken for a whole state."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from serinus.local_cloud import detached
from serinus.local_cloud.errors import KeptStateIncomplete


@pytest.mark.parametrize("kept", [True, False])
def test_a_killed_cloud_that_kept_its_state_is_told_of(tmp_path: Path, kept: bool) -> None:
    """Objects were kept and the rest was not: starting on them would fail later, and say nothing of the cause."""
    record = {"pid": 2**22 + 1, "port": 1, "started_at": 0.0, "keep": kept, "schedule_seconds": None}
    (tmp_path / "local-cloud.json").write_text(json.dumps(record))
    if kept:
        with pytest.raises(KeptStateIncomplete, match="serinus local reset"):
            detached.up(tmp_path, keep=True)
        detached.reset(tmp_path)
        assert not tmp_path.exists()
    else:
        assert detached.find(tmp_path) is None
