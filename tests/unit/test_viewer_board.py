import pytest

from contracts.wall import ServiceHealth, StreamTile, Wall
from tests.unit.viewer_results import NOW_MS, batch
from viewer import families
from viewer.board import FORGOTTEN_AFTER_S, UNREAD_AFTER_S, Board
from viewer.families import Samples, Series
from viewer.history import MAX_STREAMS


def board() -> Board:
    return Board("evidence", behind_after_s=10, silent_after_s=5)


def producer(stream: str, captured: int, at_s: float, **more: float) -> Samples:
    samples: Samples = {
        Series(families.CAPTURED, stream): captured,
        Series(families.PUBLISHED, stream): captured - 10,
        Series(families.DROPPED, stream, "paced"): 10,
        Series(families.CONNECTED, stream): 1,
        Series(families.BUFFERED, stream): 2,
        Series(families.RECONNECTS, stream): 3,
        Series(families.CAPTURED_AT, stream): at_s,
        Series(families.PUBLISHED_AT, stream): at_s - 0.2,
    }
    return samples | {Series(getattr(families, name), stream): to for name, to in more.items()}


def run(known: Board, stream: str = "cam1", seconds: int = 10, **more: float) -> None:
    """Let a producer tell of a stream at 25 frames/s; its newest capture is now."""
    for at_s in range(0, seconds + 1, 2):
        samples = producer(stream, 1000 + 25 * at_s, NOW_MS / 1000 - seconds + at_s, **more)
        known.telemetry.take("producer", samples, at_s)
        known.telemetry.close_round(at_s)


def only(wall: Wall) -> StreamTile:
    [tile] = wall.streams
    return tile


def test_a_viewer_that_has_heard_nothing_tells_a_wall_without_streams() -> None:
    wall = board().wall(NOW_MS, 0)
    assert (wall.streams, wall.services, wall.problems) == ((), (), ())
    assert [stage.name for stage in wall.stages] == ["capture", "publish", "infer", "store"]
    assert {stage.rate for stage in wall.stages} == {None}
    assert {stage.in_hand for stage in wall.stages} == {None}


def test_a_stream_is_told_from_its_producer_s_metrics_alone() -> None:
    known = board()
    run(known)
    tile = only(known.wall(NOW_MS, 10))
    assert (tile.stream_id, tile.state) == ("cam1", "live")
    assert (tile.captured_fps, tile.published_fps, tile.dropped_fps) == (25, 25, 0)
    assert (tile.inferred_fps, tile.behind_s) == (None, None)
    assert (tile.dropped, tile.reconnects) == ({"paced": 10}, 3)
    assert tile.captured_ms == NOW_MS


def test_a_stream_is_told_from_results_alone() -> None:
    known = board()
    known.add([batch(number=98), batch(number=99, people=3)], NOW_MS)
    known.history.settle({0: 100})
    tile = only(known.wall(NOW_MS, 10))
    assert (tile.state, tile.captured_fps, tile.behind_s) == ("live", None, None)
    assert tile.now == {"person": 3}
    assert tile.picture == batch(number=99, people=3).pictures[-1]
    assert tile.captured_ms == NOW_MS - 1000 + 960


def test_seconds_behind_live_need_no_consumer_that_answers() -> None:
    known = board()
    run(known)
    known.add([batch(number=80)], NOW_MS)
    known.wall(NOW_MS, 8)
    tile = only(known.wall(NOW_MS, 10))
    assert (tile.behind_s, tile.state) == (19.0, "behind")


@pytest.mark.parametrize(("told_before_s", "behind_s"), [(1.5, 1.5), (3600.0, 19.0)])
def test_of_what_the_consumer_says_and_what_results_tell_the_newer_holds(
    told_before_s: float, behind_s: float
) -> None:
    known = board()
    run(known, INFERRED_AT=NOW_MS / 1000 - told_before_s)
    known.add([batch(number=80)], NOW_MS)
    assert only(known.wall(NOW_MS, 10)).behind_s == behind_s


def test_a_series_that_exists_before_its_first_frame_tells_no_time() -> None:
    known = board()
    run(known, CAPTURED_AT=0.0, INFERRED_AT=0.0)
    tile = only(known.wall(NOW_MS, 10))
    assert (tile.behind_s, tile.captured_ms) == (None, None)


def test_a_stream_whose_producer_is_gone_keeps_its_place_and_catches_up() -> None:
    known = board()
    run(known)
    known.wall(NOW_MS, 10)
    known.telemetry.close_round(60)
    known.add([batch(number=95)], NOW_MS)
    tile = only(known.wall(NOW_MS + 50_000, 60))
    assert (tile.state, tile.captured_fps, tile.dropped) == ("silent", None, {})
    assert tile.behind_s == 4.0
    assert tile.captured_ms == NOW_MS


