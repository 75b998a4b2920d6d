"""A stream's page: reached and left, its picture, drops, time line, batches and last pictures."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.page import walls
from tests.page.conftest import OpenPage
from tests.page.fake_viewer import FakeViewer

YARD = walls.tile("yard", dropped={"paced": 18_204, "overload": 37}, now={"person": 2, "dog": 1})


@pytest.fixture
def yard(viewer: FakeViewer, open_page: OpenPage) -> Page:
    viewer.wall = walls.wall(walls.tile("gate"), YARD)
    viewer.details["yard"] = walls.detail(YARD, stored=False)
    page = open_page("#/streams/yard", timezone_id="Europe/Helsinki").page
    expect(page.locator(".batches tbody tr").first).to_be_visible()
    return page


def test_a_tile_opens_its_stream_and_back_returns_to_the_same_place(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.wall = walls.many(40)
    viewer.details["cam-36"] = walls.detail(viewer.wall.streams[35])
    page = open_page().page
    tile = page.get_by_role("link", name="cam-36")
    tile.scroll_into_view_if_needed()
    scrolled = page.evaluate("scrollY")
    tile.click()
    title = page.get_by_role("heading", level=1, name="cam-36")
    expect(title).to_be_focused()
    assert page.evaluate("scrollY") == 0
    assert page.title().endswith(f"cam-36 {walls.DASH} framerail")
    assert page.url.endswith("#/streams/cam-36")
    page.go_back()
    expect(tile).to_be_focused()
    assert page.evaluate("scrollY") == scrolled
    expect(title).to_have_count(0)
    page.go_forward()
    expect(title).to_be_focused()
    page.get_by_role("link", name="All streams").click()
    expect(page.locator("#wall-view")).to_be_visible()


def test_the_newest_picture_is_big_and_the_figures_stand_beside_it(yard: Page) -> None:
    picture = yard.locator(".stream-picture img")
    expect(picture).to_have_attribute("alt", "yard at 04:03:21: 3 detections")
    box = picture.bounding_box()
    assert box is not None
    assert box["width"] > 600
    figures = yard.locator(".big-figure")
    assert figures.nth(0).inner_text().split("\n")[:2] == ["people now", "2"]
    assert figures.nth(1).inner_text().split("\n")[:2] == ["behind live", "2.6 s"]
    expect(yard.locator(".stream-picture")).to_contain_text("Also in the newest frame: dog 1")


def test_drops_are_told_with_what_they_mean_and_what_to_do(yard: Page) -> None:
    drops = yard.locator(".drop-list > li")
    expect(drops).to_have_count(2)
    expect(drops.first).to_contain_text("overload")
    expect(drops.first).to_contain_text("slower than the cameras")
    expect(drops.first).to_contain_text("framerail plan")
    expect(drops.last).to_contain_text("18,204")


def test_a_batch_tells_its_frames_its_times_and_whether_its_pictures_are_stored(
    yard: Page,
) -> None:
    row = yard.locator(".batches tbody tr").first
    cells = [" ".join(cell.split()) for cell in row.get_by_role("cell").all_inner_texts()]
    assert cells[0].startswith(f"04:03:18{walls.DASH}04:03:20")
    assert cells[1] == f"25 frames offsets 575{walls.DASH}599"
    assert cells[4:9] == ["full", "ssd_mobilenet/2", "2,413 ms", "61 ms", "238 ms"]
    assert cells[9] == "1 not stored yet"
    spark = row.get_by_role("img", name="Detections frame by frame")
    expect(spark).to_be_visible()
    expect(row.locator("code")).to_have_attribute("title", "frames.yard-0-00000000000000000575")
    expect(yard.locator(".batches tbody tr").nth(1)).to_contain_text("1 stored")


def test_all_batches_can_be_shown(yard: Page) -> None:
    expect(yard.locator(".batches tbody tr")).to_have_count(8)
    yard.get_by_role("button", name="Show all 24 batches").click()
    expect(yard.locator(".batches tbody tr")).to_have_count(24)
    expect(yard.locator(".batches")).to_contain_text("2 frames not inferred")
    expect(yard.locator(".batches")).to_contain_text("age: no more frames came in time")


def test_the_last_pictures_are_those_that_are_stored_each_with_its_s3_object(
    yard: Page, viewer: FakeViewer
) -> None:
    shots = yard.locator(".shot")
    expect(shots).to_have_count(12)
    stored = viewer.details["yard"].batches[1].pictures[0]
    expect(shots.first.locator("a.picture")).to_have_attribute("href", f"pictures/{stored.key}")
    link = shots.first.get_by_role("link", name="Open the S3 object")
    expect(link).to_have_attribute("href", f"s3/{stored.key}")
    expect(link).to_have_attribute("rel", "noopener")
    expect(shots.first.locator("code")).to_have_text(f"s3://framerail-evidence/{stored.key}")


def test_the_s3_address_is_copied_and_said_to_be(yard: Page, viewer: FakeViewer) -> None:
    yard.context.grant_permissions(["clipboard-read", "clipboard-write"])
    yard.get_by_role("button", name="Copy the S3 address").first.click()
    expect(yard.locator(".copy-said", has_text="Copied")).to_be_visible()
    key = viewer.details["yard"].batches[1].pictures[0].key
    copied = yard.evaluate("navigator.clipboard.readText()")
    assert copied == f"s3://framerail-evidence/{key}"


def test_the_time_line_reads_out_any_moment_by_keyboard(yard: Page) -> None:
    chart = yard.locator(".chart")
    expect(chart).to_have_attribute(
        "aria-label", re.compile(r"Detections a frame from 04:02:21 to 04:03:21: at most 8, ")
    )
    expect(yard.locator(".chart-readout")).to_contain_text("Newest, 04:03:2")
    slider = yard.get_by_role("slider", name="Moment of the time line")
    slider.focus()
    yard.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuenow", "0")
    expect(yard.locator(".chart-readout")).to_contain_text("04:02:2")
    yard.keyboard.press("ArrowRight")
    yard.keyboard.press("PageUp")
    expect(slider).to_have_attribute("aria-valuenow", "11")
    expect(yard.locator(".chart-cursor:not([hidden])")).to_have_count(1)
    yard.keyboard.press("End")
    read = yard.locator(".chart-readout").inner_text()
    assert slider.get_attribute("aria-valuetext") == read


def test_the_time_line_follows_a_pointer(yard: Page) -> None:
    yard.locator(".chart-handle").hover()
    expect(yard.locator(".chart-readout")).to_contain_text("04:02:5")


def test_the_time_line_is_a_table_too(yard: Page) -> None:
    yard.get_by_text("The same as a table").click()
    table = yard.get_by_role("table", name="Detections a frame over time")
    heads = table.get_by_role("columnheader").all_inner_texts()
    assert heads == ["From", "Frames", "Most in one frame", "Mean"]
    rows = table.locator("tbody tr")
    expect(rows).to_have_count(24)
    assert sum(int(text) for text in rows.locator("td:nth-child(2)").all_inner_texts()) == 600


def test_a_pause_of_the_camera_is_a_gap_and_not_a_zero(open_page: OpenPage) -> None:
    page = open_page().page
    columns = page.evaluate(
        """async () => {
          const { bucketsOf, columnsFor, rangeOf } = await import("./page/timescale.js");
          const batch = (from) => ({ captured_ms: [0, 1, 2, 3].map((n) => from + n * 100),
                                     detections: [0, 2, 0, 1] });
          const batches = [batch(60_000), batch(0)];
          const range = rangeOf(batches, 61_000);
          const buckets = bucketsOf(batches, range, columnsFor(batches, range, 400));
          return buckets.map(({ startMs, frames, most }) => [Math.round(startMs), frames, most]);
        }"""
    )
    assert [column[0] < 1000 or column[0] > 59_000 for column in columns] == [True] * len(columns)
    assert sum(frames for _, frames, _ in columns) == 8
    assert max(most for *_, most in columns) == 2


def test_a_stream_without_results_yet_says_so_in_each_place(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    new = walls.tile("new", inferred_fps=None, behind_s=None, now={}, picture=None)
    viewer.wall = walls.wall(new)
    viewer.details["new"] = walls.detail(new, batches=0)
    page = open_page("#/streams/new").page
    expect(page.locator(".stream")).to_contain_text("No result of this stream yet.")
    expect(page.locator(".stream")).to_contain_text("No batch of this stream")
    expect(page.locator(".stream")).to_contain_text("a picture appears once")
    expect(page.locator(".stream-drops")).to_contain_text("None since the producer started.")


def test_a_stream_that_nobody_knows_is_told_of_plainly(open_page: OpenPage) -> None:
    opened = open_page("#/streams/nobody")
    opened.may_fail_requests = True
    expect(opened.page.get_by_role("heading", level=1)).to_have_text("nobody")
    expect(opened.page.locator(".stream .notice")).to_contain_text("knows no stream of this name")
    expect(opened.page.locator(".stream-rest")).to_be_hidden()


def test_details_that_cannot_be_read_stay_as_they_were_with_a_word(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.wall = walls.wall(YARD)
    viewer.details["yard"] = walls.detail(YARD)
    opened = open_page("#/streams/yard")
    opened.may_fail_requests = True
    rows = opened.page.locator(".batches tbody tr")
    trouble = opened.page.locator(".stream .notice")
    expect(rows).to_have_count(8)
    viewer.refusal = (503, "Kafka is away.")
    expect(trouble).to_contain_text("the viewer answers 503: Kafka is away. Trying again by itself")
    expect(rows).to_have_count(8)
    viewer.refusal = None
    viewer.details["yard"] = walls.detail(YARD, batches=3)
    expect(rows).to_have_count(3)
    expect(trouble).to_be_hidden()


def test_details_that_the_page_cannot_show_are_no_silence_of_the_viewer(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.wall = walls.wall(YARD)
    viewer.details["yard"] = walls.detail(YARD)
    opened = open_page("#/streams/yard")
    rows = opened.page.locator(".batches tbody tr")
    expect(rows).to_have_count(8)
    details = "**/api/streams/yard"
    with opened.page.expect_event("pageerror"):
        opened.page.route(details, lambda route: route.fulfill(json={}))
    expect(opened.page.locator(".stream .notice")).to_be_hidden()
    viewer.details["yard"] = walls.detail(YARD, batches=3)
    opened.page.unroute(details)
    expect(rows).to_have_count(3)
    assert all("undefined" in error for error in opened.take_uncaught())


def test_the_age_of_the_picture_goes_on_while_the_viewer_is_lost(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    old = walls.tile("yard", picture=walls.picture("yard", walls.AT_MS - 30_000))
    viewer.wall = walls.wall(old)
    viewer.details["yard"] = walls.detail(old)
    opened = open_page("#/streams/yard")
    opened.may_fail_requests = True
    age = opened.page.locator(".stream-picture .picture-age")
    expect(age).to_have_text("30 s ago")
    viewer.refusal = (503, "restarting")
    viewer.break_events()
    expect(age).to_have_text("35 s ago")


def test_a_name_in_the_address_that_is_no_name_breaks_nothing(open_page: OpenPage) -> None:
    opened = open_page("#/streams/%E0%A4%A")
    opened.may_fail_requests = True
    expect(opened.page.get_by_role("heading", level=1)).to_have_text("%E0%A4%A")
