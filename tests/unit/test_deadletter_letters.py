from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from contracts.coordinates import Coordinates
from contracts.deadletters import DeadLetter, Mark, Stage, read_dead_letter
from contracts.frames import FrameHeaders, Headers
from contracts.stand_ins import stand_in_headers
from ops.deadletter.command import _say
from ops.deadletter.deeds import drop, replay
from ops.deadletter.letters import (
    ListedLetter,
    Wanted,
    chosen,
    folded,
    groups,
    history,
    listed,
    state_of,
)
from ops.deadletter.restoring import KeptRecord, PutBack, restored
from ops.terminal import printable
from runtime.errors import ConfigurationError, InvalidInput

FRAME = FrameHeaders("s1", 7, 10, "rtcp", (8, 8), {"paced": 2}).encode()
LIMIT_BYTES = 10_000


def letter(
    offset: int = 7,
    stage: Stage = "consumer.decode",
    topic: str = "frames.cam1",
    reason: str = "no JPEG",
) -> DeadLetter:
    return DeadLetter(topic, 0, offset, stage, reason)


def kept_as(one: DeadLetter, headers: Headers, value: bytes, key: bytes = b"k") -> KeptRecord:
    record = one.record(headers, value, LIMIT_BYTES)
    return KeptRecord(key, record.value, record.headers)


def read_back(kept: KeptRecord) -> DeadLetter:
    found = read_dead_letter(kept.headers)
    assert isinstance(found, DeadLetter)
    return found


@dataclass
class FakeTopic:
    """The dead letters and every other topic in memory; `too_large` topics refuse what comes."""

    log: list[KeptRecord] = field(default_factory=list)
    topics: dict[str, list[PutBack]] = field(default_factory=dict)
    originals: dict[Coordinates, KeptRecord] = field(default_factory=dict)
    too_large: set[str] = field(default_factory=set)
    events: list[str] = field(default_factory=list)

    def letter(self, offset: int) -> tuple[DeadLetter, KeptRecord]:
        return read_back(self.log[offset]), self.log[offset]

    def original(self, at: Coordinates) -> KeptRecord | None:
        return self.originals.get(at)

    def put_back(self, record: PutBack) -> Coordinates:
        if record.topic in self.too_large:
            raise InvalidInput(f"topic {record.topic} takes no record of its size")
        self.events.append("put back")
        topic = self.topics.setdefault(record.topic, [])
        topic.append(record)
        return Coordinates(record.topic, record.partition, 1000 + len(topic) - 1)

    def mark(self, mark: Mark) -> None:
        self.events.append("mark")
        self.log.append(KeptRecord(b"mark", None, mark.headers()))

    def letters(self) -> dict[int, ListedLetter]:
        """Read the log as the edge does."""
        read = {at: read_dead_letter(kept.headers) for at, kept in enumerate(self.log)}
        marks = {one.offset: one for one in read.values() if isinstance(one, Mark)}
        return {
            at: structs.replace(
                listed(at, one, self.log[at].key, 0, self.log[at].value), state=state_of(marks, at)
            )
            for at, one in read.items()
            if isinstance(one, DeadLetter)
        }


def say_nothing(_offset: int, _line: str) -> None:
    pass


def test_a_frame_is_put_back_where_it_was_with_its_headers_and_its_history() -> None:
    kept = kept_as(letter(), FRAME, b"no picture")
    back = restored(read_back(kept), kept, None)
    assert (back.topic, back.partition, back.key) == ("frames.cam1", 0, b"cam1")
    assert back.value == b"no picture"
    headers = FrameHeaders.decode(back.headers)
    assert (headers.session, headers.seq) == ("s1", 7)
    assert headers.replay_of == Coordinates("frames.cam1", 0, 7)
    assert not any(name.startswith("deadletter-") for name, _ in back.headers)


def test_a_result_is_put_back_under_its_key() -> None:
    one = letter(42, "postproc.draw", "results")
    kept = kept_as(one, [], b"{}", key=b"cam1")
    back = restored(read_back(kept), kept, None)
    assert (back.topic, back.key, back.value) == ("results", b"cam1", b"{}")
    keyless = KeptRecord(None, b"{}", kept.headers)
    assert restored(read_back(kept), keyless, None).key == b"results"


def test_what_is_refused_again_goes_on_counting_its_attempts_and_names_the_time_before() -> None:
    kept = kept_as(letter(7), FRAME, b"no picture")
    for offset in (100, 200):
        back = restored(read_back(kept), kept, None)
        kept = kept_as(letter(offset), back.headers, b"no picture")
    found = read_back(kept)
    assert found.attempts == 3
    assert found.replay_of == Coordinates("frames.cam1", 0, 100)
    assert [name for name, _ in kept.headers].count("replay-of") == 1


