"""A supplier that is inactive: nothing new is received from it; a draft of before shows it and can be finished."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.web.people import Visitor, text_of
from tests.web.shop import Shop
from tests.web.test_ticked import draft

Visit = Callable[[Shop, str], Visitor]
LINE = {"sku": "PANEL-24", "quantity": "5", "unit_cost": "30", "received_on": "2026-05-02"}


def supplier_choice(page: str) -> str:
    return page[page.index('id="f-supplier"') :].split("</select>")[0]


def test_nothing_new_is_received_from_an_inactive_supplier(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    builder.post("/suppliers/deactivate", {"ids": ["1"]})
    refused = builder.post("/receipts", {**LINE, "supplier": "ACM"})
    assert refused.status_code == 422
    assert "ACM is inactive. Activate it before receiving from it." in text_of(refused)
    assert 'aria-invalid="true"' in supplier_choice(refused.text)
    assert 'value="PANEL-24"' in refused.text, "what was typed is still there"
    assert builder.post("/receipts", {**LINE, "supplier": "NTL"}).status_code == 303


def test_a_draft_of_a_supplier_deactivated_meanwhile_shows_it_and_is_finished(shop: Shop, visit: Visit) -> None:
    number, builder = draft(shop, "A-1"), visit(shop, "builder")
    assert "inactive" not in supplier_choice(builder.get(f"/receipts/{number}/edit").text)
    builder.post("/suppliers/deactivate", {"ids": ["1", "2"]})
    path = f"/receipts/{number}/edit"
    wrong = builder.post(path, {**LINE, "quantity": "few"})
    for page in (builder.get(path).text, wrong.text):
        options = re.findall(r"<option[^>]*>[^<]*", supplier_choice(page))
        assert options == ['<option value="ACM" selected>Acme Components (ACM), inactive']
        assert "There is no supplier yet" not in page
    assert wrong.status_code == 422
    assert builder.post(path, {**LINE, "quantity": "4"}).status_code == 303
    assert builder.post(f"/receipts/{number}/confirm").status_code == 303
    assert "PSB-RCV-0001" in text_of(builder.get("/receipts"))
