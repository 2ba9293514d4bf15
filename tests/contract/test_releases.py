"""`Releases`: a model version becomes an immutable Lambda version."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict, replace

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from serinus import settings
from serinus.adapters.aws.model_layers import layer_zip
from serinus.domain.lean_layout import LeanLayout
from serinus.domain.model_version import ModelVersion
from serinus.domain.rollout import Release
from serinus.errors import ReleaseFailed, ReleaseInUse
from tests.builders import reached_in_numpy
from tests.contract.builders import FRAUD, NOON, a_composition, a_layout, a_manifest, a_release, a_signature
from tests.contract.clouds import AwsCloud, Cloud, MemoryCloud

FUNCTION = "serinus-endpoint-fraud"


def a_version(model: str = "a", number: int = 1) -> ModelVersion:
    """Return a registered version."""
    return ModelVersion(FRAUD, number, model * 64, a_manifest(model), 5, "upload-1", NOON)


def published(
    cloud: Cloud, version: ModelVersion | None = None, *, rollout: str = "fraud-1", snap_start: bool = False
) -> Release:
    """Publish a version."""
    runtime = replace(cloud.deployments.current("fraud").runtime, snap_start=snap_start)
    return cloud.releases.publish(
        version or a_version(), b"model", a_layout(), a_composition(runtime), rollout=rollout
    )


def test_a_release_names_what_it_is_made_of(cloud: Cloud) -> None:
    """The first release comes after the version that answers 503."""
    release = published(cloud)
    assert (release.endpoint, release.number, release.model_version) == ("fraud", 2, 1)
    assert (release.content_digest, release.rollout) == ("a" * 64, "fraud-1")
    assert release.composition == a_composition(cloud.deployments.current("fraud").runtime)
    assert release.published_at.utcoffset() is not None


def test_publishing_again_returns_the_same_release(cloud: Cloud) -> None:
    """A retried step makes no second release, even when another was published in between."""
    first = published(cloud)
    other = published(cloud, a_version("b", 2), rollout="fraud-2")
    assert published(cloud) == first
    assert other.number == first.number + 1


def test_the_version_has_everything_that_was_asked_for(aws: AwsCloud) -> None:
    """Code, layers, memory, timeout and environment are those of the runtime, and the last layer is the model's."""
    release = published(aws)
    found = aws.functions.get_function_configuration(FunctionName=FUNCTION, Qualifier=str(release.number))
    assert (found["MemorySize"], found["Timeout"], found["Handler"]) == (512, 5, "handler.handler")
    assert [layer["Arn"].rsplit(":", 2)[-2] for layer in found["Layers"]] == ["core", "serinus-model-fraud"]
    assert found["Layers"][-1]["Arn"] == release.layer
    assert found["Environment"]["Variables"] == {"PYTHONUTF8": "1", "SERINUS_LOG_SHARE": "0.1"}
    deployed = aws.functions.get_function_configuration(FunctionName=FUNCTION, Qualifier="1")
    assert found["CodeSha256"] != deployed["CodeSha256"]


@pytest.mark.parametrize(("snap_start", "applies_on"), [(True, "PublishedVersions"), (False, "None")])
def test_snap_start_is_as_the_policy_says(aws: AwsCloud, snap_start: bool, applies_on: str) -> None:
    """Said in full either way, read back and compared; `$LATEST` may have it from the release before."""
    events = aws.functions.meta.events
    seen: list[object] = []

    def note(params: dict[str, object], **_: object) -> None:
        seen.append(params.get("SnapStart"))

    def reply(parsed: dict[str, object], **_: object) -> None:
        parsed["SnapStart"] = seen[-1]  # moto takes it, and forgets it

    events.register("provide-client-params.lambda.UpdateFunctionConfiguration", note)
    events.register("after-call.lambda.GetFunctionConfiguration", reply)
    try:
        published(aws, snap_start=snap_start)
    finally:
        events.unregister("provide-client-params.lambda.UpdateFunctionConfiguration", note)
        events.unregister("after-call.lambda.GetFunctionConfiguration", reply)
    assert seen == [{"ApplyOn": applies_on}]


def test_a_version_without_the_snap_start_that_was_asked_for_is_not_published(aws: AwsCloud) -> None:
    """As with every other field."""
    with pytest.raises(ReleaseFailed, match="SnapStart = 'None' where 'PublishedVersions' was asked for"):
        published(aws, snap_start=True)


