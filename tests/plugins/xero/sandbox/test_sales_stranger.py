"""Xero's own SDK reads invoices and credit notes as it would in Xero."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

import pytest

from partsemble_xero.sandbox.testing import RunningSandbox
from tests.plugins.xero.sandbox.client import KITS
from tests.plugins.xero.sandbox.stranger import Stranger

KIT = {"item": "SENSOR-KIT", "quantity": "2.5", "unit_amount": "100.1255"}


@pytest.fixture
def stranger(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stranger]:
    with closing(Stranger(sandbox, sandbox.sign_in(organisation=KITS), monkeypatch)) as sdk:
        yield sdk


def test_the_sdk_pages_through_invoices(stranger: Stranger, sandbox: RunningSandbox) -> None:
    tenant_id = stranger.tenant_id(KITS)
    made = [sandbox.invoice(KITS, lines=[KIT])["number"] for _ in range(5)]
    seen = [
        each.invoice_number
        for page in (1, 2, 3)
        for each in stranger.accounting.get_invoices(
            tenant_id, page=page, page_size=2, statuses=["AUTHORISED"], order="UpdatedDateUTC ASC"
        ).invoices
    ]
    assert seen == made


def test_the_sdk_reads_amounts_dates_and_the_item(stranger: Stranger, sandbox: RunningSandbox) -> None:
    tenant_id = stranger.tenant_id(KITS)
    made = sandbox.invoice(KITS, date="2026-10-31", line_amount_types="Inclusive", status="PAID", lines=[KIT])
    (invoice,) = stranger.accounting.get_invoice(tenant_id, made["id"], unitdp=4).invoices
    line = invoice.line_items[0]
    assert (invoice.status, invoice.type, invoice.date) == ("PAID", "ACCREC", datetime.date(2026, 10, 31))
    assert (line.quantity, line.unit_amount) == (Decimal("2.5000"), Decimal("100.1255"))
    assert (line.line_amount, line.tax_amount) == (Decimal("250.31"), Decimal("32.65"))
    assert (line.item_code, line.item.code) == ("SENSOR-KIT", "SENSOR-KIT")
    assert invoice.contact.name == "Ridgeway University"


def test_the_sdk_sees_a_void_by_its_status(stranger: Stranger, sandbox: RunningSandbox) -> None:
    tenant_id = stranger.tenant_id(KITS)
    made = sandbox.credit_note(KITS, lines=[KIT])
    sandbox.advance(60)
    since = datetime.datetime.fromisoformat(sandbox.admin("GET", "clock")["now"]).replace(tzinfo=None)
    sandbox.credit_note(KITS, made["number"], status="VOIDED")
    notes = stranger.accounting.get_credit_notes(tenant_id, if_modified_since=since, page=1).credit_notes
    assert [(note.credit_note_number, note.status) for note in notes] == [(made["number"], "VOIDED")]
