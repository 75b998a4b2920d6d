"""The embedded servers are real, keep what they store, and leave nothing running."""

import dataclasses
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from local.credentials import AccessKey
from local.down import take_down
from local.errors import AlreadyRunning, PartFailed, PortTaken
from local.processes import processes_of_run
from local.stack import EmbeddedStack, StackPorts
from local.state import end_leftovers, read_state
from local.supervisor import Supervisor, say_nothing
from local.workspace import Workspace
from tests.integration.local_processes import stack_process, stubborn_supervisor

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Eventually = Callable[[Callable[[], bool], str, float], None]


@pytest.fixture
def workspace(tmp_path: Path, server_cache: Path) -> Workspace:
    return Workspace(tmp_path / "home", server_cache)


def s3_client(endpoint: str, key: AccessKey) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=key.key_id,
        aws_secret_access_key=key.secret,
    )


def test_a_killed_supervisor_takes_every_server_with_it(
    workspace: Workspace, eventually: Eventually
) -> None:
    with stack_process(workspace, "kafka", "mediamtx", "seaweedfs", "triton") as stack:
        servers = stack.processes()
        assert len(servers) >= 6, "Triton's stubs, one for each version, are found too"
        stack.send(signal.SIGKILL)
        eventually(lambda: not any(mark.is_alive() for mark in servers), "all servers gone", 15)


def test_what_outlives_a_killed_supervisor_is_found_and_ended(workspace: Workspace) -> None:
    argv = stubborn_supervisor(workspace.root)
    with stack_process(workspace, argv=argv) as stack:
        stack.send(signal.SIGKILL)
        left = stack.processes()
        assert len(left) >= 2, "the shell and its child do not heed the orphan signal"
        state = read_state(workspace)
        assert state is not None
        assert end_leftovers(state, grace_s=0.2) == len(left)
        assert processes_of_run(state.run_id) == []
        assert end_leftovers(state) == 0


def test_the_next_supervisor_ends_what_a_killed_one_left(workspace: Workspace) -> None:
    argv = stubborn_supervisor(workspace.root)
    with stack_process(workspace, argv=argv) as first:
        first.send(signal.SIGKILL)
        left = first.processes()
    with stack_process(workspace, argv=argv):
        assert left
        assert not any(mark.is_alive() for mark in left)


def test_sigterm_ends_every_server_and_says_so_in_the_state(workspace: Workspace) -> None:
    with stack_process(workspace, "kafka", "mediamtx", "seaweedfs", "triton") as stack:
        servers = stack.processes()
        assert stack.send(signal.SIGTERM) == 0
        assert not any(mark.is_alive() for mark in servers)
        assert stack.state().phase == "stopped"


def test_down_ends_a_stack_from_another_process(workspace: Workspace) -> None:
    with stack_process(workspace, "mediamtx") as stack:
        assert take_down(workspace, say_nothing) == 1
        assert stack.process.wait(timeout=10) == 0
        assert take_down(workspace, say_nothing) == 0


def test_a_second_supervisor_in_the_same_workspace_is_refused(workspace: Workspace) -> None:
    with stack_process(workspace, "mediamtx") as stack:
        supervisor = Supervisor(workspace)
        with pytest.raises(AlreadyRunning, match=f"pid {stack.process.pid}"):
            supervisor.__enter__()
        assert stack.is_running()


def test_a_crashed_server_is_started_again(workspace: Workspace, eventually: Eventually) -> None:
    with stack_process(workspace, "mediamtx") as stack:
        crashed = stack.part("mediamtx").process
        assert crashed is not None
        os.kill(crashed.pid, signal.SIGKILL)

        def is_back() -> bool:
            part = stack.part("mediamtx")
            return part.is_ready and part.restarts == 1 and part.process != crashed

        eventually(is_back, "another mediamtx is ready", 15)
        assert "starts again" in stack.output()


