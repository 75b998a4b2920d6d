import io
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from contracts.frames import FrameHeaders
from contracts.names import BatchId, evidence_key
from contracts.results import (
    BatchResult,
    Detection,
    EvidenceFrame,
    FrameResult,
    Model,
    Source,
    Timings,
)
from ops.contact_sheet import contact_sheet, evenly
from ops.demo import stuck_service
from ops.options import StackOptions, checked_options
from ops.progress import shown_progress
from ops.report import StackReport, print_streams
from ops.tally import Quantiles, StreamTally, histogram_quantiles
from runtime.errors import ConfigurationError


def result(first: int, last: int, refused: int = 0) -> BatchResult:
    batch_id = BatchId("frames.cam1", 0, first)
    person = Detection((0, 0, 1, 1), 0.9, 1, "person")
    frames = tuple(
        FrameResult(at, at, (8, 8), (), "no JPEG")
        if at < first + refused
        else FrameResult(at, at, (8, 8), (person,))
        for at in range(first, last + 1)
    )
    return BatchResult(
        batch_id=str(batch_id),
        stream_id="cam1",
        source=Source("frames.cam1", 0, first, last),
        model=Model("m", "1"),
        closed_by="size",
        captured_first_ns=0,
        captured_last_ns=0,
        inferred_ns=0,
        timings=Timings(0, 0, 0),
        frames=frames,
        evidence=(EvidenceFrame(last, evidence_key(batch_id, last, last), b""),),
    )


def headers(seq: int, session: str = "s1", **dropped: int) -> FrameHeaders:
    return FrameHeaders(session, seq, 0, "arrival", (8, 8), dropped)


def tally_of(frames: list[FrameHeaders], first_offset: int = 0) -> StreamTally:
    tally = StreamTally(first_offset, first_offset + len(frames))
    for offset, frame in enumerate(frames, first_offset):
        tally.add_frame(offset, frame)
    return tally


def test_the_account_of_a_stream_adds_up() -> None:
    tally = tally_of([headers(seq) for seq in range(59)] + [headers(64, paced=5, frozen=0)])
    for one in (result(0, 24), result(25, 49, refused=2), result(0, 24)):
        tally.add_result(one)
    tally.evidence_keys = {result(0, 24).evidence[0].key, "evidence/cam1/foreign.jpg"}
    report = tally.report(None)
    assert (report.captured, report.published, report.dropped) == (65, 60, {"paced": 5})
    assert (report.inferred, report.dead_lettered, report.waiting) == (48, 2, 10)
    assert (report.batches, report.detections) == (2, 48)
    assert (report.evidence, report.evidence_promised) == (1, 2)
    assert report.adds_up
    assert not report.is_settled


def test_drops_at_the_end_of_a_session_are_told_by_the_first_frame_of_the_next() -> None:
    frames = [headers(0), headers(1), headers(3, "s2", paced=2, corrupt=3), headers(4, "s2")]
    report = tally_of(frames).report(None)
    assert (report.captured, report.published) == (9, 4)
    assert report.adds_up


@pytest.mark.parametrize(
    "frames",
    [
        [headers(0), headers(2)],
        [headers(0), headers(3, paced=1)],
        [headers(2)],
        [headers(0), headers(1, paced=1)],
        [headers(0), headers(5, "s2", paced=1)],
    ],
)
def test_a_captured_frame_of_which_nothing_is_told_breaks_the_books(
    frames: list[FrameHeaders],
) -> None:
    assert not tally_of(frames).report(None).adds_up


def test_a_published_frame_without_a_result_is_lost_and_one_in_two_batches_doubled() -> None:
    tally = tally_of([headers(seq) for seq in range(60)])
    for one in (result(0, 24), result(30, 54), result(50, 59)):
        tally.add_result(one)
    report = tally.report(None)
    assert (report.lost, report.doubled, report.waiting) == (5, 5, 0)
    assert not report.adds_up


def test_what_kafka_has_deleted_is_outside_the_account() -> None:
    tally = tally_of([headers(seq) for seq in range(110, 160)], first_offset=110)
    for first in range(0, 150, 25):
        tally.add_result(result(first, first + 24))
    report = tally.report(None)
    assert (report.first_offset, report.captured, report.published) == (110, 50, 50)
    assert (report.inferred, report.waiting, report.batches) == (40, 10, 2)
    assert report.evidence_promised == 2
    assert report.adds_up


def test_results_that_came_after_the_end_was_asked_for_do_not_count_yet() -> None:
    tally = tally_of([headers(seq) for seq in range(30)])
    for one in (result(0, 24), result(25, 49)):
        tally.add_result(one)
    report = tally.report(None)
    assert (report.published, report.inferred, report.waiting) == (30, 30, 0)
    assert report.adds_up


