from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.coordinates import Coordinates
from contracts.deadletters import DeadLetter, Mark, read_dead_letter, replay_headers
from contracts.errors import InvalidRecord
from contracts.evidence import check_evidence_keys, evidence_metadata
from contracts.frames import MAX_HEADER_BYTES, FrameHeaders, is_replay
from contracts.names import (
    BatchId,
    checked_evidence_key,
    checked_stream_id,
    evidence_key,
    frames_topic,
    stream_of_topic,
)
from contracts.results import (
    BatchResult,
    Detection,
    EvidenceFrame,
    FrameResult,
    Model,
    Source,
    Timings,
    decode_result,
    encode_result,
)
from contracts.schema import schema_files

OFFSETS = st.integers(0, 2**63 - 1)
STREAM_IDS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
HEADERS = FrameHeaders("s1", 7, 1_700_000_000_123_456_789, "rtcp", (768, 576), {"paced": 2})


def result() -> BatchResult:
    batch_id = BatchId("frames.cam1", 0, 50)
    frames = (
        FrameResult(50, 10, (768, 576), (Detection((1.5, 2, 3, 4), 0.9, 1, "person"),)),
        FrameResult(51, 20, None, (), "no JPEG"),
    )
    return BatchResult(
        batch_id=str(batch_id),
        stream_id="cam1",
        source=Source("frames.cam1", 0, 50, 51),
        model=Model("ssd", "2"),
        closed_by="age",
        captured_first_ns=10,
        captured_last_ns=20,
        inferred_ns=30,
        timings=Timings(1.0, 2.0, 3.0),
        frames=frames,
        evidence=(EvidenceFrame(50, evidence_key(batch_id, 50, 10), b"\xff\xd8"),),
    )


@pytest.mark.parametrize(
    "wrong", ["", "-a", "A", "a_b", "../etc", "a" * 64, "a/b", "a.b", "a\n", "é", "a\x00"]
)
def test_a_stream_id_that_could_not_name_a_topic_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidRecord, match="stream id"):
        checked_stream_id(wrong)


@given(STREAM_IDS)
def test_a_stream_id_survives_its_topic(stream_id: str) -> None:
    assert stream_of_topic(frames_topic(stream_id)) == stream_id


def test_a_topic_of_another_kind_has_no_stream() -> None:
    with pytest.raises(InvalidRecord, match="expected frames"):
        stream_of_topic("results")


@given(STREAM_IDS, st.integers(0, 99), st.integers(0, 2**63 - 1))
def test_a_batch_id_can_be_read_back(stream_id: str, partition: int, offset: int) -> None:
    batch_id = BatchId(frames_topic(stream_id), partition, offset)
    assert BatchId.parse(str(batch_id)) == batch_id


def test_batch_ids_sort_as_their_offsets_do() -> None:
    ids = [BatchId("frames.a", 0, offset) for offset in (9, 10, 100, 2**62)]
    assert sorted(map(str, ids)) == [str(batch_id) for batch_id in ids]


def test_a_text_that_is_no_batch_id_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="20 digits"):
        BatchId.parse("frames.a-0-1")


def test_the_evidence_key_carries_the_utc_date_of_capture() -> None:
    key = evidence_key(BatchId("frames.cam1", 0, 25), 31, 1_700_006_399_999_999_999)
    assert key == "evidence/cam1/2023/11/14/frames.cam1-0-00000000000000000025/31.jpg"


@given(STREAM_IDS, st.integers(0, 99), OFFSETS, OFFSETS, OFFSETS)
def test_every_evidence_key_is_known_as_one(
    stream_id: str, partition: int, first: int, offset: int, captured_ns: int
) -> None:
    key = evidence_key(BatchId(frames_topic(stream_id), partition, first), offset, captured_ns)
    assert checked_evidence_key(key) == key


KEY = "evidence/cam1/2023/11/14/frames.cam1-0-00000000000000000025/31.jpg"


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "ledger/latest.json",
        "evidence/.write-check",
        f"/{KEY}",
        f"{KEY}\n",
        f"{KEY}?versionId=1",
        KEY.replace("evidence/cam1", "evidence/cam2"),
        KEY.replace("/2023/", "/../"),
        KEY.replace("2023", "٢٠٢٣"),
        KEY.replace("31.jpg", "31.png"),
        KEY.replace("31.jpg", "-1.jpg"),
    ],
)
def test_a_key_that_names_no_picture_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidRecord, match="picture"):
        checked_evidence_key(wrong)


