"""One Chromium and one fake viewer for all tests; a fresh page, of any size and theme, for each."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

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
_UNCAUGHT = "uncaught: "


class Opened:
    """A page, and what went wrong in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.may_fail_requests = False
        self._errors: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self._errors.append(f"{_UNCAUGHT}{error}"))

    def errors(self) -> list[str]:
        """Return what the console and the content security policy complain about."""
        return [
            error
            for error in [*self._errors, *self.page.evaluate("window.violations")]
            if not (self.may_fail_requests and _FAILED_REQUEST in error)
        ]

    def take_uncaught(self) -> list[str]:
        """Return the errors that nothing in the page caught, and complain of them no more."""
        uncaught = [error for error in self._errors if error.startswith(_UNCAUGHT)]
        self._errors = [error for error in self._errors if error not in uncaught]
        return uncaught

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


class Contexts:
    """One browser context a set of options: the files of the page are fetched once in each."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._made: dict[frozenset[tuple[str, object]], BrowserContext] = {}

    def page(self, size: ViewportSize, options: dict[str, object]) -> Page:
        """Return a page that shares nothing with those before but what is cached."""
        key = frozenset(options.items())
        if key not in self._made:
            context = self._browser.new_context(**options)  # type: ignore[arg-type]
            context.set_default_timeout(WAIT_MS)
            context.add_init_script(_NOTE_VIOLATIONS)
            self._made[key] = context
        page = self._made[key].new_page()
        page.set_viewport_size(size)
        return page


def leave(page: Page) -> None:
    """Close a page, and forget what it and its test have chosen."""
    page.evaluate("localStorage.clear()")
    page.context.set_offline(False)
    page.context.clear_permissions()
    page.close()


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Contexts:
    return Contexts(browser)


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
    contexts: Contexts, _fake_and_served: tuple[FakeViewer, Served], viewer: FakeViewer
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
        one = Opened(contexts.page(size, {"color_scheme": theme, **options}))
        opened.append(one)
        one.page.goto((base or _fake_and_served[1].url) + address)
        return one

    yield open_at
    complaints = [error for one in opened for error in one.errors()]
    for one in opened:
        leave(one.page)
    assert complaints == []
