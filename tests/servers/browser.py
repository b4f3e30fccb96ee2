"""Fixtures: a real browser, and a page that takes no error in silence."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

from tests.servers.missing import missing

SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",  # root, in a container, on pages of our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # There is no outside world here either.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]
# Chromium reports a violation on the console too, but not one of a policy that only reports.
REPORT_VIOLATIONS = """
document.addEventListener('securitypolicyviolation', (event) =>
  console.error(`security policy: ${event.violatedDirective} blocked ${event.blockedURI || event.sample}`));
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for this process of the run: the system's, else the one that Playwright installed."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser_path(playwright), args=FLAGS)
        try:
            yield started
        finally:
            started.close()


def browser_path(playwright: Playwright) -> str:
    """Where the browser is."""
    found = next(filter(None, map(shutil.which, SYSTEM_BROWSERS)), None)
    own = playwright.chromium.executable_path
    if found is None and not Path(own).exists():
        missing("there is no browser: install chromium, or run `playwright install chromium`")
    return found or own


@pytest.fixture
def page_errors() -> list[str]:
    """What the pages of this test complained about. A test that expects it asserts on it and clears it."""
    return []


@pytest.fixture
def browser_context(browser: Browser, page_errors: list[str]) -> Iterator[BrowserContext]:
    """A context without cookies of other tests. What is left in `page_errors` at the end fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, timezone_id="UTC", locale="en-GB")
    context.set_default_timeout(15_000)
    context.add_init_script(REPORT_VIOLATIONS)

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            page_errors.append(f"console: {message.text} ({message.location.get('url')})")

    context.on("console", note)
    context.on("weberror", lambda error: page_errors.append(f"uncaught: {error.error}"))
    try:
        yield context
    finally:
        context.close()
    assert page_errors == [], "the pages complained"


@pytest.fixture
def page(browser_context: BrowserContext) -> Page:
    """A page at 1280 × 800."""
    return browser_context.new_page()
