"""A Xero organisation in the sandbox, as the contract and the journeys need it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from partsemble_core.plugin_api import Http, Secret, TimeOuts
from partsemble_core.plugin_testing.harness import Fault, Harness, LedgerAccount
from partsemble_core.plugin_testing.memory import make_context
from partsemble_xero import plugin
from partsemble_xero.sandbox.testing import SCOPES, RunningSandbox
from partsemble_xero.sandbox.webhook_sender import signature

BOOKS = "Demo Kits Ltd"
REDIRECT = "http://localhost/callback"
JOURNALS = "POST /api.xro/2.0/ManualJournals*"


class XeroHarness(Harness):
    name = "xero"
    plugin = plugin
    currency = "NZD"

    def __init__(self, sandbox: RunningSandbox, *, scopes: str = SCOPES) -> None:
        self.sandbox = sandbox
        token = sandbox.sign_in(organisation=BOOKS, redirect_uri=REDIRECT, scopes=scopes)["access_token"]
        self.ctx = make_context(
            organisation_id=sandbox.tenant_id(BOOKS),
            access_token=Secret(token),
            clock=lambda: dt.datetime.now(dt.UTC),
            http=Http(time_outs=TimeOuts(connect=2, read=5, total=10)),
            settings={
                "api_url": sandbox.address,
                "authorize_url": f"{sandbox.address}/identity/connect/authorize",
                "token_url": f"{sandbox.address}/connect/token",
                "client_id": sandbox.client_id,
                "client_secret": Secret(sandbox.client_secret),
            },
        )
        ids = {each["code"]: each["account_id"] for each in sandbox.books(BOOKS)["accounts"]}
        self.account_ids: Mapping[str, str] = ids
        self.debit, self.credit = self.account("622"), self.account("621")

    def account(self, code: str) -> LedgerAccount:
        return LedgerAccount(self.account_ids[code], code)

    def journals(self) -> list[Mapping[str, object]]:
        found: list[Mapping[str, object]] = self.sandbox.books(BOOKS)["journals"]
        return found

    def count_journals(self) -> int:
        return sum(1 for journal in self.journals() if journal["status"] == "POSTED")

    def posted_totals(self) -> Mapping[str, Decimal]:
        totals: defaultdict[str, Decimal] = defaultdict(Decimal)
        for account in self.sandbox.books(BOOKS)["accounts"]:
            totals[account["code"]] += Decimal(account["balance"])
        return totals

    def unusable_account(self) -> LedgerAccount:
        return self.account("610")

    def genuine_webhook(self) -> tuple[Mapping[str, str | Secret], Mapping[str, str], bytes]:
        body = (
            f'{{"events":[{{"tenantId": "{self.ctx.organisation_id}","resourceId":"c-1","eventCategory":"CONTACT",'
            '"eventType":"UPDATE", "eventDateUtc":"2026-11-02T01:02:03.456"}],"firstEventSequence": 1,'
            '"lastEventSequence": 1}'
        ).encode()
        key = self.sandbox.webhook_key
        return {"webhook_key": Secret(key)}, {"X-Xero-Signature": signature(key, body)}, body

    def inject(self, fault: Fault) -> None:
        if fault is Fault.LIMIT:
            self.sandbox.add_fault(JOURNALS, kind="status", status=429)
        else:
            self.sandbox.add_fault(JOURNALS, kind=f"close-{fault.value}")

    def add_contact(self, name: str) -> str:
        return self.sandbox.add_contact(BOOKS, name)

    def contact_names(self) -> list[str]:
        return [each["name"] for each in self.sandbox.contacts(BOOKS)]

    def inject_contact(self, fault: Fault) -> None:
        self.sandbox.add_fault("PUT /api.xro/2.0/Contacts", kind=f"close-{fault.value}")

    def close_books(self, through: dt.date) -> None:
        self.sandbox.lock(BOOKS, period=through.isoformat())

    def make_sale(self) -> str:
        return str(self.sandbox.invoice(BOOKS, lines=[{"item": "SENSOR-KIT", "quantity": "2"}])["id"])

    def void_sale(self, external_id: str) -> None:
        self.sandbox.invoice(BOOKS, external_id, status="VOIDED")
