"""Runs inside: reads a table in every format, checks a model here and in a process of its own, and scores with it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from serinus.adapters.onnx.signature_json import parse_signature
from serinus.domain.table import Table

if __name__ == "__main__":
    from serinus.adapters.onnx.isolation import faults_apart
    from serinus.adapters.onnx.models import OnnxModels
    from serinus.adapters.tables.arrow import ArrowTables

    tables, told = ArrowTables(), json.loads(Path("/tmp/told.json").read_text())  # noqa: S108 - Lambda's
    signature = parse_signature(told["signature"])
    body = Path("/tmp/model.onnx").read_bytes()  # noqa: S108 - Lambda's
    files = {
        "rows.parquet": tables.write(Table({"a": np.array([0.5]), "b": np.array([-1.5])})),
        "rows.csv": b"a,b\n0.5,-1.5\n",
        "rows.jsonl": b'{"a": 0.5, "b": -1.5}\n',
    }
    model = OnnxModels().load(body, signature)
    said = {
        "faults": [*OnnxModels().check(body, signature), *faults_apart(body, signature)],
        "scores": {name: model.score(tables.read(name, rows)).tolist() for name, rows in files.items()},
    }
    sys.stdout.write(json.dumps(said))
