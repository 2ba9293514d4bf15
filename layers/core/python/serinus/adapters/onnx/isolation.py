"""Checks a model in a process of its own, so that a hostile file can take no more memory than is meant for it."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict

from serinus.adapters.onnx.checker import faults
from serinus.adapters.onnx.signature_json import parse_signature
from serinus.domain.signature import Signature

_START = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from serinus.adapters.onnx import isolation
isolation.main()
"""
_TIMEOUT_SECONDS = 120
_OVERHEAD_BYTES = 1_500_000_000  # of address space, most of it never touched: the interpreter, numpy, onnx
_TIMES_MODEL = 6  # the bytes as sent, as read, as parsed twice, with room for what parsing adds


def faults_apart(model: bytes, signature: Signature, *, overhead_bytes: int = _OVERHEAD_BYTES) -> Sequence[str]:
    """Return what `faults` says of the file, or that it could not be read within the limits."""
    limit = overhead_bytes + _TIMES_MODEL * len(model)
    said = json.dumps({"signature": asdict(signature), "limit": limit}).encode()
    try:
        done = subprocess.run(
            [sys.executable, "-c", _START, json.dumps(sys.path)],
            input=len(said).to_bytes(8, "big") + said + model,
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [f"the model cannot be read within {_TIMEOUT_SECONDS} seconds: export it again, or make it smaller"]
    if done.returncode != 0:
        return [
            f"the model's {len(model):,} bytes cannot be read within {limit // 1_000_000:,} MB of memory: it holds "
            "far more "
            "nodes than a model of its size should; export it again, or make it smaller"
        ]
    return [str(fault) for fault in json.loads(done.stdout)]


def main() -> None:
    """Read the limit, the signature and the model from standard input; write the faults to standard output."""
    header = json.loads(sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(8), "big")))
    resource.setrlimit(resource.RLIMIT_AS, (header["limit"], header["limit"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    found = faults(sys.stdin.buffer.read(), parse_signature(header["signature"]))
    sys.stdout.write(json.dumps(found))
