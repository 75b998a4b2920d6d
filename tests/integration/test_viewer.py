"""The viewer between a real Kafka, a real S3 server and a browser."""

import signal
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from kafka import KafkaAdminClient

from contracts.names import LEDGER_KEY
from contracts.wall import LedgerVerdict, StreamDetail, Wall
from local.stack import EmbeddedStack, StackPorts
from local.supervisor import Supervisor, say_nothing
from local.workspace import Workspace
from runtime.settings import KafkaSettings
from runtime.topics import ensure_topics, results_spec
from tests.integration.viewer_world import FakeProducer, RunningViewer, World
from tests.postproc_results import batch_result, jpeg_of

Eventually = Callable[[Callable[[], bool], str, float], None]

STOPS_WITHIN_S = 3.0
"""One is for what is under way; the rest for the interpreter on a busy machine."""


def make_results_topic(bootstrap: str) -> None:
    settings = KafkaSettings.model_validate({"kafka_bootstrap_servers": bootstrap})
    ensure_topics(settings, [results_spec(settings)])


def group_ids(world: World) -> set[str]:
    admin = KafkaAdminClient(bootstrap_servers=world.kafka_bootstrap)
    try:
        return {group["group_id"] for group in admin.list_groups()}
    finally:
        admin.close()


@pytest.fixture
def stream_id() -> str:
    return f"cam-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def world(kafka: EmbeddedStack, s3: EmbeddedStack, stream_id: str, tmp_path: Path) -> World:
    make_results_topic(kafka.addresses.kafka_bootstrap)
    return World(kafka.addresses.kafka_bootstrap, s3, stream_id, tmp_path)


@pytest.fixture
def nowhere(s3: EmbeddedStack, stream_id: str, tmp_path: Path) -> World:
    """A world in which nothing answers."""
    changes = {"FRAMERAIL_S3_ENDPOINT_URL": "http://127.0.0.1:9"}
    return World("127.0.0.1:9", s3, stream_id, tmp_path, changes)


@pytest.fixture
def producer(stream_id: str) -> Iterator[FakeProducer]:
    fake = FakeProducer(stream_id)
    yield fake
    fake.close()


@contextmanager
def ready(world: World, eventually: Eventually, **changes: str) -> Iterator[RunningViewer]:
    with world.viewer(**changes) as viewer:
        eventually(viewer.is_listening, "it listens", 30)
        eventually(viewer.process.is_ready, "it is ready", 10)
        yield viewer


@contextmanager
def following(viewer: RunningViewer) -> Iterator[Iterator[Wall]]:
    """Follow the wall as a browser does."""
    with httpx.stream("GET", f"{viewer.url}/api/events", timeout=20) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = response.iter_lines()

        def walls() -> Iterator[Wall]:
            for line in lines:
                if line.startswith("data: "):
                    yield msgspec.json.decode(line.removeprefix("data: "), type=Wall)

        yield walls()


def test_a_stream_is_on_the_wall_once_results_and_metrics_tell_of_it(
    world: World, stream_id: str, producer: FakeProducer, eventually: Eventually
) -> None:
    captured_ns = time.time_ns() - 3_000_000_000
    result = batch_result(stream_id, 25, [jpeg_of()], captured_ns=captured_ns)
    [evidence] = result.evidence
    with ready(world, eventually, FRAMERAIL_METRICS_URLS=producer.urls) as viewer:
        next_offset = world.send([b"{poison", result])
        eventually(lambda: viewer.now(stream_id) == {"person": 1}, "its result is read", 30)
        assert not viewer.has_picture(stream_id)
        world.store(evidence.key, evidence.jpeg)
        world.commit(next_offset)
        eventually(lambda: viewer.has_picture(stream_id), "its picture is stored", 20)

        producer.metrics.captured.inc(25)

        def is_measured() -> bool:
            producer.metrics.captured.inc(5)
            found = viewer.tile(stream_id)
            return found is not None and found.captured_fps is not None and found.captured_fps > 1

        eventually(is_measured, "its rate is known", 20)
        wall, tile = viewer.wall(), viewer.tile(stream_id)
        assert tile is not None
        assert (tile.state, tile.published_fps, tile.reconnects) == ("live", 0, 0)
        [service] = wall.services
        assert (service.name, service.answering, service.known) == ("producer", 1, 1)
        assert (wall.bucket, wall.problems) == (world.bucket, ())

        detail = msgspec.json.decode(
            viewer.get(f"/api/streams/{stream_id}").content, type=StreamDetail
        )
        [batch] = detail.batches
        assert (batch.batch_id, batch.is_stored) == (result.batch_id, True)
        assert viewer.process.metric("framerail_viewer_results_invalid_total") >= 1
        assert viewer.process.metric("framerail_viewer_scrapes_total") >= 2


