from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Error, Page

PAGES = {
    "/favicon.ico": (200, ""),
    "/good": (200, "<title>Good</title><h1>Good</h1>"),
    "/inline": (200, "<title>Bad</title><script>document.title = 'ran'</script>"),
    "/log": (200, "<title>Bad</title><script src=/log.js></script>"),
    "/log.js": (200, "console.error('broken')"),
    "/throw": (200, "<title>Bad</title><script src=/throw.js></script>"),
    "/throw.js": (200, "throw new Error('unexpected')"),
    "/picture": (200, "<title>Bad</title><img src=/nothing.png>"),
}


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = PAGES.get(self.path, (404, ""))
        self.send_response(status)
        self.send_header("Content-Type", "text/javascript" if self.path.endswith(".js") else "text/html")
        self.send_header("Content-Security-Policy", "default-src 'self'")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Keeps the test's output clean."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_good_page_is_shown_without_complaint(page: Page, site: str) -> None:
    page.goto(site + "/good")
    assert page.text_content("h1") == "Good"


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("/inline", "security policy: script-src-elem blocked inline"),
        ("/log", "console: broken"),
        ("/throw", "uncaught: unexpected"),
        ("/picture", "404"),
    ],
)
def test_a_page_that_complains_is_noticed(
    page: Page, page_errors: list[str], site: str, path: str, complaint: str
) -> None:
    page.goto(site + path, wait_until="load")
    page.wait_for_function("true")
    assert any(complaint in error for error in page_errors), page_errors
    page_errors.clear()


def test_the_browser_reaches_no_other_machine(page: Page, page_errors: list[str]) -> None:
    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        page.goto("http://example.com/")
    page_errors.clear()
