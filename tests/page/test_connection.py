"""The page's own connection: it breaks, the page says so, and comes back by itself."""

from msgspec.structs import replace
from playwright.sync_api import expect

from tests.page import walls
from tests.page.conftest import OpenPage
from tests.page.fake_viewer import FakeViewer


def test_events_that_break_off_for_a_moment_come_back_without_a_word(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    page = open_page().page
    expect(page.locator("#connection-text")).to_have_text("live")
    viewer.break_events()
    viewer.wall = walls.wall(walls.tile("after"))
    expect(page.get_by_role("link", name="after")).to_be_visible()
    expect(page.locator("#connection-text")).to_have_text("live")
    expect(page.locator("#lost")).to_be_hidden()


def test_a_lost_viewer_is_told_of_and_nothing_old_looks_live(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    opened = open_page()
    opened.may_fail_requests = True
    page = opened.page
    expect(page.locator(".tile")).to_have_count(4)
    viewer.refusal = (503, "restarting")
    viewer.break_events()
    expect(page.locator("#lost-title")).to_contain_text("Lost the viewer at")
    expect(page.locator("#lost-text")).to_contain_text("It answers 503: restarting.")
    expect(page.locator("#lost-text")).to_contain_text("The figures below are from then.")
    expect(page.locator("#connection-text")).to_have_text("lost, retrying")
    expect(page.locator("#overall")).to_have_attribute("data-tone", "quiet")
    filtered = "getComputedStyle(document.getElementById('wall-view')).filter"
    assert page.evaluate(filtered) == "grayscale(1)"
    viewer.refusal = None
    page.get_by_role("button", name="Try now").click()
    expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator("#overall")).to_have_attribute("data-tone", "good")
    assert page.evaluate(filtered) == "none"


def test_without_a_network_the_page_says_that_nobody_answers_and_returns_with_it(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    opened = open_page()
    opened.may_fail_requests = True
    page = opened.page
    expect(page.locator(".tile")).to_have_count(4)
    page.context.set_offline(True)
    viewer.break_events()
    expect(page.locator("#lost-text")).to_contain_text("It does not answer.")
    page.context.set_offline(False)
    expect(page.locator("#connection-text")).to_have_text("live")


def test_where_events_do_not_come_through_the_wall_is_asked_for(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.has_events = False
    opened = open_page()
    opened.may_fail_requests = True
    expect(opened.page.locator(".tile")).to_have_count(4)
    expect(opened.page.locator("#lost-text")).to_contain_text("its live events do not come through")


def test_an_open_stream_that_says_nothing_any_more_counts_as_lost(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    opened = open_page()
    page = opened.page
    expect(page.locator(".tile")).to_have_count(4)
    last, viewer.wall = viewer.wall, None
    expect(page.locator("#connection-text")).to_have_text("lost, retrying", timeout=12_000)
    viewer.wall = last
    expect(page.locator("#connection-text")).to_have_text("live")


def test_a_viewer_of_another_version_asks_for_a_reload(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.wall = replace(walls.four(), v=2)
    page = open_page().page
    expect(page.locator("#lost-text")).to_contain_text("reload the page")


def test_waits_between_tries_grow_to_ten_seconds(open_page: OpenPage) -> None:
    failures = [1, 2, 3, 4, 5, 6, 20]
    waits_ms = open_page().page.evaluate(
        "failures => import('./page/live.js').then(({ waitMs }) => failures.map(waitMs))", failures
    )
    for number, waited_ms in zip(failures, waits_ms, strict=True):
        longest_ms = min(10_000, 500 * 2 ** (number - 1))
        assert 0.75 * longest_ms <= waited_ms <= longest_ms
