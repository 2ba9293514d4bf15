"""Has the function `roll_back` move traffic."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from serinus import errors, settings
from serinus.adapters.schemas.payloads import RollBackAnswered, wish_payload
from serinus.errors import Conflict, NotFound, ReleaseFailed, SerinusError
from serinus.use_cases.ports.rollouts import ReturnedTraffic, RollBackWish

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class LambdaRollBacks:
    """`RollBacks` by invoking the function, whose role alone may move the alias at once."""

    def __init__(self, client: LambdaClient) -> None:
        self._client = client

    def ask(self, wanted: RollBackWish) -> ReturnedTraffic:
        """Return all traffic to stable, or to an earlier release.

        Raises:
            NotFound: there is no release to return to.
            Conflict: somebody else changed the rollout in the meantime; traffic is safe, ask again.
            ReleaseFailed: the function failed in any other way.
        """
        answer = self._client.invoke(
            FunctionName=settings.function_name("roll_back"), Payload=json.dumps(wish_payload(wanted)).encode()
        )
        with answer["Payload"] as body:
            said = body.read()
        if answer.get("FunctionError"):
            raise _failure(json.loads(said))
        return RollBackAnswered.model_validate_json(said).as_returned()


def _failure(said: dict[str, object]) -> SerinusError:
    """Return the function's error as the kind it is of; its message is meant for the person who reads it."""
    kind = getattr(errors, str(said.get("errorType")), None)
    message = str(said.get("errorMessage") or "its log says why")
    for known in (NotFound, Conflict):
        if isinstance(kind, type) and issubclass(kind, known):
            return known(message)
    return ReleaseFailed(f"the function roll_back failed: {message}")
