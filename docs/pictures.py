"""`make pictures`: the README's and the book's pictures, taken anew from a real run.

A demo for its account and its contact sheet, then a pipeline of four cameras whose page and whose
`framerail watch` are looked at. Takes some three minutes; nothing is left running.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import httpx
import msgspec
import numpy as np
from numpy.typing import NDArray

from docs.cameras import CAMERAS, published, streams_file
from docs.shots import Browser, terminal_svg
from local.ports import HOST, free_ports
from local.stack import CHECKOUT

FOLDER = Path(__file__).resolve().parent / "pictures"
COMMAND = str(Path(sys.executable).with_name("framerail"))
LARGEST_BYTES = 250_000
SHEET_WIDTH_PX = 1200
WEBP_QUALITIES = (85, 75, 65, 50, 35)
WITHIN_S = 150.0
COLUMNS = 100


class Framerail:
    """The command, in a home folder of its own; terminals are told that they show colours."""

    def __init__(self, home: Path) -> None:
        self._home = home
        cache = Path(os.environ.get("FRAMERAIL_HOME", CHECKOUT / ".framerail")) / "cache"
        self._environment = os.environ | {
            "FRAMERAIL_HOME": str(home),
            "FRAMERAIL_CACHE": os.environ.get("FRAMERAIL_CACHE", str(cache)),
        }

    def run(self, *arguments: str, coloured: bool = False) -> str:
        """Run to the end and return what it answered. Raises RuntimeError with what it said."""
        colours = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
        run = subprocess.run(  # noqa: S603  # our own command
            [COMMAND, *arguments],
            env=self._environment | (colours if coloured else {}),
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise RuntimeError(f"framerail {' '.join(arguments)}: {run.stderr[-2000:]}")
        # Where the home folder lies says something of this machine only.
        return run.stdout.replace(str(self._home), ".framerail")

    def address(self, name: str) -> str:
        """Return one address of the pipeline that runs."""
        status: dict[str, Any] = msgspec.json.decode(self.run("status", "--json"))
        return str(status["addresses"][name]).rstrip("/")


def main() -> None:
    """Take every picture."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="framerail-pictures-") as scratch, Browser() as browser:
        framerail = Framerail(Path(scratch))
        said = framerail.run("demo", "--cameras", "2", "--seconds", "20", coloured=True)
        save(browser.svg(terminal_svg(said, "framerail demo", COLUMNS)), "demo")
        sheet = Path(scratch) / "demo" / "pictures" / "contact-sheet.png"
        save(scaled(decoded(sheet.read_bytes()), SHEET_WIDTH_PX), "contact-sheet")
        (port,) = free_ports(1)
        rtsp_url = f"rtsp://{HOST}:{port}"
        streams = streams_file(Path(scratch), rtsp_url)
        with published(Path(scratch), rtsp_url):
            try:
                framerail.run("up", "--streams", str(streams), "--port", f"rtsp={port}")
                take_live(framerail, browser)
            finally:
                framerail.run("down")


def take_live(framerail: Framerail, browser: Browser) -> None:
    """Take what the page and the terminal show of a pipeline once it has something to show."""
    url = framerail.address("viewer")
    await_wall(url)
    save(browser.wall(url, len(CAMERAS), "light"), "wall-light")
    save(browser.wall(url, len(CAMERAS), "dark"), "wall-dark")
    save(browser.stream(url, "gate"), "stream")
    save(browser.phone(url), "phone")
    said = framerail.run("watch", "--once", coloured=True)
    save(browser.svg(terminal_svg(said, "framerail watch", COLUMNS)), "watch")


def await_wall(url: str) -> None:
    """Wait until every camera is live with its picture, and the ledger has given its verdict.

    Raises TimeoutError, with the last look at the wall, if that takes too long.
    """
    deadline_s = time.monotonic() + WITHIN_S
    wall: dict[str, Any] = {}
    while time.monotonic() < deadline_s:
        wall = httpx.get(f"{url}/api/wall", timeout=10).raise_for_status().json()
        streams = wall.get("streams", [])
        shown = [one for one in streams if one["state"] == "live" and one.get("picture")]
        verdict = wall.get("ledger") or {}
        is_proven = verdict.get("closed") and verdict["pictures"] > 2 * len(CAMERAS)
        if len(shown) == len(CAMERAS) and is_proven:
            return
        time.sleep(1)
    raise TimeoutError(f"the wall is not whole within {WITHIN_S:g} s: {wall}")


def decoded(encoded: bytes) -> NDArray[np.uint8]:
    """Return a picture as BGR, shape (height, width, 3), uint8."""
    picture = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("not a picture")
    return np.asarray(picture, np.uint8)


def scaled(picture: NDArray[np.uint8], width_px: int) -> NDArray[np.uint8]:
    """Return the picture in another width, keeping its aspect."""
    height_px = round(picture.shape[0] * width_px / picture.shape[1])
    return np.asarray(cv2.resize(picture, (width_px, height_px), interpolation=cv2.INTER_AREA))


def save(picture: bytes | NDArray[np.uint8], name: str) -> None:
    """Write a picture as WebP, as well as it goes in LARGEST_BYTES."""
    pixels = decoded(picture) if isinstance(picture, bytes) else picture
    for quality in WEBP_QUALITIES:
        encoded = cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()
        if len(encoded) <= LARGEST_BYTES:
            break
    path = FOLDER / f"{name}.webp"
    path.write_bytes(encoded)
    height_px, width_px = pixels.shape[:2]
    sys.stdout.write(f"{path.name}: {width_px}x{height_px}, {len(encoded) // 1000} kB\n")


if __name__ == "__main__":
    if shutil.which(COMMAND) is None:
        raise SystemExit("framerail is not installed here: make setup")
    main()
