"""Every captured frame is published, dropped or waiting, and each drop is told exactly once."""

from collections import Counter
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.frames import DropReason
from producer.frame_queue import FrameQueue, Waiting

Event = Literal["put", "take", "acknowledge", "refuse"] | tuple[Literal["drop"], DropReason]

events = st.one_of(
    st.sampled_from(["put", "put", "take", "acknowledge", "refuse"]),
    st.tuples(st.just("drop"), st.sampled_from(["paced", "corrupt", "frozen", "oversized"])),
)


class Ledger:
    """Plays events on a queue and keeps an account of its own beside it."""

    def __init__(self, capacity: int) -> None:
        self.queue: FrameQueue[int] = FrameQueue(capacity)
        self.captured = 0
        self.in_flight: list[Waiting[int]] = []
        self.published: list[Waiting[int]] = []
        self.dropped: Counter[str] = Counter()

    def play(self, event: Event) -> None:
        if isinstance(event, tuple):
            self.captured += 1
            self.queue.drop(event[1])
            self.dropped[event[1]] += 1
        elif event == "put":
            self.dropped["backlog"] += len(self.queue.put(self.captured))
            self.captured += 1
        elif event == "take":
            entry = self.queue.take()
            if entry is not None:
                self.in_flight.append(entry)
        elif self.in_flight and event == "acknowledge":
            self.published.append(self.in_flight.pop(0))
        elif self.in_flight:
            self.queue.return_drops(self.in_flight.pop(0), "undelivered")
            self.dropped["undelivered"] += 1

    def settle(self) -> None:
        """One more frame comes, and all that waits is published."""
        self.play("put")
        while len(self.queue):
            self.play("take")
        while self.in_flight:
            self.play("acknowledge")


@settings(deadline=None)
@given(st.integers(1, 4), st.lists(events, max_size=80))
def test_captured_is_published_plus_dropped_under_any_order_of_events(
    capacity: int, script: list[Event]
) -> None:
    ledger = Ledger(capacity)
    for event in script:
        ledger.play(event)
        assert len(ledger.queue) <= capacity
        settled = len(ledger.published) + ledger.dropped.total()
        assert ledger.captured == settled + len(ledger.queue) + len(ledger.in_flight)
    ledger.settle()
    told: Counter[str] = Counter()
    for entry in ledger.published:
        told.update(entry.dropped)
    assert told == ledger.dropped
    assert ledger.captured == len(ledger.published) + told.total()


@settings(deadline=None)
@given(st.integers(1, 4), st.lists(events, max_size=80))
def test_frames_leave_in_the_order_in_which_they_came(capacity: int, script: list[Event]) -> None:
    ledger = Ledger(capacity)
    for event in script:
        ledger.play(event)
    ledger.settle()
    frames = [entry.frame for entry in ledger.published]
    assert frames == sorted(frames)


def test_a_full_queue_drops_the_oldest_and_the_next_one_tells_of_it() -> None:
    queue: FrameQueue[str] = FrameQueue(2)
    queue.drop("paced")
    assert [queue.put(frame) for frame in ("first", "second", "third")] == [[], [], ["first"]]
    assert queue.take() == Waiting("second", {"paced": 1, "backlog": 1})
    assert queue.take() == Waiting("third", {})
    assert queue.take() is None


def test_the_drops_of_a_refused_frame_go_to_a_frame_that_comes_later() -> None:
    queue: FrameQueue[str] = FrameQueue(2)
    queue.drop("corrupt")
    queue.put("refused")
    entry = queue.take()
    assert entry is not None
    queue.return_drops(entry, "undelivered")
    queue.put("next")
    assert queue.take() == Waiting("next", {"corrupt": 1, "undelivered": 1})