def test_the_pictures_of_before_the_start_are_there_at_once(
    world: World, stream_id: str, eventually: Eventually
) -> None:
    result = batch_result(stream_id, captured_ns=time.time_ns())
    world.commit(world.send([result]))
    with ready(world, eventually) as viewer:
        eventually(lambda: viewer.has_picture(stream_id), "the newest results are read", 20)
        assert "FRAMERAIL_METRICS_URLS" in " ".join(viewer.wall().problems)


def test_a_picture_comes_from_s3_and_a_link_leads_there(
    world: World, stream_id: str, eventually: Eventually
) -> None:
    [evidence] = batch_result(stream_id).evidence
    world.store(evidence.key, evidence.jpeg)
    with ready(world, eventually) as viewer:
        for _ in range(2):
            picture = viewer.get(f"/pictures/{evidence.key}")
            assert (picture.status_code, picture.content) == (200, evidence.jpeg)
            assert picture.headers["content-type"] == "image/jpeg"
            assert "immutable" in picture.headers["cache-control"]
        link = viewer.get(f"/s3/{evidence.key}")
        assert link.status_code == httpx.codes.TEMPORARY_REDIRECT
        there = httpx.get(link.headers["location"], timeout=20)
        assert (there.status_code, there.content) == (200, evidence.jpeg)
        missing = viewer.get(f"/pictures/{evidence.key.replace('/0.jpg', '/1.jpg')}")
        assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")
        assert viewer.process.metric("framerail_viewer_pictures_served_total") == 2


def test_the_ledger_s_newest_verdict_is_told(world: World, eventually: Eventually) -> None:
    verdict = LedgerVerdict(closed=True, at_ms=1_763_832_001_000, streams=2, captured=100)
    world.store(LEDGER_KEY, msgspec.json.encode(verdict))
    with ready(world, eventually) as viewer:
        eventually(lambda: viewer.wall().ledger == verdict, "the verdict is told", 20)


def test_every_answer_is_guarded_and_tells_a_stranger_nothing(
    world: World, eventually: Eventually
) -> None:
    with ready(world, eventually) as viewer:
        answers = {
            path: viewer.get(path)
            for path in (
                "/",
                "/api/wall",
                "/api/streams/none",
                "/none",
                "/pictures/ledger",
                "/docs",
            )
        }
        answers["host"] = viewer.get("/api/wall", headers={"Host": "evil.example"})
        answers["method"] = httpx.post(f"{viewer.url}/api/wall", timeout=20)
        statuses = [answer.status_code for answer in answers.values()]
        assert statuses == [200, 200, 404, 404, 404, 404, 400, 405]
        for answer in answers.values():
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert "server" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/page/../__main__.py",
        "/page/%2e%2e/__main__.py",
        "/page/..%2f..%2fpyproject.toml",
        "/pictures/../ledger/latest.json",
        "/pictures/evidence/%2e%2e/ledger/latest.json",
        "/s3/ledger/latest.json",
    ],
)
def test_no_path_leads_out_of_its_folder(running_nowhere: RunningViewer, path: str) -> None:
    # Over a bare socket: a client would tidy the path up.
    with socket.create_connection(("127.0.0.1", running_nowhere.port), 10) as browser:
        browser.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        answer = browser.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 404 ")


@pytest.fixture(scope="module")
def running_nowhere(
    s3: EmbeddedStack, tmp_path_factory: pytest.TempPathFactory, eventually: Eventually
) -> Iterator[RunningViewer]:
    changes = {"FRAMERAIL_S3_ENDPOINT_URL": "http://127.0.0.1:9"}
    world = World("127.0.0.1:9", s3, "cam", tmp_path_factory.mktemp("nowhere"), changes)
    with ready(world, eventually) as viewer:
        yield viewer


def test_where_nothing_answers_the_page_is_up_and_says_so(
    nowhere: World, stream_id: str, eventually: Eventually
) -> None:
    urls = "producer=http://127.0.0.1:9/metrics,consumer=http://no-such-host.invalid:1/metrics"
    with ready(nowhere, eventually, FRAMERAIL_METRICS_URLS=urls) as viewer:
        eventually(lambda: len(viewer.wall().problems) >= 2, "problems are told", 30)
        problems = "; ".join(viewer.wall().problems)
        assert "no Kafka broker answered at 127.0.0.1:9" in problems
        assert "S3 bucket" in problems
        eventually(lambda: len(viewer.wall().services) == 2, "services are told", 20)
        said = {service.name: service for service in viewer.wall().services}
        assert "127.0.0.1:9 takes no connection" in str(said["producer"].problem)
        assert "no-such-host.invalid leads to no address" in str(said["consumer"].problem)
        key = batch_result(stream_id).evidence[0].key
        away = viewer.get(f"/pictures/{key}")
        assert (away.status_code, "127.0.0.1" in away.text) == (503, False)
        assert viewer.process.stop() == 0