@pytest.mark.parametrize("looks", [3, 100])
def test_a_snapshot_is_waited_for_longer(aws: AwsCloud, monkeypatch: pytest.MonkeyPatch, looks: int) -> None:
    """Lambda takes minutes for one; a version without is given up after one."""
    waits: list[float] = []
    monkeypatch.setattr("botocore.waiter.time.sleep", waits.append)
    releases = aws.releases
    composition = a_composition(replace(aws.deployments.current("fraud").runtime, snap_start=True))
    with Stubber(aws.functions) as stub:
        stub.add_response("list_layer_versions", {"LayerVersions": []})
        stub.add_response("publish_layer_version", {"LayerVersionArn": "arn:layer"})
        known = {"Version": "2", "Description": "rollout fraud-1", "LastModified": NOON.isoformat()}
        stub.add_response("list_versions_by_function", {"Versions": [known]})
        for _ in range(looks):
            stub.add_response("get_function_configuration", {"State": "Pending"})
        stub.add_response("get_function_configuration", {"State": "Active"})
        found = releases.publish(a_version(), b"model", a_layout(), composition, rollout="fraud-1")
        stub.assert_no_pending_responses()
    assert (found.number, len(waits)) == (2, looks)


def test_publishing_moves_no_traffic(aws: AwsCloud) -> None:
    """Only a shift does."""
    published(aws)
    assert aws.traffic.current("fraud").stable == 1


def test_a_model_is_one_layer_version_however_often_it_is_released(aws: AwsCloud) -> None:
    """Layers are found again by the content digest."""
    layers = [published(aws, a_version(model), rollout=f"fraud-{model}").layer for model in "abcab"]
    assert [layer.rsplit(":", 1)[-1] for layer in layers] == ["1", "2", "3", "1", "2"]
    assert aws.objects.list("layers/") == [f"layers/fraud/{model * 64}.zip" for model in "abc"]


def test_the_layer_is_an_importable_package() -> None:
    """With the model and what the inference function needs to know of it; the same model gives the same bytes."""
    body = layer_zip(a_version(), b"model", a_layout())
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    told = json.loads(files.pop("python/serinus_release/release.json"))
    layout = LeanLayout(json.loads(files.pop("python/serinus_release/layout.json")), reached_in_numpy)
    assert layout.digest == a_layout().digest
    assert layout.bins({"amount": [0.1, None], "country": ["ch", "fr"]}) == {"amount": [2, 0], "country": [2, 1]}
    assert files == {"python/serinus_release/__init__.py": b"", "python/serinus_release/model.onnx": b"model"}
    assert told == {
        "endpoint": "fraud",
        "model_version": 1,
        "content_digest": "a" * 64,
        "signature": json.loads(json.dumps(asdict(a_signature()))),
    }
    assert layer_zip(a_version(), b"model", a_layout()) == body


def test_a_function_that_is_not_what_was_asked_for_is_not_published(aws: AwsCloud) -> None:
    """A deployment that writes in between is found out, and the field named."""
    events = aws.functions.meta.events

    def meddle(parsed: dict[str, object], **_: object) -> None:
        parsed["MemorySize"] = 128

    events.register("after-call.lambda.GetFunctionConfiguration", meddle)
    try:
        with pytest.raises(ReleaseFailed, match="MemorySize = 128 where 512"):
            published(aws)
    finally:
        events.unregister("after-call.lambda.GetFunctionConfiguration", meddle)
    versions = aws.functions.list_versions_by_function(FunctionName=FUNCTION)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1"]


@pytest.mark.parametrize("times", [1, 3])
def test_a_changed_revision_is_set_again_a_few_times(aws: AwsCloud, times: int) -> None:
    """Lambda refuses to publish another revision than the one that was compared; then everything is set again."""
    events = aws.functions.meta.events
    seen: list[dict[str, str]] = []

    def refuse(params: dict[str, str], **_: object) -> None:
        seen.append(params)
        if len(seen) <= times:
            raise aws.functions.exceptions.PreconditionFailedException(
                {"Error": {"Code": "PreconditionFailedException", "Message": "stale"}}, "PublishVersion"
            )

    events.register("provide-client-params.lambda.PublishVersion", refuse)
    try:
        if times < 3:
            assert published(aws).number == 2
        else:
            with pytest.raises(ReleaseFailed, match="changed by somebody else 3 times"):
                published(aws)
    finally:
        events.unregister("provide-client-params.lambda.PublishVersion", refuse)
    assert all(params["RevisionId"] and params["CodeSha256"] for params in seen)


