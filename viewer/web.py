"""What the viewer answers over HTTP, to GET and HEAD alone: page, wall, streams and pictures."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response

from contracts.errors import InvalidRecord
from contracts.names import checked_evidence_key
from runtime.errors import FramerailError
from runtime.logs import Logger
from runtime.storms import StormFold
from viewer.followers import FollowerResponse, Followers
from viewer.store import TooLarge

PAGE = Path(__file__).parent / "page"

SECURITY_HEADERS = (
    (
        "content-security-policy",
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
)
"""The server puts them on every answer, also on those that no handler of ours makes."""

_READ = ["GET", "HEAD"]
_FRESH = {"Cache-Control": "no-store"}
_REVALIDATED = {"Cache-Control": "no-cache"}
_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where answers come from. `picture` and `link` raise FramerailError where S3 gives none."""

    wall: Callable[[], bytes]
    detail: Callable[[str], bytes | None]
    picture: Callable[[str], Awaitable[bytes | None]]
    link: Callable[[str], Awaitable[str]]
    followers: Followers


def make_app(
    sources: Sources, allowed_hosts: tuple[str, ...], log: Logger, page: Path = PAGE
) -> FastAPI:
    """Return the application; it has no documentation pages, whose assets come from elsewhere."""
    app = FastAPI(title="framerail", openapi_url=None, docs_url=None, redoc_url=None)
    answers = _Answers(sources, page, log)
    for path, answer in (
        ("/", answers.index),
        ("/api/wall", answers.wall),
        ("/api/events", answers.events),
        ("/api/streams/{stream_id}", answers.stream),
        ("/pictures/{key:path}", answers.picture),
        ("/s3/{key:path}", answers.link),
    ):
        app.add_api_route(path, answer, methods=_READ, response_model=None)
    app.mount("/page", _PageFiles(directory=page, check_dir=False))
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts), www_redirect=False)

    @app.exception_handler(Exception)
    async def tell_defect(request: Request, _error: Exception) -> JSONResponse:
        log.exception("viewer.request_failed", path=request.url.path)
        return JSONResponse({"detail": "a defect of the viewer; its log tells of it"}, 500)

    return app


class _Answers:
    def __init__(self, sources: Sources, page: Path, log: Logger) -> None:
        self._sources = sources
        self._index = page / "index.html"
        self._log = log
        self._storms = StormFold(time.monotonic)

    async def index(self) -> Response:
        if not self._index.is_file():
            raise HTTPException(404, "the page is not installed; /api/wall tells what it shows")
        return FileResponse(self._index, media_type="text/html", headers=_REVALIDATED)

    async def wall(self) -> Response:
        return _json(self._sources.wall())

    async def events(self, request: Request) -> Response:
        if request.method == "HEAD":
            return Response(media_type="text/event-stream", headers=_FRESH)
        return FollowerResponse(self._sources.followers)

    async def stream(self, stream_id: str) -> Response:
        detail = self._sources.detail(stream_id)
        if detail is None:
            raise HTTPException(404, f"no stream {stream_id[:63]!r} is on the wall")
        return _json(detail)

    async def picture(self, key: str) -> Response:
        _check_key(key)
        try:
            jpeg = await self._sources.picture(key)
        except TooLarge as error:
            raise HTTPException(502, "the object is larger than a picture may be") from error
        except FramerailError as error:
            raise self._unavailable(error) from error
        if jpeg is None:
            raise HTTPException(404, "no such picture is in S3, or not yet", _FRESH)
        return Response(jpeg, media_type="image/jpeg", headers=_FOR_EVER)

    async def link(self, key: str) -> Response:
        _check_key(key)
        try:
            return RedirectResponse(await self._sources.link(key), 307, headers=_FRESH)
        except FramerailError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: FramerailError) -> HTTPException:
        # The reason names servers and keys: it is for the log and, of S3 as a whole, for the wall.
        unsaid = self._storms.admit(type(error).__name__)
        if unsaid is not None:
            self._log.warning("picture.unavailable", reason=str(error), unsaid=unsaid)
        return HTTPException(503, "S3 does not give it now", {**_FRESH, "Retry-After": "5"})


class _PageFiles(StaticFiles):
    """The files of the page; a browser asks each time whether they have changed."""

    def file_response(self, *args: object, **options: object) -> Response:
        response = super().file_response(*args, **options)  # type: ignore[arg-type]
        response.headers.update(_REVALIDATED)
        return response


def _json(document: bytes) -> Response:
    return Response(document, media_type="application/json", headers=_FRESH)


def _check_key(key: str) -> None:
    try:
        checked_evidence_key(key)
    except InvalidRecord as error:
        raise HTTPException(404, str(error), _FRESH) from error