def test_a_result_may_name_no_place_in_the_bucket_but_its_own() -> None:
    check_evidence_keys(result())
    elsewhere = msgspec.structs.replace(result().evidence[0], key="models/ssd/1/model.onnx")
    with pytest.raises(InvalidRecord, match="evidence key"):
        check_evidence_keys(msgspec.structs.replace(result(), evidence=(elsewhere,)))
    with pytest.raises(InvalidRecord, match="stream_id"):
        check_evidence_keys(msgspec.structs.replace(result(), stream_id="cam2"))


def test_frame_headers_survive_kafka() -> None:
    assert FrameHeaders.decode(HEADERS.encode()) == HEADERS
    traced = replace(HEADERS, traceparent="00-a-b-01")
    assert FrameHeaders.decode(traced.encode()) == traced


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("v", b"2", "expected 1"),
        ("seq", b"-1", "number"),
        ("seq", "٣".encode(), "number"),
        ("captured-ns", b"9" * 30, "19 digits"),
        ("clock", b"sundial", "rtcp, arrival"),
        ("size", b"0x5", "width"),
        ("size", b"768", "width"),
        ("dropped", b"[1]", "object"),
        ("dropped", b'{"paced":-1}', "0 or more"),
        ("dropped", b"[" * 4000, "object"),
        ("session", b"s" * (MAX_HEADER_BYTES + 1), "bytes"),
    ],
)
def test_a_wrong_header_is_named_with_what_was_expected(name: str, value: bytes, said: str) -> None:
    headers = [(n, value if n == name else v) for n, v in HEADERS.encode()]
    with pytest.raises(InvalidRecord, match=f"'{name}'.*{said}"):
        FrameHeaders.decode(headers)


def test_a_missing_header_is_named() -> None:
    with pytest.raises(InvalidRecord, match="'clock' is missing"):
        FrameHeaders.decode([pair for pair in HEADERS.encode() if pair[0] != "clock"])


@given(st.lists(st.tuples(st.sampled_from(["v", "seq", "size", "dropped", "x"]), st.binary())))
def test_any_headers_are_read_or_refused_and_nothing_else(headers: list[tuple[str, bytes]]) -> None:
    with pytest.raises(InvalidRecord):
        FrameHeaders.decode(headers)


def test_a_result_survives_kafka() -> None:
    assert decode_result(encode_result(result())) == result()


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_as_a_result(value: bytes) -> None:
    with pytest.raises(InvalidRecord):
        decode_result(value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batch_id": "frames.cam1-0-00000000000000000051"}, "batch_id"),
        ({"frames": ()}, "at least one"),
        ({"frames": result().frames[::-1]}, "rising"),
        ({"frames": result().frames[:1]}, "span 50 to 50"),
        ({"evidence": (EvidenceFrame(99, "k", b""),)}, r"\[99\]"),
        ({"closed_by": "whim"}, "closed_by"),
        ({"v": 2}, "v"),
    ],
)
def test_a_result_that_contradicts_itself_is_refused(changes: dict[str, object], said: str) -> None:
    wrong = msgspec.structs.replace(result(), **changes)
    with pytest.raises(InvalidRecord, match=said):
        decode_result(encode_result(wrong))


def test_deep_json_is_refused() -> None:
    with pytest.raises(InvalidRecord):
        decode_result(b'{"frames":' + b"[" * 200_000)


def test_a_dead_letter_keeps_the_headers_of_its_record_and_says_why() -> None:
    letter = DeadLetter("frames.cam1", 0, 7, "consumer.decode", "no JPEG" * 1000)
    original = [("seq", b"7"), ("deadletter-reason", b"an earlier one")]
    refused = letter.record(original, b"value", limit_bytes=10_000)
    headers = refused.headers
    assert refused.value == b"value"
    assert headers[0] == ("seq", b"7")
    assert [name for name, _ in headers].count("deadletter-reason") == 1
    assert dict(headers)["deadletter-offset"] == b"7"
    assert len(dict(headers)["deadletter-reason"] or b"") == 1000


def test_a_dead_letter_too_large_for_its_topic_keeps_its_headers_and_says_so() -> None:
    letter = DeadLetter("frames.cam1", 0, 7, "consumer.infer", "poison", attempts=4)
    refused = letter.record([("seq", b"7")], b"v" * 5000, limit_bytes=5000)
    headers = dict(refused.headers)
    assert refused.value is None
    assert (headers["seq"], headers["deadletter-attempts"]) == (b"7", b"4")
    assert headers["deadletter-reason"].startswith(b"poison (its value of 5000 bytes is left out")


