"""Publish a video file as a camera: `python -m local.camera --url rtsp://... [--video FILE]`.

The file is played over and over; it is the demo's clip of pedestrians unless another is named.
"""

import argparse
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit, urlunsplit

import structlog

from local.publishing import NoVideo, Publisher, ServerLost

CLIP = Path(__file__).with_name("clip") / "pedestrians.mp4"
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 5.0
# PyAV offers no time limit for writing: a server that takes nothing for so long counts as frozen,
# and the process ends, to be started again.
FROZEN_AFTER_S = 20.0
LONGEST_GOODBYE_S = 2.0

log = structlog.get_logger()


def main() -> int:
    """Publish until a stop signal, or the end with --once.

    Returns 0 then, 1 when the server froze, 2 for a file that is no video.
    """
    chosen = _parser().parse_args()
    stop = threading.Event()

    def request_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, request_stop)
    signal.signal(signal.SIGTERM, request_stop)
    camera = Camera(
        Publisher(chosen.video, chosen.url, in_real_time=chosen.fps_limit == "source"),
        redacted(chosen.url),
        passes=1 if chosen.once else None,
    )
    return camera.run(stop)


def redacted(url: str) -> str:
    """Return the URL with any user and password replaced by `***`."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc="***@" + parts.netloc.rpartition("@")[2]))


class Camera:
    """Publishes in a thread of its own, so that a server that takes nothing cannot hold us."""

    def __init__(self, publisher: Publisher, name: str, *, passes: int | None) -> None:
        self._publisher = publisher
        self._name = name
        self._passes = passes
        self._exit_code = 0

    def run(self, stop: threading.Event) -> int:
        """Publish, connecting again and again, until `stop` or the last pass; return exit code."""
        thread = threading.Thread(target=self._publish_again_and_again, args=(stop,), daemon=True)
        thread.start()
        while thread.is_alive() and not stop.wait(0.2):
            if self._publisher.idle_s() > FROZEN_AFTER_S:
                log.error("camera.server_frozen", url=self._name, after_s=FROZEN_AFTER_S)
                return 1
        thread.join(LONGEST_GOODBYE_S)
        return self._exit_code

    def _publish_again_and_again(self, stop: threading.Event) -> None:
        wait_s = FIRST_WAIT_S
        while not stop.is_set():
            sent_before = self._publisher.sent
            try:
                log.info("camera.connecting", url=self._name)
                self._publisher.publish(stop, passes=self._passes)
                log.info("camera.ended", url=self._name, packets=self._publisher.sent)
                return
            except NoVideo as error:
                log.error("camera.no_video", reason=str(error))
                self._exit_code = 2
                return
            except ServerLost as error:
                if self._publisher.sent > sent_before:
                    wait_s = FIRST_WAIT_S
                log.warning("camera.lost", url=self._name, reason=str(error), wait_s=wait_s)
            stop.wait(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.camera", description=__doc__)
    parser.add_argument(
        "--video", type=Path, default=CLIP, help="file to publish as it is (the demo's clip)"
    )
    parser.add_argument("--url", required=True, help="rtsp://[user:password@]host:port/path")
    parser.add_argument("--once", action="store_true", help="end after one whole pass")
    parser.add_argument(
        "--fps-limit",
        choices=("source", "none"),
        default="source",
        help="the file's own rate, or as fast as the server takes it",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
