"""Whatever happened, the account says what a model of it says that did not read any record."""

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from contracts.frames import FrameHeaders
from ops.ledger.columns import OffsetColumn
from ops.ledger.retention import CLOCK_MARGIN_MS, Retention
from ops.ledger.tally import StreamTally
from tests.unit.ledger_records import result

CAPTURES = st.lists(
    st.sampled_from(["published", "published", "published", "paced", "corrupt", "reconnected"]),
    max_size=80,
)


@dataclass
class Camera:
    """Writes a log as the producer does, and counts without it what the log should prove."""

    log: list[FrameHeaders] = field(default_factory=list)
    told: int = 0
    _session: int = 0
    _seq: int = 0
    _dropped: Counter[str] = field(default_factory=Counter)

    def live(self, event: str) -> None:
        if event == "reconnected":
            self._session, self._seq = self._session + 1, 0
            return
        if event == "published":
            session = f"s{self._session}"
            self.log.append(
                FrameHeaders(session, self._seq, 0, "arrival", (8, 8), dict(self._dropped))
            )
            self.told += 1 + sum(self._dropped.values())
            self._dropped.clear()
        else:
            self._dropped[event] += 1
        self._seq += 1


def camera_of(events: list[str]) -> Camera:
    camera = Camera()
    for event in events:
        camera.live(event)
    return camera


@given(CAPTURES)
def test_what_a_camera_delivered_until_its_last_published_frame_is_what_the_log_proves(
    events: list[str],
) -> None:
    camera = camera_of(events)
    tally = StreamTally("cam1", end_offset=len(camera.log))
    for offset, frame in enumerate(camera.log):
        tally.add_frame(offset, frame)
    account = tally.account()
    assert account.captured == camera.told
    assert account.adds_up
    assert tally.untold() == {}


@given(CAPTURES, st.data())
def test_the_account_adds_up_from_any_offset_on_and_over_any_gap_that_retention_leaves(
    events: list[str], data: st.DataObject
) -> None:
    camera = camera_of(events)
    end = len(camera.log)
    first = data.draw(st.integers(0, end))
    gone_from = data.draw(st.integers(first, end))
    gone_to = data.draw(st.integers(gone_from, end))
    tally = StreamTally("cam1", first, end)
    for offset in range(first, gone_from):
        tally.add_frame(offset, camera.log[offset])
    tally.expire_until(gone_to)
    for offset in range(gone_to, end):
        tally.add_frame(offset, camera.log[offset])
    account = tally.account()
    assert account.adds_up
    assert account.published == end - first - (gone_to - gone_from)
    assert account.expired == gone_to - gone_from


@given(CAPTURES, st.data())
def test_a_frame_that_vanished_without_a_word_is_noticed_wherever_it_was(
    events: list[str], data: st.DataObject
) -> None:
    camera = camera_of([*events, "published", "published", "published"])
    in_last_session = [at for at in range(1, len(camera.log) - 1) if _is_inside(camera.log, at)]
    gone = data.draw(st.sampled_from(in_last_session))
    is_hole = data.draw(st.booleans())  # its offset is there and holds no record, or never was
    left = [at for at in range(len(camera.log)) if at != gone]
    tally = StreamTally("cam1", end_offset=len(camera.log) - (not is_hole))
    for number, at in enumerate(left):
        tally.add_frame(at if is_hole else number, camera.log[at])
    assert not tally.account().adds_up
    assert sum(tally.untold().values()) == 1 + sum(camera.log[gone].dropped.values())


@given(CAPTURES, st.data())
def test_offsets_that_hold_no_record_are_no_frames(events: list[str], data: st.DataObject) -> None:
    camera = camera_of(events)
    tally, offset = StreamTally("cam1"), 0
    for frame in camera.log:
        offset += data.draw(st.integers(0, 2))  # markers of a foreign producer's transactions
        tally.add_frame(offset, frame)
        offset += 1
    tally.end_offset = offset + data.draw(st.integers(0, 2))
    tally.read_until(tally.end_offset)
    tally.committed = tally.end_offset
    account = tally.account()
    assert account.published == account.lost == len(camera.log)
    assert account.captured == camera.told
    assert tally.untold() == {}


