"""Nothing that stands in a record becomes a path, a key, a label or a text that it should not."""

import msgspec
import pytest

from consumer.frame import FetchedFrame
from contracts.errors import InvalidRecord
from contracts.frames import MAX_NUMBER, FrameHeaders
from contracts.names import BatchId, checked_stream_id, evidence_key, frames_topic
from contracts.results import FrameResult, decode_result, encode_result
from postproc.results import read_result
from runtime.errors import InvalidInput
from tests.postproc_results import batch_result
from tests.unit.consumer_fakes import SOURCE

PATHS = [
    "../../etc",
    "..%2f..%2fetc",
    "%2e%2e",
    "a/../b",
    "cam1/",
    "cam1\x00.jpg",
    "cam\n1",
    "cam1\n",
    "\u2024\u2024/etc",  # dots that are none
    "\uff0e\uff0e\uff0f",
    "c\u0430m1",  # a Cyrillic letter
    "cam1\u202egpj",
    "CAM1",
    "-rf",
    ".",
    "..",
    "",
    "a" * 300,
    "a" * 64,
    "\u0661",  # a digit, but not of ours
]


@pytest.mark.parametrize("stream_id", PATHS)
def test_a_stream_id_that_tries_a_path_is_refused_everywhere(stream_id: str) -> None:
    for build in (checked_stream_id, frames_topic):
        with pytest.raises(InvalidRecord) as refused:
            build(stream_id)
        assert len(str(refused.value)) < 300
    with pytest.raises(InvalidRecord):
        evidence_key(BatchId(f"frames.{stream_id}", 0, 1), 1, 1)


@pytest.mark.parametrize("stream_id", PATHS)
def test_a_result_of_such_a_stream_is_refused_whole(stream_id: str) -> None:
    honest = batch_result()
    topic = f"frames.{stream_id}"
    key = honest.evidence[0].key.replace("cam1", stream_id)
    forged = msgspec.structs.replace(
        honest,
        stream_id=stream_id,
        batch_id=str(BatchId(topic, 0, 0)),
        source=msgspec.structs.replace(honest.source, topic=topic),
        evidence=(msgspec.structs.replace(honest.evidence[0], key=key),),
    )
    with pytest.raises(InvalidInput):
        read_result(encode_result(forged))


@pytest.mark.parametrize(
    "key",
    [
        "evidence/cam2/2025/11/22/frames.cam1-0-00000000000000000000/0.jpg",
        "evidence/cam1/../../other-bucket/0.jpg",
        "models/ssd_mobilenet/2/model.onnx",
        "evidence/cam1/2025/11/22/frames.cam1-0-00000000000000000000/0.jpg\x00",
        "",
        "a" * 1025,
    ],
)
def test_evidence_goes_under_the_key_that_its_batch_makes_and_no_other(key: str) -> None:
    honest = batch_result()
    chosen = msgspec.structs.replace(honest.evidence[0], key=key)
    with pytest.raises(InvalidInput):
        read_result(encode_result(msgspec.structs.replace(honest, evidence=(chosen,))))


@pytest.mark.parametrize("number", [2**63, 2**64, 10**30, 10**400])
def test_numbers_beyond_64_bits_are_refused_in_results(number: int) -> None:
    honest = batch_result()
    frame = msgspec.structs.replace(honest.frames[0], captured_ns=number)
    source = msgspec.structs.replace(honest.source, partition=number)
    for changes in (
        {"frames": (frame, *honest.frames[1:])},
        {"source": source},
        {"inferred_ns": number},
    ):
        forged = msgspec.json.decode(encode_result(msgspec.structs.replace(honest, **changes)))
        with pytest.raises(InvalidInput, match=r"9223372036854775807|out of range"):
            read_result(msgspec.json.encode(forged))


@pytest.mark.parametrize("name", ["seq", "captured-ns", "v"])
@pytest.mark.parametrize("number", [b"9223372036854775808", b"9999999999999999999", b"1" * 4000])
def test_numbers_beyond_64_bits_are_refused_in_headers(name: str, number: bytes) -> None:
    headers = FrameHeaders("s", 1, 1, "arrival", (1, 1)).encode()
    with pytest.raises(InvalidRecord, match=f"'{name}'"):
        FrameHeaders.decode([(n, number if n == name else value) for n, value in headers])


