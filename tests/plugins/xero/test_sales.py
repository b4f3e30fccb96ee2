"""Sales read from the sandbox over HTTP: exact figures, statuses, pages, and what Xero may send one day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from partsemble_core.plugin_api import NotPermitted, RetryLater, SalesDocument, SalesKind, SalesStatus
from partsemble_core.plugin_host import PluginHost
from partsemble_core.plugin_testing.contract_sales import Seller
from partsemble_xero import sales
from partsemble_xero.sales_cursor import LISTS, first_place, read_cursor
from partsemble_xero.sandbox.testing import RunningSandbox, start_sandbox
from tests.plugins.xero.xero_harness import BOOKS, REDIRECT, XeroHarness

KIT = {"item": "SENSOR-KIT", "quantity": "2", "unit_amount": "100.00"}
INVOICE = sales.LISTS["Invoices"]


@pytest.fixture
def seller(host: PluginHost, harness: XeroHarness) -> Seller:
    return Seller(host, harness)


def read_one(seller: Seller, made: Mapping[str, Any]) -> SalesDocument:
    return seller.read_all()[0][made["id"]]


def test_only_what_is_sold_to_customers_is_read(seller: Seller, sandbox: RunningSandbox) -> None:
    sandbox.invoice(BOOKS, type="ACCPAY", lines=[KIT])
    sandbox.credit_note(BOOKS, type="ACCPAYCREDIT", lines=[KIT])
    found, _ = seller.read_all()
    assert sorted((each.number, each.kind, each.status) for each in found.values()) == [
        ("CN-0001", SalesKind.CREDIT, SalesStatus.DRAFT),
        ("INV-0001", SalesKind.INVOICE, SalesStatus.DRAFT),
        ("INV-0002", SalesKind.INVOICE, SalesStatus.DRAFT),
    ]


@pytest.mark.parametrize(
    ("types", "line", "wanted"),
    [
        ("Exclusive", {}, "200.00"),
        ("Inclusive", {}, "173.91"),
        ("NoTax", {}, "200.00"),
        ("Exclusive", {"discount_rate": "12.5"}, "175.00"),
        ("Inclusive", {"discount_amount": "0.01"}, "173.90"),
        ("Inclusive", {"discount_rate": "33.3333", "quantity": "0.3333"}, "19.32"),
    ],
)
def test_amounts_are_net_of_tax_and_discount(
    seller: Seller, sandbox: RunningSandbox, types: str, line: dict[str, object], wanted: str
) -> None:
    made = sandbox.invoice(BOOKS, line_amount_types=types, lines=[{**KIT, **line}])
    (read,) = read_one(seller, made).lines
    assert (read.net_amount, read.quantity) == (Decimal(wanted), Decimal(str(line.get("quantity", "2"))))


def test_a_document_is_read_with_its_item_customer_day_and_rate(seller: Seller, sandbox: RunningSandbox) -> None:
    lines = [{**KIT, "quantity": "1.2345"}, {"description": "With thanks"}, {"quantity": "1", "unit_amount": "9.99"}]
    made = sandbox.invoice(
        BOOKS, date="2026-10-31", currency="USD", rate="0.612345", contact="Marine", status="PAID", lines=lines
    )
    read = read_one(seller, made)
    assert (read.number, read.date, read.status) == (made["number"], dt.date(2026, 10, 31), SalesStatus.PAID)
    assert (read.currency, read.rate, read.contact_name) == ("USD", Decimal("0.612345"), "Marine")
    assert read.contact_id
    assert read.updated_at is not None
    assert [(line.item_code, line.quantity, line.net_amount) for line in read.lines] == [
        ("SENSOR-KIT", Decimal("1.2345"), Decimal("123.45")),
        (None, Decimal(1), Decimal("9.99")),
    ]
    assert read.lines[0].item_id
    assert read.lines[0].line_id == made["line_ids"][0]


def test_a_credit_note_is_read_as_printed(seller: Seller, sandbox: RunningSandbox) -> None:
    read = read_one(seller, sandbox.credit_note(BOOKS, line_amount_types="Inclusive", lines=[KIT]))
    assert (read.kind, read.lines[0].quantity, read.lines[0].net_amount) == (
        SalesKind.CREDIT,
        Decimal(2),
        Decimal("173.91"),
    )


def test_every_status_is_told_and_each_change_comes_with_the_last_cursor(
    seller: Seller, sandbox: RunningSandbox
) -> None:
    made = sandbox.invoice(BOOKS, status="DRAFT", lines=[KIT])["id"]
    dropped = sandbox.credit_note(BOOKS, status="SUBMITTED", lines=[KIT])["id"]
    _, cursor = seller.read_all()
    for status, wanted in (("AUTHORISED", "open"), ("PAID", "paid"), ("AUTHORISED", "open"), ("VOIDED", "voided")):
        sandbox.invoice(BOOKS, made, status=status)
        found, cursor = seller.read_all(cursor)
        assert found[made].status == wanted
    sandbox.credit_note(BOOKS, dropped, status="DELETED")
    found, cursor = seller.read_all(cursor)
    assert found[dropped].status == SalesStatus.DELETED


def test_250_invoices_come_over_pages_while_some_of_them_change(seller: Seller, sandbox: RunningSandbox) -> None:
    made = []
    for number in range(250):
        made.append(sandbox.invoice(BOOKS, lines=[KIT])["id"])
        if number % 10 == 9:
            sandbox.advance(2)
    found: dict[str, SalesDocument] = {}
    cursor, edited = None, []
    for number in range(40):
        page = seller.page(cursor, limit=60)
        found |= {each.external_id: each for each in page.records}
        if not page.has_more:
            break
        cursor = page.next_cursor
        edited.append(made[number * 7])
        sandbox.invoice(BOOKS, edited[-1], reference="changed", status="VOIDED")
    assert not page.has_more
    assert set(made) <= found.keys()
    last, _ = seller.read_all(page.next_cursor)
    assert {each for each in made if (found | last)[each].status is SalesStatus.VOIDED} == set(edited)
    assert len(edited) >= 4


def test_many_of_one_moment_come_over_pages(tmp_path: Any, host: PluginHost) -> None:
    """A clock that stands still gives every document the same time of change."""
    with sandbox_at_one_moment(tmp_path) as sandbox:
        made = {sandbox.invoice(BOOKS, lines=[KIT])["id"] for _ in range(11)}
        harness = XeroHarness(sandbox)
        found, _ = Seller(host, harness).read_all(limit=3)
        harness.ctx.http.close()
    assert made <= found.keys()


def sandbox_at_one_moment(folder: Any) -> RunningSandbox:
    return start_sandbox(folder / "still.db", redirect_uris=[REDIRECT], clock="fixed")


def test_a_limit_and_a_missing_scope_say_what_to_do(host: PluginHost, sandbox: RunningSandbox) -> None:
    narrow = XeroHarness(sandbox, scopes="offline_access openid profile email accounting.settings.read")
    with pytest.raises(NotPermitted, match="connect again"):
        Seller(host, narrow).read_all()
    narrow.ctx.http.close()
    wide = XeroHarness(sandbox)
    sandbox.add_fault("GET /api.xro/2.0/CreditNotes*", kind="status", status=429)
    with pytest.raises(RetryLater):
        Seller(host, wide).read_all()
    wide.ctx.http.close()


def test_one_page_is_one_call_with_what_xero_wants(seller: Seller, sandbox: RunningSandbox) -> None:
    before = len(sandbox.requests())
    seller.page(None, limit=100)
    (call,) = [each for each in sandbox.requests()[before:] if each["path"] == "/api.xro/2.0/Invoices"]
    for part in ("page=1", "pageSize=100", "unitdp=4", "order=UpdatedDateUTC"):
        assert part in call["query"]


ROW: Mapping[str, Any] = {
    "InvoiceID": "a1",
    "InvoiceNumber": "INV-1",
    "Type": "ACCREC",
    "Status": "AUTHORISED",
    "Date": "/Date(1793404800000+0000)/",
    "UpdatedDateUTC": "/Date(1793404800123+1300)/",
    "CurrencyCode": "NZD",
    "LineAmountTypes": "Exclusive",
    "LineItems": [{"LineItemID": "l", "Quantity": 2, "LineAmount": Decimal("11.50"), "TaxAmount": Decimal("1.50")}],
    "Total": Decimal("11.50"),
    "TotalTax": Decimal("1.50"),
}


def test_moments_are_utc_whatever_offset_is_printed() -> None:
    read = sales.document_from(ROW, INVOICE)
    assert read is not None
    assert read.updated_at == dt.datetime(2026, 10, 31, 0, 0, 0, 123000, tzinfo=dt.UTC)
    assert (read.rate, read.contact_id, read.contact_name) == (Decimal(1), None, "")


@pytest.mark.parametrize(
    "change",
    [
        {"Type": "ARPREPAYMENT"},
        {"Status": "ARCHIVED"},
        {"Status": None},
        {"InvoiceID": ""},
        {"Date": "soon"},
        {"Date": None},
    ],
)
def test_what_we_do_not_know_is_left_out_and_breaks_nothing(change: dict[str, object]) -> None:
    assert sales.document_from({**ROW, **change}, INVOICE) is None


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"LineAmountTypes": "Mixed"}, "10.00"),
        ({"LineAmountTypes": "Mixed", "Total": Decimal("13.00")}, "11.50"),
        ({"LineAmountTypes": None, "TotalTax": 0}, "11.50"),
        ({"LineAmountTypes": "Inclusive"}, "10.00"),
        ({"Surprise": [1]}, "11.50"),
    ],
)
def test_an_unknown_kind_of_tax_is_settled_by_the_total(change: dict[str, object], wanted: str) -> None:
    read = sales.document_from({**ROW, **change}, INVOICE)
    assert read is not None
    assert [line.net_amount for line in read.lines] == [Decimal(wanted)]


@pytest.mark.parametrize("lines", [None, "none", [None], [{"Description": "only words"}], []])
def test_lines_that_sell_nothing_are_left_out(lines: object) -> None:
    read = sales.document_from({**ROW, "LineItems": lines, "Contact": "nobody"}, INVOICE)
    assert read is not None
    assert read.lines == ()


def test_an_item_is_known_by_its_code_alone_where_there_is_no_object() -> None:
    line = {**ROW["LineItems"][0], "ItemCode": "KIT", "Item": None}
    read = sales.document_from({**ROW, "LineItems": [line]}, INVOICE)
    assert read is not None
    assert (read.lines[0].item_id, read.lines[0].item_code) == (None, "KIT")


def test_both_lists_are_known_to_the_cursor() -> None:
    assert tuple(sales.LISTS) == LISTS
    assert read_cursor(None) == first_place()
