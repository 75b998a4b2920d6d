"""The viewer's one event loop: it owns the board, serves the page, and tells the wall each second.

Kafka and S3 are asked by threads, which hand over what they find. Nothing that is away stops it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import msgspec

from contracts.wall import LedgerVerdict
from runtime.health import Heartbeat
from runtime.kafka_clients import connection_options
from runtime.logs import Logger
from runtime.stop import StopSignal
from runtime.storms import StormFold
from viewer.batches import Batch
from viewer.board import Board
from viewer.followers import Followers
from viewer.group_offsets import StoredOffsets
from viewer.loops import AskingLoop
from viewer.pictures import THREADS, PictureFetcher
from viewer.results_reader import ResultsReader
from viewer.scraper import EVERY_S, Scraper
from viewer.server import WebServer, listening_socket
from viewer.settings import ViewerSettings
from viewer.store import ReadOnlyStore
from viewer.web import Sources, make_app

WALL_EVERY_S = 1.0
VERDICT_EVERY_S = 15.0
KAFKA_ANSWERS_WITHIN_S = 5.0
"""Others give a start more time and then give up; the viewer tries again for ever."""
NO_METRICS = (
    "no service is asked for its metrics, so rates and drops are not known: "
    "set FRAMERAIL_METRICS_URLS"
)


class Viewer:
    """The parts of a viewer; it is made and run in the main thread."""

    def __init__(
        self, settings: ViewerSettings, stop: StopSignal, heartbeat: Heartbeat, log: Logger
    ) -> None:
        """Listen at once. Raises ConfigurationError for what is wrong whoever is there."""
        connection_options(settings)  # reads the file of the authority
        self._store = ReadOnlyStore.connect(settings, THREADS + 1)
        self._settings = settings
        self._stop = stop
        self._heartbeat = heartbeat
        self._log = log
        self._board = Board(settings.s3_bucket, settings.behind_after_s, settings.silent_after_s)
        self._wall_json = b""
        self._storms = StormFold(time.monotonic)
        self._listener = listening_socket(settings.viewer_host, settings.viewer_port)

    async def run(self) -> None:
        """Serve until the stop signal."""
        if not self._settings.targets:
            self._board.report("metrics", NO_METRICS)
        most = self._settings.viewer_max_clients
        followers = Followers(most)
        app = make_app(self._sources(followers), self._settings.allowed_hosts, self._log)
        server = WebServer(app, followers, most, self._stop)
        self._tell(followers)
        turning = self._start(followers, server)
        host, port = self._listener.getsockname()[:2]
        self._log.info("viewer.listening", viewer_host=host, viewer_port=port)
        try:
            await server.serve(sockets=[self._listener])
        finally:
            self._heartbeat.is_ready = False
            for task in turning:
                task.cancel()

    def _start(self, followers: Followers, server: WebServer) -> list["asyncio.Task[None]"]:
        for asking in self._loops(asyncio.get_running_loop()):
            asking.start()
        turn = partial(self._turn, followers, server)
        scrape = partial(self._scrape, Scraper(self._settings.targets))
        return [
            asyncio.create_task(self._keep(WALL_EVERY_S, turn)),
            asyncio.create_task(self._keep(EVERY_S, scrape)),
        ]

    def _sources(self, followers: Followers) -> Sources:
        def detail(stream_id: str) -> bytes | None:
            found = self._board.detail(stream_id, _now_ms(), time.monotonic())
            return None if found is None else msgspec.json.encode(found)

        fetcher = PictureFetcher(self._store)
        return Sources(lambda: self._wall_json, detail, fetcher.picture, fetcher.link, followers)

    def _loops(self, loop: asyncio.AbstractEventLoop) -> list[AskingLoop]:
        """Return the threads; what they find comes into the event loop, which owns the board."""
        patient = {"kafka_start_timeout_s": KAFKA_ANSWERS_WITHIN_S}
        kafka = self._settings.model_copy(update=patient)

        def into_loop(take: Callable[..., None], *found: object) -> None:
            with suppress(RuntimeError):  # the loop has ended, and nobody looks any more
                loop.call_soon_threadsafe(take, *found)

        def asking(name: str, turn: Callable[[], float]) -> AskingLoop:
            report = partial(into_loop, self._board.report, name)
            return AskingLoop(name, turn, report, self._stop, self._heartbeat, self._log)

        def look_at_ledger() -> float:
            into_loop(self._take_verdict, self._store.verdict())
            return VERDICT_EVERY_S

        results = ResultsReader(kafka, partial(into_loop, self._take_batches))
        stored = StoredOffsets(kafka, partial(into_loop, self._board.history.settle))
        return [
            asking("results", results.turn),
            asking("stored", stored.turn),
            asking("ledger", look_at_ledger),
        ]

    async def _keep(self, every_s: float, turn: Callable[[], Awaitable[None]]) -> None:
        """Call `turn` again and again, whatever becomes of it."""
        while True:
            begun_s = time.monotonic()
            try:
                await turn()
            except Exception as error:  # noqa: BLE001 - the loop's outermost guard
                unsaid = self._storms.admit(type(error).__name__)
                if unsaid is not None:
                    self._log.exception("viewer.defect", unsaid=unsaid)
            await asyncio.sleep(max(0.0, every_s - (time.monotonic() - begun_s)))

    async def _turn(self, followers: Followers, server: WebServer) -> None:
        self._tell(followers)
        self._heartbeat.is_ready = server.started
        self._heartbeat.beat()

    def _tell(self, followers: Followers) -> None:
        wall = self._board.wall(_now_ms(), time.monotonic())
        self._wall_json = msgspec.json.encode(wall)
        followers.publish(self._wall_json)

    async def _scrape(self, scraper: Scraper) -> None:
        heard, self._board.services = await scraper.round()
        now_s = time.monotonic()
        for process, samples in heard.items():
            self._board.telemetry.take(process, samples, now_s)
        self._board.telemetry.close_round(now_s)

    def _take_batches(self, batches: list[Batch]) -> None:
        self._board.add(batches, _now_ms())

    def _take_verdict(self, verdict: LedgerVerdict | None) -> None:
        self._board.ledger = verdict


def serve(settings: ViewerSettings, stop: StopSignal, heartbeat: Heartbeat, log: Logger) -> None:
    """Serve the page until the stop signal.

    Raises ConfigurationError for what is wrong whoever is there: a port that is taken, a file that
    cannot be read. What Kafka, S3 or a service refuses is told on the page, which stays up.
    """
    asyncio.run(Viewer(settings, stop, heartbeat, log).run())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