def test_a_taken_port_is_named_with_its_part_and_its_holder(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        stack = EmbeddedStack(workspace, StackPorts.choose({"kafka": port}), ("kafka",))
        parts = stack.prepare(say_nothing)
        expected = rf"port {port}, which kafka .* \(pid {os.getpid()}\)"
        with Supervisor(workspace) as supervisor, pytest.raises(PortTaken, match=expected):
            supervisor.start(parts)


def test_a_server_that_dies_at_its_start_shows_the_end_of_its_log(workspace: Workspace) -> None:
    stack = EmbeddedStack(workspace, StackPorts.choose(), ("kafka", "mediamtx"))
    parts = stack.prepare(say_nothing)
    unformatted = workspace.storage / "kafka"
    unformatted.mkdir()
    with Supervisor(workspace) as supervisor:
        with pytest.raises(PartFailed, match=r"(?s)kafka ended.*No readable meta\.properties"):
            supervisor.start(parts)
        state = read_state(workspace)
    assert state is not None
    assert processes_of_run(state.run_id) == []


def test_records_and_objects_outlive_a_kill_and_a_move_to_other_ports(
    workspace: Workspace,
) -> None:
    with stack_process(workspace, "kafka", "seaweedfs") as first:
        addresses = first.state().addresses
        _store(addresses["kafka_bootstrap"], addresses["s3_endpoint"], workspace)
        first.send(signal.SIGKILL)
    with stack_process(workspace, "kafka", "seaweedfs") as second:
        moved = second.state().addresses
        assert moved != addresses
        assert _stored(moved["kafka_bootstrap"], moved["s3_endpoint"], workspace) == (
            b"record",
            b"object",
        )


def _store(bootstrap: str, endpoint: str, workspace: Workspace) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    producer.send("kept", b"record").get(timeout=20)
    producer.close()
    client = s3_client(endpoint, _key(workspace))
    client.create_bucket(Bucket="evidence")
    client.put_object(Bucket="evidence", Key="kept", Body=b"object")


def _stored(bootstrap: str, endpoint: str, workspace: Workspace) -> tuple[bytes, bytes]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    consumer.assign([TopicPartition("kept", 0)])
    record = next(iter(consumer))
    consumer.close()
    client = s3_client(endpoint, _key(workspace))
    return record.value, client.get_object(Bucket="evidence", Key="kept")["Body"].read()


def _key(workspace: Workspace) -> AccessKey:
    return EmbeddedStack(workspace, StackPorts.choose()).access_key


def test_the_broker_does_not_make_topics_by_itself(kafka: EmbeddedStack) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka.addresses.kafka_bootstrap)
    admin.create_topics([NewTopic("made", num_partitions=1, replication_factor=1)])
    assert "made" in admin.list_topics()
    assert "not-made" not in admin.list_topics()
    admin.close()


def test_any_s3_client_reads_the_credentials_file(
    s3: EmbeddedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(s3.workspace.credentials_file))
    session = boto3.Session(profile_name="framerail", region_name="us-east-1")
    client = session.client("s3", endpoint_url=s3.addresses.s3_endpoint)
    client.create_bucket(Bucket="any-client")
    assert "any-client" in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]
    assert s3.workspace.credentials_file.stat().st_mode & 0o777 == 0o600


def test_a_bucket_that_is_missing_is_an_error_as_on_aws(s3: EmbeddedStack) -> None:
    client = s3_client(s3.addresses.s3_endpoint, s3.access_key)
    with pytest.raises(ClientError, match="NoSuchBucket"):
        client.put_object(Bucket="never-made", Key="lost", Body=b"object")


def test_a_wrong_secret_is_refused(s3: EmbeddedStack) -> None:
    forged = dataclasses.replace(s3.access_key, secret="forged")
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        s3_client(s3.addresses.s3_endpoint, forged).list_buckets()


def test_triton_is_ready_with_both_versions_of_the_model(triton: EmbeddedStack) -> None:
    from tritonclient.grpc import InferenceServerClient

    client = InferenceServerClient(triton.addresses.triton_grpc)
    assert client.is_server_ready()
    assert all(client.is_model_ready("ssd_mobilenet", version) for version in ("1", "2"))
    client.close()
