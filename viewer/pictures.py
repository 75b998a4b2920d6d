"""Pictures on demand: each is fetched once, however many ask, and the newest ones are kept.

It belongs to one event loop; the fetching is done by threads, of which a fixed number wait for S3.
"""

import asyncio
from collections import OrderedDict
from typing import Protocol, TypeVar

from runtime.daemon_pool import DaemonPool
from runtime.errors import TransientError
from viewer import metrics

THREADS = 8
MAX_WAITING = 256
"""Four pictures a tile of a wall of 64: more than that wait only where S3 hangs."""
FETCHED_WITHIN_S = 15.0
KEPT_BYTES = 32 * 1024 * 1024
"""Some seconds of a busy wall, so that ten browsers cost S3 no more than one."""

T = TypeVar("T")


class PictureCache:
    """Keeps pictures within a bound of bytes, those asked for last."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._free_bytes = kept_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """Return a picture that is kept."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: str, picture: bytes) -> None:
        """Keep a picture, at the cost of those that were not asked for the longest."""
        self._free_bytes += len(self._kept.pop(key, b""))
        self._kept[key] = picture
        self._free_bytes -= len(picture)
        while self._free_bytes < 0:
            _, dropped = self._kept.popitem(last=False)
            self._free_bytes += len(dropped)


class PictureStore(Protocol):
    """Where pictures lie; its methods may block, and are called from several threads at once."""

    def picture(self, key: str) -> bytes | None:
        """Return the JPEG of a key, None if there is none."""

    def link(self, key: str) -> str:
        """Return an address of the picture at the store itself."""


class PictureFetcher:
    """Answers who asks for pictures, from the cache or the store."""

    def __init__(self, store: PictureStore) -> None:
        self._store = store
        self._cache = PictureCache()
        self._pool: DaemonPool[bytes | None] = DaemonPool(THREADS, "picture")
        self._links: DaemonPool[str] = DaemonPool(1, "link")
        self._under_way: dict[str, asyncio.Future[bytes | None]] = {}

    async def picture(self, key: str) -> bytes | None:
        """Return a picture, None if there is none.

        Raises TransientError if too many are waited for, or this one too long; and what the store
        raises.
        """
        kept = self._cache.get(key)
        if kept is not None:
            metrics.PICTURES_SERVED.labels("cache").inc()
            return kept
        picture = await _in_time(asyncio.shield(self._asked(key)))
        if picture is not None:
            metrics.PICTURES_SERVED.labels("s3").inc()
        return picture

    async def link(self, key: str) -> str:
        """Return an address of a picture at the store; raise as `picture` does."""
        return await _in_time(
            asyncio.wrap_future(self._links.submit(lambda: self._store.link(key)))
        )

    def _asked(self, key: str) -> "asyncio.Future[bytes | None]":
        asked = self._under_way.get(key)
        if asked is not None:
            return asked
        if len(self._under_way) >= MAX_WAITING:
            raise TransientError(f"{MAX_WAITING} pictures are waited for already")
        asked = asyncio.wrap_future(self._pool.submit(lambda: self._store.picture(key)))
        self._under_way[key] = asked
        asked.add_done_callback(lambda done: self._arrived(key, done))
        return asked

    def _arrived(self, key: str, done: "asyncio.Future[bytes | None]") -> None:
        del self._under_way[key]
        # To look at the error is to take it: whoever asked may have gone.
        if done.cancelled() or done.exception() is not None:
            return
        picture = done.result()
        if picture is not None:
            self._cache.put(key, picture)


async def _in_time(asked: "asyncio.Future[T]") -> T:
    try:
        async with asyncio.timeout(FETCHED_WITHIN_S):
            return await asked
    except TimeoutError:
        raise TransientError(f"S3 has not answered within {FETCHED_WITHIN_S:g} s") from None
