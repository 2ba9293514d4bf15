"""`Traffic`: where the alias sends requests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from serinus.adapters.aws.clients import Clients
from serinus.adapters.open_inference.event import is_probe
from serinus.adapters.open_inference.routes import Route, route_of
from serinus.domain.rollout import Split
from serinus.errors import EndpointNotFound, ReleaseFailed, ReleaseNotFound, RevisionChanged
from serinus.use_cases.ports.releases import Traffic
from tests.contract.clouds import AwsCloud, Cloud, MemoryCloud


@pytest.fixture
def traffic(cloud: Cloud) -> Traffic:
    """The port, with releases 1 to 3 to shift between."""
    if isinstance(cloud, AwsCloud):
        _publish_versions(cloud)
    return cloud.traffic


def test_an_endpoint_starts_at_the_version_that_was_deployed(traffic: Traffic) -> None:
    """Before any rollout everything goes to the version that answers 503."""
    assert traffic.current("fraud") == Split(1)


@pytest.mark.parametrize("percent", [1, 5, 7, 29, 50, 99])
def test_a_split_is_read_back_in_whole_percent(traffic: Traffic, percent: int) -> None:
    """Weights are fractions on AWS, and percents here."""
    traffic.shift("fraud", Split(1, 2, percent))
    assert traffic.current("fraud") == Split(1, 2, percent)


def test_a_shift_to_one_release_leaves_no_weights(traffic: Traffic) -> None:
    """After a promotion or a roll-back nothing goes to the other side."""
    traffic.shift("fraud", Split(1, 2, 50))
    traffic.shift("fraud", Split(2))
    assert traffic.current("fraud") == Split(2)


def test_an_expected_split_is_compared(traffic: Traffic) -> None:
    """Who read the traffic and finds it changed must decide again."""
    traffic.shift("fraud", Split(1, 2, 5), expected=Split(1))
    with pytest.raises(RevisionChanged):
        traffic.shift("fraud", Split(1, 2, 25), expected=Split(1))
    assert traffic.current("fraud") == Split(1, 2, 5)


def test_an_unknown_endpoint_has_no_traffic(traffic: Traffic) -> None:
    """The alias comes with the endpoint's stack."""
    with pytest.raises(EndpointNotFound):
        traffic.current("unknown")


def test_a_published_release_is_awake(traffic: Traffic) -> None:
    """It answers at once."""
    assert traffic.awake("fraud", 2)


@pytest.mark.parametrize("refused", [True, False])
def test_a_release_that_sleeps_is_woken_by_a_call(aws: AwsCloud, refused: bool) -> None:
    """By one, which is marked as nobody's traffic and may be refused; while it wakes nobody calls it."""
    traffic = aws.traffic
    version = {"FunctionName": "serinus-endpoint-fraud", "Qualifier": "2"}
    marked = {**version, "Payload": ANY}
    with Stubber(aws.functions) as stub:
        stub.add_response("get_function_configuration", {"State": "Inactive"}, version)
        if refused:
            stub.add_client_error(
                "invoke", "SnapStartNotReadyException", http_status_code=409, expected_params=marked
            )
        else:
            stub.add_response("invoke", {"StatusCode": 200}, marked)
        assert not traffic.awake("fraud", 2)
        stub.add_response("get_function_configuration", {"State": "Pending"}, version)
        assert not traffic.awake("fraud", 2)
        stub.add_response("get_function_configuration", {"State": "Active"}, version)
        assert traffic.awake("fraud", 2)
        stub.assert_no_pending_responses()


def test_waking_is_marked_as_a_probe(aws: AwsCloud) -> None:
    """No record comes of it, and it asks for nothing but life."""
    sent: list[dict[str, str]] = []
    traffic = aws.traffic
    aws.functions.meta.events.register("provide-client-params.lambda.Invoke", lambda params, **_: sent.append(params))
    with Stubber(aws.functions) as stub:
        stub.add_response("get_function_configuration", {"State": "Inactive"})
        stub.add_response("invoke", {"StatusCode": 200})
        traffic.awake("fraud", 2)
    event = json.loads(sent[0]["Payload"])
    assert is_probe(event)
    assert route_of(event, "fraud") is Route.LIVE


