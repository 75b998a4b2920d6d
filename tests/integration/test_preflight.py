"""`framerail preflight`, and each service's own part of it, before real servers."""

import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts.names import RESULTS_TOPIC
from local.stack import CHECKOUT, EmbeddedStack, StackPorts
from local.supervisor import Supervisor, say_nothing
from local.workspace import Workspace
from tests.integration.odd_stores import store_with_clock
from tests.integration.preflight_world import (
    TOPIC,
    USER,
    GuardedKafka,
    World,
    guarded_kafka,
    keyed_s3,
)
from tests.service_process import running_service

Eventually = Callable[[Callable[[], bool], str, float], None]
STREAMS = "streams:\n  - {id: cam1, url: 'rtsp://192.0.2.1/a'}\n"
NOWHERE = "127.0.0.1:9"


@pytest.fixture(scope="module")
def asking_kafka(
    tmp_path_factory: pytest.TempPathFactory, server_cache: Path
) -> Iterator[GuardedKafka]:
    with guarded_kafka(tmp_path_factory.mktemp("guarded"), server_cache) as kafka:
        yield kafka


@pytest.fixture(scope="module")
def s3_of_keys(
    tmp_path_factory: pytest.TempPathFactory, server_cache: Path
) -> Iterator[EmbeddedStack]:
    with keyed_s3(tmp_path_factory.mktemp("keyed"), server_cache) as stack:
        yield stack