def test_a_follower_gets_a_wall_each_second(running_nowhere: RunningViewer) -> None:
    with following(running_nowhere) as walls:
        times_ms = [next(walls).at_ms for _ in range(4)]
    assert times_ms == sorted(set(times_ms))
    assert times_ms[-1] - times_ms[0] >= 2000


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_while_a_browser_follows(
    nowhere: World, eventually: Eventually, which: signal.Signals
) -> None:
    with ready(nowhere, eventually) as viewer, following(viewer) as walls:
        next(walls)
        asked_s = time.monotonic()
        assert viewer.process.stop(which) == 0
        assert time.monotonic() - asked_s < STOPS_WITHIN_S
        assert list(walls)[5:] == []  # the end of the events, and no error


def test_it_stops_at_once_while_a_client_takes_nothing(
    nowhere: World, eventually: Eventually
) -> None:
    with ready(nowhere, eventually) as viewer, socket.socket() as silent, socket.socket() as half:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        silent.connect(("127.0.0.1", viewer.port))
        silent.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        half.connect(("127.0.0.1", viewer.port))
        half.sendall(b"GET /api/wall HTTP/1.1\r\nHost: loc")
        metric = "framerail_viewer_followers"
        eventually(lambda: viewer.process.metric(metric) == 1, "it follows", 10)
        asked_s = time.monotonic()
        assert viewer.process.stop() == 0
        assert time.monotonic() - asked_s < STOPS_WITHIN_S


def test_a_follower_that_goes_leaves_its_place(nowhere: World, eventually: Eventually) -> None:
    def followers(count: int) -> Callable[[], bool]:
        return lambda: viewer.process.metric("framerail_viewer_followers") == count

    with ready(nowhere, eventually, FRAMERAIL_VIEWER_MAX_CLIENTS="1") as viewer:
        with following(viewer) as walls:
            next(walls)
            refused = viewer.get("/api/events")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert followers(1)()
        eventually(followers(0), "the place is free", 10)
        with following(viewer) as walls:
            assert next(walls).v == 1


def test_a_kafka_that_comes_later_is_found_and_one_that_comes_back_too(
    s3: EmbeddedStack,
    stream_id: str,
    tmp_path: Path,
    server_cache: Path,
    eventually: Eventually,
) -> None:
    stack = EmbeddedStack(Workspace(tmp_path, server_cache), StackPorts.choose(), ("kafka",))
    parts = stack.prepare(say_nothing)
    world = World(stack.addresses.kafka_bootstrap, s3, stream_id, tmp_path)
    other_stream = f"{stream_id}-2"
    with ready(world, eventually) as viewer:
        eventually(lambda: "no Kafka broker" in str(viewer.wall().problems), "it is missed", 30)
        with Supervisor(stack.workspace) as supervisor:
            supervisor.start(parts)
            eventually(lambda: "no topic" in str(viewer.wall().problems), "the topic is missed", 60)
            make_results_topic(world.kafka_bootstrap)
            world.commit(world.send([batch_result(stream_id, captured_ns=time.time_ns())]))
            eventually(lambda: viewer.has_picture(stream_id), "the stream is there", 60)
        eventually(lambda: "Kafka" in str(viewer.wall().problems), "it is missed again", 90)
        with Supervisor(stack.workspace) as supervisor:
            supervisor.start(parts)
            world.commit(world.send([batch_result(other_stream, captured_ns=time.time_ns())]))
            eventually(lambda: viewer.has_picture(other_stream), "it goes on", 90)
            eventually(lambda: "Kafka" not in str(viewer.wall().problems), "all is well", 30)
        assert viewer.process.is_ready()


def test_it_joins_no_group_and_commits_nothing(
    world: World, stream_id: str, eventually: Eventually
) -> None:
    world.send([batch_result(stream_id, captured_ns=time.time_ns())])
    before = group_ids(world)
    with ready(world, eventually) as viewer:
        eventually(lambda: viewer.tile(stream_id) is not None, "results are read", 30)
        assert group_ids(world) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"FRAMERAIL_METRICS_URLS": "producer=nowhere"}, "entry 1"),
        ({"FRAMERAIL_S3_BUCKET": "X"}, "FRAMERAIL_S3_BUCKET"),
        ({"FRAMERAIL_VIEWER_HOST": "192.0.2.1"}, "viewer_host 192.0.2.1"),
        ({"AWS_PROFILE": "no-such-profile"}, "no-such-profile"),
    ],
)
def test_a_wrong_setting_ends_the_start(nowhere: World, changes: dict[str, str], said: str) -> None:
    with nowhere.viewer(**changes) as viewer:
        assert viewer.process.exit_code() == 2
        assert said in viewer.process.output()