def test_a_dead_letter_with_headers_too_large_for_its_topic_keeps_ours() -> None:
    letter = DeadLetter("frames.cam1", 0, 7, "consumer.decode", "poison")
    refused = letter.record([("huge", b"h" * 5000)], b"v", limit_bytes=5000)
    names = [name for name, _ in refused.headers]
    assert "huge" not in names
    assert "deadletter-offset" in names


def test_the_metadata_of_evidence_leads_back_to_its_frame() -> None:
    metadata = evidence_metadata(result(), result().frames[0])
    assert metadata["batch-id"] == result().batch_id
    assert metadata["offset"] == "50"
    assert all(value.isascii() for value in metadata.values())


def test_the_schema_files_are_current() -> None:
    for path, text in schema_files().items():
        assert path.read_text() == text, "run: python -m contracts"


@given(st.from_regex(r"[A-Za-z0-9._-]{1,249}", fullmatch=True), st.integers(0, 999), OFFSETS)
def test_the_name_of_a_record_can_be_read_back(topic: str, partition: int, offset: int) -> None:
    at = Coordinates(topic, partition, offset)
    assert Coordinates.parse(str(at)) == at


@pytest.mark.parametrize(
    "wrong", ["", "frames.cam1", "frames.cam1-0", "a-0@-1", "a-0@٣", "a b-0@1"]
)
def test_a_text_that_names_no_record_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidRecord, match="<topic>-<partition>@<offset>"):
        Coordinates.parse(wrong)


def test_a_frame_that_was_put_back_names_the_record_that_it_repeats() -> None:
    again = replace(HEADERS, replay_of=Coordinates("frames.cam1", 0, 7))
    assert FrameHeaders.decode(again.encode()) == again
    assert is_replay(again.encode())
    assert not is_replay(HEADERS.encode())
    with pytest.raises(InvalidRecord, match="'replay-of' is 'nowhere'"):
        FrameHeaders.decode([*HEADERS.encode(), ("replay-of", b"nowhere")])


def test_a_dead_letter_can_be_read_back() -> None:
    letter = DeadLetter("frames.cam1", 0, 7, "consumer.infer", "poison", attempts=4)
    assert read_dead_letter(letter.record(HEADERS.encode(), b"v", 10_000).headers) == letter
    left_out = replace(letter, left_out_bytes=5000)
    found = read_dead_letter(letter.record([], b"v" * 5000, limit_bytes=5000).headers)
    assert isinstance(found, DeadLetter)
    assert replace(found, reason="poison") == left_out


def test_a_mark_is_told_from_a_letter() -> None:
    assert read_dead_letter(Mark("dropped", 12).headers()) == Mark("dropped", 12)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ([], "no dead letter"),
        ([("deadletter-topic", b"frames.cam1")], "no dead letter"),
        ([("deadletter-mark", b"burnt"), ("deadletter-marks-offset", b"1")], "replayed, dropped"),
        ([("deadletter-mark", b"dropped")], "'deadletter-marks-offset' is ''"),
        ([("deadletter-mark", b"dropped"), ("deadletter-marks-offset", b"-1")], "a number"),
        ([("deadletter-topic", b"t"), ("deadletter-reason", b"r")], "'deadletter-partition'"),
    ],
)
def test_a_record_that_is_neither_letter_nor_mark_is_refused(
    headers: list[tuple[str, bytes]], said: str
) -> None:
    with pytest.raises(InvalidRecord, match=said):
        read_dead_letter(headers)


def test_a_letter_of_a_record_that_had_been_put_back_tells_of_both_times() -> None:
    first = DeadLetter("frames.cam1", 0, 7, "consumer.infer", "poison", attempts=4)
    put_back = replay_headers(first, first.record(HEADERS.encode(), b"v", 10_000).headers)
    second = DeadLetter("frames.cam1", 0, 90, "consumer.infer", "poison", attempts=2)
    found = read_dead_letter(second.record(put_back, b"v", 10_000).headers)
    assert found == replace(second, attempts=6, replay_of=first.coordinates)
    # Its history stays even where no other header has room.
    small = second.record([*put_back, ("huge", b"h" * 5000)], b"v", limit_bytes=3000)
    assert "huge" not in dict(small.headers)
    found = read_dead_letter(small.headers)
    assert isinstance(found, DeadLetter)
    assert (found.attempts, found.replay_of) == (6, first.coordinates)


@pytest.mark.parametrize("attempts", [b"many", b"-1", b"9" * 400])
def test_a_history_that_is_no_number_counts_for_nothing(attempts: bytes) -> None:
    letter = DeadLetter("frames.cam1", 0, 7, "consumer.infer", "poison")
    found = read_dead_letter(letter.record([("replay-attempts", attempts)], b"v", 10_000).headers)
    assert found == letter
