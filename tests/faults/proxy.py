"""A TCP proxy that is told, while it runs, to be slow, silent, rude or absent."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Literal

Mode = Literal["pass", "slow", "silent", "refuse", "cut", "unavailable", "forbidden"]

_CHUNK_BYTES = 64 * 1024
_SLOW_S = 0.25
_ANSWERS = {
    "unavailable": b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "forbidden": (
        b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nContent-Length: 46\r\n"
        b"Connection: close\r\n\r\n<Error><Code>AccessDenied</Code></Error>      "
    ),
}


class Proxy:
    """Forwards one local port to another, in a thread of its own.

    slow: each chunk waits a quarter of a second. silent: nothing is forwarded or answered. refuse:
    connections are reset at once. cut: they are reset after their first chunk. unavailable,
    forbidden: HTTP answers of S3. A change of mode cuts what is open.
    """

    def __init__(self, port: int, target_port: int) -> None:
        self._ports = (port, target_port)
        self._mode: Mode = "pass"
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._is_listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"proxy {port}", daemon=True)
        self._thread.start()
        assert self._is_listening.wait(10)

    @contextlib.contextmanager
    def being(self, mode: Mode) -> Iterator[None]:
        """Behave so for the length of a block."""
        self._set(mode)
        try:
            yield
        finally:
            self._set("pass")

    def close(self) -> None:
        """Stop listening and end the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _set(self, mode: Mode) -> None:
        def change() -> None:
            self._mode = mode
            for writer in self._open:
                writer.transport.abort()

        self._loop.call_soon_threadsafe(change)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self._ports[0])
        )
        self._is_listening.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.05))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode == "refuse":
            return
        if self._mode == "silent":
            while await reader.read(_CHUNK_BYTES):
                pass
            return
        if self._mode in _ANSWERS:
            await reader.read(_CHUNK_BYTES)
            writer.write(_ANSWERS[self._mode])
            await writer.drain()
            return
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._ports[1])
        self._open.add(back_writer)
        try:
            ways = self._forward(reader, back_writer), self._forward(back_reader, writer)
            tasks = [asyncio.ensure_future(way) for way in ways]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
        finally:
            self._open.discard(back_writer)
            back_writer.transport.abort()

    async def _forward(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(_CHUNK_BYTES):
                if self._mode == "slow":
                    await asyncio.sleep(_SLOW_S)
                sink.write(chunk)
                await sink.drain()
                if self._mode == "cut":
                    return
