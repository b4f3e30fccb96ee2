"""Somebody at the console: keeps cookies, sends the CSRF token that the last page held, reads pages."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.web.shop import PASSWORD, Shop

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
Fields = Mapping[str, str | Sequence[str]]


class Visitor:
    """One browser, without a window."""

    def __init__(self, shop: Shop) -> None:
        self.client: FlaskClient = shop.app.test_client()

    @classmethod
    def signed_in(cls, shop: Shop, name: str) -> Visitor:
        """``name`` is a role of the shop, or a whole address."""
        visitor = cls(shop)
        email = name if "@" in name else f"{name}@lumen.example"
        answer = visitor.post("/sign-in", {"email": email, "password": PASSWORD}, page="/sign-in")
        assert answer.status_code == 303, answer.text
        return visitor

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, buffered=True, **options)  # an unread file would stay open

    def token(self, page: str = "/integrations") -> str:
        """The CSRF token of a page; any page's will do."""
        found = TOKEN.search(self.get(page).text)
        assert found is not None, f"{page} holds no form"
        return found[1]

    def post(self, path: str, fields: Fields | None = None, *, page: str = "/integrations") -> TestResponse:
        """Sends a form as the page would."""
        return self.client.post(path, data={**(fields or {}), "csrf_token": self.token(page)})


def text_of(answer: TestResponse) -> str:
    """What a person reads: the page without its tags, white space made single."""
    body = re.sub(r"<(script|template|dialog|style)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    body = re.sub(r'<span class="pad".*?</span>', "", body)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())
