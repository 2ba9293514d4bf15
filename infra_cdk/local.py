"""How the local synth departs from the one for AWS.

The only module that asks for the context flag. `tests/infra/test_departures.py` compares both synths and fails where
they differ in anything that is not listed here.
"""

from __future__ import annotations

from dataclasses import dataclass

from constructs import Construct

FLAG = "serinus:local"


@dataclass(frozen=True)
class Departures:
    """What is left out of the synthesised templates; everything else is the same on a laptop and on AWS."""

    third_party_layers: bool = False
    """Layers of other people's packages: local handlers run in the local interpreter, which has them installed."""

    metric_math_alarms: bool = False
    """Alarms on an expression over several metrics: the local CloudFormation refuses `Metrics` of an alarm."""

    event_archive: bool = False
    """The archive of the `serinus` bus: the local CloudFormation has no `AWS::Events::Archive`."""


ON_AWS = Departures()
ON_A_LAPTOP = Departures(third_party_layers=True, metric_math_alarms=True, event_archive=True)


def departures(scope: Construct) -> Departures:
    """Return what the app that `scope` belongs to leaves out; the flag arrives as text when the CDK CLI sets it."""
    asked = scope.node.try_get_context(FLAG)
    return ON_A_LAPTOP if asked in (True, "true", "1") else ON_AWS