def test_an_update_that_fails_says_why(aws: AwsCloud) -> None:
    """Lambda's own reason reaches the person."""
    releases, composition = aws.releases, a_composition(aws.deployments.current("fraud").runtime)
    with Stubber(aws.functions) as stub:
        stub.add_response("list_layer_versions", {"LayerVersions": []})
        stub.add_response("publish_layer_version", {"LayerVersionArn": "arn:layer"})
        stub.add_response("list_versions_by_function", {"Versions": []})
        broken = {"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "the layer is gone"}
        stub.add_response("get_function", {"Configuration": broken})
        with pytest.raises(ReleaseFailed, match="the layer is gone"):
            releases.publish(a_version(), b"model", a_layout(), composition, rollout="fraud-1")


def test_a_removed_release_is_gone_and_so_is_its_layer(cloud: Cloud) -> None:
    """Removing it again is harmless; another release of another model stays."""
    gone, kept = published(cloud), published(cloud, a_version("b", 2), rollout="fraud-2")
    for _ in range(2):
        cloud.releases.remove(gone)
        cloud.releases.remove_layer("fraud", gone.layer)
    if isinstance(cloud, AwsCloud):
        versions = cloud.functions.list_versions_by_function(FunctionName=FUNCTION)["Versions"]
        assert sorted(version["Version"] for version in versions) == ["$LATEST", "1", str(kept.number)]
        layers = cloud.functions.list_layer_versions(LayerName="serinus-model-fraud")["LayerVersions"]
        assert [layer["LayerVersionArn"] for layer in layers] == [kept.layer]


def test_a_release_that_the_alias_is_on_is_not_removed(cloud: Cloud) -> None:
    """Lambda refuses, and that is told."""
    release = published(cloud)
    if isinstance(cloud, AwsCloud):
        with Stubber(cloud.functions) as stub:
            wanted = {"FunctionName": FUNCTION, "Qualifier": str(release.number)}
            stub.add_client_error("delete_function", "ResourceConflictException", expected_params=wanted)
            with pytest.raises(ReleaseInUse):
                cloud.releases.remove(release)
    elif isinstance(cloud, MemoryCloud):
        cloud.releases.in_use.add(release.number)
        with pytest.raises(ReleaseInUse):
            cloud.releases.remove(release)


@pytest.mark.parametrize("number", [-1, 0, 1])
def test_nothing_but_a_release_is_ever_removed(aws: AwsCloud, number: int) -> None:
    """A number that is none would remove the whole function; the first version is what CloudFormation knows."""
    with pytest.raises(ValueError, match="is no release"):
        aws.releases.remove(replace(a_release(), number=number))
    with pytest.raises(ValueError, match="no version of the layer serinus-model-fraud"):
        aws.releases.remove_layer("fraud", "arn:aws:lambda:us-east-1:123456789012:layer:core:1")
    assert len(aws.functions.list_versions_by_function(FunctionName=FUNCTION)["Versions"]) == 2


def test_a_probe_is_answered(cloud: Cloud) -> None:
    """What the release answers comes back."""
    if isinstance(cloud, AwsCloud):
        releases = cloud.releases
        with Stubber(cloud.functions) as stub:
            _answer(stub, {"statusCode": 200, "body": '{"outputs": []}'})
            assert releases.probe(a_release(), {"inputs": []}) == {"outputs": []}
    else:
        assert cloud.releases.probe(a_release(), {"inputs": []}) == {"outputs": []}


def test_a_probe_looks_like_a_request_and_is_marked(aws: AwsCloud) -> None:
    """It goes to the version itself, in the shape of an HTTP API's event, with a mark that no HTTP API makes."""
    sent: list[dict[str, str]] = []

    def note(params: dict[str, str], **_: object) -> None:
        sent.append(dict(params))

    aws.functions.meta.events.register("provide-client-params.lambda.Invoke", note)
    releases = aws.releases
    with Stubber(aws.functions) as stub:
        _answer(stub, {"statusCode": 200, "body": "{}"})
        releases.probe(a_release(7), {"inputs": []})
    aws.functions.meta.events.unregister("provide-client-params.lambda.Invoke", note)
    (params,) = sent
    event = json.loads(params["Payload"])
    assert (params["FunctionName"], params["Qualifier"]) == (settings.inference_function_name("fraud"), "7")
    assert (event["rawPath"], event["serinus"]) == ("/v2/models/fraud/infer", {"probe": True})
    assert json.loads(event["body"]) == {"inputs": []}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"statusCode": 503, "body": "nothing released yet"}, "answered 503: nothing released yet"),
        ({"statusCode": 200, "body": "no json"}, "gave no HTTP answer"),
        ({"statusCode": 200}, "gave no HTTP answer"),
        ("text", "gave no HTTP answer"),
        (None, "gave no HTTP answer"),
    ],
)
def test_a_probe_not_answered_200_fails(aws: AwsCloud, answer: object, message: str) -> None:
    """The message carries what was answered."""
    releases = aws.releases
    with Stubber(aws.functions) as stub:
        _answer(stub, answer)
        with pytest.raises(ReleaseFailed, match=message):
            releases.probe(a_release(), {})


def test_a_release_that_crashes_fails_its_probe(aws: AwsCloud) -> None:
    """Lambda answers 200 for a crash, and says so in a field."""
    releases = aws.releases
    with Stubber(aws.functions) as stub:
        _answer(stub, {"errorMessage": "out of memory"}, FunctionError="Unhandled")
        with pytest.raises(ReleaseFailed, match="out of memory"):
            releases.probe(a_release(), {})


def _answer(stub: Stubber, answer: object, **fields: str) -> None:
    body = json.dumps(answer).encode()
    stub.add_response("invoke", {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(body), len(body)), **fields})
