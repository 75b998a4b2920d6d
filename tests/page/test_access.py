"""Usable by everybody: contrast and names by axe-core, the keyboard, less motion."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from contracts.wall import ServiceHealth
from tests.page import walls
from tests.page.conftest import LAPTOP, PHONE, OpenPage
from tests.page.fake_viewer import FakeViewer

AXE = files("axe_playwright_python").joinpath("axe.min.js")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    """Return what axe-core finds, contrast below 4.5 among it, each with the node it is about."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(
        "rules => axe.run(document, { runOnly: rules, resultTypes: ['violations'] })"
        ".then(({ violations }) => violations)",
        RULES,
    )
    return [
        f"{rule['id']}: {node['html'][:120]} {node['failureSummary'][:300]}"
        for rule in found
        for node in rule["nodes"]
    ]


def in_trouble(viewer: FakeViewer) -> str:
    """Show every state of a tile, every kind of drop, a hurt service, problems, open books."""
    tiles = (
        walls.tile("gate", "reconnecting", reconnects=3),
        walls.tile("lobby", "silent", picture=None),
        walls.tile("yard", "behind", behind_s=14.0),
        walls.tile("dock", dropped={"paced": 9, "frozen": 1, "overload": 2}, now={"dog": 1}),
    )
    viewer.wall = walls.wall(
        *tiles,
        services=(ServiceHealth(name="consumer", answering=0, known=1, problem="is away"),),
        ledger=walls.verdict(closed=False, problems=("dock: 2 frames are missing",)),
        problems=("Kafka does not answer.",),
    )
    return ""


def with_many(viewer: FakeViewer) -> str:
    viewer.wall = walls.many(12)
    return ""


def with_none(viewer: FakeViewer) -> str:
    viewer.wall = walls.wall(ledger=None)
    return ""


def close_up(viewer: FakeViewer) -> str:
    tile = walls.tile("yard", dropped={"paced": 9, "frozen": 1, "overload": 2}, now={"dog": 1})
    viewer.wall = walls.wall(tile)
    viewer.details["yard"] = walls.detail(tile, batches=12, stored=False)
    return "#/streams/yard"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("prepare", [in_trouble, with_many, with_none, close_up])
def test_axe_finds_nothing_to_complain_about(
    open_page: OpenPage, viewer: FakeViewer, theme: str, prepare: Callable[[FakeViewer], str]
) -> None:
    address = prepare(viewer)
    page = open_page(address, theme=theme, reduced_motion="reduce").page
    expect(page.locator(".tile:visible, .placeholder:visible, .shot:visible").first).to_be_visible()
    if prepare is in_trouble:
        page.locator("#ledger-button").click()
    assert violations(page) == []


@pytest.mark.parametrize("prepare", [with_many, close_up])
def test_axe_finds_nothing_on_a_phone_either(
    open_page: OpenPage, viewer: FakeViewer, prepare: Callable[[FakeViewer], str]
) -> None:
    page = open_page(prepare(viewer), size=PHONE).page
    expect(page.locator(".tile:visible, .shot:visible").first).to_be_visible()
    assert violations(page) == []


def focused(page: Page) -> str:
    """Return what has the focus, in words."""
    said = page.evaluate(
        "(({ ariaLabel, value, textContent }) => ariaLabel || value || textContent)"
        "(document.activeElement)"
    )
    return str(said).strip()


def test_everything_is_reached_by_tab_in_the_order_it_is_read(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.wall = replace(walls.four(), streams=(walls.tile("a", "silent"), walls.tile("b")))
    page = open_page().page
    expect(page.locator(".tile")).to_have_count(2)
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(focused(page))
    assert reached == [
        *("Skip to the streams", "framerail", "a", "Ledger closes, 10 s ago", "system", "a", "b")
    ]


def test_the_skip_link_leads_past_everything_to_the_first_stream(open_page: OpenPage) -> None:
    page = open_page().page
    expect(page.locator(".tile")).to_have_count(4)
    page.keyboard.press("Tab")
    expect(page.locator("#skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#streams-title")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="gate")).to_be_focused()


def test_arrow_keys_walk_the_wall_and_enter_opens_a_stream(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.wall = walls.many(40)
    viewer.details["cam-05"] = walls.detail(viewer.wall.streams[4])
    page = open_page(size=LAPTOP).page
    page.get_by_role("radio", name="By name").check()
    page.locator(".tile-link").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("link", name="cam-02")).to_be_focused()
    page.keyboard.press("ArrowDown")
    columns = page.locator(".wall").evaluate(
        "wall => getComputedStyle(wall).gridTemplateColumns.split(' ').length"
    )
    below = page.get_by_role("link", name=f"cam-{2 + columns:02d}")
    expect(below).to_be_focused()
    expect(below).to_be_in_viewport()
    page.keyboard.press("End")
    expect(page.get_by_role("link", name="cam-40")).to_be_focused()
    page.get_by_role("link", name="cam-05").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="cam-05")).to_be_focused()


def test_focus_can_be_seen_on_a_tile(open_page: OpenPage) -> None:
    page = open_page().page
    page.locator(".tile-link").first.focus()
    page.keyboard.press("ArrowRight")
    style = page.locator(".tile").nth(1).evaluate("tile => getComputedStyle(tile).outlineStyle")
    assert style == "solid"


@pytest.mark.parametrize(
    ("motion", "animation"), [("reduce", "none"), ("no-preference", "breathe")]
)
def test_who_asks_for_less_motion_gets_none(
    open_page: OpenPage, viewer: FakeViewer, motion: str, animation: str
) -> None:
    viewer.wall = None
    page = open_page(reduced_motion=motion).page
    skeleton = page.locator(".tile--skeleton").first
    assert skeleton.evaluate("node => getComputedStyle(node).animationName") == animation


def test_landmarks_and_headings_tell_the_page(open_page: OpenPage) -> None:
    page = open_page().page
    expect(page.locator(".tile")).to_have_count(4)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    for role in ("banner", "main", "contentinfo"):
        expect(page.get_by_role(role)).to_have_count(1)
    headings = page.get_by_role("heading").all_inner_texts()
    assert headings[:3] == ["Live wall", "Pipeline", "capture"]
    assert headings[-5:] == ["Streams", "gate", "lobby", "parking", "yard"]
