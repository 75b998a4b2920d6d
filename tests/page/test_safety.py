"""Nothing from a record becomes markup, nothing comes from elsewhere, and the files are whole."""

import re
from typing import get_args

import pytest
from msgspec.structs import fields, replace
from playwright.sync_api import expect

from contracts import wall as contract
from contracts.frames import DropReason
from contracts.results import ClosedBy
from contracts.wall import ServiceHealth, StageName, StreamState
from tests.page import walls
from tests.page.conftest import OpenPage
from tests.page.fake_viewer import FakeViewer
from viewer.web import PAGE

EVIL = '<img src=x onerror="window.hacked = 1">"\'><script>window.hacked = 1</script>'
EVIL_ID = EVIL.split(">")[0] + ">"
"""Without the slash, which no route of a stream would take."""
SOURCES = sorted(PAGE.glob("*.js"))
FILES = sorted(path for path in PAGE.iterdir() if path.is_file())


def test_names_that_are_markup_are_shown_as_text_everywhere(
    open_page: OpenPage, viewer: FakeViewer
) -> None:
    tile = walls.tile("gate", "silent", dropped={EVIL: 3}, now={EVIL: 2})
    evil = replace(tile, stream_id=EVIL_ID)
    viewer.wall = walls.wall(
        evil,
        replace(evil, stream_id="b", state="live"),
        services=(ServiceHealth(name=EVIL, answering=0, known=1, problem=EVIL),),
        ledger=walls.verdict(closed=False, problems=(EVIL,), notes=(EVIL,)),
        bucket=EVIL,
        problems=(EVIL,),
    )
    detail = walls.detail(tile, batches=3)
    views = tuple(
        replace(view, batch_id=f"{EVIL}{index}", closed_by=EVIL, model=EVIL, counts={EVIL: 1})
        for index, view in enumerate(detail.batches)
    )
    viewer.details[EVIL_ID] = replace(detail, stream=evil, batches=views)
    page = open_page().page
    expect(page.locator(".tile-link").first).to_have_text(EVIL_ID)
    page.locator("#ledger-button").click()
    expect(page.locator("#ledger-panel")).to_contain_text(EVIL)
    page.keyboard.press("Escape")
    page.locator(".tile-link").first.click()
    expect(page.locator(".batches tbody tr")).to_have_count(3)
    expect(page.get_by_role("heading", level=1)).to_have_text(EVIL_ID)
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x], main script").count() == 0


def test_keys_are_encoded_into_addresses(open_page: OpenPage) -> None:
    page = open_page().page
    address = page.evaluate(
        "import('./page/addresses.js').then(({ pictureAddress }) => "
        "pictureAddress('evidence/a b/?#%/é.jpg'))"
    )
    assert address == "pictures/evidence/a%20b/%3F%23%25/%C3%A9.jpg"


def test_the_page_asks_nobody_but_the_viewer(open_page: OpenPage, viewer: FakeViewer) -> None:
    opened = open_page()
    asked: list[str] = []
    opened.page.on("request", lambda request: asked.append(request.url))
    opened.page.reload()
    expect(opened.page.locator(".tile img")).to_have_count(4)
    origin = opened.page.evaluate("location.origin")
    assert len(asked) > 20
    assert [url for url in asked if not url.startswith(origin)] == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_a_script_promises_something_and_makes_no_markup_of_text(source: object) -> None:
    text = PAGE.joinpath(str(source)).read_text()
    first = text.removeprefix("// @ts-check\n").split("\n")[0]
    assert re.fullmatch(r"// [A-Z].*[.,]", first), "it opens with a sentence"
    assert len(text.splitlines()) <= 250
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert forbidden not in text


def test_every_file_that_is_named_exists_and_every_file_is_named() -> None:
    text = "".join(path.read_text() for path in FILES)
    named = set(re.findall(r"(?:page/|\./)([a-z0-9-]+\.(?:js|css|svg))", text))
    assert named | {"index.html"} == {path.name for path in FILES}
    assert not any(path.is_dir() for path in PAGE.iterdir()), "the package takes page/* only"


def test_every_icon_that_is_named_exists() -> None:
    text = "".join(path.read_text() for path in FILES)
    made = set(re.findall(r'<symbol id="i-([a-z0-9]+)"', text))
    used = set(re.findall(r'(?:icon\("|icon: "|#i-)([a-z0-9]+)"', text))
    assert used <= made
    assert {"live", "behind", "silent", "reconnecting", "losing"} <= made


def test_colours_stand_in_the_tokens_alone() -> None:
    for path in PAGE.glob("*.css"):
        if path.name != "tokens.css":
            assert re.findall(r"#[0-9a-f]{3,8}\b|rgb\(|hsl\(", path.read_text()) == []


@pytest.mark.parametrize(
    "struct",
    [
        contract.Picture,
        contract.StreamTile,
        contract.Stage,
        contract.ServiceHealth,
        contract.LedgerVerdict,
        contract.Wall,
        contract.BatchView,
        contract.StreamDetail,
    ],
)
def test_the_scripts_know_every_field_of_the_contract(struct: type) -> None:
    text = (PAGE / "types.js").read_text()
    block = text.split(f"@typedef {{object}} {struct.__name__}\n")[1].split("*/")[0]
    assert re.findall(r"@property \{.+\} (\w+)", block) == [field.name for field in fields(struct)]


def test_the_scripts_have_words_for_every_state_reason_end_and_stage() -> None:
    text = (PAGE / "words.js").read_text()
    words = {*get_args(StreamState), *get_args(DropReason), *get_args(ClosedBy)}
    for word in {*words, *get_args(StageName)}:
        assert re.search(rf"^  {word}: ", text, re.MULTILINE), word


def test_every_module_is_fetched_at_once_and_not_one_after_the_other() -> None:
    modules = {path.name for path in SOURCES} - {"theme-first.js", "types.js", "main.js"}
    index = (PAGE / "index.html").read_text()
    assert set(re.findall(r'"modulepreload" href="page/([a-z-]+\.js)"', index)) == modules
