"""A viewer that tells what a test wants it to tell: the routes and headers of the real one."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable

import cv2
import msgspec
import numpy as np
import uvicorn
from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, format_sse_event
from fastapi.staticfiles import StaticFiles
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response

from contracts.wall import StreamDetail, Wall
from tests.page.walls import four
from viewer.web import PAGE, SECURITY_HEADERS

BEAT_S = 0.2
"""Walls come five times as often as the real viewer sends them: tests wait less."""
START_WITHIN_S = 10


def jpeg(width: int = 96, height: int = 72) -> bytes:
    """Return a small picture with something in it."""
    shade = np.linspace(40, 180, width, dtype=np.uint8)
    picture = np.dstack([np.tile(shade, (height, 1))] * 3)
    cv2.rectangle(picture, (20, 20), (50, 60), (233, 180, 86), 2)
    return bytes(cv2.imencode(".jpg", picture)[1])


class FakeViewer:
    """Holds what is told; `reset` between tests. Everything may be changed while a page is open."""

    def __init__(self) -> None:
        self._picture = jpeg()
        self.reset()

    def reset(self) -> None:
        """Do well, with four streams; end the events of pages that are still open."""
        self.wall: Wall | None = four()
        self.details: dict[str, StreamDetail] = {}
        self.refusal: tuple[int, str] | None = None
        self.has_events = True
        self.picture_of: Callable[[str], bytes | None] = lambda _key: self._picture
        self.pictures_asked: list[str] = []
        self.paths_asked: list[str] = []
        self.generation = getattr(self, "generation", 0) + 1

    def break_events(self) -> None:
        """End every open event stream; new ones are taken."""
        self.generation += 1

    async def index(self, request: Request) -> Response:
        return FileResponse(PAGE / "index.html")

    async def tell_wall(self, request: Request) -> Response:
        if self.refusal is not None:
            return JSONResponse({"detail": self.refusal[1]}, self.refusal[0])
        return Response(msgspec.json.encode(self.wall), media_type="application/json")

    async def tell_events(self, request: Request) -> Response:
        if self.refusal is not None or not self.has_events:
            return JSONResponse({"detail": "no events"}, 503)
        return EventSourceResponse(self._events())

    async def _events(self) -> AsyncIterator[bytes]:
        generation = self.generation
        while generation == self.generation:
            if self.wall is not None:
                document = msgspec.json.encode(self.wall).decode()
                yield format_sse_event(event="wall", data_str=document, retry=2000)
            await asyncio.sleep(BEAT_S)

    async def tell_stream(self, request: Request) -> Response:
        detail = self.details.get(request.path_params["stream_id"])
        if self.refusal is not None:
            return JSONResponse({"detail": self.refusal[1]}, self.refusal[0])
        if detail is None:
            return JSONResponse({"detail": "no such stream"}, 404)
        return Response(msgspec.json.encode(detail), media_type="application/json")

    async def give_picture(self, request: Request) -> Response:
        key = request.path_params["key"]
        self.pictures_asked.append(key)
        picture = self.picture_of(key)
        if picture is None:
            return JSONResponse({"detail": "no such picture"}, 404)
        return Response(picture, media_type="image/jpeg")

    async def give_object(self, request: Request) -> Response:
        return RedirectResponse(f"/pictures/{request.path_params['key']}", 307)

    def app(self) -> FastAPI:
        """Return the application with the routes of the viewer."""
        app = FastAPI(openapi_url=None)
        for path, answer in (
            ("/", self.index),
            ("/api/wall", self.tell_wall),
            ("/api/events", self.tell_events),
            ("/api/streams/{stream_id}", self.tell_stream),
            ("/pictures/{key:path}", self.give_picture),
            ("/s3/{key:path}", self.give_object),
        ):
            app.add_route(path, answer)
        app.mount("/page", StaticFiles(directory=PAGE))
        return app


class _BeatingServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, beat: Callable[[], None]) -> None:
        super().__init__(config)
        self._beat = beat

    async def on_tick(self, counter: int) -> bool:
        self._beat()
        return await super().on_tick(counter)


class Served:
    """Serves an application on a port of its own of 127.0.0.1, in a thread, until it is closed.

    `beat` is called in the server's event loop, ten times a second.
    """

    def __init__(self, app: FastAPI, beat: Callable[[], None] = lambda: None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        config = uvicorn.Config(
            app,
            ws="none",
            lifespan="off",
            log_config=None,
            headers=list(SECURITY_HEADERS),
            timeout_graceful_shutdown=1,
        )
        self._server = _BeatingServer(config, beat)
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],))
        self._thread.start()

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(START_WITHIN_S)
        self._listener.close()