@pytest.fixture
def world(
    asking_kafka: GuardedKafka,
    s3_of_keys: EmbeddedStack,
    triton: EmbeddedStack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """A world without topics, with an empty bucket."""
    name = uuid.uuid4().hex[:12]
    world = World(asking_kafka, s3_of_keys, triton, tmp_path, monkeypatch, name)
    world.make_bucket()
    (tmp_path / "cameras.yaml").write_text(STREAMS)
    yield world
    asking_kafka.clear()


def refusal_of(world: World, module: str, **changes: str) -> str:
    """Start a service that must refuse; return what it said."""
    changes = {"FRAMERAIL_STREAMS_FILE": str(world.folder / "cameras.yaml"), **changes}
    log = world.folder / f"{module}.log"
    with running_service(module, world.environment(**changes), log) as service:
        assert service.exit_code() == 2, service.output()
        (failed,) = service.events("service.failed")
        return str(failed["reason"])


def test_a_pipeline_that_fits_passes_and_nothing_stays_of_the_trial(world: World) -> None:
    world.make_topics()
    world.publish(100, 87_000, time.time_ns())
    world.commit(40)
    ran = world.preflight()
    assert (ran.exit_code, ran.amiss()) == (0, {})
    assert ran.document["verdict"] == "ok"
    assert ran.of("retention")["numbers"]["held_s"] == pytest.approx(987, rel=0.02)
    assert ran.of("frame size")["numbers"]["mean_bytes"] == 87_000
    assert ran.of("lag")["numbers"]["waiting"] == 60
    assert abs(ran.of("clock of Kafka")["numbers"]["ahead_s"]) < 1
    assert abs(ran.of("clock of S3")["numbers"]["ahead_s"]) < 2
    assert ran.of("model batch")["numbers"]["taken_s"] > 0
    assert world.stored() == []


def test_before_the_first_start_topics_are_only_tried(world: World) -> None:
    ran = world.preflight("--streams", "cameras.yaml", "--size", "640x480")
    assert (ran.exit_code, ran.amiss()) == (0, {})
    assert ran.of("topic presence", TOPIC)["said"].endswith("it is made at the start")
    with world.kafka.administrator() as admin:
        assert not [name for name in admin.list_topics() if not name.startswith("__")]


def test_whoever_has_cameras_of_4k_is_told_before_the_first_start(world: World) -> None:
    ran = world.preflight("--streams", "cameras.yaml", "--size", "3840x2160")
    assert (ran.exit_code, ran.amiss()) == (2, {"retention": "refused"})
    told = ran.of("retention", TOPIC)
    assert "FRAMERAIL_FRAMES_RETENTION_BYTES" in told["change"]
    assert told["numbers"]["held_s"] == pytest.approx(52.8, abs=0.1)


def test_a_topic_that_may_not_be_made_is_missed(world: World) -> None:
    ran = world.preflight(FRAMERAIL_CREATE_TOPICS="false")
    assert ran.exit_code == 2
    assert "FRAMERAIL_CREATE_TOPICS=true" in ran.of("topic presence", RESULTS_TOPIC)["change"]
    assert "topic(s) missing: results" in refusal_of(
        world, "consumer", FRAMERAIL_CREATE_TOPICS="false"
    )


def test_more_copies_than_brokers_are_refused_with_both_numbers(world: World) -> None:
    ran = world.preflight(FRAMERAIL_TOPIC_REPLICATION_FACTOR="3")
    assert ran.exit_code == 2
    assert "only 1 broker" in ran.of("topic presence")["said"]
    assert ran.of("topic replicas", "brokers")["numbers"] == {"alive": 1, "wanted": 3}
    assert "only 1 broker" in refusal_of(world, "producer", FRAMERAIL_TOPIC_REPLICATION_FACTOR="3")


def test_a_topic_with_a_small_limit_is_refused_by_the_command_and_the_producer(
    world: World,
) -> None:
    world.make_topic(TOPIC, max_message_bytes="1000000")
    ran = world.preflight()
    assert (ran.exit_code, ran.amiss()) == (
        2,
        {"topic message size": "refused", "frame size": "skipped"},
    )
    said = ran.of("topic message size")["said"]
    assert said == f"topic {TOPIC} takes messages of 1000000 bytes, ours need 4145152"
    assert said in refusal_of(world, "producer")


def test_a_stream_of_two_partitions_is_refused_by_the_command_and_the_producer(
    world: World,
) -> None:
    world.make_topic(TOPIC, partitions=2, max_message_bytes="4145152")
    ran = world.preflight()
    assert (ran.exit_code, ran.of("topic partitions")["verdict"]) == (2, "refused")
    assert "has 2 partition(s)" in refusal_of(world, "producer")


def test_retention_below_an_outage_is_refused_but_never_keeps_a_consumer_from_starting(
    world: World, eventually: Eventually
) -> None:
    world.make_topics(frames_retention_bytes=64 * 2**20)
    world.publish(50, 900_000, time.time_ns())
    world.commit(50)
    ran = world.preflight()
    assert (ran.exit_code, ran.amiss()) == (2, {"retention": "refused"})
    told = ran.of("retention")
    assert told["numbers"]["held_s"] == pytest.approx(2.98, abs=0.1)
    assert f"retention.bytes of topic {TOPIC}" in told["change"]
    log = world.folder / "consumer.log"
    with running_service("consumer", world.environment(), log) as consumer:
        eventually(consumer.is_ready, "the consumer is ready", 30)
        (warning,) = consumer.events("preflight.warning")
        assert (warning["check"], warning["subject"]) == ("retention", TOPIC)
        assert consumer.stop() == 0


def test_frames_that_expired_before_the_consumer_read_them_are_told(world: World) -> None:
    world.make_topics()
    world.publish(100, 1000, time.time_ns())
    world.commit(10)
    world.delete_before(60)
    ran = world.preflight()
    assert (ran.exit_code, ran.amiss()) == (0, {"lag": "warning"})
    assert (ran.of("lag")["numbers"]["waiting"], ran.of("lag")["numbers"]["expired"]) == (90, 50)


def test_all_that_is_wrong_is_told_at_once(world: World) -> None:
    world.make_topics()
    said = refusal_of(
        world, "consumer", FRAMERAIL_MAX_FRAME_BYTES="30000000", FRAMERAIL_BATCH_SIZE="51"
    )
    assert "2 checks refuse this start" in said
    assert "topic deadletter takes messages of" in said
    assert "takes at most 50 images at once, FRAMERAIL_BATCH_SIZE is 51" in said
    said = refusal_of(
        world, "postproc", FRAMERAIL_MAX_RESULT_BYTES="30000000", FRAMERAIL_S3_BUCKET="absent"
    )
    assert "topic results takes messages of" in said
    assert "NoSuchBucket" in said


def test_a_key_that_may_only_read_is_refused(world: World) -> None:
    ran = world.preflight(key="reader")
    assert (ran.exit_code, ran.of("S3 write")["verdict"]) == (2, "refused")
    assert "s3:PutObject" in ran.of("S3 write")["said"]


def test_a_key_that_may_only_write_is_enough_and_the_rest_is_told_as_not_given(
    world: World,
) -> None:
    ran = world.preflight(key="writer")
    assert ran.exit_code == 0
    for check in ("S3 read", "S3 list"):
        found = ran.of(check)
        assert (found["verdict"], found["numbers"]["is_given"]) == ("ok", False)
        assert "is not given (AccessDenied)" in found["said"]


def test_a_missing_bucket_is_refused_unless_the_post_processor_makes_it(world: World) -> None:
    absent = {"FRAMERAIL_S3_BUCKET": "not-there"}
    assert "NoSuchBucket" in world.preflight(**absent).of("S3 write")["said"]
    made = world.preflight(**absent, FRAMERAIL_S3_CREATE_BUCKET="true")
    assert (made.exit_code, made.of("S3 write")["verdict"]) == (0, "ok")


@pytest.mark.parametrize(
    ("ahead_s", "verdict", "exit_code"), [(-30, "warning", 0), (1200, "refused", 2)]
)
def test_a_clock_that_differs_from_s3s_is_told(
    world: World, ahead_s: float, verdict: str, exit_code: int
) -> None:
    world.make_topics()
    with store_with_clock(time.time() - ahead_s) as url:
        ran = world.preflight(FRAMERAIL_S3_ENDPOINT_URL=url)
    assert (ran.exit_code, ran.of("clock of S3")["verdict"]) == (exit_code, verdict)
    assert ran.of("clock of S3")["numbers"]["ahead_s"] == pytest.approx(ahead_s, abs=2)


def test_a_post_processor_whose_clock_s3_would_not_believe_does_not_start(world: World) -> None:
    with store_with_clock(time.time() + 1200) as url:
        said = refusal_of(world, "postproc", FRAMERAIL_S3_ENDPOINT_URL=url)
    assert "behind that of S3" in said


@pytest.fixture
def small_triton(tmp_path: Path, server_cache: Path) -> Iterator[EmbeddedStack]:
    """A Triton whose model takes eight images at once."""
    repository = tmp_path / "models"
    shutil.copytree(CHECKOUT / "model_repository", repository)
    config = repository / "ssd_mobilenet" / "config.pbtxt"
    text = config.read_text().replace("max_batch_size: 50", "max_batch_size: 8")
    config.write_text(text.replace("[ 25 ]", "[ 8 ]"))
    stack = EmbeddedStack(
        Workspace(tmp_path / "triton", server_cache),
        StackPorts.choose(),
        ("triton",),
        model_repository=repository,
    )
    parts = stack.prepare(say_nothing)
    with Supervisor(stack.workspace) as supervisor:
        supervisor.start(parts)
        yield stack


def test_a_model_that_takes_no_full_batch_is_refused(
    world: World, small_triton: EmbeddedStack
) -> None:
    address = small_triton.addresses.triton_grpc
    ran = world.preflight(FRAMERAIL_TRITON_ADDRESS=address)
    assert (ran.exit_code, ran.of("model batch size")["verdict"]) == (2, "refused")
    fits = world.preflight(FRAMERAIL_TRITON_ADDRESS=address, FRAMERAIL_BATCH_SIZE="8")
    assert (fits.exit_code, fits.of("model batch")["verdict"]) == (0, "ok")


def test_a_model_that_is_not_served_is_refused(world: World) -> None:
    ran = world.preflight(FRAMERAIL_MODEL_VERSION="9")
    assert ran.exit_code == 2
    assert "serves no model 'ssd_mobilenet' version 9" in ran.of("model")["said"]


@pytest.mark.parametrize(
    ("changes", "away"),
    [
        ({"FRAMERAIL_TRITON_ADDRESS": NOWHERE}, "model"),
        ({"FRAMERAIL_S3_ENDPOINT_URL": f"http://{NOWHERE}"}, "S3"),
        (
            {
                "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": NOWHERE,
                "FRAMERAIL_KAFKA_START_TIMEOUT_S": "1",
            },
            "Kafka",
        ),
    ],
)
def test_what_is_away_is_told_beside_what_is_not(
    world: World, changes: dict[str, str], away: str
) -> None:
    ran = world.preflight(**changes)
    assert (ran.exit_code, ran.amiss()[away]) == (3, "away")
    names = {one["name"] for one in ran.document["findings"]}
    others = {"Kafka": "topic presence", "S3": "S3 write", "model": "model batch size"}
    assert {name for system, name in others.items() if system != away} <= names


def test_a_wrong_streams_file_is_one_finding_among_the_others(world: World) -> None:
    (world.folder / "cameras.yaml").write_text("streams:\n  - {id: Cam_1, url: 'http://x'}\n")
    ran = world.preflight("--streams", "cameras.yaml")
    assert (ran.exit_code, ran.of("streams file")["verdict"]) == (2, "refused")
    assert ran.of("S3 write")["verdict"] == "ok"


def test_rights_that_are_missing_are_named_with_operation_and_resource(world: World) -> None:
    world.make_topics()
    world.kafka.allow("DESCRIBE", "TOPIC", TOPIC)
    world.kafka.allow("READ", "TOPIC", RESULTS_TOPIC)
    ran = world.preflight(**world.as_user())
    assert ran.exit_code == 2
    refused = [one["said"] for one in ran.document["findings"] if one["verdict"] == "refused"]
    assert set(refused) == {
        f"Write on topic {TOPIC} is not given to user {USER!r}",
        f"Read on topic {TOPIC} is not given to user {USER!r}",
        f"Write on topic results is not given to user {USER!r}",
        f"Describe and Write on topic deadletter is not given to user {USER!r}",
        f"Read on group {world.group} is not given to user {USER!r}",
        f"Read on group postproc is not given to user {USER!r}",
    }


def test_services_start_with_no_more_than_their_rights_and_say_what_they_could_not_check(
    world: World, eventually: Eventually
) -> None:
    world.make_topics()
    for topic in (TOPIC, RESULTS_TOPIC, "deadletter"):
        world.kafka.allow("READ", "TOPIC", topic)
        world.kafka.allow("WRITE", "TOPIC", topic)
    for group in (world.group, "postproc"):
        world.kafka.allow("READ", "GROUP", group)
    environment = world.environment("writer", **world.as_user()) | {
        "FRAMERAIL_STREAMS_FILE": str(world.folder / "cameras.yaml")
    }
    for module in ("producer", "consumer", "postproc"):
        with running_service(module, environment, world.folder / f"{module}.log") as service:
            eventually(service.is_ready, f"{module} is ready", 40)
            skipped = {one["found"] for one in service.events("preflight.skipped")}
            assert "DescribeConfigs on the cluster is not given" in skipped
            assert not service.events("preflight.warning")
            assert service.stop() == 0
    ran = world.preflight(key="writer", **world.as_user())
    assert (ran.exit_code, set(ran.amiss().values())) == (0, {"skipped"})
