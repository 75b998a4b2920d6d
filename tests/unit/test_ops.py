import io
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ops.contact_sheet import contact_sheet, evenly
from ops.demo import stuck_service
from ops.ledger.accounts import Quantiles
from ops.ledger.tally import StreamTally
from ops.options import StackOptions, checked_options
from ops.progress import shown_progress
from ops.report import StackReport, print_streams
from runtime.errors import ConfigurationError
from tests.unit.ledger_records import headers, result, tally_of


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
    assert stuck_service({"cam1": StreamTally("cam1").report(None)}) == "producer"
    assert stuck_service({"cam1": waiting.report(None)}) == "consumer"
    assert stuck_service({"cam1": inferred.report(None)}) == "postproc"