def test_of_two_results_of_one_batch_all_frames_count_once_whichever_came_last() -> None:
    for order in ([result(0, 9), result(0, 24)], [result(0, 24), result(0, 9)]):
        tally = tally_of([headers(seq) for seq in range(25)])
        for one in order:
            tally.add_result(one)
        report = tally.report(None)
        assert (report.inferred, report.batches, report.doubled) == (25, 1, 0)


@given(st.lists(st.floats(0.01, 9.9), min_size=1, max_size=200))
def test_quantiles_of_a_histogram_lie_within_a_bucket_of_the_true_ones(
    values_s: list[float],
) -> None:
    bounds_s = [0.5 * at for at in range(1, 21)]
    buckets = [(b, float(sum(v <= b for v in values_s))) for b in bounds_s]
    found = histogram_quantiles([*buckets, (float("inf"), float(len(values_s)))])
    assert found is not None
    for share, quantile in ((0.5, found.p50), (0.95, found.p95)):
        true = sorted(values_s)[max(int(np.ceil(share * len(values_s))) - 1, 0)]
        assert abs(quantile - true) <= 0.5


def test_a_histogram_that_has_seen_nothing_has_no_quantiles() -> None:
    assert histogram_quantiles([]) is None
    assert histogram_quantiles([(1.0, 0.0), (float("inf"), 0.0)]) is None
    assert histogram_quantiles([(1.0, 0.0), (float("inf"), 3.0)]) == Quantiles(1.0, 1.0)


@given(st.integers(1, 500), st.integers(2, 20))
def test_positions_are_even_different_and_take_both_ends(count: int, wanted: int) -> None:
    positions = evenly(count, wanted)
    assert len(set(positions)) == len(positions) == min(count, wanted)
    assert (positions[0], positions[-1]) == (0, count - 1)


def test_a_contact_sheet_keeps_the_shape_of_each_picture() -> None:
    wide = np.full((100, 400, 3), 200, np.uint8)
    jpeg = cv2.imencode(".jpg", wide)[1].tobytes()
    sheet = contact_sheet([jpeg] * 5)
    assert sheet.shape == (2 * 488 + 8, 3 * 648 + 8, 3)
    bright_rows = np.flatnonzero(sheet[8:488, 8 + 320, 0] > 150)
    assert abs(len(bright_rows) - 160) <= 2
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([])
    with pytest.raises(ValueError, match="not a picture"):
        contact_sheet([b"no"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (StackOptions(video="/absent.mp4"), "/absent.mp4: no such file"),
        (StackOptions(video=__file__), "not a video"),
        (StackOptions(rtsp_url="http://cam"), "rtsp://"),
        (StackOptions(rtsp_url="rtsp://cam", streams_file="x"), "exclude"),
        (StackOptions(streams_file="/absent.yaml"), "/absent.yaml"),
    ],
)
def test_wrong_options_are_refused_before_anything_starts(options: StackOptions, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        checked_options(options)


def test_the_demo_clip_is_a_valid_camera() -> None:
    assert checked_options(StackOptions(cameras=3)).local_cameras == ["cam1", "cam2", "cam3"]
    assert StackOptions(rtsp_url="rtsp://cam").local_cameras == []


def test_the_table_shows_every_stream_and_whether_it_adds_up() -> None:
    tally = tally_of([headers(seq) for seq in range(24)] + [headers(31, paced=7)])
    tally.add_result(result(0, 24))
    report = tally.report(Quantiles(0.5, 1.25))
    lost = tally_of([headers(5)]).report(None)
    written = io.StringIO()
    print_streams(Console(file=written, width=200), {"cam1": report, "cam2": lost})
    assert "captured 32 = published 25 + dropped 7" in written.getvalue()
    assert "captured 6 does not equal published 1 + dropped 0" in written.getvalue()
    assert "1.25 s" in written.getvalue()
    document = msgspec.json.decode(
        msgspec.json.encode(StackReport(streams={"cam1": report}, startup_s=1.0))
    )
    assert document["streams"]["cam1"]["capture_to_s3_s"] == {"p50": 0.5, "p95": 1.25}


def test_progress_without_a_terminal_is_a_line_an_event_and_few_counts() -> None:
    written = io.StringIO()
    with shown_progress(Console(file=written)) as report:
        report("kafka", "starting")
        for count in range(100):
            report("frames", f"{count} captured")
    lines = written.getvalue().splitlines()
    assert len(lines) == 2
    assert Path(lines[0]).name.endswith("starting")


def test_a_demo_without_pictures_is_explained_by_the_service_that_shows_no_work() -> None:
    waiting = tally_of([headers(0)])
    inferred = tally_of([headers(seq) for seq in range(25)])
    inferred.add_result(result(0, 24))
    assert stuck_service({}) == "producer"
    assert stuck_service({"cam1": StreamTally().report(None)}) == "producer"
    assert stuck_service({"cam1": waiting.report(None)}) == "consumer"
    assert stuck_service({"cam1": inferred.report(None)}) == "postproc"
