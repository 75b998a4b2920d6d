"""Pictures of the page, and of what a terminal shows, taken with a real Chromium."""

import os
import re
import shutil
from math import ceil
from types import TracebackType
from typing import Literal, Self

from playwright.sync_api import Page, ViewportSize, sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

CHROMIUM_VARIABLE = "FRAMERAIL_CHROMIUM"
WALL = ViewportSize(width=1440, height=800)
DESK = ViewportSize(width=1280, height=1400)
POCKET = ViewportSize(width=390, height=844)
WITHIN_MS = 30_000
Theme = Literal["light", "dark"]
_VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_SHOWN = """wanted => {
  const pictures = [...document.images].filter(one => one.src.includes("/pictures/"));
  const inSight = pictures.filter(one => one.checkVisibility());
  return inSight.length >= wanted && inSight.every(one => one.complete && one.naturalWidth > 0);
}"""


class Browser:
    """One Chromium, as a context; every picture is the bytes of a PNG."""

    def __enter__(self) -> Self:
        program = os.environ.get(CHROMIUM_VARIABLE) or shutil.which("chromium")
        if program is None:
            raise SystemExit(
                f"no chromium: `make browser` installs it, or {CHROMIUM_VARIABLE}=PATH"
            )
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--font-render-hinting=none"],
            # The page leaves room for a bar, which would be blank.
            ignore_default_args=["--hide-scrollbars"],
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._chromium.close()
        self._playwright.stop()

    def wall(self, url: str, tiles: int, theme: Theme) -> bytes:
        """Take the wall, once so many tiles show their picture."""
        page = self._page(url, WALL, theme, scale=1.25)
        return self._taken(page, tiles)

    def stream(self, url: str, stream_id: str) -> bytes:
        """Take the page of one stream."""
        page = self._page(f"{url}/#/streams/{stream_id}", DESK, "light", scale=1.2)
        return self._taken(page, 2)

    def phone(self, url: str) -> bytes:
        """Take the wall as a phone shows it."""
        page = self._page(url, POCKET, "dark", scale=2, is_mobile=True)
        return self._taken(page, 1)

    def svg(self, svg: str) -> bytes:
        """Take an SVG picture in its own size, on white."""
        width, height = (ceil(float(side)) for side in _VIEW_BOX.findall(svg)[0])
        page = self._chromium.new_page(
            viewport=ViewportSize(width=width, height=height), device_scale_factor=1.25
        )
        page.set_content(f"<body style='margin:0'>{svg}</body>")
        taken = page.screenshot()
        page.close()
        return taken

    def _page(
        self, url: str, size: ViewportSize, theme: Theme, scale: float, *, is_mobile: bool = False
    ) -> Page:
        page = self._chromium.new_page(
            viewport=size,
            color_scheme=theme,
            device_scale_factor=scale,
            reduced_motion="reduce",
            is_mobile=is_mobile,
        )
        page.goto(url)
        return page

    def _taken(self, page: Page, pictures: int) -> bytes:
        page.wait_for_function(_SHOWN, arg=pictures, timeout=WITHIN_MS)
        taken = page.screenshot(animations="disabled")
        page.close()
        return taken


def terminal_svg(ansi: str, title: str, columns: int) -> str:
    """Return what a terminal of so many columns shows for this text with its colours, as SVG.

    It asks for no font from elsewhere, as rich's own does.
    """
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=columns, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(ansi.rstrip()), soft_wrap=False)
        svg = console.export_svg(title=title, theme=MONOKAI)
    before, face, _ = svg.partition("@font-face")
    return before + svg[svg.rindex("}", 0, svg.index(".terminal-")) + 1 :] if face else svg
