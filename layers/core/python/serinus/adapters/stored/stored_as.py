"""Domain values as JSON text. Pydantic reads the domain's dataclasses, so that they need not know of it."""

from __future__ import annotations

from pydantic import TypeAdapter

from serinus.domain.ledger import LedgerEntry
from serinus.domain.model_version import ModelVersion, Upload
from serinus.domain.rollout import Decision, Release, Rollout
from serinus.domain.snapshot import Snapshot

DECISION = TypeAdapter(Decision)
LEDGER_ENTRY = TypeAdapter(LedgerEntry)
MODEL_VERSION = TypeAdapter(ModelVersion)
RELEASE = TypeAdapter(Release)
ROLLOUT = TypeAdapter(Rollout)
SNAPSHOT = TypeAdapter(Snapshot)
UPLOAD = TypeAdapter(Upload)
