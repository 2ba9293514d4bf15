"""MLflow's own client scores against an endpoint, unchanged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from serinus import wiring
from tests.e2e.callers import PROTOCOLS, an_estimator

pytestmark = pytest.mark.e2e

_MLFLOW = ("mlflow-skinny==3.17.2", "pandas==2.3.3", "scipy==1.17.1")  # its client looks for pandas and SciPy
_ASKS_BY_MLFLOW = """
import json, sys
import numpy, pandas
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
client = ScoringServerClient(*sys.argv[1:3])
client.ping()
rows = json.loads(sys.argv[3])
answers = [client.invoke(pandas.DataFrame(rows, columns=["b", "a"])), client.invoke(numpy.array(rows)[:1, ::-1])]
print(json.dumps([answer.get_predictions().iloc[:, 0].tolist() for answer in answers]))
"""


@pytest.fixture(scope="session")
def mlflow() -> Path:
    """An interpreter that has MLflow, whose packages cannot be had beside those of the lock; made once."""
    folder = Path(__file__).parents[2] / "build" / "mlflow-client"
    python, made = folder / "bin" / "python", folder / "made-of"
    if not made.exists() or made.read_text(encoding="utf-8") != str(_MLFLOW):
        make = (
            ["venv", "--clear", "--python", sys.executable, str(folder)],
            ["pip", "install", "--python", str(python), *_MLFLOW],
        )
        for arguments in make:
            try:
                subprocess.run([sys.executable, "-m", "uv", *arguments], capture_output=True, timeout=240, check=True)
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                pytest.skip(f"MLflow's client cannot be installed here: {error}")
        made.write_text(str(_MLFLOW), encoding="utf-8")
    return python


def test_mlflows_own_client_works_unchanged(served: wiring.Client, mlflow: Path) -> None:
    """The one that it asks its own scoring servers with: a data frame with columns in any order, and an array."""
    rows = [[2.0, 1.0], [-1.0, -2.0], [0.5, 3.0]]
    host, _, rest = served.resources.api_url.split("://")[1].rstrip("/").partition(":")
    environment = {"PATH": os.environ["PATH"], "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    done = subprocess.run(
        [mlflow, "-c", _ASKS_BY_MLFLOW, host, f"{rest}/models/{PROTOCOLS}", json.dumps(rows)],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expected = an_estimator().predict([row[::-1] for row in rows]).tolist()
    assert json.loads(done.stdout) == [expected, expected[:1]]
