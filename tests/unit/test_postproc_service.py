"""The loop: what is committed, when, and what happens at a stop or a handover."""

import threading
import time

import pytest

from postproc.crew import Crew
from postproc.records import ResultRecord
from postproc.service import Limits, PostprocService
from runtime.health import Heartbeat
from runtime.logs import get_logger
from runtime.stop import StopSignal
from tests.unit.postproc_fakes import RESULTS, FakeResults, GatedWork, record, wait_until
from tests.unit.producer_fakes import RecordingLog


def service_of(
    source: FakeResults, work: GatedWork, max_in_flight: int = 3, stop_timeout_s: float = 10.0
) -> PostprocService:
    limits = Limits(max_in_flight, stop_timeout_s, handover_s=5.0)
    service = PostprocService(source, Crew(max_in_flight, work), limits, get_logger())
    source.subscribe(service)
    return service


def log_of(count: int) -> FakeResults:
    return FakeResults(log=[record(b"", offset) for offset in range(count)])


def turn_until_committed(service: PostprocService, source: FakeResults, offset: int) -> None:
    def is_committed() -> bool:
        service.turn()
        return source.committed.get(RESULTS) == offset

    wait_until(is_committed)


def test_an_offset_is_committed_after_its_pictures_are_stored_and_not_before() -> None:
    source, work = log_of(1), GatedWork()
    service = service_of(source, work)
    service.turn()
    wait_until(lambda: work.begun == {0})
    service.turn()
    assert source.committed == {}
    work.finish(0)
    turn_until_committed(service, source, 1)


def test_a_later_record_that_ends_first_waits_for_those_before_it() -> None:
    source, work = log_of(3), GatedWork()
    service = service_of(source, work)
    service.turn()
    wait_until(lambda: work.begun == {0, 1, 2})
    work.finish(1, 2)
    for _ in range(3):
        service.turn()
    assert source.committed == {}
    work.finish(0)
    turn_until_committed(service, source, 3)


def test_no_more_is_fetched_than_may_be_in_flight_but_polling_goes_on() -> None:
    source, work = log_of(10), GatedWork()
    service = service_of(source, work, max_in_flight=2)
    for _ in range(3):
        service.turn()
    assert source.position == 2
    assert source.polls == [2, 0, 0], "polled to keep the group, asking for nothing"
    work.finish(*range(10))
    turn_until_committed(service, source, 10)


def test_a_record_given_up_is_not_committed_nor_are_those_behind_it() -> None:
    source, work = log_of(2), GatedWork(outcome=False)
    service = service_of(source, work)
    service.turn()
    work.finish(0, 1)
    service.finish()
    assert source.committed == {}


def test_a_stop_waits_for_what_is_in_flight_and_commits_it() -> None:
    source, work = log_of(2), GatedWork()
    service = service_of(source, work)
    service.turn()
    wait_until(lambda: work.begun == {0, 1})
    finishing = threading.Thread(target=service.finish)
    finishing.start()
    work.finish(0, 1)
    finishing.join()
    assert source.committed == {RESULTS: 2}


def test_a_stop_does_not_wait_for_ever_for_an_upload_that_hangs() -> None:
    source, work = log_of(2), GatedWork()
    limits, (recorded, log) = Limits(3, 0.5, handover_s=5.0), RecordingLog.pair()
    service = PostprocService(source, Crew(3, work), limits, log)
    service.turn()
    work.finish(0)
    begun_s = time.monotonic()
    service.finish()
    assert time.monotonic() - begun_s < 5
    assert source.committed == {RESULTS: 1}, "what has ended is kept"
    assert recorded.named("stop.unfinished") == [{"results": 1, "uncommitted": 0}]
    work.finish(1)


def test_a_stop_while_kafka_is_away_says_what_is_left_and_is_no_error() -> None:
    source, work = log_of(1), GatedWork()
    (recorded, log) = RecordingLog.pair()
    service = PostprocService(source, Crew(1, work), Limits(1, 5.0, 5.0), log)
    service.turn()
    work.finish(0)
    source.commit_failures = 100
    service.finish()
    assert recorded.named("stop.unfinished") == [{"results": 0, "uncommitted": 1}]


def test_a_commit_that_fails_is_tried_again_at_the_next_turn() -> None:
    source, work = log_of(1), GatedWork()
    source.commit_failures = 2
    service = service_of(source, work)
    work.finish(0)
    turn_until_committed(service, source, 1)


def test_a_broker_that_is_away_stops_nothing() -> None:
    source, work = log_of(1), GatedWork()
    source.poll_failures = 2
    service = service_of(source, work)
    work.finish(0)
    turn_until_committed(service, source, 1)


def test_before_a_partition_moves_its_uploads_end_and_are_committed() -> None:
    source, work = log_of(2), GatedWork()
    service = service_of(source, work)
    service.turn()
    wait_until(lambda: work.begun == {0, 1})
    work.finish(0, 1)
    source.revoke([RESULTS])
    assert source.committed == {RESULTS: 2}


def test_a_partition_that_comes_back_begins_where_it_was_committed() -> None:
    source, work = log_of(2), GatedWork()
    service = service_of(source, work)
    service.turn()
    service.forget([RESULTS])  # lost: the group gave it away without us
    source.position = 0
    work.finish(0, 1)
    turn_until_committed(service, source, 2)


def test_a_defect_in_the_work_ends_the_service_instead_of_being_swallowed() -> None:
    def broken(_record: ResultRecord) -> bool:
        raise ZeroDivisionError("a defect")

    source = log_of(1)
    service = PostprocService(source, Crew(1, broken), Limits(1, 1.0, 1.0), get_logger())

    def turn() -> bool:
        service.turn()
        return False

    with pytest.raises(ZeroDivisionError, match="a defect"):
        wait_until(turn)


def test_a_defect_met_while_a_partition_moves_is_told_by_the_loop_not_to_the_client() -> None:
    gate = threading.Event()

    def broken(_record: ResultRecord) -> bool:
        gate.wait(10)
        raise ZeroDivisionError("a defect")

    source = log_of(1)
    service = PostprocService(source, Crew(1, broken), Limits(1, 1.0, 10.0), get_logger())
    source.subscribe(service)
    service.turn()
    gate.set()
    source.revoke([RESULTS])
    assert source.committed == {}
    with pytest.raises(ZeroDivisionError, match="a defect"):
        service.turn()


def test_it_is_ready_while_it_runs_and_no_longer_once_stopped() -> None:
    source, work = log_of(1), GatedWork()
    work.finish(0)
    service = service_of(source, work)
    stop, heartbeat = StopSignal(), Heartbeat(time.monotonic, 60)
    running = threading.Thread(target=service.run, args=(stop, heartbeat))
    running.start()
    wait_until(lambda: heartbeat.is_ready and source.committed == {RESULTS: 1})
    stop.set()
    running.join()
    assert not heartbeat.is_ready