def test_a_value_too_large_to_keep_is_taken_from_where_it_was_refused() -> None:
    kept = kept_as(letter(), [*FRAME, ("huge", b"h" * LIMIT_BYTES)], b"v" * 20_000)
    one = read_back(kept)
    assert (kept.value, one.left_out_bytes) == (None, 20_000)
    original = KeptRecord(b"cam1", b"v" * 20_000, FRAME)
    back = restored(one, kept, original)
    assert back.value == original.value
    assert FrameHeaders.decode(back.headers).seq == 7
    with pytest.raises(InvalidInput, match=r"frames\.cam1-0@7 has expired"):
        restored(one, kept, None)
    with pytest.raises(InvalidInput, match="another record by now"):
        restored(one, kept, KeptRecord(b"cam1", b"other", FRAME))


def test_a_record_that_was_never_read_is_not_put_back_empty() -> None:
    kept = kept_as(letter(), stand_in_headers("damaged gzip"), b"")
    with pytest.raises(InvalidInput, match="cannot be read: damaged gzip"):
        restored(read_back(kept), kept, None)


@pytest.mark.parametrize(
    ("stage", "topic"),
    [
        ("consumer.decode", "results"),
        ("consumer.infer", "__consumer_offsets"),
        ("postproc.read", "frames.cam1"),
        ("postproc.draw", "deadletter"),
    ],
)
def test_a_letter_puts_nothing_into_a_topic_that_its_stage_does_not_read(
    stage: Stage, topic: str
) -> None:
    kept = kept_as(letter(7, stage, topic), FRAME, b"x")
    with pytest.raises(InvalidInput, match=stage):
        restored(read_back(kept), kept, None)


def test_a_letter_that_names_a_partition_that_no_topic_of_ours_has_puts_nothing_back() -> None:
    elsewhere = DeadLetter("frames.cam1", 3, 7, "consumer.decode", "no JPEG")
    kept = kept_as(elsewhere, FRAME, b"x")
    with pytest.raises(InvalidInput, match="partition 3"):
        restored(read_back(kept), kept, None)
    topic = FakeTopic([kept, kept_as(letter(8), FRAME, b"x")])
    outcome = replay(topic, list(topic.letters().values()), say_nothing)
    assert (outcome.done, list(outcome.failed)) == (1, [0])


def test_a_letter_is_marked_only_after_its_record_is_back() -> None:
    topic = FakeTopic([kept_as(letter(at), FRAME, b"x") for at in (7, 8)])
    said: list[str] = []
    outcome = replay(topic, list(topic.letters().values()), lambda at, line: said.append(line))
    assert (outcome.done, outcome.failed) == (2, {})
    assert topic.events == ["put back", "mark"] * 2
    assert said[0] == "frames.cam1-0@7 put back as frames.cam1-0@1000"
    assert {one.state for one in topic.letters().values()} == {"replayed"}


def test_a_letter_that_cannot_be_put_back_stays_open_and_holds_up_no_other() -> None:
    topic = FakeTopic(
        [kept_as(letter(7, topic=name), FRAME, b"x") for name in ("frames.cam1", "frames.cam2")],
        too_large={"frames.cam1"},
    )
    outcome = replay(topic, list(topic.letters().values()), say_nothing)
    assert outcome.done == 1
    assert list(outcome.failed) == [0]
    assert [one.state for one in topic.letters().values()] == ["open", "replayed"]


def test_offsets_are_taken_as_named_and_what_was_done_already_is_refused() -> None:
    topic = FakeTopic([kept_as(letter(at), FRAME, b"x") for at in range(3)])
    drop(topic, [topic.letters()[1]], say_nothing)
    letters = topic.letters()
    assert [one.offset for one in chosen(letters, [2, 0, 2], Wanted(), again=False)] == [2, 0]
    with pytest.raises(ConfigurationError, match="1: it was dropped already"):
        chosen(letters, [1], Wanted(), again=False)
    assert [one.offset for one in chosen(letters, [1], Wanted(), again=True)] == [1]
    with pytest.raises(ConfigurationError, match="99: no dead letter"):
        chosen(letters, [99], Wanted(), again=False)


def test_all_stands_for_the_open_ones_and_with_again_for_those_put_back_too() -> None:
    topic = FakeTopic([kept_as(letter(at), FRAME, b"x") for at in range(3)])
    replay(topic, [topic.letters()[0]], say_nothing)
    drop(topic, [topic.letters()[1]], say_nothing)
    letters = topic.letters()
    assert [one.offset for one in chosen(letters, [], Wanted(), again=False)] == [2]
    assert [one.offset for one in chosen(letters, [], Wanted(), again=True)] == [0, 2]


