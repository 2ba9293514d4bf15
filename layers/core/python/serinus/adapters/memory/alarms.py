"""Alarms that fire when a test says so."""

from __future__ import annotations

from serinus.domain.rollout_plan import HardAlarm


class MemoryAlarms:
    """`Alarms` for tests and benchmarks; `existing` holds those that were created and not removed."""

    def __init__(self) -> None:
        self.existing: dict[tuple[str, int], HardAlarm] = {}
        self._firing: dict[tuple[str, int], tuple[str, ...]] = {}

    def create(self, endpoint: str, release: int, alarm: HardAlarm) -> None:
        """Make the candidate's alarms."""
        self.existing[endpoint, release] = alarm

    def remove(self, endpoint: str, release: int) -> None:
        """Remove them, firing or not."""
        self.existing.pop((endpoint, release), None)
        self._firing.pop((endpoint, release), None)

    def firing(self, endpoint: str, release: int) -> tuple[str, ...]:
        """Return the reasons of those that are in alarm."""
        return self._firing.get((endpoint, release), ())

    def fire(self, endpoint: str, release: int, reason: str) -> None:
        """Put an existing alarm into the state ALARM.

        Raises:
            KeyError: the release has no alarms, so none can fire.
        """
        if (endpoint, release) not in self.existing:
            raise KeyError(f"release {release} of {endpoint!r} has no alarms")
        self._firing[endpoint, release] = (*self.firing(endpoint, release), reason)
