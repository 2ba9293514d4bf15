"""Training in processes of its own."""

from __future__ import annotations

import os
import subprocess
import sys


def test_another_process_gives_the_same_bytes() -> None:
    """Nothing depends on the order of sets, which differs from process to process; between these it does."""
    code = (
        "import hashlib; from tests.unit.adapters.test_training import *; f, l = some_rows(); "
        "print(hashlib.sha256(TRAINER.train('gradient_boosting', f, l).onnx).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(found) == 1
