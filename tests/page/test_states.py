"""Every state of the page as a whole: loading, empty, broken, partly blind."""

from msgspec.structs import replace
from playwright.sync_api import expect

from contracts.wall import ServiceHealth
from tests.page import walls
from tests.page.conftest import OpenPage
from tests.page.fake_viewer import FakeViewer


def test_until_the_first_wall_comes_skeletons_stand_where_tiles_will(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.wall = None
    page = open_page().page
    expect(page.locator(".tile--skeleton")).to_have_count(8)
    expect(page.locator("#connection-text")).to_have_text("connecting")
    viewer.wall = walls.four()
    expect(page.locator(".tile--skeleton")).to_have_count(0)
    expect(page.locator(".tile")).to_have_count(4)


def test_without_a_stream_the_page_says_what_to_do(open_page: OpenPage, viewer: FakeViewer) -> None:
    viewer.wall = walls.wall(ledger=None, stages=())
    page = open_page().page
    expect(page.locator(".placeholder-title")).to_have_text("No stream yet")
    expect(page.locator(".placeholder")).to_contain_text("streams.yaml")
    expect(page.locator(".placeholder")).to_contain_text("framerail status")
    expect(page.locator("#overall")).to_contain_text("No stream yet")
    viewer.wall = walls.four()
    expect(page.locator(".tile")).to_have_count(4)
    expect(page.locator(".placeholder")).to_have_count(0)


def test_a_viewer_that_refuses_is_told_of_with_its_reason_and_comes_back_by_itself(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.refusal = (503, "starting: Kafka has not answered yet.")
    opened = open_page()
    opened.may_fail_requests = True
    expect(opened.page.locator("#lost-title")).to_have_text("The viewer cannot be reached.")
    expect(opened.page.locator("#lost-text")).to_contain_text("It answers 503: starting: Kafka")
    expect(opened.page.locator(".placeholder")).to_contain_text("framerail ledger")
    viewer.refusal = None
    expect(opened.page.locator(".tile")).to_have_count(4)
    expect(opened.page.locator("#lost")).to_be_hidden()


def test_what_the_viewer_cannot_see_stands_above_everything(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    blind = "Kafka does not answer: detections may be old."
    viewer.wall = replace(walls.four(), problems=(blind,))
    page = open_page().page
    expect(page.get_by_role("region", name="What the viewer cannot see")).to_contain_text(blind)
    viewer.wall = walls.four()
    expect(page.locator("#problems")).to_be_hidden()


def test_an_empty_wall_of_a_blind_viewer_does_not_claim_that_there_is_no_camera(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    viewer.wall = walls.wall(problems=("Kafka does not answer.",))
    page = open_page().page
    expect(page.locator(".placeholder")).to_contain_text("the viewer cannot see them")


def test_the_sentence_tells_how_many_streams_need_a_look_and_names_the_most_urgent(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    page = open_page().page
    sentence = page.locator("#overall")
    expect(sentence).to_have_text("All 4 streams live")
    expect(sentence).to_have_attribute("data-tone", "good")
    viewer.wall = walls.wall(
        walls.tile("a", "behind", behind_s=14.0),
        walls.tile("b"),
        walls.tile("c", "silent"),
        walls.tile("d", "reconnecting"),
        walls.tile("e", "silent"),
    )
    viewer.details["c"] = walls.detail(viewer.wall.streams[2])
    expect(sentence).to_have_text(
        "4 of 5 streams need a look: d reconnecting, c silent, e silent, 1 more"
    )
    assert page.title() == "(4) framerail"
    sentence.get_by_role("link", name="c").click()
    expect(page.get_by_role("heading", level=1, name="c")).to_be_visible()


def test_one_stream_is_spoken_of_as_one(open_page: OpenPage, viewer: FakeViewer) -> None:
    viewer.wall = walls.wall(walls.tile("gate"))
    page = open_page().page
    expect(page.locator("#overall")).to_have_text("The stream is live")


def test_a_service_that_does_not_answer_stands_in_the_sentence_and_with_its_problem(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    hurt = ServiceHealth(name="consumer", answering=1, known=2, problem="10.0.3.17 is away")
    viewer.wall = replace(walls.four(), services=(*walls.services()[:1], hurt))
    page = open_page().page
    expect(page.locator("#overall")).to_have_text("All 4 streams live; consumer has a problem")
    row = page.locator(".service", has_text="consumer")
    expect(row).to_contain_text("1 of 2")
    expect(row).to_contain_text("10.0.3.17 is away")


def test_a_change_of_state_is_announced_and_figures_are_not(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    page = open_page().page
    announcer = page.locator("#announcer")
    expect(announcer).to_have_text("All 4 streams live")
    page.evaluate(
        """() => { window.announced = 0; new MutationObserver(() => { window.announced += 1; })
        .observe(document.getElementById("announcer"),
                 { childList: true, characterData: true, subtree: true }); }"""
    )
    first = viewer.wall
    assert first is not None
    quicker = tuple(replace(tile, captured_fps=12.5) for tile in first.streams)
    viewer.wall = replace(first, streams=quicker)
    expect(page.locator(".tile").first).to_contain_text("12.5")
    assert page.evaluate("window.announced") == 0
    viewer.wall = replace(first, streams=(walls.tile("gate", "silent"), *first.streams[1:]))
    expect(announcer).to_have_text("1 of 4 streams needs a look: gate silent")
