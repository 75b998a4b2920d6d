"""What asks Kafka and S3 for the viewer is patient, spins never, and is soon told if stuck."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import pytest
import yaml
from kafka import KafkaAdminClient, TopicPartition
from structlog.testing import capture_logs

from contracts.names import RESULTS_TOPIC
from local.stack import CHECKOUT
from runtime.errors import DependencyError, TransientError
from runtime.group_consumer import GroupConsumer
from runtime.health import Heartbeat
from runtime.kafka_clients import LOOK_TIMEOUT_MS
from runtime.logs import get_logger
from runtime.settings import KafkaSettings, load_settings
from runtime.stop import StopSignal
from tests.unit.kserve_objects import only
from viewer import families
from viewer.families import Series
from viewer.group_offsets import StoredOffsets
from viewer.loops import AskingLoop
from viewer.pictures import KEPT_BYTES, THREADS
from viewer.results_reader import POLL_S, ResultsReader
from viewer.scraper import Round, health
from viewer.service import Viewer
from viewer.settings import ViewerSettings
from viewer.store import MAX_PICTURE_BYTES

STUCK_AFTER_S = 10.0


@dataclass
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


def until(holds: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline_s, what
        time.sleep(0.01)


@dataclass
class Asked:
    """A loop that is under way, and what it reported."""

    stop: StopSignal
    clock: Clock
    heartbeat: Heartbeat
    reports: list[str | None] = field(default_factory=list)


@contextmanager
def asking(
    turn: Callable[[], float], report: Callable[[str | None], None] | None = None
) -> Iterator[Asked]:
    clock = Clock()
    asked = Asked(StopSignal(), clock, Heartbeat(clock, STUCK_AFTER_S))
    log = get_logger()
    loop = AskingLoop("s3", turn, report or asked.reports.append, asked.stop, asked.heartbeat, log)
    loop.start()
    try:
        yield asked
    finally:
        asked.stop.set()


def test_one_thread_that_hangs_makes_the_viewer_stuck_after_one_bound_though_others_turn() -> None:
    has_begun, let_go = threading.Event(), threading.Event()

    def hang() -> float:
        has_begun.set()
        let_go.wait(10)
        return 0.0

    with asking(hang) as asked:
        assert has_begun.wait(10)
        asked.clock.now_s = STUCK_AFTER_S - 1
        asked.heartbeat.beat()
        assert asked.heartbeat.is_alive
        asked.clock.now_s = STUCK_AFTER_S
        assert not asked.heartbeat.is_alive
        let_go.set()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ended_makes_the_viewer_stuck_at_once() -> None:
    def break_off(_problem: str | None) -> None:
        raise RuntimeError("a defect outside of every guard")

    with asking(lambda: 0.0, break_off) as asked:
        until(lambda: not asked.heartbeat.is_alive, "the thread's end is told")


def test_a_thread_that_was_told_to_stop_is_no_sickness() -> None:
    with asking(lambda: 0.01) as asked:
        until(lambda: len(asked.reports) > 1, "it turns")
        asked.stop.set()
        until(lambda: not asked.heartbeat._beats_s, "it rests")
        asked.clock.now_s = 10 * STUCK_AFTER_S
        assert asked.heartbeat.is_alive


def test_a_defect_that_comes_at_every_turn_is_logged_once_and_told_each_time() -> None:
    def fail() -> float:
        raise KeyError("a defect")

    with capture_logs() as lines, asking(fail) as asked:
        until(lambda: len(asked.reports) >= 2, "it turns again")
    assert [line["event"] for line in lines] == ["viewer.defect"]
    assert all("KeyError" in str(report) for report in asked.reports)


class FakeConsumer(GroupConsumer):
    """Reads nothing, or fails as often as it is told to."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.has_left = False

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition(RESULTS_TOPIC, 0)}

    def fetch(
        self, timeout_s: float, max_records: int | None = None
    ) -> dict[TopicPartition, list[object]]:
        if self.failures:
            self.failures -= 1
            raise TransientError("cannot be read: LeaderNotAvailableError")
        return {}

    def leave(self) -> None:
        self.has_left = True


