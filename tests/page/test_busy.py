"""64 streams at an update a second: the page stays smooth, small, and modest with the network."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.page import walls
from tests.page.conftest import LAPTOP, OpenPage
from tests.page.fake_viewer import FakeViewer

TURNS = 6
LONGEST_TASK_MS = 300
"""Far above what an update takes (some 10 ms), far below a rebuild: other work shares the cores."""

NOTE_TASKS = """() => {
  window.tasks = [];
  new PerformanceObserver((list) =>
    window.tasks.push(...list.getEntries().map(({ duration }) => Math.round(duration))))
    .observe({ type: "longtask" });
}"""
NOTE_NODES = """() => {
  window.added = [];
  new MutationObserver((records) => records.forEach(({ addedNodes }) =>
    window.added.push(...[...addedNodes].filter(({ nodeType }) => nodeType === Node.ELEMENT_NODE)
      .map(({ nodeName }) => nodeName))))
    .observe(document.body, { childList: true, subtree: true });
}"""
NODES = "document.getElementsByTagName('*').length"


def turn(page: Page, viewer: FakeViewer, number: int) -> None:
    """Show the next wall, and wait until the page has it."""
    viewer.wall = walls.many(64, number)
    last = viewer.wall.streams[-1].behind_s
    expect(page.locator(".tile", has_text="cam-64").locator("dd").nth(1)).to_have_text(f"{last} s")


def tiles_in_sight(page: Page) -> set[str]:
    """Return the streams whose tiles are in the window, or just below it."""
    names = page.locator(".tile").evaluate_all(
        "tiles => tiles.filter(tile => tile.getBoundingClientRect().top < innerHeight + 150)"
        ".map(tile => tile.querySelector('.tile-link').textContent)"
    )
    return set(names)


def test_64_streams_change_in_place_without_a_long_task_or_a_new_node(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.wall = walls.many(64)
    page = open_page().page
    expect(page.locator(".tile")).to_have_count(64)
    for number in (1, 2):  # the stream that loses frames has moved, and every note is there
        turn(page, viewer, number)
    expect(page.locator(".state-filter", has_text="losing")).to_be_visible()
    page.evaluate(NOTE_TASKS)
    page.evaluate(NOTE_NODES)
    images = page.locator(".tile img").count()
    nodes = page.evaluate(NODES) - images
    for number in range(3, 3 + TURNS):
        turn(page, viewer, number)
    assert page.evaluate(NODES) - page.locator(".tile img").count() == nodes
    assert set(page.evaluate("window.added")) <= {"IMG"}
    assert max(page.evaluate("window.tasks"), default=0) < LONGEST_TASK_MS


def test_pictures_are_fetched_only_for_tiles_in_sight_and_not_at_every_update(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.wall = walls.many(64)
    page = open_page(size=LAPTOP).page
    expect(page.locator(".tile img").first).to_be_visible()
    in_sight = tiles_in_sight(page)
    for number in range(1, 5):
        turn(page, viewer, number)
    in_sight |= tiles_in_sight(page)
    asked = [key.split("/")[1] for key in viewer.pictures_asked]
    assert set(asked) <= in_sight
    assert len(in_sight) < 40
    most = max(asked.count(stream) for stream in in_sight)
    assert most <= 3, "a picture at most every two seconds, and four updates pass in two or three"


def test_an_update_of_64_streams_takes_a_small_part_of_a_second(
    open_page: OpenPage, viewer: FakeViewer, eventually: Callable[..., None]
) -> None:
    viewer.wall = walls.many(64)
    page = open_page().page
    expect(page.locator(".tile")).to_have_count(64)
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")

    def worked_s() -> float:
        metrics = client.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    turn(page, viewer, 1)
    before_s = worked_s()
    for number in range(2, 2 + TURNS):
        turn(page, viewer, number)
    assert (worked_s() - before_s) / TURNS < 0.25