@pytest.mark.parametrize("captured_ns", [0, 10**18, 1_790_000_000 * 10**9, MAX_NUMBER])
def test_every_time_that_a_header_may_hold_makes_a_key(captured_ns: int) -> None:
    headers = FrameHeaders("s", 1, captured_ns, "arrival", (1, 1))
    assert FrameHeaders.decode(headers.encode()) == headers
    key = evidence_key(BatchId("frames.cam1", 0, 1), 1, captured_ns)
    assert len(key.encode()) <= 1024, "S3 takes no longer key"


@pytest.mark.parametrize(("captured_ns", "offset"), [(10**22, 1), (1, -1), (1, 2**63)])
def test_a_key_is_made_of_no_time_without_a_date_and_of_no_offset_beyond_kafkas(
    captured_ns: int, offset: int
) -> None:
    with pytest.raises(InvalidRecord):
        evidence_key(BatchId("frames.cam1", 0, 1), offset, captured_ns)


@pytest.mark.parametrize("timestamp_ms", [-(2**63), -1, 0, 2**62, 2**63 - 1])
def test_a_record_of_any_timestamp_makes_a_result_that_can_be_read_back(timestamp_ms: int) -> None:
    frame = FetchedFrame.read(SOURCE, 0, b"", [], timestamp_ms)
    assert frame.refusal == "header 'v' is missing"
    honest = batch_result(frame_count=1, evidence_jpegs=[])
    refused = FrameResult(0, frame.captured_ns, None, (), frame.refusal)
    result = msgspec.structs.replace(honest, frames=(refused,))
    assert decode_result(encode_result(result)) == result


def test_a_header_with_a_name_of_megabytes_makes_a_reason_of_a_line() -> None:
    frame = FetchedFrame.read(SOURCE, 0, b"", [("\x00" * 4_000_000, None)], 0)
    assert frame.refusal is not None
    assert len(frame.refusal) <= 1000


@pytest.mark.parametrize(
    "dropped",
    [
        b'{"\\u001b[2J":1}',
        b'{"[bold]paced[/bold]":1}',
        b'{"paced":9223372036854775808}',
        b'{"paced":' + b"9" * 300 + b"}",
        b'{"' + b"a" * 33 + b'":1}',
        b'{"paced":{"paced":' * 200,
        b"{" + b",".join(b'"r%s":1' % (b"a" * at) for at in range(1, 34)) + b"}",
    ],
)
def test_reasons_of_drops_are_plain_words_and_few(dropped: bytes) -> None:
    headers = FrameHeaders("s", 1, 1, "arrival", (1, 1)).encode()
    with pytest.raises(InvalidRecord, match="'dropped'"):
        FrameHeaders.decode([(n, dropped if n == "dropped" else value) for n, value in headers])


@pytest.mark.parametrize("depth", [10, 10_000, 500_000])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_no_depth_of_json_ends_the_reader(depth: int, opening: bytes) -> None:
    document = encode_result(batch_result())
    deep = document[:-1] + b',"later":' + opening * depth
    for value in (deep, document[:-1] + b',"evidence":' + opening * depth):
        with pytest.raises(InvalidRecord) as refused:
            decode_result(value)
        assert len(str(refused.value)) < 1000


def test_a_message_never_quotes_a_whole_document() -> None:
    huge = "x" * 3_000_000
    honest = msgspec.json.decode(encode_result(batch_result()))
    for changes in (
        {"closed_by": huge},
        {"batch_id": huge},
        {"stream_id": huge},
        {huge: 1, "v": 2},
    ):
        with pytest.raises(InvalidInput) as refused:
            read_result(msgspec.json.encode({**honest, **changes}))
        assert len(str(refused.value)) < 1000


def test_more_frames_than_a_batch_may_have_are_refused() -> None:
    with pytest.raises(InvalidRecord, match="256"):
        decode_result(encode_result(batch_result(frame_count=257)))


def test_a_result_with_bytes_that_are_no_text_is_refused() -> None:
    """Found by fuzzing: it ended the post-processor at every start until the record expired."""
    forged = encode_result(batch_result()).replace(b'"cam1"', b'"\x80am1"')
    with pytest.raises(InvalidInput, match="utf-8"):
        read_result(forged)