def _is_inside(log: list[FrameHeaders], at: int) -> bool:
    return log[at - 1].session == log[at].session == log[at + 1].session


@given(st.data())
def test_each_frame_is_inferred_waiting_lost_or_doubled_as_the_model_says(
    data: st.DataObject,
) -> None:
    sizes = data.draw(st.lists(st.integers(1, 25), min_size=1, max_size=8))
    firsts = [sum(sizes[:at]) for at in range(len(sizes))]
    batches = [(first, first + size - 1) for first, size in zip(firsts, sizes, strict=True)]
    end = sum(sizes)
    written = data.draw(st.lists(st.sampled_from(batches), max_size=16))  # again, in any order
    begin = data.draw(st.integers(0, end - 1))
    stray = (begin, data.draw(st.integers(begin, end - 1)))
    if data.draw(st.booleans()):
        written.append(stray)
    committed = data.draw(st.none() | st.integers(0, end))
    tally = StreamTally("cam1", end_offset=end)
    for offset, (first, last) in enumerate(written):
        tally.add_result(result(first, last), offset)
    tally.committed = committed
    ids: dict[int, set[int]] = {at: set() for at in range(end)}
    for first, last in written:
        for at in range(first, last + 1):
            ids[at].add(first)
    known = [at for at in ids if ids[at]]
    due = committed if committed is not None else max(known, default=-1) + 1
    account = tally.account()
    assert account.inferred == len(known)
    assert tally.lost() == [at for at in ids if not ids[at] and at < due]
    assert account.waiting == len([at for at in ids if not ids[at] and at >= due])
    assert tally.doubled() == [at for at in ids if len(ids[at]) > 1]


@given(st.data())
def test_no_retention_of_results_makes_a_frame_lost_and_none_hides_a_young_one(
    data: st.DataObject,
) -> None:
    batch_s = 400  # some batches within the margin of two clocks, some not
    count = data.draw(st.integers(1, 8))
    expired = data.draw(st.integers(0, count))
    forgotten = data.draw(st.none() | st.integers(0, count - 1))
    written_ms = [(1 + at) * batch_s * 100 for at in range(count)]
    retention, tally = Retention(expired), StreamTally("cam1", end_offset=10 * count)
    tally.committed = 10 * count
    for at in range(expired, count):
        retention.take(at, written_ms[at])
        if at != forgotten:
            tally.add_result(result(10 * at, 10 * at + 9), at)
    gone_until_ms = retention.gone_until_ms
    # Each frame was captured just before its result was written.
    young = [at for at in range(count) if written_ms[at] >= gone_until_ms]
    tally.leave_out_unprovable(10 * (young[0] if young else count))
    lost = {offset // 10 for offset in tally.lost()}
    assert lost <= {forgotten}
    if forgotten is not None and forgotten >= expired and forgotten in young:
        assert lost == {forgotten}


@given(
    st.lists(st.tuples(st.integers(0, 3) | st.integers(4000, 9000), st.integers(0, 99))),
    st.integers(0, 9000),
    st.integers(0, 9000),
)
def test_a_column_holds_what_a_dictionary_does(
    written: list[tuple[int, int]], first: int, end: int
) -> None:
    column, model = OffsetColumn(-1), dict(written)
    for offset, value in written:
        column[offset] = value
    assert all(column[offset] == value for offset, value in model.items())
    assert column[123_456_789] == -1
    assert column.between(first, end).tolist() == [model.get(at, -1) for at in range(first, end)]


def test_nothing_has_expired_of_a_topic_that_is_whole_and_all_of_one_that_is_empty() -> None:
    assert Retention(0).gone_until_ms < 0
    assert Retention(57, is_chosen=True).gone_until_ms < 0
    assert Retention(57).gone_until_ms == float("inf")


def test_what_expires_while_a_topic_is_read_counts_as_what_expired_before() -> None:
    retention = Retention(0)
    retention.take(0, 1000)
    retention.take(3, 2000)
    assert retention.gone_until_ms < 0
    retention.expire_until(5)
    assert (retention.next_offset, retention.gone_until_ms) == (5, float("inf"))
    retention.take(5, 7000)
    retention.take(6, 8000)
    assert (retention.next_offset, retention.gone_until_ms) == (7, 7000 + CLOCK_MARGIN_MS)
