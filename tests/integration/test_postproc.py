"""The post-processor between a real Kafka and a real S3 server."""

import json
import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import simplejpeg
from kafka import KafkaAdminClient, TopicPartition

from contracts.names import RESULTS_TOPIC
from contracts.results import BatchResult
from local.stack import EmbeddedStack, StackPorts
from local.supervisor import Supervisor, say_nothing
from local.workspace import Workspace
from runtime.topics import results_spec
from tests.integration.postproc_process import (
    PostprocProcess,
    World,
    ensure_our_topics,
    settings_of,
)
from tests.postproc_results import batch_result, jpeg_of

READER = ("FRREADER", "a-secret-that-may-only-read")
Eventually = Callable[[Callable[[], bool], str, float], None]


@pytest.fixture
def stream_id() -> str:
    return f"cam-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def world(kafka: EmbeddedStack, s3: EmbeddedStack, stream_id: str, tmp_path: Path) -> World:
    ensure_our_topics(kafka)
    world = World(kafka, s3, f"bucket-{stream_id}", f"group-{stream_id}", tmp_path)
    world.start_group_at_the_end()
    return world


@contextmanager
def running(stack: EmbeddedStack, *more_options: str) -> Iterator[EmbeddedStack]:
    parts = stack.prepare(say_nothing)
    with Supervisor(stack.workspace) as supervisor:
        supervisor.start([replace(part, argv=(*part.argv, *more_options)) for part in parts])
        yield stack


@pytest.fixture(scope="module")
def strict_s3(
    tmp_path_factory: pytest.TempPathFactory, server_cache: Path
) -> Iterator[EmbeddedStack]:
    """An S3 server that, as AWS does, makes no bucket by itself, and knows a reader's key."""
    workspace = Workspace(tmp_path_factory.mktemp("strict-s3"), server_cache)
    stack = EmbeddedStack(workspace, StackPorts.choose(), ("seaweedfs",))
    stack.prepare(say_nothing)
    identities = workspace.configuration / "reader-identities.json"
    known = json.loads((workspace.configuration / "seaweedfs-identities.json").read_text())
    known["identities"].append(
        {
            "name": "reader",
            "credentials": [{"accessKey": READER[0], "secretKey": READER[1]}],
            "actions": ["Read", "List"],
        }
    )
    identities.write_text(json.dumps(known))
    with running(stack, "-s3.autoCreateBucket=false", f"-s3.config={identities}"):
        yield stack


