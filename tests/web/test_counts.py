"""Stock counts, adjustments and opening stock at the console, from the sheet to what they change."""

from __future__ import annotations

from collections.abc import Callable

from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, connect, stock_up

Visit = Callable[[Shop, str], Visitor]


def test_a_count_is_started_entered_looked_over_and_confirmed(shop: Shop, visit: Visit) -> None:
    connect(shop)
    stock_up(shop)
    builder = visit(shop, "builder")
    begun = builder.post("/counts", {"sku": ["PANEL-24", ""], "lot": ""})
    assert (begun.status_code, begun.location) == (303, "/counts/1")
    sheet = text_of(builder.get("/counts/1/sheet"))
    assert "PANEL-24 Light panel 24 W ACM-20260402 2 Apr 2026 each" in sheet
    assert "FRAME-AL" not in sheet
    empty = builder.get("/counts/1")
    assert 'data-opens="confirm"' not in empty.text, "nothing is counted yet"
    lines = {"lot": ["1", "2", "3"], "counted": ["18", "50", ""]}
    assert builder.post("/counts/1/lines", lines).status_code == 303
    page = text_of(builder.get("/counts/1"))
    assert "Lots 3 Counted 2 Different 1" in page
    assert "ACM-20260402 20 −2" in page
    assert "1 lot is adjusted</strong> to what was counted" in builder.get("/counts/1").text
    assert builder.post("/counts/1/confirm").status_code == 303
    done = text_of(builder.get("/counts/1"))
    assert "Confirmed. Adjustments made: 1." in done
    assert "NTL-20260421 100 not counted –" in done
    listed = text_of(builder.get("/adjustments?count=1"))
    assert "PSB-ADJ-0001" in listed
    assert "Count: PSB-CNT-0001" in listed
    adjustment = text_of(builder.get("/adjustments/1"))
    assert "Change −2 each Cost −69.00 USD" in adjustment
    assert "Stock count PSB-CNT-0001" in adjustment
    assert 'href="/adjustments/1"' in builder.get("/lots/1").text
    assert builder.post("/counts/1/cancel").status_code == 409


def test_a_refused_count_comes_back_as_it_was_typed(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    builder = visit(shop, "builder")
    for typed, words in (
        ({"sku": "NOTHING"}, "There is no product with SKU"),
        ({"lot": "NO-SUCH-LOT"}, "There is no lot"),
        ({"sku": "PANEL-24", "lot": "ACM-20260402"}, "Name products or lots, not both"),
    ):
        answer = builder.post("/counts", {"sku": "", "lot": "", **typed})
        assert answer.status_code == 422, typed
        assert words in text_of(answer)
        assert all(f'value="{value}"' in answer.text for value in typed.values())
    assert builder.post("/counts", {"lot": ["acm-20260402", "NTL-20260421"]}).status_code == 303
    assert "Lots 2" in text_of(builder.get("/counts/1"))
    wrong = builder.post("/counts/1/lines", {"lot": ["1", "3"], "counted": ["17", "-1"]})
    assert wrong.status_code == 422
    assert 'value="-1"' in wrong.text
    assert "Lot NTL-20260421: A count can't be negative." in text_of(wrong)
    assert "Correct it, then send it again." in text_of(wrong)
    word = builder.post("/counts/1/lines", {"lot": ["1"], "counted": ["abc"]})
    assert "Lot ACM-20260402: Counted 'abc' isn't a plain decimal number." in text_of(word)
    assert "is-invalid" in wrong.text.split('value="-1"')[0].rpartition("<input")[2]
    assert "Counted 0" in text_of(builder.get("/counts/1")), "nothing was saved"
    assert builder.post("/counts/1/cancel").status_code == 303
    assert builder.post("/counts", {"lot": "ACM-20260402"}).status_code == 303, "the lot is free again"
    viewer = visit(shop, "viewer")
    for path in ("/counts", "/counts/2/lines", "/counts/2/confirm", "/counts/2/cancel", "/opening-stock"):
        assert viewer.post(path).status_code == 403, path


def test_opening_stock_opens_a_lot_and_is_reversed(shop: Shop, visit: Visit) -> None:
    owner = visit(shop, "owner")
    fields = {
        "sku": "PANEL-24",
        "quantity": "13",
        "total_cost": "65",
        "on": "2026-03-31",
        "lot_number": "",
        "notes": "",
    }
    short = owner.post("/opening-stock", {**fields, "quantity": "0"})
    assert short.status_code == 422
    assert 'name="quantity"' in short.text.split("is-invalid")[1]
    assert owner.post("/opening-stock", fields).status_code == 303
    lot = text_of(owner.get("/lots/1"))
    assert "OPEN-20260331" in lot
    assert "Came in 13 each Left 13 each Cost of a unit 5.00 USD" in lot
    assert "Opening stock" in text_of(owner.get("/adjustments/1"))
    assert visit(shop, "builder").post("/adjustments/1/reverse", {"reason": "x"}).status_code == 403
    assert owner.post("/adjustments/1/reverse", {"reason": ""}).status_code == 422
    assert owner.post("/adjustments/1/reverse", {"reason": "Twice"}).status_code == 303
    assert "Reversed by" in text_of(owner.get("/adjustments/1"))
    assert "Left 0 each" in text_of(owner.get("/lots/1"))
