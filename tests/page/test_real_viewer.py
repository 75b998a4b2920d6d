"""The page on the viewer's own web application, with sources that are made up."""

from collections.abc import Iterator

import msgspec
import pytest
import structlog
from playwright.sync_api import expect

from tests.page import walls
from tests.page.conftest import OpenPage
from tests.page.fake_viewer import Served, jpeg
from viewer.followers import Followers
from viewer.web import Sources, make_app

WALL = walls.four()


def tell_wall() -> bytes:
    return msgspec.json.encode(WALL)


def tell_detail(stream_id: str) -> bytes | None:
    tiles = [tile for tile in WALL.streams if tile.stream_id == stream_id]
    return msgspec.json.encode(walls.detail(tiles[0])) if tiles else None


async def give_picture(_key: str) -> bytes | None:
    return jpeg()


async def give_link(key: str) -> str:
    return f"http://127.0.0.1:1/{key}"


@pytest.fixture
def real_viewer() -> Iterator[Served]:
    followers = Followers(most=8)
    sources = Sources(tell_wall, tell_detail, give_picture, give_link, followers)
    app = make_app(sources, ("127.0.0.1",), structlog.get_logger())
    served = Served(app, beat=lambda: followers.publish(tell_wall()))
    yield served
    served.close()


def test_the_viewer_serves_the_page_its_wall_its_pictures_and_a_stream_close_up(
    open_page: OpenPage, real_viewer: Served
) -> None:
    page = open_page(base=real_viewer.url).page
    expect(page.locator("#connection-text")).to_have_text("live")
    expect(page.locator(".tile img")).to_have_count(4)
    page.get_by_role("link", name="gate").click()
    expect(page.locator(".shot img").first).to_be_visible()
    expect(page.locator(".batches tbody tr")).to_have_count(8)
    page.go_back()
    expect(page.get_by_role("link", name="gate")).to_be_focused()
