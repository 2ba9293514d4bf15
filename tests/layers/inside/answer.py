"""Runs inside: gives the inference function one event and prints its answer, after the line that it logs."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import dataclass


@dataclass
class Context:
    """As much of Lambda's context as the function reads."""

    aws_request_id: str = "lambda-1"

    def get_remaining_time_in_millis(self) -> int:
        """Say that there is time."""
        return 30_000


if __name__ == "__main__":
    handler = importlib.import_module("handler")
    answer = handler.handler(json.load(sys.stdin), Context())
    sys.stdout.write(json.dumps({"answer": answer, "modules": sorted(sys.modules)}) + "\n")
