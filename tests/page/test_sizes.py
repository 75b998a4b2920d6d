"""Legible from phone to wall screen: nothing runs out of the page, and what matters is in sight."""

from collections.abc import Callable

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.page import walls
from tests.page.conftest import LAPTOP, PHONE, WALL_SCREEN, OpenPage
from tests.page.fake_viewer import FakeViewer

NARROW: ViewportSize = {"width": 320, "height": 568}
"""Also what a screen of 1280 pixels has left at four times its size (WCAG 2.2, 1.4.10)."""
ZOOMED: ViewportSize = {"width": 683, "height": 384}
"""A laptop's 1366 x 768 at twice its size."""
SIZES = {"phone": PHONE, "laptop": LAPTOP, "wall": WALL_SCREEN, "320": NARROW, "zoomed": ZOOMED}


def busy_wall(viewer: FakeViewer) -> str:
    viewer.wall = walls.many(20)
    return ""


def long_names(viewer: FakeViewer) -> str:
    hurt = walls.tile(walls.LONGEST_NAME, "reconnecting", dropped={"undelivered": 1_234_567})
    viewer.wall = walls.wall(hurt, walls.tile("b"), problems=("x" * 200,))
    return ""


def long_stream(viewer: FakeViewer) -> str:
    tile = walls.tile(walls.LONGEST_NAME, dropped={"undelivered": 1_234_567})
    viewer.wall = walls.wall(tile)
    viewer.details[walls.LONGEST_NAME] = walls.detail(tile, batches=12)
    return f"#/streams/{walls.LONGEST_NAME}"


def nothing(viewer: FakeViewer) -> str:
    viewer.wall = walls.wall()
    return ""


@pytest.mark.parametrize("prepare", [busy_wall, long_names, long_stream, nothing])
def test_nothing_needs_scrolling_sideways(
    open_page: OpenPage, viewer: FakeViewer, prepare: Callable[[FakeViewer], str]
) -> None:
    page = open_page(prepare(viewer)).page
    expect(page.locator(".tile:visible, .placeholder:visible, .shot:visible").first).to_be_visible()
    for name, size in SIZES.items():
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], name


@pytest.mark.parametrize(("size", "is_down"), [("phone", True), ("laptop", False)])
def test_the_pipeline_runs_across_a_screen_and_down_a_phone(
    open_page: OpenPage, size: str, is_down: bool
) -> None:
    page = open_page(size=SIZES[size]).page
    stops = page.locator("#rail > li")
    boxes = [stops.nth(index).bounding_box() for index in range(8)]
    tops = [round(box["y"]) for box in boxes if box is not None]
    assert (len(set(tops)) == 8) is is_down
    assert tops == sorted(tops)


@pytest.mark.parametrize(("size", "least"), [("laptop", 3), ("wall", 45)])
def test_as_many_streams_as_can_be_read_are_in_sight_at_once(
    open_page: OpenPage, viewer: FakeViewer, size: str, least: int
) -> None:
    viewer.wall = walls.many(64)
    page = open_page(size=SIZES[size]).page
    expect(page.locator(".tile img").first).to_be_visible()
    seen = page.locator(".tile").evaluate_all(
        "tiles => tiles.filter(tile => tile.getBoundingClientRect().bottom <= innerHeight).length"
    )
    assert seen >= least


@pytest.mark.parametrize("size", ["phone", "wall"])
def test_everything_that_is_pressed_is_large_enough_to_be_hit(
    open_page: OpenPage, viewer: FakeViewer, size: str
) -> None:
    viewer.wall = walls.many(12)
    page = open_page(size=SIZES[size]).page
    expect(page.locator(".tile")).to_have_count(12)
    sides = page.locator("button:visible, .tile:visible, .themes label").evaluate_all(
        "nodes => nodes.map(node => node.getBoundingClientRect())"
        ".map(({ width, height }) => Math.min(width, height))"
    )
    assert min(sides) >= 24  # WCAG 2.2, 2.5.8
