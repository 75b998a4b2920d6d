import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from runtime.errors import TransientError
from runtime.logs import get_logger
from runtime.s3 import StoreRefused
from viewer.followers import Followers, NoRoom
from viewer.pictures import MAX_WAITING, PictureCache, PictureFetcher
from viewer.store import TooLarge
from viewer.web import Sources, make_app

KEY = "evidence/cam1/2025/11/22/frames.cam1-0-00000000000000000025/31.jpg"
OTHER_KEY = KEY.replace("31.jpg", "32.jpg")
HOSTS = ("localhost", "[::1]", "*.example.org")


class FakeStore:
    """Knows one picture, and how often it was asked; waits until it is let go."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[str] = []
        self.let_go = threading.Event()
        self.let_go.set()
        self._error = error

    def picture(self, key: str) -> bytes | None:
        self.asked.append(key)
        assert self.let_go.wait(10)
        if self._error is not None:
            raise self._error
        return b"jpeg" if key == KEY else None

    def link(self, key: str) -> str:
        if self._error is not None:
            raise self._error
        return f"http://s3.example.org/{key}"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "wall.js").write_text("wall()")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


def app_of(page: Path, store: FakeStore | None = None) -> FastAPI:
    fetcher = PictureFetcher(store or FakeStore())

    def detail(stream_id: str) -> bytes | None:
        if stream_id == "broken":
            raise RuntimeError("a defect with a secret in its text")
        return b'{"stream":1}' if stream_id == "cam1" else None

    sources = Sources(lambda: b'{"v":1}', detail, fetcher.picture, fetcher.link, Followers(1))
    return make_app(sources, HOSTS, get_logger(), page)


def answered(
    app: FastAPI, path: str, method: str = "GET", host: str = "localhost:8090"
) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, headers={"Host": host})

    return asyncio.run(ask())


def test_the_page_is_served_and_asked_for_again_each_time(page: Path) -> None:
    index = answered(app_of(page), "/")
    assert (index.status_code, index.text) == (200, "<!doctype html>")
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    script = answered(app_of(page), "/page/wall.js")
    assert (script.status_code, script.text) == (200, "wall()")
    assert {index.headers["cache-control"], script.headers["cache-control"]} == {"no-cache"}


@pytest.mark.parametrize(
    "path",
    [
        "/page/../secret.txt",
        "/page/%2e%2e/secret.txt",
        "/page/..%2fsecret.txt",
        "/page/link.txt",
        "/page//etc/passwd",
        "/page/none.js",
        "/page/wall.js%00",
        "/secret.txt",
        "/docs",
        "/openapi.json",
    ],
)
def test_nothing_but_the_files_of_the_page_is_served(page: Path, path: str) -> None:
    assert answered(app_of(page), path).status_code == 404


def test_a_page_that_is_not_there_says_so(tmp_path: Path) -> None:
    missing = answered(app_of(tmp_path), "/")
    assert missing.status_code == 404
    assert "/api/wall" in missing.json()["detail"]


def test_the_wall_and_a_stream_are_json_that_is_kept_nowhere(page: Path) -> None:
    for path, body in (("/api/wall", b'{"v":1}'), ("/api/streams/cam1", b'{"stream":1}')):
        answer = answered(app_of(page), path)
        assert (answer.status_code, answer.content) == (200, body)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
    unknown = answered(app_of(page), "/api/streams/cam2")
    assert (unknown.status_code, unknown.json()) == (
        404,
        {"detail": "no stream 'cam2' is on the wall"},
    )


@pytest.mark.parametrize("path", ["/", "/api/wall", "/api/events", f"/pictures/{KEY}"])
def test_it_can_be_looked_at_and_nothing_else(page: Path, path: str) -> None:
    assert answered(app_of(page), path, "HEAD").status_code == 200
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert answered(app_of(page), path, method).status_code == 405


def test_a_picture_is_a_jpeg_for_ever(page: Path) -> None:
    picture = answered(app_of(page), f"/pictures/{KEY}")
    assert (picture.status_code, picture.content) == (200, b"jpeg")
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.headers["cache-control"] == "private, max-age=31536000, immutable"
    link = answered(app_of(page), f"/s3/{KEY}")
    assert (link.status_code, link.headers["location"]) == (307, f"http://s3.example.org/{KEY}")


def test_a_picture_that_is_not_there_is_asked_for_again_later(page: Path) -> None:
    missing = answered(app_of(page), f"/pictures/{OTHER_KEY}")
    assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")


@pytest.mark.parametrize(
    "key", ["ledger/latest.json", "evidence/../ledger/latest.json", "", f"{KEY}%00", f"/{KEY}"]
)
def test_no_other_object_of_the_bucket_can_be_had(page: Path, key: str) -> None:
    store = FakeStore()
    for place in ("pictures", "s3"):
        assert answered(app_of(page, store), f"/{place}/{key}").status_code == 404
    assert store.asked == []


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (TransientError("S3 bucket at http://10.0.0.1:8333 is away"), 503),
        (StoreRefused("S3 refuses key AKIA123"), 503),
        (TooLarge("huge"), 502),
    ],
)
def test_a_store_that_gives_no_picture_is_told_without_its_secrets(
    page: Path, error: Exception, status: int
) -> None:
    answer = answered(app_of(page, FakeStore(error)), f"/pictures/{KEY}")
    assert answer.status_code == status
    assert "10.0.0.1" not in answer.text
    assert "AKIA123" not in answer.text


def test_a_link_that_cannot_be_signed_is_told_as_well(page: Path) -> None:
    app = app_of(page, FakeStore(StoreRefused("no credentials")))
    assert answered(app, f"/s3/{KEY}").status_code == 503


def test_a_defect_shows_a_browser_nothing_of_itself(page: Path) -> None:
    answer = answered(app_of(page), "/api/streams/broken")
    assert (answer.status_code, "secret" in answer.text) == (500, False)


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "[::1]:8090", "page.example.org"])
def test_it_answers_under_its_own_names(page: Path, host: str) -> None:
    assert answered(app_of(page), "/api/wall", host=host).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "example.org", "[::2]"])
def test_it_does_not_answer_under_a_name_that_a_stranger_points_at_it(
    page: Path, host: str
) -> None:
    assert answered(app_of(page), "/api/wall", host=host).status_code == 400


def test_the_cache_keeps_what_was_asked_for_last_within_its_bound() -> None:
    cache = PictureCache(kept_bytes=10)
    cache.put("a", b"xxxx")
    cache.put("b", b"xxxx")
    assert cache.get("a") == b"xxxx"
    cache.put("c", b"xxxx")
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (b"xxxx", None, b"xxxx")
    cache.put("c", b"x" * 10)
    assert (cache.get("a"), cache.get("c")) == (None, b"x" * 10)
    cache.put("huge", b"x" * 11)
    assert (cache.get("c"), cache.get("huge")) == (None, None)
    cache.put("d", b"x" * 10)
    assert cache.get("d") is not None


def test_a_picture_that_many_ask_for_is_fetched_once() -> None:
    store = FakeStore()

    async def ask() -> None:
        fetcher = PictureFetcher(store)
        assert await asyncio.gather(*(fetcher.picture(KEY) for _ in range(20))) == [b"jpeg"] * 20
        assert await fetcher.picture(KEY) == b"jpeg"
        assert await fetcher.picture(OTHER_KEY) is None

    asyncio.run(ask())
    assert store.asked == [KEY, OTHER_KEY]


def test_while_the_store_hangs_no_endless_line_forms() -> None:
    store = FakeStore()
    store.let_go.clear()

    async def ask() -> None:
        fetcher = PictureFetcher(store)
        asked = [asyncio.create_task(fetcher.picture(f"key {n}")) for n in range(MAX_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(TransientError, match="waited for already"):
            await fetcher.picture(KEY)
        store.let_go.set()
        assert set(await asyncio.gather(*asked)) == {None}
        assert await fetcher.picture(KEY) == b"jpeg"

    asyncio.run(ask())


def test_somebody_who_goes_takes_the_picture_from_nobody() -> None:
    store = FakeStore()
    store.let_go.clear()

    async def ask() -> None:
        fetcher = PictureFetcher(store)
        one, other = (asyncio.create_task(fetcher.picture(KEY)) for _ in range(2))
        await asyncio.sleep(0)
        one.cancel()
        store.let_go.set()
        assert await other == b"jpeg"

    asyncio.run(ask())
    assert store.asked == [KEY]


def follow(scenario: Callable[[Followers], Awaitable[None]]) -> None:
    async def run() -> None:
        await scenario(Followers(most=2))

    asyncio.run(run())


def test_a_follower_gets_the_newest_wall_at_once_and_each_one_after_it() -> None:
    async def scenario(followers: Followers) -> None:
        followers.publish(b'{"v":1}')
        events = followers.events()
        assert await anext(events) == b'event: wall\ndata: {"v":1}\nretry: 2000\n\n'
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        assert not waiting.done()
        followers.publish(b'{"v":2}')
        assert b'{"v":2}' in await waiting

    follow(scenario)


def test_a_slow_follower_skips_what_it_missed() -> None:
    async def scenario(followers: Followers) -> None:
        followers.publish(b"1")
        events = followers.events()
        await anext(events)
        for wall in (b"2", b"3", b"4"):
            followers.publish(wall)
        assert b"data: 4" in await anext(events)

    follow(scenario)


def test_events_end_at_a_stop_and_begin_no_more() -> None:
    async def scenario(followers: Followers) -> None:
        events = followers.events()
        waiting = asyncio.ensure_future(anext(events, b"the end"))
        await asyncio.sleep(0)
        followers.close()
        assert await waiting == b"the end"
        assert await anext(followers.events(), b"the end") == b"the end"

    follow(scenario)


def test_no_more_follow_than_may_and_a_place_is_free_again() -> None:
    async def scenario(followers: Followers) -> None:
        with followers.place():
            with followers.place(), pytest.raises(NoRoom), followers.place():
                pass
            with followers.place():
                pass

    follow(scenario)


def test_one_follower_too_many_is_told_to_come_again(page: Path) -> None:
    sources = Sources(lambda: b"", lambda _: None, None, None, Followers(0))  # type: ignore[arg-type]
    refused = answered(make_app(sources, HOSTS, get_logger(), page), "/api/events")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert "FRAMERAIL_VIEWER_MAX_CLIENTS" in refused.json()["detail"]
