import io
from collections.abc import Sequence
from dataclasses import replace

import pytest
from rich.console import Console, Group

from contracts.wall import LedgerVerdict, ServiceHealth, Stage, StreamState, StreamTile, Wall
from ops.watch.drawing import WallView, by_attention, states
from ops.watch.viewer import ViewerClient, viewer_address
from runtime.errors import ConfigurationError, DependencyError

URL = "http://127.0.0.1:8090/"
AT_MS = 1_763_900_000_000
STAGES = (
    Stage(name="capture", rate=25.0, behind_s=0.0),
    Stage(name="publish", rate=20.0, behind_s=0.2, in_hand=3),
    Stage(name="infer", rate=19.9, behind_s=1.3, in_hand=2, unit="batches"),
    Stage(name="store", rate=None, behind_s=None, in_hand=0, unit="results"),
)


def tile(stream_id: str, state: StreamState = "live", **known: object) -> StreamTile:
    figures = {
        "captured_fps": 25.0,
        "inferred_fps": 9.96,
        "behind_s": 1.25,
        "captured_ms": AT_MS,
        "now": {"person": 5, "car": 2},
        **known,
    }
    return StreamTile(stream_id=stream_id, state=state, **figures)  # type: ignore[arg-type]


def verdict(**changes: object) -> LedgerVerdict:
    found = {"closed": True, "at_ms": AT_MS - 12_000, "captured": 120, "published": 110}
    return LedgerVerdict(**{**found, "dropped": 10, "pictures": 8, **changes})  # type: ignore[arg-type]


def wall(streams: Sequence[StreamTile] = (), **known: object) -> Wall:
    return Wall(at_ms=AT_MS, streams=tuple(streams), stages=STAGES, **known)  # type: ignore[arg-type]


def drawn(view: WallView, width: int = 80, height: int | None = None, **options: object) -> str:
    written = io.StringIO()
    if height is not None:
        view = replace(view, is_live=True)
    console = Console(file=written, width=width, height=height, **options)  # type: ignore[arg-type]
    # As rich's live screen holds it: inside another thing.
    console.print(Group(view))
    return written.getvalue()


def test_a_wall_of_eighty_columns_tells_all_of_each_stream() -> None:
    cameras = [
        tile("cam1", dropped={"paced": 152, "backlog": 3}),
        tile("gate", "reconnecting", inferred_fps=None, behind_s=None, reconnects=4),
    ]
    lines = drawn(WallView(wall(cameras, ledger=verdict()), URL)).splitlines()
    assert lines[0].startswith("2 streams: 1 reconnecting, 1 live")
    header = "stream state inferred behind people reconnects dropped"
    assert lines[2].split() == header.split()
    assert lines[3].split() == ["gate", "reconnecting", "-", "-", "-", "4"]
    assert " ".join(lines[4].split()) == "cam1 live 10.0/s 1.2 s 5 0 152 paced, 3 backlog"
    assert max(map(len, lines)) <= 80
    assert "the books close 12 s ago: captured 120 = published 110 + dropped 10; 8" in "\n".join(
        lines
    )


def test_every_stage_has_a_line_and_what_nobody_tells_is_no_zero() -> None:
    lines = drawn(WallView(wall([tile("cam1")]), URL)).splitlines()
    told = [line.split() for line in lines]
    assert ["infer", "19.9", "frames/s", "1.3", "s", "2", "batches"] in told
    assert ["store", "-", "-", "0", "results"] in told


@pytest.mark.parametrize("width", [24, 40, 44, 64, 80, 100, 120, 200])
@pytest.mark.parametrize("height", [10, 24, 80])
def test_the_wall_of_many_cameras_fits_any_terminal_and_counts_the_rest(
    width: int, height: int
) -> None:
    cameras = [tile(f"camera-with-a-long-name-{n:02}", dropped={"paced": n}) for n in range(64)]
    cameras[40] = tile("gate", "silent")
    troubles = tuple(f"producer-{n}: no answer at http://127.0.0.1:{n}/metrics" for n in range(9))
    view = WallView(wall(cameras, ledger=verdict(), problems=troubles), URL)
    lines = drawn(view, width, height).splitlines()
    assert max(map(len, lines)) <= width
    if height >= 24:
        assert len(lines) <= height
    shown = sum("camera-" in line or line.startswith("gate") for line in lines)
    assert f"and {64 - shown} more: " in "\n".join(lines)
    assert lines[3].startswith("gate")


