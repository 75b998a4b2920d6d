"""One Chromium and one fake viewer for all tests; a fresh page, of any size and theme, for each."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, expect, sync_playwright

from tests.page.fake_viewer import FakeViewer, Served

WAIT_MS = 8000
"""Other work on the same cores makes a browser slow."""

PHONE: ViewportSize = {"width": 360, "height": 740}
LAPTOP: ViewportSize = {"width": 1366, "height": 768}
WALL_SCREEN: ViewportSize = {"width": 2560, "height": 1440}

_NOTE_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""
_FAILED_REQUEST = "Failed to load resource"


class Opened:
    """A page, and what went wrong in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.may_fail_requests = False
        self._errors: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self._errors.append(f"uncaught: {error}"))

    def errors(self) -> list[str]:
        """Return what the console and the content security policy complain about."""
        return [
            error
            for error in [*self._errors, *self.page.evaluate("window.violations")]
            if not (self.may_fail_requests and _FAILED_REQUEST in error)
        ]

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._errors.append(message.text)


OpenPage = Callable[..., Opened]


@pytest.fixture(scope="session")
def chromium() -> Path:
    name = os.environ.get("FRAMERAIL_CHROMIUM", "chromium")
    found = shutil.which(name)
    if found is None:
        pytest.exit(
            f"tests/page: {name} is missing. Install it (sudo apt-get install chromium), or name "
            "another: FRAMERAIL_CHROMIUM=/usr/bin/google-chrome",
            returncode=2,
        )
    return Path(found)


@pytest.fixture(scope="session")
def browser(chromium: Path) -> Iterator[Browser]:
    args = ["--no-sandbox"] if os.geteuid() == 0 else []
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=args)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def _fake_and_served() -> Iterator[tuple[FakeViewer, Served]]:
    fake = FakeViewer()
    served = Served(fake.app())
    yield fake, served
    fake.reset()
    served.close()


@pytest.fixture
def viewer(_fake_and_served: tuple[FakeViewer, Served]) -> FakeViewer:
    fake, _ = _fake_and_served
    fake.reset()
    return fake


@pytest.fixture
def open_page(
    browser: Browser, _fake_and_served: tuple[FakeViewer, Served], viewer: FakeViewer
) -> Iterator[OpenPage]:
    """Open the page: `open_page("#/streams/gate", size=PHONE, theme="dark")`.

    At its end a test fails if the console or the content security policy complained.
    """
    opened: list[Opened] = []

    def open_at(
        address: str = "",
        size: ViewportSize = LAPTOP,
        theme: str = "light",
        base: str | None = None,
        **options: object,
    ) -> Opened:
        context = browser.new_context(viewport=size, color_scheme=theme, **options)  # type: ignore[arg-type]
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(_NOTE_VIOLATIONS)
        one = Opened(context.new_page())
        opened.append(one)
        one.page.goto((base or _fake_and_served[1].url) + address)
        return one

    yield open_at
    complaints = [error for one in opened for error in one.errors()]
    for one in opened:
        one.page.context.close()
    assert complaints == []
