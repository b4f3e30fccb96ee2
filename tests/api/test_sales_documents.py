from __future__ import annotations

import csv
import io

import pytest

from partsemble_core.services import connecting
from partsemble_core.store.companies import Role
from tests.api.callers import Firm, Served, found_firm


@pytest.fixture
def firm(served: Served) -> Firm:
    """A company in US dollars, with a product that the QuickBooks stub sells, connected to it."""
    firm = found_firm(served, currency="USD")
    firm.shop.products("Fountain")
    house = served.house
    act = house.act(firm.company_id, by="ann")
    connecting.choose(house, act, firm.company_id, backend="qbo_stub", organisation_id="9130-0001")
    return firm


def test_the_hook_reads_sales_and_the_list_shows_them(firm: Firm) -> None:
    run = firm.callers[Role.ACCOUNTANT].send("POST", "/hooks/run/sync-sales", status=202)["sync"]
    assert (run["kind"], run["state"], run["records"], run["added"]) == ("sales", "done", 2, 2)
    viewer = firm.callers[Role.VIEWER]
    rows = viewer.get("/sales-documents")["rows"]
    assert [(row["number"], row["kind"], row["state"], row["net"], row["currency"]) for row in rows] == [
        ("CM-17", "credit", "open", "-275", "USD"),
        ("1001", "invoice", "open", "585.5", "USD"),
    ]
    assert viewer.get("/sales-documents?kind=credit&search=cool&sort=-net")["total"] == 1
    assert viewer.get("/sales-documents?from=2026-10-01&page_size=1")["pages"] == 1
    assert firm.owner.send("POST", "/hooks/run/sync-sales", status=202)["sync"]["records"] == 0


def test_one_document_has_its_lines_with_the_product_of_the_same_sku(firm: Firm) -> None:
    firm.owner.send("POST", "/hooks/run/sync-sales", status=202)
    (row,) = firm.owner.get("/sales-documents?kind=invoice")["rows"]
    shown = firm.callers[Role.VIEWER].get(f"/sales-documents/{row['id']}")
    assert {
        name: shown[name] for name in ("number", "date", "state", "net", "rate", "contact_name", "organisation")
    } == {
        "number": "1001",
        "date": "2026-09-28",
        "state": "open",
        "net": "585.5",
        "rate": "1",
        "contact_name": "Cool Cars",
        "organisation": "Sandbox Kits (US)",
    }
    assert [(line["item_code"], line["quantity"], line["net"], line["product_sku"]) for line in shown["lines"]] == [
        ("FOUNTAIN", "2", "550", "Fountain"),
        ("", "1", "35.5", None),
    ]


def test_another_companys_documents_do_not_exist(firm: Firm, served: Served) -> None:
    firm.owner.send("POST", "/hooks/run/sync-sales", status=202)
    sale_id = firm.owner.get("/sales-documents")["rows"][0]["id"]
    stranger = found_firm(served).owner
    assert stranger.refused("GET", f"/sales-documents/{sale_id}") == (404, "not-found", None)
    assert stranger.get("/sales-documents")["total"] == 0


def test_bad_filters_are_refused_by_name(firm: Firm) -> None:
    for name, value in (("kind", "bill"), ("state", "lost"), ("from", "soon"), ("sort", "rate"), ("color", "red")):
        status, code, field = firm.owner.refused("GET", f"/sales-documents?{name}={value}")
        assert (status, code, field) == (422, "invalid", name)


def test_the_list_is_a_file_too(firm: Firm) -> None:
    firm.owner.send("POST", "/hooks/run/sync-sales", status=202)
    rows = list(csv.DictReader(io.StringIO(firm.owner.call("GET", "/sales_documents.csv").text.lstrip("\ufeff"))))
    assert [(row["Number"], row["Net of tax"]) for row in rows] == [("CM-17", "-275"), ("1001", "585.5")]
    assert firm.owner.call("GET", "/sales_documents.xlsx?kind=credit").status_code == 200


@pytest.mark.parametrize("role", [Role.BUILDER, Role.VIEWER])
def test_only_who_may_export_may_sync(firm: Firm, role: Role) -> None:
    assert firm.callers[role].refused("POST", "/hooks/run/sync-sales") == (403, "forbidden", None)
    assert firm.callers[role].get("/sales-documents")["total"] == 0


def test_books_without_sales_say_so(served: Served) -> None:
    firm = found_firm(served)
    house = served.house
    act = house.act(firm.company_id, by="ann")
    offered = connecting.organisations(house, firm.company_id, backend="csv_import")
    connecting.choose(house, act, firm.company_id, backend="csv_import", organisation_id=offered[0].external_id)
    run = firm.owner.send("POST", "/hooks/run/sync-sales", status=202)["sync"]
    assert (run["state"], run["message"]) == ("failed", "A journal register holds no sales; enter them by hand.")
