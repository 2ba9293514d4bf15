"""The laptop runs the production wiring, but for what is listed."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter

from infra_cdk.layers import third_party
from infra_cdk.local import ON_A_LAPTOP, ON_AWS, Departures
from tests.infra.assembly import Assembly, Json

_Key = tuple[str, str]


def _by_key(assembly: Assembly) -> dict[_Key, Json]:
    return {(resource.stack, resource.logical_id): resource.body for resource in assembly.resources()}


def test_every_departure_is_made_and_explained() -> None:
    """AWS departs in nothing and a laptop in everything that is listed."""
    assert dataclasses.astuple(ON_AWS) == (False,) * len(dataclasses.fields(Departures))
    assert dataclasses.astuple(ON_A_LAPTOP) == (True,) * len(dataclasses.fields(Departures))


def test_only_what_is_listed_is_left_out(aws: Assembly, local: Assembly) -> None:
    """Left out are third-party layers, metric-math alarms and the archive; nothing is added."""
    there, here = _by_key(aws), _by_key(local)
    left_out = [there[key] for key in there.keys() - here.keys()]
    layers = [body["Properties"]["LayerName"] for body in left_out if body["Type"] == "AWS::Lambda::LayerVersion"]

    assert not here.keys() - there.keys()
    assert Counter(body["Type"] for body in left_out) == {
        "AWS::Lambda::LayerVersion": 5 + 2 * 2,  # the control plane's five, and two for each of the two endpoints
        "AWS::CloudWatch::Alarm": 2,  # one an endpoint
        "AWS::Events::Archive": 1,
    }
    assert all(body["Properties"]["Metrics"] for body in left_out if body["Type"] == "AWS::CloudWatch::Alarm")
    assert {name.rsplit("-", 1)[1] for name in layers} == set(third_party())


def test_what_is_in_both_differs_in_its_layers_alone(aws: Assembly, local: Assembly) -> None:
    """The same resource has the same properties, but for layers: a function's, its releases', and the core's code.

    On AWS the core is compiled for Lambda's Python, where one is at hand; a laptop's reads the sources.
    """
    there, here = _by_key(aws), _by_key(local)
    differing: dict[str, set[str]] = {}
    for key, body in here.items():
        if body != there[key]:
            ours, theirs = body["Properties"], there[key]["Properties"]
            changed = {name for name in ours | theirs if ours.get(name) != theirs.get(name)}
            differing.setdefault(body["Type"], set()).update(changed)
            assert {name: value for name, value in body.items() if name != "Properties"} == {
                name: value for name, value in there[key].items() if name != "Properties"
            }

    differing.setdefault("AWS::Lambda::LayerVersion", {"Content"})  # no Python 3.13 at hand: sources on both
    assert differing == {
        "AWS::Lambda::Function": {"Layers"},
        "AWS::Lambda::LayerVersion": {"Content"},
        "AWS::SSM::Parameter": {"Value"},
    }


def test_releases_differ_in_their_layers_alone(aws: Assembly, local: Assembly) -> None:
    """What the runtime parameter says besides layers is the same; the core layer is there on a laptop too."""
    for assembly, layers in ((aws, 2), (local, 1)):
        for parameter in assembly.resources("AWS::SSM::Parameter"):
            if "/runtime" in str(parameter.properties["Name"]):
                assert json.dumps(parameter.properties["Value"]).count('"Ref": "Layers') == layers


def test_outputs_are_the_same(aws: Assembly, local: Assembly) -> None:
    """Whoever reads a stack's outputs finds the same on a laptop."""
    for stack, template in aws.templates.items():
        assert template.get("Outputs") == local.templates[stack].get("Outputs"), stack