def test_one_look_without_a_bound_shows_every_stream_and_every_problem_whole() -> None:
    troubles = tuple(f"trouble {n}: {'word ' * 30}end" for n in range(9))
    said = drawn(WallView(wall([tile(f"cam{n}") for n in range(64)], problems=troubles), URL))
    assert all(f"cam{n} " in said for n in range(64))
    assert said.count("end") == 9
    assert " more" not in said


def test_wide_terminals_tell_of_other_objects_and_narrow_ones_only_of_the_state() -> None:
    view = WallView(wall([tile("cam1")]), URL)
    assert "2 car" in drawn(view, 120)
    assert "captured" in drawn(view, 120)
    narrow = drawn(view, 30).splitlines()
    assert narrow[2].split() == ["stream", "state"]


def test_streams_that_need_attention_come_first() -> None:
    given = [
        *(tile("a"), tile("b", "behind"), tile("d", "reconnecting")),
        *(tile("c", "silent"), tile("a2", "reconnecting")),
    ]
    assert [one.stream_id for one in by_attention(given)] == ["a2", "d", "c", "b", "a"]
    assert states(given) == "2 reconnecting, 1 silent, 1 behind, 1 live"


def test_open_books_and_what_is_missing_are_told_with_their_problems() -> None:
    open_books = verdict(
        closed=False, missing_pictures=2, problems=("cam1: 1 published frame without a result",)
    )
    said = drawn(WallView(wall([tile("cam1")], ledger=open_books), URL), 160)
    assert "do not close 12 s ago: captured 120 against published 110" in said
    assert ", 2 missing" in said
    assert "problem  cam1: 1 published frame without a result" in said


def test_a_service_that_does_not_answer_is_a_problem() -> None:
    silent = ServiceHealth(name="consumer", answering=0, known=1, problem="connection refused")
    fine = ServiceHealth(name="producer", answering=1, known=1)
    said = drawn(WallView(wall(services=(silent, fine)), URL), 120)
    assert "problem  consumer: 0 of 1 processes answer: connection refused" in said
    assert "producer" not in said


def test_an_empty_wall_says_what_it_waits_for() -> None:
    said = drawn(WallView(wall(), URL))
    assert said.startswith("0 streams")
    assert "no stream yet" in said
    assert "no verdict yet" in said


def test_a_viewer_that_is_away_is_told_above_the_last_wall() -> None:
    view = WallView(wall([tile("cam1")]), URL, "the viewer at http://x does not answer")
    lines = drawn(view, 80, 24).splitlines()
    assert lines[0] == "the viewer at http://x does not answer"
    assert lines[1].startswith("1 stream: 1 live")
    assert drawn(WallView(None, "", "away"), 80, 24) == "away\n"


def test_states_have_colours_on_a_terminal_and_words_alone_where_colours_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    view = WallView(wall([tile("cam1", "silent")]), URL)
    assert "\x1b[31msilent" in drawn(view, force_terminal=True)
    assert "\x1b[31m" not in drawn(view, force_terminal=True, no_color=True)
    assert "\x1b" not in drawn(view)


def test_what_a_viewer_says_cannot_steer_the_terminal() -> None:
    evil = "\x1b[2J"
    said = drawn(
        WallView(
            wall(
                [tile(evil, now={evil: 1}, dropped={evil: 1})],
                problems=(evil,),
                services=(ServiceHealth(name=evil, answering=0, known=1, problem=evil),),
                ledger=verdict(problems=(evil,)),
            ),
            evil,
            evil,
        ),
        160,
    )
    assert "\x1b" not in said
    assert "\\x1b[2J" in said


@pytest.mark.parametrize("wrong", ["127.0.0.1:8090", "ftp://host", "http://", "http://a:b:c"])
def test_a_viewer_that_is_no_url_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="--viewer"):
        viewer_address(wrong)


def test_a_viewer_that_is_away_or_none_is_a_dependency() -> None:
    with ViewerClient(0.5) as viewer, pytest.raises(DependencyError, match="does not answer"):
        viewer.wall("http://127.0.0.1:1")


@pytest.mark.parametrize(
    "unseen",
    [
        tile("cam1", state="silent"),
        tile("cam1", state="reconnecting"),
        tile("cam1", inferred_fps=None, now={}),
    ],
)
def test_who_is_before_a_camera_is_not_told_where_nobody_knows(unseen: StreamTile) -> None:
    row = drawn(WallView(wall([unseen]), URL), width=120).splitlines()[3].split()
    assert row[-2:] == ["-", "0"]
