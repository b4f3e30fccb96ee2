"""The Reconcile page: our side for everybody, the books for those who export, and true-ups."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import html
import re
from collections.abc import Callable
from decimal import Decimal

import pytest
import sqlalchemy as sa

from partsemble_core.domain.reconciliation import Line, Reason, Verdict
from partsemble_core.services import mapping
from partsemble_core.services.receiving import LineInput, receive
from partsemble_core.services.reconciling import Reconciliation
from partsemble_core.store.exports import Export
from partsemble_core.store.true_ups import TrueUp
from partsemble_web import reconciling
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, connect, make_lamps, post, stock_up

Visit = Callable[[Shop, str], Visitor]


def chosen(shop: Shop, connection_id: int, role: str, code: str) -> None:
    shop.write(lambda s, act: mapping.map_account(s, connection_id=connection_id, role=role, code=code))


def test_the_page_explains_our_side_and_asks_the_books(shop: Shop, visit: Visit) -> None:
    connect(shop)
    ids = stock_up(shop)
    make_lamps(shop, "60")
    post(shop, ids[:-1])
    viewer, accountant = visit(shop, "viewer"), visit(shop, "accountant")
    mine = viewer.get("/reconcile")
    assert "The books weren't asked." in text_of(mine)
    assert "Ask QuickBooks" not in mine.text
    assert viewer.post("/reconcile", {}, page="/reconcile").status_code == 403
    page = accountant.post("/reconcile", {"on": ""}, page="/reconcile")
    assert page.status_code == 200
    shown = text_of(page)
    assert "Every part of it is explained below." in shown
    assert "Not posted yet" in shown
    assert "PSB-000001" in shown
    file = accountant.post("/reconcile.csv", {"on": ""}, page="/reconcile").text.splitlines()
    assert file[0].lstrip("\ufeff") == "What,Reference,Account,Stock,Posted,Books,Books − posted,Amount,Their id,Note"
    assert file[-2].startswith("Not explained,,,,,,,0")
    last = next(csv.DictReader([file[0].lstrip("\ufeff"), file[-1]]))
    accounts = [row for row in csv.DictReader([file[0].lstrip("\ufeff"), *file[1:]]) if row["What"] == "Account"]
    summed = next(row for row in csv.DictReader([file[0].lstrip("\ufeff"), *file[1:]]) if row["What"] == "Sum")
    assert sum(Decimal(row["Books − posted"]) for row in accounts) == Decimal(summed["Books − posted"])
    assert last["What"] == "Books − stock"
    assert Decimal(last["Amount"]) == Decimal(summed["Books"]) - Decimal(summed["Stock"])
    assert viewer.get("/reconcile.xlsx").status_code == 200
    assert viewer.get("/reconcile?on=soon").status_code == 422
    assert accountant.post("/reconcile", {"on": "2999-01-01"}, page="/reconcile").status_code == 422


def test_with_many_postings_a_page_that_says_so_comes_first(
    shop: Shop, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(shop)
    stock_up(shop)
    owner = visit(shop, "owner")
    assert "are compared with stock" not in text_of(owner.get("/reconcile"))
    monkeypatch.setattr(reconciling, "MANY", 1)
    first = owner.get("/reconcile?on=2026-01-31")
    assert re.search(r"[2-9] postings are compared with stock", text_of(first))
    assert "By account of stock" not in text_of(first)
    (address,) = set(re.findall(r'(?:hx-get|href)="(/reconcile\?[^"]*now[^"]*)"', first.text))
    assert "on=2026-01-31" in address
    assert "By account of stock" in text_of(owner.get(html.unescape(address)))
    assert owner.get("/reconcile?on=soon").status_code == 422


def test_rounding_is_trued_up_with_a_confirmation_and_reversed(shop: Shop, visit: Visit) -> None:
    connection_id = connect(shop)
    lines = [LineInput(sku="SCREW-M3", quantity="1", total_cost="1.006")]
    for _ in range(2):
        shop.write(lambda s, act: receive(s, act, supplier="ACM", lines=lines))
    accountant = visit(shop, "accountant")
    refused = accountant.post("/true-ups", {"on": ""}, page="/reconcile")
    assert (refused.status_code, "No account is set for Rounding" in refused.text) == (409, True)
    chosen(shop, connection_id, "rounding", "5100")
    post(shop, [1, 2])
    assert 'id="true-up"' in accountant.get("/reconcile").text
    assert accountant.post("/true-ups", {"on": ""}, page="/reconcile").status_code == 303
    post(shop, [3])
    page = accountant.get("/reconcile")
    assert "PSB-TRU-0001" in text_of(page)
    assert '<a href="/exports/1">Export of PSB-RCV-0001</a>' in page.text, "not the id of its journal"
    with shop.house.reading(shop.company_id) as session:
        theirs = [export.external_id for export in session.query(Export)]
    assert not any(f'wrap">{each}</span>' in page.text for each in theirs)
    assert all(each in accountant.get("/reconcile.csv").text for each in theirs[:2] if each)
    assert "PSB-TRU-0001" in text_of(accountant.get("/true-ups?label=Synced"))
    assert 'id="reverse"' in accountant.get("/true-ups/1").text
    assert 'id="reverse"' not in visit(shop, "viewer").get("/true-ups/1").text
    assert "Stock and books agree." in text_of(accountant.post("/reconcile", {"on": ""}, page="/reconcile"))
    empty = accountant.post("/true-ups/1/reverse", {"reason": ""}, page="/reconcile")
    assert empty.status_code == 422
    assert 'id="reverse" aria-labelledby="reverse-title" data-open-now' in empty.text
    taken = accountant.post("/true-ups/1/reverse", {"reason": "By mistake"}, page="/reconcile")
    assert taken.location == "/true-ups/2"
    assert "It takes back PSB-TRU-0001" in text_of(accountant.get("/true-ups/2"))
    assert "It is taken back by PSB-TRU-0002" in text_of(accountant.get("/true-ups/1"))
    assert 'id="reverse"' not in accountant.get("/true-ups/1").text
    assert visit(shop, "builder").post("/true-ups", {"on": ""}, page="/reconcile").status_code == 403
    with shop.house.reading(shop.company_id) as session:
        assert [made.reverses_id for made in session.query(TrueUp).order_by(TrueUp.id)] == [None, 1]


def test_lines_that_cancel_each_other_are_shown_quietly(
    shop: Shop, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(shop)
    twenty = Decimal(20)
    pair = (
        Line(reason=Reason.LEFT_OUT, amount=-twenty, reference="PSB-RCV-0001"),
        Line(reason=Reason.VOIDED, amount=twenty, reference="PSB-RCV-0002"),
    )
    found = Reconciliation(
        day=dt.date(2026, 3, 31),
        organisation="QuickBooks",
        accounts=(),
        stock=twenty,
        posted=Decimal(0),
        books=twenty,
        lines=pair,
        remainder=Decimal(0),
        verdict=Verdict.AGREES,
    )
    monkeypatch.setattr("partsemble_web.reconciling.reconcile_and_note", lambda *args, **more: found)
    accountant = visit(shop, "accountant")
    shown = text_of(accountant.post("/reconcile", {"on": ""}, page="/reconcile"))
    assert "Stock and books agree. To the last digit. 2 lines cancel each other." in shown
    assert "Left out of the books" in shown
    assert "enter the same journal in the books again" in shown
    assert "Restore it there" not in shown
    partly = dataclasses.replace(found, books=Decimal(30), remainder=Decimal(10), verdict=Verdict.DIFFERS)
    monkeypatch.setattr("partsemble_web.reconciling.reconcile_and_note", lambda *args, **more: partly)
    shown = text_of(accountant.post("/reconcile", {"on": ""}, page="/reconcile"))
    assert re.search(
        r"The books differ from stock by \+10.00 [A-Z]{3}. \+10.00 [A-Z]{3} of it isn’t explained", shown
    ), shown[900:1500]
    assert "the sum can’t" not in shown


def test_each_asking_of_the_books_leaves_a_run(shop: Shop, visit: Visit) -> None:
    connect(shop)
    ids = stock_up(shop)
    post(shop, ids)
    accountant = visit(shop, "accountant")
    assert "The books were never asked" in text_of(accountant.get("/reconcile/runs"))
    accountant.get("/reconcile")
    accountant.post("/reconcile", {"on": ""}, page="/reconcile")
    accountant.post("/reconcile", {"on": "2026-04-30"}, page="/reconcile")
    page = visit(shop, "viewer").get("/reconcile/runs?sort=on")
    assert text_of(page).count("Agrees 7,013.20 7,013.20 0.00 accountant@lumen.example") == 2, text_of(page)
    assert 'href="/reconcile?on=2026-04-30"' in page.text
    assert visit(shop, "viewer").get("/reconcile/runs.csv").text.count("accountant@lumen.example") == 2


def test_each_line_leads_to_its_posting_and_what_is_left_out_of_the_page_to_the_file(
    shop: Shop, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(shop)
    stock_up(shop)
    values = {"state": "review", "problem": "The account is archived."}
    shop.write(lambda session, act: session.execute(sa.update(Export).where(Export.id <= 2).values(values)))
    monkeypatch.setattr("partsemble_web.reconciling.SHOWN", 1)
    page = visit(shop, "accountant").get("/reconcile")
    assert page.text.count('The account is archived.<span class="cell-sub"><a href="/exports/1">Export of') == 1
    today = re.findall(r'name="on" value="([^"]+)"', page.text)[0]
    assert f'<a href="/reconcile.csv?on={today}" hx-boost="false">1 more' in page.text
    asked = visit(shop, "accountant").post("/reconcile", {"on": ""}, page="/reconcile").text
    assert ('href="#lines-files"' in asked, 'id="lines-files"' in asked) == (True, True)