def results_of(stream_id: str, count: int, width: int = 640, first: int = 0) -> list[BatchResult]:
    """Return the results of batches number `first` and on."""
    jpeg = jpeg_of(width, width * 3 // 4)
    return [
        batch_result(stream_id, first_offset=25 * number, evidence_jpegs=[jpeg])
        for number in range(first, first + count)
    ]


def keys_of(results: list[BatchResult]) -> set[str]:
    return {chosen.key for result in results for chosen in result.evidence}


def test_a_picture_arrives_under_its_key_with_its_metadata(
    world: World, stream_id: str, eventually: Eventually
) -> None:
    result = batch_result(stream_id, first_offset=75)
    with world.postproc() as postproc:
        [offset] = world.send([result])
        eventually(lambda: world.committed() == offset + 1, "the offset is committed", 30)
        assert postproc.metric("framerail_evidence_stored_total") == 1
        assert postproc.stop() == 0
    picture = world.client().get_object(Bucket=world.bucket, Key=result.evidence[0].key)
    assert picture["ContentType"] == "image/jpeg"
    assert picture["Metadata"] == {
        "stream": stream_id,
        "topic": f"frames.{stream_id}",
        "partition": "0",
        "offset": "75",
        "batch-id": result.batch_id,
        "model": "ssd_mobilenet/2",
        "detections": "1",
        "captured-ns": str(result.frames[0].captured_ns),
    }
    assert simplejpeg.is_jpeg(picture["Body"].read())


def test_a_result_that_comes_twice_overwrites_its_picture(
    world: World, stream_id: str, eventually: Eventually
) -> None:
    result = batch_result(stream_id)
    with world.postproc() as postproc:
        offsets = world.send([result, result])
        eventually(lambda: world.committed() == offsets[-1] + 1, "both are committed", 30)
        assert postproc.stored_keys() == [result.evidence[0].key] * 2
    assert world.stored(stream_id) == keys_of([result])


def test_a_poison_result_goes_to_the_dead_letters_and_the_next_one_goes_on(
    world: World, stream_id: str, eventually: Eventually
) -> None:
    undrawable = batch_result(stream_id, first_offset=25, evidence_jpegs=[b"no jpeg"])
    good = batch_result(stream_id, first_offset=50)
    with world.postproc():
        poison_at, undrawable_at, good_at = world.send([b"{poison", undrawable, good])
        eventually(lambda: world.committed() == good_at + 1, "all are acknowledged", 30)
    assert world.stored(stream_id) == keys_of([good])
    letters = world.dead_letters()
    poison = letters[poison_at]
    assert poison.value == b"{poison"
    assert dict(poison.headers)["deadletter-stage"] == b"postproc.read"
    assert dict(poison.headers)["deadletter-topic"] == b"results"
    headers = dict(letters[undrawable_at].headers)
    assert headers["deadletter-stage"] == b"postproc.draw"
    assert b"not a whole JPEG" in headers["deadletter-reason"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_ended_in_the_midst_of_work_nothing_is_lost(
    world: World, stream_id: str, eventually: Eventually, how: signal.Signals
) -> None:
    results = results_of(stream_id, 120, width=1280)
    with world.postproc("ended") as postproc:
        offsets = world.send(results)
        eventually(lambda: len(postproc.stored_keys()) >= 5, "some pictures are stored", 30)
        exit_code = postproc.stop(how)
        assert exit_code == (0 if how is signal.SIGTERM else -signal.SIGKILL)
    committed = world.committed() - offsets[0]
    stored = world.stored(stream_id)
    assert committed < len(results), "it was ended too late to tell anything"
    assert keys_of(results[:committed]) <= stored, "a committed result is stored"
    if how is signal.SIGTERM:
        assert len(stored) == committed, "a clean stop leaves nothing to do twice"
    with world.postproc("next"):
        eventually(lambda: world.committed() == offsets[-1] + 1, "the rest is done", 60)
    assert world.stored(stream_id) == keys_of(results)


def test_a_store_that_goes_away_is_waited_for_and_nothing_is_lost(
    world: World, stream_id: str, eventually: Eventually, tmp_path: Path, server_cache: Path
) -> None:
    workspace = Workspace(tmp_path / "s3", server_cache)
    own = EmbeddedStack(workspace, StackPorts.choose(), ("seaweedfs",))
    world = World(world.kafka, own, world.bucket, world.group, tmp_path)
    results = results_of(stream_id, 30)
    with world.postproc(FRAMERAIL_S3_START_TIMEOUT_S="60") as postproc:
        with running(own):
            [first, *_] = world.send(results[:10])
            eventually(lambda: world.committed() == first + 10, "all is well at first", 60)
        world.send(results[10:])
        eventually(lambda: bool(postproc.events("store.away")), "it notices", 60)
        eventually(lambda: not postproc.is_ready(), "it is not ready", 10)
        assert world.committed() == first + 10, "nothing is skipped"
        with running(own):
            eventually(lambda: world.committed() == first + 30, "it goes on where it was", 90)
            eventually(postproc.is_ready, "it is ready again", 10)
            assert world.stored(stream_id) == keys_of(results)


def test_a_bucket_that_is_taken_away_is_an_error_until_it_is_back(
    world: World, strict_s3: EmbeddedStack, stream_id: str, eventually: Eventually
) -> None:
    world = replace(world, s3=strict_s3)
    with world.postproc() as postproc:
        eventually(postproc.is_ready, "it is ready", 30)
        remove_bucket(world)
        [offset] = world.send([batch_result(stream_id)])
        eventually(lambda: bool(postproc.events("store.refused")), "it is refused", 30)
        [refused, *_] = postproc.events("store.refused")
        assert "NoSuchBucket" in refused["reason"]
        assert not postproc.is_ready()
        world.client().create_bucket(Bucket=world.bucket)
        eventually(lambda: world.committed() == offset + 1, "it goes on by itself", 60)
        assert postproc.is_ready()


def remove_bucket(world: World) -> None:
    client = world.client()
    for found in client.list_objects_v2(Bucket=world.bucket).get("Contents", []):
        client.delete_object(Bucket=world.bucket, Key=found["Key"])
    client.delete_bucket(Bucket=world.bucket)


@pytest.mark.parametrize(
    ("changes", "exit_code", "said"),
    [
        pytest.param(
            {"AWS_SHARED_CREDENTIALS_FILE": "/dev/null"},
            2,
            ["profile (framerail) could not be found"],
            id="no such profile",
        ),
        pytest.param(
            {"FRAMERAIL_S3_CREATE_BUCKET": "false"},
            2,
            ["NoSuchBucket", "FRAMERAIL_S3_CREATE_BUCKET=true"],
            id="no such bucket",
        ),
        pytest.param(
            {
                "FRAMERAIL_S3_ENDPOINT_URL": "http://127.0.0.1:9",
                "FRAMERAIL_S3_START_TIMEOUT_S": "1",
            },
            3,
            ["http://127.0.0.1:9", "FRAMERAIL_S3_ENDPOINT_URL"],
            id="nobody at the endpoint",
        ),
        pytest.param(
            {"FRAMERAIL_S3_BUCKET": "No_Bucket", "FRAMERAIL_UPLOAD_THREADS": "0"},
            2,
            ["FRAMERAIL_S3_BUCKET", "FRAMERAIL_UPLOAD_THREADS"],
            id="wrong settings",
        ),
    ],
)
def test_a_start_that_cannot_work_says_why_and_ends(
    world: World,
    strict_s3: EmbeddedStack,
    changes: dict[str, str],
    exit_code: int,
    said: list[str],
) -> None:
    world = replace(world, s3=strict_s3)
    with world.postproc(**changes) as postproc:
        assert postproc.exit_code() == exit_code
        output = postproc.output()
    for words in said:
        assert words in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("key_id", "secret", "said"),
    [
        pytest.param("FRWRONG", "right", "InvalidAccessKeyId", id="unknown key"),
        pytest.param("right", "wrong", "SignatureDoesNotMatch", id="wrong secret"),
        pytest.param(*READER, "AccessDenied", id="no right to write"),
        pytest.param("", "", "AWS_ACCESS_KEY_ID", id="no key at all"),
    ],
)
def test_wrong_credentials_end_the_start_and_name_bucket_and_endpoint(
    world: World, strict_s3: EmbeddedStack, key_id: str, secret: str, said: str
) -> None:
    world = replace(world, s3=strict_s3)
    world.client().create_bucket(Bucket=world.bucket)
    right = strict_s3.access_key
    changes = {"FRAMERAIL_S3_CREATE_BUCKET": "false", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    if key_id:
        changes["AWS_ACCESS_KEY_ID"] = right.key_id if key_id == "right" else key_id
        changes["AWS_SECRET_ACCESS_KEY"] = right.secret if secret == "right" else secret
    with world.postproc(profile=None, **changes) as postproc:
        assert postproc.exit_code() == 2
        output = postproc.output()
    assert said in output
    assert world.bucket in output
    assert strict_s3.addresses.s3_endpoint in output
    assert right.secret not in output


def test_a_partition_that_moves_to_a_new_member_is_neither_lost_nor_done_twice(
    s3: EmbeddedStack, eventually: Eventually, tmp_path: Path, server_cache: Path
) -> None:
    own = EmbeddedStack(Workspace(tmp_path / "k", server_cache), StackPorts.choose(), ("kafka",))
    with running(own):
        make_results_topic(own, partitions=2)
        world = World(own, s3, "bucket-handover", "handover", tmp_path)
        sent: list[BatchResult] = []

        def has_worked_on_more(postproc: PostprocProcess) -> bool:
            # The load must last until the partitions have moved, however long that takes.
            first = len(sent) // 2
            for partition, stream_id in enumerate(("cam-left", "cam-right")):
                more = results_of(stream_id, 4, first=first)
                world.send(more, partition)
                sent.extend(more)
            return len(postproc.stored_keys()) >= 5

        with world.postproc("first") as first:
            eventually(lambda: has_worked_on_more(first), "the first one works", 60)
            with world.postproc("second") as second:
                eventually(lambda: has_worked_on_more(second), "the second one works too", 60)
                each = len(sent) // 2
                eventually(
                    lambda: all(world.committed(p) == each for p in partitions_of_results()),
                    "together they do all of it",
                    120,
                )
                stored = first.stored_keys() + second.stored_keys()
    assert sorted(stored) == sorted(keys_of(sent))


def partitions_of_results() -> list[TopicPartition]:
    return [TopicPartition(RESULTS_TOPIC, number) for number in range(2)]


def make_results_topic(kafka: EmbeddedStack, partitions: int) -> None:
    spec = results_spec(settings_of(kafka))
    topic = {"num_partitions": partitions, "replication_factor": 1, "configs": spec.configs}
    admin = KafkaAdminClient(bootstrap_servers=kafka.addresses.kafka_bootstrap)
    admin.create_topics({spec.name: topic}, wait_for_metadata=True)
    admin.close()
