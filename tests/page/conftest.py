"""A browser that looks at the page of a broker, and complains of all that it should."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import leveret

try:
    from playwright.sync_api import sync_playwright
except ImportError:  # in the dev group, but not needed to work on anything else
    sync_playwright = None  # type: ignore[assignment]

WITHOUT_THE_NET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
]
# What a wait may take on a machine that has other things to do.
PATIENCE_MS = 60_000
# A second between two refreshes, so that tests need not wait for five.
IMPATIENT = "localStorage.setItem('leveret.interval', '1')"
# The page's own listener comes first: afterwards what was shown before is gone.
GO = """place => location.hash === place || new Promise((done) => {
    addEventListener("hashchange", done, { once: true });
    location.hash = place;
}).then(() => true)"""
WATCH_POLICY = """addEventListener("securitypolicyviolation", (event) =>
    console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`))"""


def chromium() -> str | None:
    """Where the browser is."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def why_not() -> str | None:
    """Why there is no browser to look with, in one line."""
    if sync_playwright is None:
        return "needs playwright (in the dev group)"
    return None if chromium() else "needs Chromium (Debian: apt install chromium)"


# For a module: while the browser is there, its loop counts as running in this thread.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The browser, without a window."""
    if reason := why_not():
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=WITHOUT_THE_NET)
        yield browser
        browser.close()


@pytest.fixture
def managed() -> "Iterator[leveret.Broker]":
    """A fresh broker with its page."""
    with leveret.Broker(management=True) as broker:
        yield broker


class Tab:
    """A tab of the browser on the page of a broker, and what it complained of."""

    def __init__(self, browser: Any, url: str, **options: Any) -> None:
        self.url = url
        self.complaints: list[str] = []
        self.context = browser.new_context(locale="en-GB", **options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.add_init_script(IMPATIENT)
        self.context.add_init_script(WATCH_POLICY)
        self.page = self.context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(f"thrown: {error}"))

    def _said(self, message: Any) -> None:
        # The browser itself notes every 401 and 404 there; what the page makes of it is on it.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(f"{message.type}: {message.text}")

    def login(self, user: str = "guest", password: str = "guest") -> Any:
        """Open the page and log in; gives Playwright's page."""
        self.page.goto(f"{self.url}/")
        self.page.get_by_label("User").fill(user)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()
        self.page.get_by_role("heading", name="Overview").wait_for()
        return self.page

    def show(self, place: str) -> Any:
        """Go to another view of the page."""
        self.page.evaluate(GO, place)
        self.page.locator("main", has_not_text="Loading…").wait_for()
        return self.page


@pytest.fixture
def tab(browser: Any, managed: leveret.Broker) -> Iterator[Tab]:
    """A tab of a desk's width; at the end, nothing was complained of."""
    yield from watched(Tab(browser, managed.management_url))


def watched(tab: Tab) -> Iterator[Tab]:
    """``tab``, closed afterwards and asked for its complaints."""
    yield tab
    tab.context.close()
    assert tab.complaints == []


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    """Where files of the user's go."""
    return tmp_path
