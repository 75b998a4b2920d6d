from hypothesis import given
from hypothesis import strategies as st

from consumer.batches import Batch, BatchAssembler
from consumer.frame import FetchedFrame
from tests.unit.consumer_fakes import SOURCE, frame


def test_a_batch_closes_at_its_size_in_offset_order() -> None:
    assembler = BatchAssembler(size=25, max_age_s=2)
    closed = [batch for at in range(60) for batch in assembler.add(frame(at), now_s=0)]
    assert [[f.offset for f in batch.frames] for batch in closed] == [
        list(range(25)),
        list(range(25, 50)),
    ]
    assert {batch.closed_by for batch in closed} == {"size"}
    assert assembler.waiting == 10


def test_a_batch_cut_short_by_age_keeps_its_first_offset_as_its_identity() -> None:
    assembler = BatchAssembler(size=25, max_age_s=2)
    assembler.add(frame(7), now_s=10)
    assembler.add(frame(8), now_s=11)
    assert not assembler.is_aged(now_s=11.9)
    assert assembler.is_aged(now_s=12)
    batch = assembler.close_aged(now_s=12)
    assert str(batch.batch_id) == "frames.cam1-0-00000000000000000007"
    assert (batch.closed_by, batch.first_offset, batch.next_offset) == ("age", 7, 9)
    assert batch.source == SOURCE
    assert not assembler.is_aged(now_s=99)


def test_a_new_session_closes_the_batch_before_it() -> None:
    assembler = BatchAssembler(size=25, max_age_s=2)
    assembler.add(frame(0, "s1"), 0)
    (batch,) = assembler.add(frame(1, "s2"), 0)
    assert (batch.closed_by, batch.next_offset) == ("session_end", 1)


def test_a_frame_whose_session_is_unreadable_does_not_cut_a_batch() -> None:
    assembler = BatchAssembler(size=25, max_age_s=2)
    assembler.add(frame(0, "s1"), 0)
    unreadable = FetchedFrame.read(SOURCE, 1, b"x", [("v", b"9")], 5)
    assert assembler.add(unreadable, 0) == []
    assert unreadable.refusal is not None
    assert unreadable.captured_ns == 5_000_000
    assert assembler.add(frame(2, "s1"), 0) == []


def _closed(offsets: range, sessions: dict[int, str], size: int) -> list[Batch]:
    assembler = BatchAssembler(size, max_age_s=1)
    return [batch for at in offsets for batch in assembler.add(frame(at, sessions.get(at, "s")), 0)]


@given(
    cut=st.integers(0, 40),
    length=st.integers(1, 80),
    sessions=st.dictionaries(st.integers(0, 80), st.sampled_from("abc"), max_size=6),
    size=st.integers(1, 25),
)
def test_reading_the_log_again_from_a_committed_offset_closes_the_same_batches(
    cut: int, length: int, sessions: dict[int, str], size: int
) -> None:
    first = _closed(range(length), sessions, size)
    committed = first[min(cut, len(first) - 1)].next_offset if first else 0
    again = _closed(range(committed, length), sessions, size)
    assert [b.frames for b in first if b.first_offset >= committed] == [b.frames for b in again]
