"""What a test run must not import: what needs another environment, or one of Lambda's."""

from __future__ import annotations

collect_ignore_glob = ["serving/peers/*", "serving/loopback.py"]
