"""An app as a test plays it: signed in to one organisation of a running sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from partsemble_xero.sandbox.testing import SandboxHandle

KITS = "Demo Kits Ltd"
SECOND = "Second Books Ltd"
TIMEOUT = 20


class App:
    """Calls the Accounting API of ``sandbox`` with a token of its own."""

    def __init__(
        self, sandbox: SandboxHandle, *, organisation: str = KITS, redirect_uri: str = "http://localhost/callback"
    ) -> None:
        self.sandbox = sandbox
        self.organisation = organisation
        self.tokens = sandbox.sign_in(organisation=organisation, redirect_uri=redirect_uri)
        self.tenant_id = sandbox.tenant_id(organisation)

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.tokens['access_token']}",
            "Xero-Tenant-Id": self.tenant_id,
            "Accept": "application/json",
        }

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str | None] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """One request; a header of None is left out."""
        given = {name: value for name, value in {**self.headers, **(headers or {})}.items() if value is not None}
        url = f"{self.sandbox.address}/api.xro/2.0{path}"
        return requests.request(method, url, json=body, headers=given, params=query, timeout=TIMEOUT)

    def create(self, **changes: object) -> dict[str, Any]:
        """Create one journal and give it back as the sandbox shows it."""
        answer = self.call("PUT", "/ManualJournals", {"ManualJournals": [journal(**changes)]})
        assert answer.status_code == 200, answer.text
        (created,) = answer.json()["ManualJournals"]
        found: dict[str, Any] = created
        return found

    def change(self, journal_id: str, **fields: object) -> requests.Response:
        """POST one journal by its id."""
        return self.call("POST", f"/ManualJournals/{journal_id}", {"Narration": "Changed", **fields})

    def get(self, journal_id: str) -> dict[str, Any]:
        """One journal by its id."""
        (found,) = self.call("GET", f"/ManualJournals/{journal_id}").json()["ManualJournals"]
        shown: dict[str, Any] = found
        return shown

    def listed(self, **query: str) -> list[str]:
        """The narrations that a list answers, in its order."""
        answer = self.call("GET", "/ManualJournals", query=query)
        assert answer.status_code == 200, answer.text
        return [each["Narration"] for each in answer.json()["ManualJournals"]]


def line(code: str | None, amount: object, **fields: object) -> dict[str, object]:
    """A journal line; an account of None is left out."""
    shown = {"LineAmount": amount, "AccountCode": code, "TaxType": "NONE", **fields}
    return {name: value for name, value in shown.items() if value is not None}


def journal(**changes: object) -> dict[str, object]:
    """A good journal of 100.00 from finished goods to cost of goods; a change of None takes a field away."""
    good = {
        "Narration": "Cost of goods",
        "Date": "2026-10-31",
        "LineAmountTypes": "NoTax",
        "JournalLines": [line("310", 100), line("622", -100)],
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def messages(answer: requests.Response) -> list[str]:
    """The validation messages of a 400."""
    assert answer.status_code == 400, answer.text
    assert answer.json()["Type"] == "ValidationException", answer.text
    return [each["Message"] for element in answer.json()["Elements"] for each in element["ValidationErrors"]]
