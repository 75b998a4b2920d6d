"""A service is healthy while each of its threads turns, and waiting for others is no sickness."""

import threading
from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from runtime.health import Heartbeat
from runtime.metrics import tell_of_service


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def heartbeat(clock: Clock) -> Heartbeat:
    return Heartbeat(clock, stuck_after_s=10)


def in_a_thread(*deeds: Callable[[], None]) -> None:
    def one_after_the_other() -> None:
        for deed in deeds:
            deed()

    thread = threading.Thread(target=one_after_the_other)
    thread.start()
    thread.join()


def test_a_loop_that_never_begins_is_stuck(heartbeat: Heartbeat, clock: Clock) -> None:
    clock.now_s = 9
    assert heartbeat.is_alive
    clock.now_s = 10
    assert not heartbeat.is_alive


def test_a_loop_that_turns_does_not_hide_a_thread_that_hangs(
    heartbeat: Heartbeat, clock: Clock
) -> None:
    gate, has_begun = threading.Event(), threading.Event()

    def hang(_batch: str) -> None:
        has_begun.set()
        gate.wait(10)

    working = threading.Thread(target=heartbeat.watching(hang), args=("batch",))
    working.start()
    has_begun.wait(10)
    clock.now_s = 10
    heartbeat.beat()
    assert not heartbeat.is_alive
    gate.set()
    working.join()
    assert heartbeat.is_alive, "it has come to its end after all"


def test_work_that_fails_is_no_longer_waited_for(heartbeat: Heartbeat, clock: Clock) -> None:
    def fail(_record: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        heartbeat.watching(fail)("record")
    clock.now_s = 5
    heartbeat.beat()
    clock.now_s = 12
    assert heartbeat.is_alive


def test_a_thread_that_rests_may_be_silent_for_as_long_as_it_likes(
    heartbeat: Heartbeat, clock: Clock
) -> None:
    in_a_thread(heartbeat.beat, heartbeat.rest)
    clock.now_s = 100
    heartbeat.beat()
    assert heartbeat.is_alive


def test_a_thread_that_ended_in_the_middle_of_its_work_is_missed(
    heartbeat: Heartbeat, clock: Clock
) -> None:
    in_a_thread(heartbeat.beat)
    clock.now_s = 100
    heartbeat.beat()
    assert not heartbeat.is_alive


def test_what_is_required_besides_must_hold(heartbeat: Heartbeat) -> None:
    holds = True
    heartbeat.require(lambda: holds)
    assert heartbeat.is_alive
    holds = False
    assert not heartbeat.is_alive


def test_a_service_shows_what_it_is_and_how_it_does(heartbeat: Heartbeat, clock: Clock) -> None:
    def shown(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(f"framerail_{name}", {"service": "tested", **labels})

    built = {"FRAMERAIL_BUILD_VERSION": "1.2", "FRAMERAIL_BUILD_REVISION": "abc"}
    tell_of_service("tested", heartbeat, built)
    assert shown("build_info", version="1.2", revision="abc") == 1
    assert (shown("healthy"), shown("ready")) == (1, 0)
    heartbeat.is_ready = True
    clock.now_s = 11
    assert (shown("healthy"), shown("ready")) == (0, 1)


def test_outside_an_image_the_package_says_its_version(heartbeat: Heartbeat) -> None:
    tell_of_service("unbuilt", heartbeat, {})
    families = {family.name: family for family in REGISTRY.collect()}
    labels = [sample.labels for sample in families["framerail_build_info"].samples]
    (told,) = [each for each in labels if each["service"] == "unbuilt"]
    assert told["revision"] == "unknown"
    assert told["version"][0].isdigit()
