from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from werkzeug.routing import Rule

from partsemble_core.services import connecting
from partsemble_core.store.base import Base
from partsemble_csv_import import REGISTER_ID
from tests.web.people import Visitor, text_of
from tests.web.shop import (
    Shop,
    connect,
    correct,
    found,
    listen,
    make_lamps,
    open_shop,
    plan_lamps,
    read_sales,
    round_off,
    staff,
    stock_up,
)

Visit = Callable[[Shop, str], Visitor]
ROLES = ("owner", "admin", "accountant", "builder", "viewer")
IDS = {
    "product_id": 5,
    "lot_id": 2,
    "receipt_id": 1,
    "build_id": 1,
    "plan_id": 2,
    "export_id": 1,
    "connection_id": 1,
    "count_id": 1,
    "adjustment_id": 1,
    "sale_id": 1,
    "webhook_id": 1,
    "true_up_id": 1,
    "delivery_id": 1,
    "supplier_id": 1,
    "member_id": 2,
    "invitation_id": 1,
    "sign_in_id": 1,
    "token_id": 1,
}
CLOSED = ("callback", "webhooks", "audit-log", "settings/users", "sign-ins", "api-tokens", "settings/accounting")
"""What a viewer may not see."""
REGISTER = "/integrations/register.csv"
SET_UP = "/set-up"
LISTS = (
    "/products",
    "/lots",
    "/counts",
    "/adjustments",
    "/stock-ledger",
    "/suppliers",
    "/receipts",
    "/builds",
    "/exports",
)


def rules(shop: Shop, method: str) -> list[Rule]:
    """The console's own routes of a method."""
    return [
        rule
        for rule in shop.app.url_map.iter_rules()
        if method in (rule.methods or ()) and not rule.rule.startswith(("/api/", "/static/", "/webhooks/"))
    ]


def path_of(shop: Shop, rule: Rule, ids: dict[str, int]) -> str:
    """An address of the route; what isn't an id is filled in with something that exists."""
    values = {**dict.fromkeys(ids, 0), **ids, "file_type": "csv", "backend": "qbo_stub"}
    values |= {"topic": "work", "step": "books"}
    method = "GET" if "GET" in (rule.methods or ()) else "POST"
    built = shop.app.url_map.bind("localhost").build(
        rule.endpoint,
        {name: values[name] for name in rule.arguments},
        method=method,
    )
    return str(built)


def counts(shop: Shop) -> dict[str, int]:
    """Rows of every table."""
    with shop.house.engine.connect() as connection:
        return {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in Base.metadata.sorted_tables
        }


@pytest.mark.parametrize("role", ["owner", "viewer"])
def test_every_page_is_shown_and_changes_nothing(full_shop: Shop, visit: Visit, role: str) -> None:
    visitor = visit(full_shop, role)
    before = counts(full_shop)
    for rule in rules(full_shop, "GET"):
        path = path_of(full_shop, rule, IDS)
        answer = visitor.get(path)
        is_form = path.endswith(("/new", "/edit", "/bom"))
        is_closed = is_form or any(word in path for word in CLOSED)
        wanted = 403 if role == "viewer" and is_closed else 200
        if "callback" in path and role == "owner":
            wanted = 400  # nobody began a sign-in
        if path == SET_UP:
            wanted = 302  # there is a company
        if path == REGISTER:
            wanted = 400  # these books keep no register here
        assert answer.status_code == wanted, (path, answer.text)
    assert counts(full_shop) == before


def test_pages_are_the_same_on_both_databases(database_url: str, tmp_path: Path, visit: Visit) -> None:
    shop = open_shop(database_url, tmp_path)
    read_sales(shop, connect(shop))
    stock_up(shop)
    make_lamps(shop, "60")
    plan_lamps(shop, "2")
    correct(shop)
    listen(shop)
    staff(shop)
    round_off(shop)
    visitor = visit(shop, "owner")
    for rule in rules(shop, "GET"):
        if "callback" not in rule.rule and rule.rule not in (REGISTER, SET_UP):
            assert visitor.get(path_of(shop, rule, IDS | {"receipt_id": 4})).status_code == 200, rule
    assert "Stock value 7,763.20 USD" in text_of(visitor.get("/"))
    assert "60 each 2,110.00 ACM-20260402 20 34.50 690.00" in text_of(visitor.get("/builds/1"))
    assert "PSB-000001 LAMP-01" in text_of(visitor.get("/lots/1"))
    shop.house.engine.dispose()


