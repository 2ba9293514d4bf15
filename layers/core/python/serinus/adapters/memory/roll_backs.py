"""The function `roll_back` in the same process."""

from __future__ import annotations

from serinus.adapters.schemas.payloads import RollBackAnswered, RollBackWanted, rolled_back_payload, wish_payload
from serinus.use_cases.ports.rollouts import ReturnedTraffic, RollBackWish
from serinus.use_cases.roll_back import roll_back
from serinus.use_cases.shift_traffic import Conducting


class MemoryRollBacks:
    """`RollBacks` for tests; what is asked and answered is what Lambda would carry."""

    def __init__(self, conducting: Conducting) -> None:
        self._conducting = conducting

    def ask(self, wanted: RollBackWish) -> ReturnedTraffic:
        """Return all traffic to stable, or to an earlier release.

        Raises:
            NotFound: there is no release to return to.
            Conflict: somebody else changed the rollout in the meantime; traffic is safe, ask again.
        """
        event = RollBackWanted.model_validate(wish_payload(wanted))
        result = roll_back(event.as_request(), conducting=self._conducting)
        return RollBackAnswered.model_validate(rolled_back_payload(result)).as_returned()
