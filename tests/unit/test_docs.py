import importlib.util
import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from contracts.frames import DropReason
from contracts.wall import StreamState
from docs import book
from docs.settings_page import README, readme_with_settings
from local.stack import CHECKOUT
from runtime.streams_file import StreamSpec, parse_streams
from tests.unit.docs_commands import (
    broken_links,
    framerail_mistakes,
    known_variables,
    make_targets,
    pages,
    typed,
    variables,
)
from tests.unit.kserve_objects import KSERVE
from tests.unit.kustomized import render

DOCS = CHECKOUT / "docs"
OWN_CAMERA = DOCS / "own-camera.md"
PAGES = pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(CHECKOUT)))
BOOK = pytest.mark.parametrize("page", book.pages(), ids=lambda page: page.name)


def test_the_readme_names_every_setting_with_its_default() -> None:
    readme = README.read_text()
    assert readme == readme_with_settings(readme), "run: python -m docs.settings_page"


def test_every_page_is_in_the_contents_once() -> None:
    listed = book.pages()
    written = {page for page in DOCS.glob("*.md") if page != book.CONTENTS}
    assert len(listed) == len(set(listed))
    assert set(listed) == written | {DOCS / "adr" / "README.md"}


def test_every_decision_is_listed_under_its_own_title() -> None:
    text = (DOCS / "adr" / "README.md").read_text()
    for decision in sorted((DOCS / "adr").glob("0*.md")):
        number, _, name = book.title(decision).partition(". ")
        assert f"\n{number}. [{name}]({decision.name})" in text


@BOOK
def test_a_page_opens_with_a_sentence_of_what_it_promises(page: Path) -> None:
    heading, blank, opening, *_ = page.read_text().split("\n")
    assert heading.startswith("# ")
    assert blank == ""
    assert opening[:1].isalpha() or opening[:1] == "`", "a sentence, before any list or heading"
    assert len(opening.partition(". ")[0]) < 250


@BOOK
def test_a_page_ends_with_the_way_to_the_next(page: Path) -> None:
    if page in book.WITHOUT_WAY:
        pytest.skip("written by `make bench`")
    text = page.read_text()
    assert text == book.with_way(page, text), "run: python -m docs.book"


@PAGES
def test_every_link_and_anchor_of_a_page_leads_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_every_link_of_the_changelog_leads_somewhere() -> None:
    assert broken_links(CHECKOUT / "CHANGELOG.md") == []


@PAGES
def test_every_command_and_option_that_a_page_names_exists(page: Path) -> None:
    assert [problem for line in typed(page) for problem in framerail_mistakes(line)] == []


@PAGES
def test_every_target_and_module_that_a_page_names_exists(page: Path) -> None:
    for line in typed(page):
        for target in re.findall(r"(?:^|[&;] ?)make ([a-z][a-z0-9-]*)", line):
            assert target in make_targets(), line
        for module in re.findall(r"python -m ([a-z_]+(?:\.[a-z_]+)*)", line):
            is_ours = (CHECKOUT / module.partition(".")[0]).is_dir()
            assert not is_ours or importlib.util.find_spec(module) is not None, line


@PAGES
def test_every_variable_that_a_page_names_is_read_by_something(page: Path) -> None:
    assert variables(page) - known_variables() == set()


def test_every_field_of_a_stream_has_a_row() -> None:
    text = OWN_CAMERA.read_text()
    for field in StreamSpec.model_fields:
        assert f"\n| `{field}` | " in text


def test_every_state_and_every_reason_of_a_drop_has_a_row() -> None:
    text = OWN_CAMERA.read_text()
    for word in (*get_args(StreamState), *get_args(DropReason)):
        assert f"\n| `{word}` | " in text


def test_the_streams_files_of_the_page_can_be_read() -> None:
    blocks = re.findall(r"^    streams:\n(?:      .*\n)+", OWN_CAMERA.read_text(), re.MULTILINE)
    assert len(blocks) == 2
    known = {"GATE_USER": "viewer", "GATE_PASSWORD": "p@ss/word"}
    ids = [[stream.id for stream in parse_streams(block.encode(), known)] for block in blocks]
    assert ids == [["gate"], ["gate", "yard"]]


def test_a_patch_that_a_page_shows_fits_an_object_of_the_base() -> None:
    objects = {(one["kind"], one["metadata"]["name"]): one for one in render(KSERVE / "base")}
    for page in DOCS.glob("*.md"):
        for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            patch = yaml.safe_load(block)
            of_base = objects[patch["kind"], patch["metadata"]["name"]]
            names = {one["name"] for one in of_base["spec"]["template"]["spec"]["containers"]}
            assert {c["name"] for c in patch["spec"]["template"]["spec"]["containers"]} <= names


def test_pictures_of_the_docs_are_small() -> None:
    pictures = [path for path in (DOCS / "pictures").iterdir() if path.is_file()]
    assert {
        path.name: path.stat().st_size for path in pictures if path.stat().st_size > 250_000
    } == {}


def test_no_registry_host_and_no_path_of_one_machine_stands_in_a_lock_file() -> None:
    for lock in (CHECKOUT / "requirements").iterdir():
        text = lock.read_text()
        assert "://" not in text, lock.name
        assert "--index" not in text, lock.name
        if lock.suffix == ".txt":
            assert "--hash=sha256:" in text, lock.name
    assert str(Path.home()) not in README.read_text()