def test_a_stream_that_nobody_has_told_of_for_an_hour_leaves_the_wall() -> None:
    known = board()
    known.add([batch()], NOW_MS)
    later_ms = batch().inferred_ms + int(FORGOTTEN_AFTER_S * 1000)
    assert only(known.wall(later_ms, 0)).state == "silent"
    assert known.wall(later_ms + 1, 0).streams == ()
    assert known.history.newest("cam1") is None
    assert known.detail("cam1", later_ms, 0) is None


def test_a_camera_that_no_producer_reads_any_more_is_not_live_and_soon_gone() -> None:
    known = board()
    run(known, "cam2")
    known.services = (ServiceHealth(name="producer", answering=1, known=1),)
    known.add([batch(number=98), batch(number=99)], NOW_MS)
    unread, read = known.wall(NOW_MS, 10).streams
    assert (unread.stream_id, unread.state, read.state) == ("cam1", "silent", "live")
    later_ms = batch(number=99).inferred_ms + int(UNREAD_AFTER_S * 1000) + 1
    assert only(known.wall(later_ms, 10)).stream_id == "cam2"


def test_a_camera_whose_producer_may_be_away_stays_on_the_wall() -> None:
    known = board()
    run(known, "cam2")
    known.services = (ServiceHealth(name="producer", answering=1, known=2),)
    known.add([batch(number=99)], NOW_MS)
    assert known.wall(NOW_MS, 10).streams[0].state == "live"
    later_ms = NOW_MS + int(UNREAD_AFTER_S * 1000) + 1
    assert len(known.wall(later_ms, 10).streams) == 2


def test_each_stage_is_told_over_all_streams_and_by_its_worst() -> None:
    known = board()
    now_s = NOW_MS / 1000
    for at_s in range(0, 31, 2):
        consumer: Samples = {Series(families.BATCHES_IN_FLIGHT): 2}
        postproc: Samples = {Series(families.RESULTS_IN_FLIGHT): 4}
        for number, stream in enumerate(("cam1", "cam2")):
            told = producer(stream, 25 * at_s, now_s - 30 + at_s)
            known.telemetry.take(f"producer {stream}", told, at_s)
            consumer[Series(families.INFERRED, stream)] = 20 * at_s
            consumer[Series(families.INFERRED_AT, stream)] = now_s - 1 - number
            postproc[Series(families.EVIDENCE, stream)] = at_s
            postproc[Series(families.STORED_AT, stream)] = now_s - 3 - number
        known.telemetry.take("consumer", consumer, at_s)
        known.telemetry.take("postproc", postproc, at_s)
        known.telemetry.close_round(at_s)
    stages = known.wall(NOW_MS, 30).stages
    assert [stage.rate for stage in stages] == [50, 50, 40, 2]
    assert [stage.behind_s for stage in stages] == [None, 0.2, 2.0, 4.0]
    assert [stage.in_hand for stage in stages] == [None, 4, 2, 4]


def test_one_stream_close_up_tells_its_batches_and_which_are_stored() -> None:
    known = board()
    known.add([batch(number=1), batch(number=2)], NOW_MS)
    known.history.settle({0: 2})
    known.wall(NOW_MS, 0)
    detail = known.detail("cam1", NOW_MS, 0)
    assert detail is not None
    assert [(view.first_offset, view.is_stored) for view in detail.batches] == [
        (50, False),
        (25, True),
    ]
    assert detail.stream == only(known.wall(NOW_MS, 0))


def test_streams_come_in_order_of_their_names() -> None:
    known = board()
    known.add([batch(name) for name in ("cam2", "cam10", "cam1")], NOW_MS)
    assert [tile.stream_id for tile in known.wall(NOW_MS, 0).streams] == ["cam1", "cam10", "cam2"]


def test_a_stranger_s_streams_push_no_camera_off_the_wall() -> None:
    known = board()
    run(known)
    for number in range(MAX_STREAMS + 50):
        known.add([batch(f"stranger-{number}")], NOW_MS - 1)
    wall = known.wall(NOW_MS, 10)
    assert len(wall.streams) == MAX_STREAMS
    assert "cam1" in [tile.stream_id for tile in wall.streams]
    assert wall.problems == (f"more than {MAX_STREAMS} streams: 51 of them are not shown",)
    strangers = [f"stranger-{number}" for number in range(MAX_STREAMS + 50)]
    assert sum(known.history.newest(name) is not None for name in strangers) <= MAX_STREAMS


def test_a_problem_is_told_until_it_is_over_and_once_for_all_who_have_it() -> None:
    known = board()
    known.report("results", "no broker answers")
    known.report("stored", "no broker answers")
    assert known.wall(NOW_MS, 0).problems == ("no broker answers",)
    known.report("results", None)
    known.report("stored", None)
    assert known.wall(NOW_MS, 0).problems == ()
