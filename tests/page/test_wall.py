"""The wall of streams: what a tile tells, in which order, and how it changes."""

import re

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from contracts.wall import StreamState, Wall
from tests.page import walls
from tests.page.conftest import OpenPage
from tests.page.fake_viewer import FakeViewer, jpeg

HURRIED = """
const later = window.setTimeout;
window.setTimeout = (run, waitMs) => later(run, waitMs > 10_000 ? 500 : waitMs);
"""
"""A page whose patience with a picture ends at once."""


def shown(page: Page) -> list[str]:
    return page.locator(".tile-link").all_inner_texts()


def parking_silent() -> Wall:
    """Return the wall of four, one of which has become urgent."""
    wall = walls.four()
    return replace(wall, streams=(*wall.streams[:-1], walls.tile("parking", "silent")))


def test_a_tile_tells_name_state_rate_delay_people_and_what_else_is_there(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    page = open_page().page
    gate = page.locator(".tile", has=page.get_by_role("link", name="gate"))
    expect(gate.locator(".state")).to_have_text("live")
    assert gate.locator("dd").all_inner_texts() == ["10.0", "2.6 s", "5"]
    assert gate.locator("dt").all_inner_texts() == ["frames/s", "behind", "people"]
    expect(gate.locator(".tile-others")).to_have_text("bicycle 1")
    parking = page.locator(".tile", has=page.get_by_role("link", name="parking"))
    assert parking.locator("dd").all_inner_texts()[2] == "0"
    expect(parking.locator(".tile-others")).to_have_text("car 7, dog 1, truck 1")
    expect(parking.locator(".drop")).to_have_text("2 reconnects")


def test_an_unknown_figure_is_a_dash_and_never_zero(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    unknown = walls.tile(
        "new",
        captured_fps=None,
        inferred_fps=None,
        behind_s=None,
        now={},
        picture=None,
    )
    viewer.wall = walls.wall(unknown, stages=())
    page = open_page().page
    expect(page.locator(".tile .picture-none")).to_contain_text("no picture yet")
    assert page.locator(".tile dd").all_inner_texts() == [walls.DASH] * 3
    assert page.locator(".stage-figure").all_inner_texts() == [walls.DASH] * 4


@pytest.mark.parametrize("state", ["silent", "reconnecting"])
def test_a_stream_without_frames_does_not_claim_to_know_who_is_there_now(
    open_page: OpenPage, viewer: FakeViewer, state: StreamState
) -> None:
    old = walls.picture("gate", walls.AT_MS - 125_000)
    viewer.wall = walls.wall(walls.tile("gate", state, now={"person": 4}, picture=old))
    page = open_page().page
    expect(page.locator(".tile .state")).to_have_text(state)
    assert page.locator(".tile dd").all_inner_texts()[2] == walls.DASH
    expect(page.locator(".picture-age")).to_have_text("2 min ago")
    expect(page.locator(".tile .picture")).to_have_attribute("data-old", "")


def test_losses_stand_out_from_frames_left_out_on_purpose(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    dropped = {"paced": 18_204, "corrupt": 0, "overload": 37, "frozen": 2}
    viewer.wall = walls.wall(walls.tile("gate", dropped=dropped))
    page = open_page().page
    drops = page.locator(".drop")
    expect(drops).to_have_text(["overload 37", "frozen 2", "paced 18.2K"])
    kinds = [drops.nth(index).get_attribute("data-kind") for index in range(3)]
    assert kinds == ["loss", "notice", "calm"]
    expect(page.locator(".tile .state")).to_have_text("live")


def test_a_stream_that_loses_frames_now_needs_a_look_and_one_that_is_paced_does_not(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    before = walls.wall(
        walls.tile("gate", dropped={"overload": 3}), walls.tile("yard", dropped={"paced": 5})
    )
    viewer.wall = before
    page = open_page().page
    expect(page.locator("#overall")).to_have_text("All 2 streams live")
    viewer.wall = walls.wall(
        walls.tile("gate", dropped={"overload": 9}),
        walls.tile("yard", dropped={"paced": 50}),
        at_ms=walls.AT_MS + 1000,
    )
    expect(page.locator("#overall")).to_have_text("1 of 2 streams needs a look: gate losing frames")
    viewer.wall = replace(viewer.wall, at_ms=walls.AT_MS + 40_000)
    expect(page.locator("#overall")).to_have_text("All 2 streams live")


def test_streams_that_need_a_look_come_first_and_names_are_in_order(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.wall = walls.wall(
        walls.tile("cam-10"),
        walls.tile("cam-9", "behind"),
        walls.tile("cam-2"),
        walls.tile("cam-11", "reconnecting"),
    )
    page = open_page().page
    expect(page.locator(".tile")).to_have_count(4)
    assert shown(page) == ["cam-11", "cam-9", "cam-2", "cam-10"]


def test_a_wall_under_somebodys_hand_is_not_reordered(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    page = open_page().page
    page.locator(".tile-link").first.focus()
    page.keyboard.press("ArrowRight")
    viewer.wall = parking_silent()
    expect(page.locator(".tile", has_text="parking").locator(".state")).to_have_text("silent")
    assert shown(page) == ["gate", "lobby", "parking", "yard"]


def test_a_hand_that_rests_lets_the_wall_be_reordered_and_keeps_its_place(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    page = open_page().page
    page.locator(".tile-link").first.focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    parking = page.locator(".wall").get_by_role("link", name="parking")
    expect(parking).to_be_focused()
    viewer.wall = parking_silent()
    expect(page.locator(".tile-link").first).to_have_text("parking")
    expect(parking).to_be_focused()


def test_a_wall_that_was_come_back_to_is_reordered_again(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.details["gate"] = walls.detail(walls.four().streams[0])
    page = open_page().page
    gate = page.locator(".wall").get_by_role("link", name="gate")
    gate.click()
    expect(page.get_by_role("heading", level=1, name="gate")).to_be_focused()
    page.go_back()
    expect(gate).to_be_focused()
    viewer.wall = parking_silent()
    expect(page.locator(".tile-link").first).to_have_text("parking")
    expect(gate).to_be_focused()


def test_many_streams_can_be_filtered_by_name_and_by_state(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.wall = walls.many(64)
    page = open_page().page
    expect(page.locator(".tile")).to_have_count(64)
    search = page.get_by_role("searchbox", name="Filter streams by name")
    search.fill("CAM-3")
    expect(page.locator(".tile")).to_have_count(10)
    expect(page.locator(".shown-count")).to_have_text("10 of 64 shown")
    page.get_by_role("button", name="2 behind").click()
    assert shown(page) == ["cam-31"]
    search.fill("nobody")
    expect(page.locator(".placeholder-title")).to_have_text("No stream matches")
    page.get_by_role("button", name="Show all streams").click()
    expect(page.locator(".tile")).to_have_count(64)


def test_the_chosen_order_is_remembered(open_page: OpenPage, viewer: FakeViewer) -> None:
    viewer.wall = walls.many(12)
    page = open_page().page
    expect(page.locator(".tile-link").first).to_have_text("cam-07")
    page.get_by_role("radio", name="By name").check()
    expect(page.locator(".tile-link").first).to_have_text("cam-01")
    page.reload()
    expect(page.locator(".tile-link").first).to_have_text("cam-01")


def test_few_streams_need_no_filter(open_page: OpenPage) -> None:
    page = open_page().page
    expect(page.locator(".tile")).to_have_count(4)
    expect(page.get_by_role("searchbox")).to_have_count(0)


def test_a_picture_that_cannot_be_loaded_leaves_the_one_before_in_place(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.wall = walls.wall(walls.tile("gate"))
    opened = open_page()
    opened.may_fail_requests = True
    image = opened.page.locator(".tile img")
    expect(image).to_have_count(1)
    before = image.get_attribute("src")
    viewer.picture_of = lambda _key: None
    missing = walls.picture("gate", walls.AT_MS + 5000, 1, 9)
    with opened.page.expect_response(lambda answer: missing.key in answer.url):
        viewer.wall = walls.wall(walls.tile("gate", picture=missing))
    expect(image).to_have_attribute("src", before or "")
    expect(opened.page.locator(".picture-none")).to_be_hidden()


def test_a_first_picture_that_cannot_be_loaded_is_told_of(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.picture_of = lambda _key: None
    opened = open_page()
    opened.may_fail_requests = True
    expect(opened.page.locator(".tile").first).to_contain_text("picture cannot be loaded")


def test_pictures_that_never_come_leave_the_connections_to_others(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.wall = walls.wall(*(walls.tile(f"cam-{number}", picture=None) for number in range(5)))
    page = open_page().page
    page.add_init_script(HURRIED)
    page.route(re.compile(r"/cam-[0-3]/"), lambda _route: None)
    page.reload()
    expect(page.locator(".tile")).to_have_count(5)
    viewer.wall = walls.wall(*(walls.tile(f"cam-{number}") for number in range(5)))
    tiles = page.locator(".tile")
    expect(tiles.nth(4).locator("img")).to_be_visible()
    expect(tiles.first).to_contain_text("picture cannot be loaded")


def test_a_new_picture_takes_the_place_of_the_old_one_with_its_time_and_words(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.wall = walls.wall(walls.tile("gate"))
    page = open_page(timezone_id="Europe/Helsinki").page
    expect(page.get_by_alt_text("gate at 04:03:21: 3 detections")).to_be_visible()
    newer = walls.picture("gate", walls.AT_MS + 2500, 1, 1)
    viewer.wall = walls.wall(walls.tile("gate", picture=newer))
    expect(page.get_by_alt_text("gate at 04:03:23: 1 detection")).to_be_visible()
    stamp = page.locator(".picture-stamp time")
    expect(stamp).to_have_text("04:03:23")
    expect(stamp).to_have_attribute("title", "2026-11-23 02:03:23.500 UTC")
    expect(page.locator(".tile img")).to_have_count(1)


def test_a_picture_shows_its_time_with_itself_and_not_with_the_next_wall(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    def last_word(_key: str) -> bytes:
        viewer.wall = None
        return jpeg()

    viewer.picture_of = last_word
    viewer.wall = walls.wall(walls.tile("gate"))
    page = open_page().page
    expect(page.locator(".picture-stamp")).to_be_visible(timeout=4000)


def test_a_picture_keeps_its_aspect(open_page: OpenPage, viewer: FakeViewer) -> None:
    viewer.picture_of = lambda _key: jpeg(160, 90)
    page = open_page().page
    expect(page.locator(".tile img")).to_have_count(4)
    box = page.locator(".tile .picture").first.bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(16 / 9, abs=0.02)


def test_the_longest_name_there_may_be_stays_inside_its_tile(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    assert len(walls.LONGEST_NAME) == 63
    viewer.wall = walls.wall(walls.tile(walls.LONGEST_NAME, "reconnecting"), walls.tile("b"))
    page = open_page().page
    tile = page.locator(".tile").first
    link = tile.get_by_role("link")
    expect(link).to_have_attribute("title", walls.LONGEST_NAME)
    edges = [tile.bounding_box(), tile.locator(".tile-name").bounding_box()]
    edges.append(tile.locator(".state").bounding_box())
    rights = [edge["x"] + edge["width"] for edge in edges if edge is not None]
    assert rights[0] == max(rights)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_stream_that_left_takes_its_tile_with_it(open_page: OpenPage, viewer: FakeViewer) -> None:
    page = open_page().page
    expect(page.locator(".tile")).to_have_count(4)
    viewer.wall = walls.wall(walls.tile("gate"))
    expect(page.locator(".tile")).to_have_count(1)
    assert shown(page) == ["gate"]
