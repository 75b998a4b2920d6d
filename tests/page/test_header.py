"""The header: the ledger's verdict and the theme; and the pipeline below it."""

import pytest
from msgspec.structs import replace
from playwright.sync_api import expect

from contracts.wall import Stage
from tests.page import walls
from tests.page.conftest import OpenPage
from tests.page.fake_viewer import FakeViewer


def test_a_ledger_that_closes_shows_its_age_and_on_demand_its_sums(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    page = open_page().page
    button = page.locator("#ledger-button")
    expect(button).to_have_text("Ledger closes, 10 s ago")
    expect(page.locator("#ledger-panel")).to_be_hidden()
    button.click()
    panel = page.get_by_role("dialog", name="The books close")
    expect(panel).to_contain_text("over the 2 min before")
    expect(panel.get_by_role("row", name="captured")).to_contain_text("4,812")
    expect(panel.get_by_role("row", name="put back")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_a_ledger_that_does_not_close_names_its_problems(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    problem = "yard: 12 published frames have no result and do not wait for one"
    verdict = walls.verdict(closed=False, problems=(problem,), missing_pictures=2, replayed=3)
    viewer.wall = replace(walls.four(), ledger=verdict)
    page = open_page().page
    expect(page.locator("#ledger-button")).to_have_attribute("data-tone", "bad")
    page.locator("#ledger-button").click()
    panel = page.get_by_role("dialog", name="The books do not close")
    expect(panel).to_contain_text(problem)
    expect(panel.get_by_role("row", name="put back")).to_contain_text("3")


def test_without_a_verdict_the_panel_says_who_makes_one(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.wall = replace(walls.four(), ledger=None)
    page = open_page().page
    expect(page.locator("#ledger-button")).to_have_text("Ledger: no verdict yet")
    page.locator("#ledger-button").click()
    expect(page.locator("#ledger-panel")).to_contain_text("framerail ledger")


def test_an_old_verdict_is_not_shown_as_good(open_page: OpenPage, viewer: FakeViewer) -> None:
    old = walls.verdict(at_ms=walls.AT_MS - 3 * 3_600_000, since_ms=None)
    viewer.wall = replace(walls.four(), ledger=old)
    page = open_page().page
    expect(page.locator("#ledger-button")).to_have_text("Ledger closes, 3 h ago")
    expect(page.locator("#ledger-button")).to_have_attribute("data-tone", "warn")
    page.locator("#ledger-button").click()
    expect(page.locator("#ledger-panel")).to_contain_text("This verdict is old")


@pytest.mark.parametrize(("system", "chosen"), [("light", "dark"), ("dark", "light")])
def test_a_chosen_theme_is_kept_against_the_systems_from_the_first_paint_on(
    open_page: OpenPage, system: str, chosen: str
) -> None:
    page = open_page(theme=system).page
    ground = "getComputedStyle(document.body).backgroundColor"
    of_system = page.evaluate(ground)
    page.get_by_role("radio", name="System theme").focus()
    presses = {"light": 1, "dark": 2}[chosen]
    for _ in range(presses):
        page.keyboard.press("ArrowRight")
    assert page.evaluate(ground) != of_system
    page.reload(wait_until="commit")
    expect(page.locator("html")).to_have_attribute("data-theme", chosen)
    expect(page.get_by_role("radio", name=f"{chosen.capitalize()} theme")).to_be_checked()
    page.get_by_role("radio", name="System theme").check()
    assert page.evaluate(ground) == of_system


def test_each_stage_tells_its_rate_how_far_behind_it_is_and_what_it_holds(
    open_page: OpenPage,
) -> None:
    page = open_page().page
    infer = page.locator("[data-stage=infer]")
    expect(infer).to_contain_text("39.6")
    expect(infer.locator(".stage-lag")).to_have_text("2.6 s behind2 batches in hand")
    expect(infer).to_have_attribute("data-flow", "flowing")
    expect(page.locator("[data-stage=store]")).to_contain_text("1 result in hand")
    stops = page.locator("#rail :is(.place, .stage-name)").all_text_contents()
    assert stops == [
        *("cameras RTSP", "capture", "publish", "Kafka frames"),
        *("infer on Triton", "Kafka results", "store", "S3 pictures"),
    ]


def test_a_stage_that_is_late_is_marked_even_if_every_stream_is_live(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    hung_store = (
        Stage(name="capture", rate=20.0),
        Stage(name="publish", rate=20.0, behind_s=0.2),
        Stage(name="infer", rate=20.0, behind_s=2.6, in_hand=1, unit="batches"),
        Stage(name="store", rate=0.0, behind_s=71.0, in_hand=8, unit="results"),
    )
    viewer.wall = walls.wall(walls.tile("gate"), stages=hung_store)
    page = open_page().page
    expect(page.locator("[data-stage=store]")).to_contain_text("waits most here")


def test_where_a_stream_is_behind_the_stage_that_delays_most_is_marked(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    slow = (
        Stage(name="capture", rate=20.0),
        Stage(name="publish", rate=20.0, behind_s=0.2),
        Stage(name="infer", rate=0.0, behind_s=14.0, in_hand=3, unit="batches"),
        Stage(name="store", rate=None, behind_s=15.1),
    )
    tiles = (walls.tile("gate", "behind", behind_s=14.0), walls.tile("yard"))
    viewer.wall = walls.wall(*tiles, stages=slow)
    page = open_page().page
    expect(page.locator("[data-stage=infer]")).to_contain_text("waits most here")
    expect(page.get_by_text("waits most here").locator("visible=true")).to_have_count(1)
    expect(page.locator("[data-stage=infer]")).to_have_attribute("data-flow", "still")
    expect(page.locator("[data-stage=store]")).to_have_attribute("data-flow", "unknown")