def test_a_page_holds_nothing_inline(full_shop: Shop, visit: Visit) -> None:
    visitor = visit(full_shop, "owner")
    for rule in rules(full_shop, "GET"):
        text = visitor.get(path_of(full_shop, rule, IDS)).text
        if text.lstrip().startswith("<!doctype"):
            assert " style=" not in text, rule
            assert " onclick=" not in text, rule
            assert "<style" not in text, rule
            assert "<script>" not in text, rule


def test_a_stranger_is_sent_to_sign_in_and_back_again(full_shop: Shop) -> None:
    stranger = Visitor(full_shop)
    for rule in rules(full_shop, "GET"):
        if not rule.endpoint.startswith(("signing_in.", "joining.", "founding.")):
            path = path_of(full_shop, rule, IDS)
            answer = stranger.get(path)
            assert answer.status_code == 303, path
            assert answer.location.startswith("/sign-in"), path
    assert stranger.get("/lots?search=ACM").location == "/sign-in?next=/lots?search%3DACM"


def test_what_is_another_companys_does_not_exist(full_shop: Shop, visit: Visit) -> None:
    other = visit(full_shop, "stranger@elsewhere.example")
    seen = 0
    for rule in rules(full_shop, "GET"):
        if rule.arguments & IDS.keys():
            answer = other.get(path_of(full_shop, rule, IDS))
            assert answer.status_code == 404, (rule, answer.text)
            assert "LAMP" not in answer.text
            assert "PANEL" not in answer.text
            seen += 1
    for rule in rules(full_shop, "POST"):
        if rule.arguments & IDS.keys():
            answer = other.post(path_of(full_shop, rule, IDS), {"sku": "X", "quantity": "1", "received_on": ""})
            assert answer.status_code == 404, (rule, answer.text)
            seen += 1
    assert seen >= 12


def test_an_id_that_no_database_holds_is_no_page(full_shop: Shop, visit: Visit) -> None:
    visitor = visit(full_shop, "owner")
    for path in ("/lots/0", "/lots/999999", f"/lots/{10**30}", "/lots/-1", "/lots/abc", "/nowhere"):
        answer = visitor.get(path)
        assert answer.status_code == 404, path
        assert "Nothing here" in text_of(answer)


@pytest.mark.parametrize("path", LISTS)
def test_a_list_is_downloaded_as_it_is_filtered(full_shop: Shop, visit: Visit, path: str) -> None:
    visitor = visit(full_shop, "viewer")
    csv = visitor.get(f"{path}.csv?search=zzz-nothing")
    assert csv.status_code == 200
    assert csv.data.startswith(b"\xef\xbb\xbf")
    assert len(csv.text.splitlines()) == 1, "the headings alone"
    assert "attachment" in csv.headers["Content-Disposition"]
    xlsx = visitor.get(f"{path}.xlsx")
    assert xlsx.data[:2] == b"PK"
    assert visitor.get(f"{path}.pdf").status_code == 404


def test_search_sort_and_page_live_in_the_address(full_shop: Shop, visit: Visit) -> None:
    visitor = visit(full_shop, "owner")
    page = visitor.get("/lots?search=panel&sort=-quantity_left&page_size=2").text
    assert "1–2 of 3" in page
    assert 'href="/lots?search=panel&amp;sort=-quantity_left&amp;page=2&amp;page_size=2"' in page
    assert 'href="/lots.csv?search=panel&amp;sort=-quantity_left&amp;page_size=2"' in page
    assert 'aria-sort="descending"' in page
    assert page.index("NTL-20260421") < page.index("ACM-20260410")
    second = visitor.get("/lots?search=panel&sort=-quantity_left&page=2&page_size=2").text
    assert "3–3 of 3" in second


