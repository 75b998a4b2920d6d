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
from ops.progress import shown_progress, shown_wait
from ops.report import PartReport, StackReport, print_link, print_parts, print_streams
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


def test_counts_without_a_terminal_are_few_lines_and_the_last_one_is_among_them() -> None:
    written = io.StringIO()
    with shown_progress(Console(file=written)) as report:
        for done in range(1001):
            report.count("frames", done, 1000, "records")
    lines = written.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("0 of 1000 records")
    assert lines[1].endswith("1000 of 1000 records")


def test_on_a_terminal_a_count_has_a_bar_and_the_time_that_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    written = io.StringIO()
    console = Console(file=written, width=80, force_terminal=True, color_system=None)
    with shown_progress(console) as report:
        report("kafka", "ready in 2.0 s")
        report.count("frames", 250, 1000, "records of a topic with a very long explanation")
    shown = written.getvalue()
    assert "━" in shown
    assert "--:--" in shown  # the speed is not known yet
    assert "250 of 1000 rec" in shown
    assert "ready in 2.0 s" in shown


def test_a_wait_is_shown_where_somebody_looks_and_nowhere_else() -> None:
    written = io.StringIO()
    with shown_wait(Console(file=written), "watching", 10):
        pass
    assert written.getvalue() == ""
    with shown_wait(Console(file=written, force_terminal=True, width=80), "watching", 10):
        pass
    assert "10 s left" in written.getvalue()


def test_the_page_is_named_where_there_is_one() -> None:
    written = io.StringIO()
    print_link(Console(file=written, width=20), {"viewer": "http://127.0.0.1:28090/"})
    print_link(Console(file=written), {"kafka": "127.0.0.1:9092"})
    assert written.getvalue() == "watch it: http://127.0.0.1:28090/\n"


def test_parts_are_a_row_each_and_fit_eighty_columns() -> None:
    folder = "/var/lib/framerail/" + "deep/" * 12
    parts = (
        PartReport("viewer", True, 4_194_303, 0, f"{folder}viewer.log"),
        PartReport("ledger", False, None, 12, f"{folder}ledger.log"),
    )
    report = StackReport(streams={}, startup_s=1.0, parts=parts, addresses={"viewer": "http://v"})
    written = io.StringIO()
    print_parts(Console(file=written, width=80), report)
    lines = written.getvalue().splitlines()
    told = [line.split() for line in lines]
    assert ["viewer", "ready", "4194303", "0", "viewer.log"] in told
    assert ["ledger", "starting", "-", "12", "ledger.log"] in told
    assert ["logs", folder.rstrip("/")] in told
    assert ["viewer", "http://v"] in told


def test_the_streams_of_a_wide_pipeline_are_shown_in_tables_that_fit() -> None:
    tally = tally_of([headers(seq) for seq in range(24)])
    written = io.StringIO()
    streams = {f"entrance-{n:02}": tally.report(None) for n in range(9)}
    print_streams(Console(file=written, width=80), streams)
    lines = written.getvalue().splitlines()
    tables = [line for line in lines if line.startswith(("┏", "┃", "┡", "│", "└"))]
    assert sum(line.startswith("┏") for line in tables) > 1
    assert max(map(len, tables)) <= 80


def test_a_demo_without_pictures_is_explained_by_the_service_that_shows_no_work() -> None:
    waiting = tally_of([headers(0)])
    inferred = tally_of([headers(seq) for seq in range(25)])
    inferred.add_result(result(0, 24))
    assert stuck_service({}) == "producer"
    assert stuck_service({"cam1": StreamTally("cam1").report(None)}) == "producer"
    assert stuck_service({"cam1": waiting.report(None)}) == "consumer"
    assert stuck_service({"cam1": inferred.report(None)}) == "postproc"