def test_a_release_that_cannot_be_woken_says_why(aws: AwsCloud) -> None:
    """Lambda's own reason; a version that is gone is no release; what else goes wrong is not kept quiet."""
    traffic = aws.traffic
    with Stubber(aws.functions) as stub:
        stub.add_response("get_function_configuration", {"State": "Failed", "StateReason": "the layer is gone"})
        with pytest.raises(ReleaseFailed, match="the layer is gone"):
            traffic.awake("fraud", 2)
        stub.add_response("get_function_configuration", {"State": "Inactive"})
        stub.add_client_error("invoke", "AccessDeniedException")
        with pytest.raises(ClientError, match="AccessDenied"):
            traffic.awake("fraud", 2)
    with pytest.raises(ReleaseNotFound, match="no release 99"):
        traffic.awake("fraud", 99)


def test_a_release_whose_version_was_deleted_gets_no_traffic(cloud: Cloud, traffic: Traffic) -> None:
    """It can be told beforehand, and is refused in words where it was not."""
    assert traffic.has("fraud", 3)
    if isinstance(cloud, AwsCloud):
        cloud.functions.delete_function(FunctionName="serinus-endpoint-fraud", Qualifier="3")
    elif isinstance(cloud, MemoryCloud):
        cloud.traffic.gone.add(3)
    assert not traffic.has("fraud", 3)
    with pytest.raises(ReleaseNotFound, match="it was deleted"):
        traffic.shift("fraud", Split(3))
    assert traffic.current("fraud") == Split(1)


def test_a_roll_back_is_one_call(aws: AwsCloud) -> None:
    """Without `expected` nothing is read first: what is called least fails least."""
    _publish_versions(aws)
    aws.traffic.shift("fraud", Split(1, 2, 50))
    with _calls(aws.clients) as calls:
        aws.traffic.shift("fraud", Split(1))
    assert calls == ["UpdateAlias"]
    assert aws.traffic.current("fraud") == Split(1)


def test_a_change_between_read_and_write_is_noticed(aws: AwsCloud) -> None:
    """The write names the alias's revision, which AWS checks (and moto does not)."""
    traffic = aws.traffic
    with Stubber(aws.functions) as stub:
        stub.add_response("get_alias", {"FunctionVersion": "1", "RevisionId": "r1"})
        stub.add_client_error("update_alias", "PreconditionFailedException", http_status_code=412)
        with pytest.raises(RevisionChanged):
            traffic.shift("fraud", Split(2), expected=Split(1))


def test_the_write_names_the_revision_that_was_read(aws: AwsCloud) -> None:
    """Compare-and-set is on the very alias that was compared."""
    traffic = aws.traffic
    with Stubber(aws.functions) as stub:
        stub.add_response("get_alias", {"FunctionVersion": "1", "RevisionId": "r1"})
        wanted = {
            "FunctionName": "serinus-endpoint-fraud",
            "Name": "live",
            "FunctionVersion": "1",
            "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.05}},
            "RevisionId": "r1",
        }
        stub.add_response("update_alias", {}, wanted)
        traffic.shift("fraud", Split(1, 2, 5), expected=Split(1))
        stub.assert_no_pending_responses()


@contextmanager
def _calls(clients: Clients) -> Iterator[list[str]]:
    """Collect the names of the calls made to Lambda."""
    made: list[str] = []

    def note(model: object, **_: Mapping[str, object]) -> None:
        made.append(str(getattr(model, "name", model)))

    clients.functions.meta.events.register("before-call.lambda", note)
    yield made
    clients.functions.meta.events.unregister("before-call.lambda", note)


def _publish_versions(aws: AwsCloud) -> None:
    """Publish versions 2 and 3: Lambda refuses weights of versions that do not exist."""
    for memory_mb in (256, 512):
        aws.functions.update_function_configuration(FunctionName="serinus-endpoint-fraud", MemorySize=memory_mb)
        aws.functions.publish_version(FunctionName="serinus-endpoint-fraud")
