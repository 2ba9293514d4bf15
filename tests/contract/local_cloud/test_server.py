"""Starting and stopping: what is refused, what is kept, and that nothing stays behind."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from serinus.local_cloud.errors import LocalCloudDidNotStart, PortTaken
from serinus.local_cloud.launch import LaunchPlan, free_port, launch
from serinus.local_cloud.server import LocalCloud
from tests.contract.local_cloud.bench import VERSION_HANDLER, Bench, eventually

pytestmark = pytest.mark.e2e

HANGING = "import time\ndef handler(event, context):\n    time.sleep(60)\n"
OWNER = """
import json, sys, threading, time
sys.path.insert(0, {root!r})
from serinus.local_cloud.server import LocalCloud
from tests.contract.local_cloud.bench import Bench
with LocalCloud() as cloud:
    bench = Bench(cloud.endpoint_url)
    idle = bench.make_function("def handler(event, context):\\n    pass\\n")
    bench.invoke(idle)
    busy = bench.make_function({hanging!r}, timeout=60)
    threading.Thread(target=bench.invoke, args=(busy,), daemon=True).start()
    time.sleep(0.6)
    print(json.dumps([cloud.pid, str(cloud.log_path.parent)]), flush=True)
    time.sleep(60)
"""


def family(pid: int) -> list[psutil.Process]:
    """A process and all that it has started."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def all_gone(processes: list[psutil.Process]) -> bool:
    """Whether none of the processes runs."""
    alive = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
    return not alive


def test_taken_port_is_named() -> None:
    """A port that somebody listens on is refused, with who it is."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(PortTaken) as caught:
            LocalCloud(port).start()
    assert caught.value.port == port
    assert str(os.getpid()) in (caught.value.holder or "")


def test_failure_to_start_shows_the_log(tmp_path: Path) -> None:
    """A process that ends is told at once, with what it wrote."""
    (tmp_path / "tmp").write_text("a file where a directory has to be")
    started = time.monotonic()
    with pytest.raises(LocalCloudDidNotStart) as caught:
        launch(LaunchPlan(tmp_path, free_port()))
    assert "FileExistsError" in caught.value.log_tail
    assert time.monotonic() - started < 20


def test_it_listens_on_loopback_only(cloud: LocalCloud) -> None:
    """Nothing but 127.0.0.1, on one port."""
    assert cloud.pid is not None
    listening = {
        tuple(connection.laddr)
        for connection in psutil.Process(cloud.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", cloud.port)}


def test_stop_leaves_nothing() -> None:
    """Neither an idle nor a busy worker, nor a file, stays."""
    cloud = LocalCloud().start()
    assert cloud.log_path is not None
    directory = cloud.log_path.parent
    bench = Bench(cloud.endpoint_url)
    bench.invoke(bench.make_function(VERSION_HANDLER))
    busy = bench.make_function(HANGING, timeout=60)
    bench.functions.invoke(FunctionName=busy, InvocationType="Event", Payload=b"{}")
    assert cloud.pid is not None
    pid = cloud.pid
    eventually(lambda: len(family(pid)) >= 3)
    processes = family(pid)
    started = time.monotonic()
    cloud.stop()
    cloud.stop()
    assert time.monotonic() - started < 15
    assert all_gone(processes)
    assert not directory.exists()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_it_ends_with_its_owner(how: signal.Signals) -> None:
    """Whether the owner is interrupted or killed outright, cloud and workers, busy ones too, end."""
    code = OWNER.format(root=str(Path(__file__).resolve().parents[3]), hanging=HANGING)
    owner = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert owner.stdout is not None
    with owner, owner.stdout:
        pid, directory = json.loads(owner.stdout.readline())
        processes = family(pid)
        assert len(processes) >= 3
        owner.send_signal(how)
        owner.wait(timeout=30)
        eventually(lambda: all_gone(processes))
    assert not Path(directory).exists()


def test_killed_cloud_takes_its_workers_along() -> None:
    """A cloud that is killed outright leaves no worker."""
    cloud = LocalCloud().start()
    bench = Bench(cloud.endpoint_url)
    busy = bench.make_function(HANGING, timeout=60)
    bench.functions.invoke(FunctionName=busy, InvocationType="Event", Payload=b"{}")
    assert cloud.pid is not None
    pid = cloud.pid
    eventually(lambda: len(family(pid)) >= 2)
    processes = family(pid)
    processes[0].kill()
    cloud.stop()
    eventually(lambda: all_gone(processes))


def test_kept_state_survives(tmp_path: Path) -> None:
    """Objects, items, functions with their versions and weights, machines, stacks are there after a restart."""
    machine = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    with LocalCloud(state_dir=tmp_path, keep=True) as cloud:
        bench = Bench(cloud.endpoint_url)
        bench.buckets.create_bucket(Bucket="kept")
        bench.buckets.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
        bench.buckets.put_object(Bucket="kept", Key="a/b.bin", Body=b"\x00\xff" * 100)
        bench.tables.create_table(
            TableName="kept",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        bench.tables.put_item(TableName="kept", Item={"pk": {"S": "x"}, "n": {"N": "1.5"}})
        name = bench.two_versions()
        arn = bench.weighted_alias(name, 1.0)
        bench.invoke(arn)
        machine_arn = bench.make_machine(machine)
        key = bench.keys.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        call: dict[str, Any] = {"KeyId": key, "Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}
        signature = bench.keys.sign(**call)["Signature"]
        bench.stacks.create_stack(StackName="kept", TemplateBody='{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}')
    with LocalCloud(state_dir=tmp_path, keep=True) as cloud:
        bench = Bench(cloud.endpoint_url)
        assert bench.buckets.get_object(Bucket="kept", Key="a/b.bin")["Body"].read() == b"\x00\xff" * 100
        assert bench.buckets.get_bucket_versioning(Bucket="kept")["Status"] == "Enabled"
        assert bench.tables.get_item(TableName="kept", Key={"pk": {"S": "x"}})["Item"]["n"] == {"N": "1.5"}
        assert bench.invoke(arn)["version"] == "2"
        assert bench.machines.describe_state_machine(stateMachineArn=machine_arn)["status"] == "ACTIVE"
        assert bench.keys.verify(Signature=signature, **call)["SignatureValid"]
        assert bench.stacks.describe_stacks(StackName="kept")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
        assert any("START" in line for _, line in bench.log_lines(name))
    with LocalCloud(state_dir=tmp_path) as cloud:
        assert Bench(cloud.endpoint_url).buckets.list_buckets()["Buckets"] == []
