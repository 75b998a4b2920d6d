"""Everybody who follows the wall: one event is made a second, and all are sent the same bytes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from viewer import metrics

RETRY_MS = 2000
"""How long a browser waits before it comes back after a restart of the viewer."""


class NoRoom(Exception):
    """As many follow the wall as may."""


class Followers:
    """Hands the newest wall to each follower as soon as it has room for it.

    One that is slow skips what it missed, and keeps nothing waiting but one event. It belongs to
    one event loop.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._following = 0
        self._event = b""
        self._number = 0
        self._changed = asyncio.Event()
        self._is_closed = False

    def publish(self, wall_json: bytes) -> None:
        """Send a wall to all."""
        self._event = format_sse_event(event="wall", data_str=wall_json.decode(), retry=RETRY_MS)
        self._number += 1
        self._wake()

    def close(self) -> None:
        """End the events of all, and of whoever comes."""
        self._is_closed = True
        self._wake()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place for the length of a block; raise NoRoom if there is none."""
        if self._following >= self._most:
            metrics.FOLLOWERS_REFUSED.inc()
            raise NoRoom
        self._following += 1
        metrics.FOLLOWERS.set(self._following)
        try:
            yield
        finally:
            self._following -= 1
            metrics.FOLLOWERS.set(self._following)

    async def events(self) -> AsyncIterator[bytes]:
        """Yield the newest wall, as a server-sent event, and each one that comes."""
        sent = 0
        while not self._is_closed:
            changed = self._changed
            if self._number == sent:
                await changed.wait()
                continue
            sent = self._number
            yield self._event

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class FollowerResponse(EventSourceResponse):
    """Sends walls for as long as somebody listens, or says 503 where there is no place."""

    def __init__(self, followers: Followers) -> None:
        super().__init__(followers.events(), headers={"Cache-Control": "no-store"})
        self._followers = followers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold a place until the last byte is sent or the client is gone."""
        try:
            with self._followers.place():
                await super().__call__(scope, receive, send)
        except NoRoom:
            refusal = JSONResponse(
                {"detail": "as many follow as may (FRAMERAIL_VIEWER_MAX_CLIENTS); come again"},
                status_code=503,
                headers={"Retry-After": "5"},
            )
            await refusal(scope, receive, send)