@pytest.mark.parametrize("query", ["page=x", "page=0", "page_size=1000", "sort=nothing", "colour=red", "state=odd"])
def test_an_address_that_a_list_does_not_know_is_refused_in_words(full_shop: Shop, visit: Visit, query: str) -> None:
    answer = visit(full_shop, "owner").get(f"/lots?{query}")
    assert answer.status_code == 422
    assert "invalid" in text_of(answer)


def test_the_filter_of_a_link_is_shown_and_can_be_taken_off(full_shop: Shop, visit: Visit) -> None:
    page = visit(full_shop, "owner").get("/lots?product=1&state=open").text
    assert "Product: PANEL-24" in " ".join(page.split())
    assert 'href="/lots?state=open"' in page


def test_a_lot_tells_where_it_came_from_and_where_it_went(full_shop: Shop, visit: Visit) -> None:
    text = text_of(visit(full_shop, "viewer").get("/lots/2"))
    assert "ACM-20260410" in text
    assert "PSB-RCV-0002" in text
    assert text.count("PSB-000001 LAMP-01") == 1, "what drew from other lots isn't told here"
    assert "40 1,420.00 Left in the lot 10 355.00 Came in 50 1,775.00" in text


def test_a_build_shows_each_lot_at_its_own_cost(full_shop: Shop, visit: Visit) -> None:
    text = text_of(visit(full_shop, "viewer").get("/builds/1"))
    assert "60 each 2,110.00 ACM-20260402 20 34.50 690.00 ACM-20260410 40 35.50 1,420.00" in text
    assert "Total 3,561.34552" in text
    assert "Pending export" in text


def test_an_export_shows_the_journal_to_the_cent(full_shop: Shop, visit: Visit) -> None:
    text = text_of(visit(full_shop, "accountant").get("/exports/5"))
    assert "1310 Finished Goods Built 60 × LAMP-01 3,561.35" in text
    assert "5200 Applied Labour Assembly 750.00" in text
    assert "Total 3,561.35 3,561.35" in text
    assert "Rounding +0.00448" in text


def test_home_shows_how_the_company_stands(full_shop: Shop, visit: Visit) -> None:
    text = text_of(visit(full_shop, "viewer").get("/"))
    assert "Stock value 7,763.20 USD" in text
    assert "Open lots 5" in text
    assert "Synced 3" in text
    assert "Pending export 2" in text


def test_an_empty_company_is_told_what_to_do_first(full_shop: Shop, visit: Visit) -> None:
    newcomer = visit(full_shop, "stranger@elsewhere.example")
    home = text_of(newcomer.get("/"))
    assert "First steps 0 of 6 done" in home
    for path, words in (
        ("/products", "Add the first product"),
        ("/lots", "Receive parts"),
        ("/receipts", "Enter the first receipt"),
        ("/builds", "Preview a build"),
        ("/exports", "Connect your books"),
        ("/integrations", "Connect your books"),
    ):
        assert words in text_of(newcomer.get(path)), path


def test_the_journal_register_is_a_download_where_the_books_are_here(shop: Shop, visit: Visit) -> None:
    act = shop.house.act(shop.company_id, by="owner@lumen.example")
    connecting.choose(shop.house, act, shop.company_id, backend="csv_import", organisation_id=REGISTER_ID)
    visitor = visit(shop, "owner")
    assert REGISTER in visitor.get("/integrations").text
    answer = visitor.get(REGISTER)
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.data.decode("utf-8-sig").count("\n") == 1, "a heading and nothing posted yet"


def test_a_register_takes_the_companys_own_currency(shop: Shop) -> None:
    """Nothing has to be set for a company that keeps its stock in another currency than USD."""
    company_id = found(shop.house, name="Kiwi Boards", email="owner@kiwi.example", currency="NZD")
    act = shop.house.act(company_id, by="owner@kiwi.example")
    connection = connecting.choose(shop.house, act, company_id, backend="csv_import", organisation_id=REGISTER_ID)
    assert connection.base_currency == "NZD"
