"""Invoices and credit notes as they are read, and the switches that make and change them."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from partsemble_xero.sandbox.testing import RunningSandbox, SandboxRefused
from tests.plugins.xero.sandbox.client import KITS, TIMEOUT, App

KIT = {"item": "SENSOR-KIT", "quantity": "2", "unit_amount": "100.00"}


def listed(app: App, path: str = "/Invoices", **query: str) -> list[dict[str, Any]]:
    answer = app.call("GET", path, query=query)
    assert answer.status_code == 200, answer.text
    shown: list[dict[str, Any]] = answer.json()[path.removeprefix("/")]
    return shown


def numbers(app: App, path: str = "/Invoices", **query: str) -> list[str]:
    name = "InvoiceNumber" if path == "/Invoices" else "CreditNoteNumber"
    return [each[name] for each in listed(app, path, **query)]


def one(app: App, number: str, path: str = "/Invoices", **query: str) -> dict[str, Any]:
    (shown,) = app.call("GET", f"{path}/{number}", query=query).json()[path.removeprefix("/")]
    found: dict[str, Any] = shown
    return found


def refusal(app: App, path: str, fields: dict[str, object]) -> tuple[int, str]:
    with pytest.raises(SandboxRefused) as caught:
        app.sandbox.admin("POST", f"organisations/{app.tenant_id}/{path}", fields)
    return caught.value.status, caught.value.text


def test_every_organisation_begins_with_a_few_drafts_and_empty_books(shared_app: App) -> None:
    assert [(each["Type"], each["InvoiceNumber"], each["Status"]) for each in listed(shared_app)] == [
        ("ACCREC", "INV-0001", "DRAFT"),
        ("ACCREC", "INV-0002", "DRAFT"),
        ("ACCPAY", "8841", "DRAFT"),
    ]
    assert numbers(shared_app, "/CreditNotes") == ["CN-0001"]
    assert shared_app.sandbox.books(KITS)["trial_balance"] == {"debit": "0.00", "credit": "0.00"}


def test_lines_and_pagination_come_only_with_a_page(shared_app: App) -> None:
    assert all(each["LineItems"] == [] for each in listed(shared_app))
    answer = shared_app.call("GET", "/Invoices", query={"page": "2", "pageSize": "2"}).json()
    assert answer["pagination"] == {"page": 2, "pageSize": 2, "pageCount": 2, "itemCount": 3}
    assert [len(each["LineItems"]) for each in answer["Invoices"]] == [1]
    assert "pagination" not in shared_app.call("GET", "/Invoices").json()
    assert all(each["LineItems"] == [] for each in listed(shared_app, page="1", summaryOnly="true"))
    assert [len(each["LineItems"]) for each in listed(shared_app, "/CreditNotes", page="1", summaryOnly="true")] == [1]


def test_lists_are_narrowed_as_in_xero(shared_app: App) -> None:
    first = listed(shared_app)[0]
    assert numbers(shared_app, IDs=first["InvoiceID"]) == ["INV-0001"]
    assert numbers(shared_app, InvoiceNumbers="INV-0002,8841") == ["INV-0002", "8841"]
    assert numbers(shared_app, Statuses="AUTHORISED,PAID") == []
    assert numbers(shared_app, ContactIDs=first["Contact"]["ContactID"]) == ["INV-0001"]
    assert numbers(shared_app, searchTerm="bolt") == ["8841"]
    assert numbers(shared_app, where='Type=="ACCREC" AND Contact.Name!="Marine Systems"') == ["INV-0001"]
    assert numbers(shared_app, where='Type=="ACCREC"', order="InvoiceNumber DESC") == ["INV-0002", "INV-0001"]
    assert numbers(shared_app, includeArchived="true", createdByMyApp="false")[:1] == ["INV-0001"]
    assert numbers(shared_app, "/CreditNotes", Statuses="PAID") == ["CN-0001"], "it knows no such parameter"
    for query in ({"IDs": "1"}, {"where": "Nonsense==1"}, {"page": "0"}, {"pageSize": "1001", "page": "1"}):
        assert shared_app.call("GET", "/Invoices", query=query).status_code == 400


def test_a_document_is_read_by_id_or_number_of_its_own_organisation(shared_app: App) -> None:
    assert one(shared_app, listed(shared_app)[0]["InvoiceID"])["InvoiceNumber"] == "INV-0001"
    assert one(shared_app, "CN-0001", "/CreditNotes")["LineItems"][0]["ItemCode"] == "SENSOR-KIT"
    assert shared_app.call("GET", "/Invoices/CN-0001").status_code == 404
    other = App(shared_app.sandbox, organisation="Second Books Ltd")
    assert shared_app.call("GET", f"/Invoices/{listed(other)[0]['InvoiceID']}").status_code == 404


def test_only_changes_are_shown_since_a_moment(app: App, sandbox: RunningSandbox) -> None:
    sandbox.advance(60)
    since = sandbox.admin("GET", "clock")["now"][:19]
    sandbox.invoice(KITS, "INV-0002", reference="PO 7")
    made = sandbox.invoice(KITS, lines=[KIT])
    answer = app.call("GET", "/Invoices", headers={"If-Modified-Since": since})
    assert [each["InvoiceNumber"] for each in answer.json()["Invoices"]] == ["INV-0002", made["number"]]


@pytest.mark.parametrize(
    ("types", "line", "wanted"),
    [
        ("Exclusive", {}, ("200.00", "30.00", "200.00", "230.00")),
        ("Inclusive", {}, ("200.00", "26.09", "173.91", "200.00")),
        ("NoTax", {}, ("200.00", "0.00", "200.00", "200.00")),
        ("Exclusive", {"discount_rate": "12.5"}, ("175.00", "26.25", "175.00", "201.25")),
        ("Inclusive", {"discount_amount": "0.01"}, ("199.99", "26.09", "173.90", "199.99")),
        ("Exclusive", {"tax_type": "NONE"}, ("200.00", "0.00", "200.00", "200.00")),
        ("Exclusive", {"quantity": "0.3333", "unit_amount": "9.9999"}, ("3.33", "0.50", "3.33", "3.83")),
    ],
)
def test_amounts_follow_the_kind_of_tax_and_the_discount(
    app: App, sandbox: RunningSandbox, types: str, line: dict[str, object], wanted: tuple[str, ...]
) -> None:
    made = sandbox.invoice(KITS, line_amount_types=types, lines=[{**KIT, **line}])
    text = app.call("GET", f"/Invoices/{made['number']}", query={"unitdp": "4"}).text
    shown = one(app, made["number"])
    for name, amount in zip(("LineAmount", "TaxAmount", "SubTotal", "Total"), wanted, strict=True):
        assert f'"{name}":{amount}' in text
    assert shown["LineItems"][0]["AccountCode"] == "200"


def test_prices_have_four_decimals_when_asked(app: App, sandbox: RunningSandbox) -> None:
    made = sandbox.invoice(KITS, lines=[{**KIT, "unit_amount": "0.1255", "quantity": "10.5"}])
    assert '"Quantity":10.5000,"UnitAmount":0.13,' in app.call("GET", f"/Invoices/{made['id']}").text
    assert '"UnitAmount":0.1255,' in app.call("GET", f"/Invoices/{made['id']}", query={"unitdp": "4"}).text


def test_dates_are_in_both_of_xeros_forms(app: App, sandbox: RunningSandbox) -> None:
    sandbox.invoice(KITS, number="D", date="2026-10-31", status="PAID", lines=[KIT])
    shown = one(app, "D")
    assert (shown["Date"], shown["DateString"]) == ("/Date(1793404800000+0000)/", "2026-10-31T00:00:00")
    assert shown["UpdatedDateUTC"].startswith("/Date(")
    assert shown["UpdatedDateUTCString"].endswith("Z")
    assert shown["FullyPaidOnDate"].startswith("/Date(")


def test_a_line_that_only_describes_has_no_amounts(app: App, sandbox: RunningSandbox) -> None:
    made = sandbox.invoice(KITS, lines=[KIT, {"description": "With thanks"}])
    shown = one(app, made["number"])["LineItems"][1]
    assert shown == {"LineItemID": made["line_ids"][1], "Description": "With thanks", "Tracking": []}


def balances(sandbox: RunningSandbox, *codes: str) -> list[str]:
    return [sandbox.balance(KITS, code=code) for code in codes]


def test_the_books_follow_an_invoice_from_draft_to_void(sandbox: RunningSandbox) -> None:
    number = sandbox.invoice(KITS, status="DRAFT", lines=[KIT])["number"]
    assert balances(sandbox, "610", "200", "820", "090") == ["0.00"] * 4
    sandbox.invoice(KITS, number, status="AUTHORISED")
    assert balances(sandbox, "610", "200", "820", "090") == ["230.00", "-200.00", "-30.00", "0.00"]
    sandbox.invoice(KITS, number, status="PAID")
    assert balances(sandbox, "610", "200", "820", "090") == ["0.00", "-200.00", "-30.00", "230.00"]
    sandbox.invoice(KITS, number, status="AUTHORISED")
    sandbox.invoice(KITS, number, status="VOIDED")
    assert balances(sandbox, "610", "200", "820", "090") == ["0.00"] * 4


def test_a_bill_and_a_credit_note_are_the_mirror(sandbox: RunningSandbox) -> None:
    sandbox.invoice(KITS, type="ACCPAY", lines=[{**KIT, "account": "429"}])
    assert balances(sandbox, "800", "429", "820") == ["-230.00", "200.00", "30.00"]
    sandbox.credit_note(KITS, lines=[KIT])
    assert balances(sandbox, "610", "200", "820") == ["-230.00", "200.00", "60.00"]


def test_another_currency_reaches_the_books_at_its_rate(app: App, sandbox: RunningSandbox) -> None:
    made = sandbox.invoice(KITS, currency="USD", rate="0.6", line_amount_types="NoTax", lines=[KIT])
    assert balances(sandbox, "610", "200") == ["333.33", "-333.33"]
    assert '"CurrencyRate":0.600000,' in app.call("GET", f"/Invoices/{made['number']}").text


def test_a_changed_line_keeps_its_id_only_where_it_is_sent(app: App, sandbox: RunningSandbox) -> None:
    made = sandbox.invoice(KITS, lines=[KIT])
    (line_id,) = made["line_ids"]
    kept = sandbox.invoice(KITS, made["number"], lines=[{**KIT, "line_id": line_id, "quantity": "3"}])
    assert kept["line_ids"] == [line_id]
    anew = sandbox.invoice(KITS, made["number"], lines=[KIT])
    assert anew["line_ids"] != [line_id]
    assert one(app, made["number"])["InvoiceID"] == made["id"]


def test_what_can_not_be_is_refused_by_field(app: App, sandbox: RunningSandbox) -> None:
    number = sandbox.invoice(KITS, number="INV-9", status="DRAFT", lines=[KIT])["number"]
    for fields, code in (
        ({}, "lines-not-valid"),
        ({"lines": [{**KIT, "item": "NOPE"}]}, "item-not-found"),
        ({"lines": [{**KIT, "account": "999"}]}, "account-not-found"),
        ({"lines": [{**KIT, "quantity": "1.00001"}]}, "number-not-valid"),
        ({"lines": [{**KIT, "quantity": "9999999", "unit_amount": "9999999"}]}, "amount-not-valid"),
        ({"lines": [KIT], "number": number}, "number-taken"),
        ({"lines": [KIT], "type": "ACCRECCREDIT"}, "type-not-valid"),
        ({"lines": [KIT], "rate": "0"}, "rate-not-valid"),
        ({"lines": [KIT], "date": "today"}, "day-not-valid"),
        ({"lines": [KIT], "contact_id": "x"}, "guid-not-valid"),
        ({"lines": [KIT], "status": "VOIDED"}, "status-not-valid"),
        ({"lines": [KIT], "color": "red"}, "field-not-known"),
    ):
        status, text = refusal(app, "invoices", fields)
        assert (status, code in text) == (400, True), text
    assert "discount-not-valid" in refusal(app, "credit-notes", {"lines": [{**KIT, "discount_rate": "1"}]})[1]
    assert refusal(app, "invoices/INV-77", {})[0] == 404
    sandbox.invoice(KITS, number, status="DELETED")
    assert "final" in refusal(app, f"invoices/{number}", {"status": "AUTHORISED"})[1]
    assert sandbox.books(KITS)["trial_balance"]["debit"] == "0.00"


@pytest.mark.parametrize("path", ["/Invoices", "/CreditNotes"])
def test_they_are_not_written_through_the_api(app: App, path: str) -> None:
    for method in ("PUT", "POST"):
        assert app.call(method, path, {}).status_code in {404, 405}


@pytest.mark.parametrize(("scope", "status"), [("accounting.settings.read", 401), ("accounting.invoices.read", 200)])
def test_it_takes_its_scope(sandbox: RunningSandbox, scope: str, status: int) -> None:
    token = sandbox.sign_in(organisation=KITS, scopes=f"openid {scope}")["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    headers["Xero-Tenant-Id"] = sandbox.tenant_id(KITS)
    for path in ("Invoices", "Invoices/INV-0001", "CreditNotes", "CreditNotes/CN-0001"):
        answer = requests.get(f"{sandbox.address}/api.xro/2.0/{path}", headers=headers, timeout=TIMEOUT)
        assert answer.status_code == status
