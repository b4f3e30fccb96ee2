"""Walks a sign-in page as a person with a browser would: opens it, chooses the organisation, presses Allow."""

from __future__ import annotations

import urllib.parse
from html.parser import HTMLParser

from partsemble_core.demo.stage import DemoFailed
from partsemble_core.errors import say
from partsemble_core.plugin_api.http import Http


def consent(http: Http, authorize_url: str, *, organisation: str) -> dict[str, str]:
    """The callback's parameters. Raises DemoFailed when the page isn't what a person could use."""
    page = http.request("GET", authorize_url)
    form = _ConsentForm()
    form.feed(page.body.decode("utf-8", "replace"))
    if page.status != 200 or organisation not in form.choices:
        raise DemoFailed(
            say(
                "The sign-in page offers no {organisation} (status {status}).",
                organisation=organisation,
                status=page.status,
            )
        )
    name, value = form.choices[organisation]
    fields = {**form.hidden, name: value}
    if form.allow is not None:
        fields[form.allow[0]] = form.allow[1]
    answer = http.request("POST", urllib.parse.urljoin(authorize_url, form.action or authorize_url), data=fields)
    location = answer.headers.get("Location", "")
    if answer.status not in (302, 303) or not location:
        raise DemoFailed(say("The sign-in page did not send us back (status {status}).", status=answer.status))
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query))


class _ConsentForm(HTMLParser):
    """Hidden fields, the choice of organisation by its label, and the button that allows."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.hidden: dict[str, str] = {}
        self.choices: dict[str, tuple[str, str]] = {}
        self.allow: tuple[str, str] | None = None
        self._radio: tuple[str, str] | None = None
        self._button: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given.get("action", "")
        elif tag == "input" and given.get("type") == "hidden":
            self.hidden[given.get("name", "")] = given.get("value", "")
        elif tag == "input" and given.get("type") == "radio":
            self._radio = (given.get("name", ""), given.get("value", ""))
        elif tag == "button":
            self._button = (given.get("name", ""), given.get("value", ""))

    def handle_data(self, data: str) -> None:
        words = data.strip()
        if words and self._radio is not None:
            self.choices[words] = self._radio
            self._radio = None
        if self._button is not None and words.startswith("Allow"):
            self.allow = self._button

    def handle_endtag(self, tag: str) -> None:
        if tag == "button":
            self._button = None