def test_letters_are_filtered_by_stream_stage_and_state() -> None:
    topic = FakeTopic(
        [
            kept_as(letter(1), FRAME, b"x"),
            kept_as(letter(2, "consumer.infer", "frames.cam2"), FRAME, b"x"),
            kept_as(letter(3, "postproc.draw", "results"), [], b"{}", key=b"cam2"),
            kept_as(letter(4, "postproc.read", "results"), [], b"{}", key=b"results"),
            kept_as(letter(5, "postproc.read", "results"), [], b"{}", key=b"Not A Stream"),
        ]
    )
    letters = topic.letters().values()
    assert [one.stream for one in letters] == ["cam1", "cam2", "cam2", None, None]

    def admitted(wanted: Wanted) -> list[int]:
        return [one.offset for one in letters if wanted.admits(one)]

    assert admitted(Wanted(stream="cam2")) == [1, 2]
    assert admitted(Wanted(stage="postproc.read")) == [3, 4]
    assert admitted(Wanted(stream="cam2", stage="consumer.infer", state="open")) == [1]
    assert admitted(Wanted(state="dropped")) == []


def test_equal_reasons_are_counted_together_whatever_their_numbers() -> None:
    reasons = ["frame 3: no JPEG", "frame 12: no JPEG", "damaged"]
    topic = FakeTopic([kept_as(letter(7, reason=reason), FRAME, b"x") for reason in reasons])
    drop(topic, [topic.letters()[0]], say_nothing)
    found = [(group.reason, group.count, group.open) for group in groups(topic.letters().values())]
    assert found == [("frame N: no JPEG", 2, 1), ("damaged", 1, 1)]
    assert len(folded("x" * 1000)) < 200


def test_the_history_of_a_letter_is_told_as_far_as_it_is_held() -> None:
    kept = kept_as(letter(7), FRAME, b"x")
    topic = FakeTopic([kept])
    for offset in (1000, 1001):
        back = restored(read_back(kept), kept, None)
        kept = kept_as(letter(offset), back.headers, b"x")
        topic.log.append(kept)
    letters = topic.letters()
    assert [one.offset for one in history(letters.values(), letters[2])] == [0, 1]
    assert history([letters[1], letters[2]], letters[2]) == [letters[1]]
    assert history(letters.values(), letters[0]) == []


@pytest.mark.parametrize(("timestamp_ms", "year"), [(-1, "1970"), (0, "1970"), (2**63 - 1, "9999")])
def test_a_letter_of_no_time_on_earth_is_listed_all_the_same(timestamp_ms: int, year: str) -> None:
    assert listed(7, letter(), b"k", timestamp_ms, b"").when.startswith(year)


def test_what_a_record_says_cannot_steer_a_terminal() -> None:
    assert printable("\x1b[2Jé\n") == "\\x1b[2Jé\\n"


def test_a_reason_that_a_record_brings_cannot_steer_the_terminal_of_who_puts_it_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept = kept_as(letter(), stand_in_headers("\x1b[2J"), b"")
    topic = FakeTopic([kept])
    replay(topic, list(topic.letters().values()), _say)
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\\x1b[2J" in said


@given(st.data())
def test_whatever_is_done_no_letter_is_forgotten_and_every_record_is_put_back_as_asked(
    data: st.DataObject,
) -> None:
    topic, model, put_back = FakeTopic(), dict[int, str](), list[int]()
    source = 0
    for _ in range(data.draw(st.integers(1, 12))):
        deed = data.draw(st.sampled_from(["refuse", "refuse", "replay", "drop", "replay --again"]))
        if deed == "refuse":
            model[len(topic.log)] = "open"
            topic.log.append(kept_as(letter(source), FRAME, b"%d" % source))
            source += 1
            continue
        again = deed == "replay --again"
        meant = chosen(topic.letters(), [], Wanted(), again)
        assert [one.offset for one in meant] == [
            at for at, state in model.items() if state == "open" or (again and state == "replayed")
        ]
        meant = meant[: data.draw(st.integers(0, 3))]
        if deed == "drop":
            drop(topic, meant, say_nothing)
        else:
            replay(topic, meant, say_nothing)
            put_back += [one.offset for one in meant]
        model |= {one.offset: "dropped" if deed == "drop" else "replayed" for one in meant}
    assert {at: one.state for at, one in topic.letters().items()} == model
    sent = topic.topics.get("frames.cam1", [])
    assert [record.value for record in sent] == [topic.log[at].value for at in put_back]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["deadletter-mark", "deadletter-marks-offset", "deadletter-stage", "replay-of"]
            ),
            st.binary(max_size=8),
        )
    )
)
def test_no_header_that_a_record_brings_makes_its_letter_a_mark(
    headers: list[tuple[str, bytes]],
) -> None:
    kept = kept_as(letter(), headers, b"x")
    assert read_back(kept).coordinates == Coordinates("frames.cam1", 0, 7)