class Reader(ResultsReader):
    def __init__(self, consumer: FakeConsumer) -> None:
        super().__init__(KafkaSettings(), lambda _: None)
        self._fake = consumer

    def _connected(self) -> GroupConsumer:
        return self._fake


def test_a_first_fault_that_the_client_heals_is_waited_for_and_told_to_nobody() -> None:
    consumer = FakeConsumer(failures=1)
    reader = Reader(consumer)
    assert [reader.turn() for _ in range(3)] == [POLL_S, 0.0, 0.0]
    assert not consumer.has_left


def test_a_second_fault_in_a_row_is_a_problem_that_is_told() -> None:
    consumer = FakeConsumer(failures=2)
    reader = Reader(consumer)
    reader.turn()
    with pytest.raises(DependencyError, match=r"does not give 'results': .*LeaderNotAvailable"):
        reader.turn()
    assert consumer.has_left
    assert reader.turn() == 0.0


def test_two_faults_with_an_answer_between_them_are_no_problem() -> None:
    consumer = FakeConsumer(failures=1)
    reader = Reader(consumer)
    reader.turn()
    reader.turn()
    consumer.failures = 1
    assert reader.turn() == POLL_S


def test_a_question_for_offsets_is_given_up_before_its_thread_counts_as_stuck() -> None:
    asked_ms: list[int] = []

    @contextmanager
    def away(settings: KafkaSettings, *, request_timeout_ms: int) -> Iterator[KafkaAdminClient]:
        asked_ms.append(request_timeout_ms)
        raise DependencyError("no Kafka broker answered")
        yield

    with pytest.raises(DependencyError):
        StoredOffsets(KafkaSettings(), lambda _: None, away).turn()
    assert asked_ms == [LOOK_TIMEOUT_MS]
    assert KafkaSettings().stuck_after_s > LOOK_TIMEOUT_MS / 1000


def test_a_defect_of_the_event_loop_is_logged_once_too() -> None:
    turns = 0

    async def fail() -> None:
        nonlocal turns
        turns += 1
        if turns == 3:
            raise asyncio.CancelledError
        raise KeyError("a defect")

    settings = load_settings(ViewerSettings, s3_bucket="evidence", viewer_port=0)
    viewer = Viewer(settings, StopSignal(), Heartbeat(Clock(), STUCK_AFTER_S), get_logger())
    ending = pytest.raises(asyncio.CancelledError)
    with closing(viewer._listener), capture_logs() as lines, ending:
        asyncio.run(viewer._keep(0.0, fail))
    assert [line["event"] for line in lines] == ["viewer.defect"]


def test_pictures_on_their_way_leave_a_quarter_of_the_pod_s_memory_to_the_rest() -> None:
    manifests = yaml.safe_load_all((CHECKOUT / "kserve/base/viewer.yaml").read_text())
    deployment = only(list(manifests), "Deployment", "viewer")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    limit_mib = int(container["resources"]["limits"]["memory"].removesuffix("Mi"))
    assert 0.75 * limit_mib * 1024 * 1024 >= THREADS * MAX_PICTURE_BYTES + KEPT_BYTES


@pytest.mark.parametrize(
    ("ready", "problem"),
    [
        ([1.0, 1.0], None),
        ([0.0], "postproc: it runs and is not ready; its log says what it waits for"),
        ([0.0, 1.0], "postproc: 1 of 2 runs and is not ready; its log says what it waits for"),
    ],
)
def test_a_service_that_answers_and_waits_is_told_of(
    ready: list[float], problem: str | None
) -> None:
    heard = {str(at): {Series(families.READY): value} for at, value in enumerate(ready)}
    told = health("postproc", Round(heard=heard, known=len(ready)))
    assert (told.answering, told.problem) == (len(ready), problem)
