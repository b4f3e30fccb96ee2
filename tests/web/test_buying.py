"""Goods bought by the reel and in another currency, entered at the console, shown as they were bought."""

from __future__ import annotations

from collections.abc import Callable

from tests.web.people import Visitor, text_of
from tests.web.shop import Shop

Visit = Callable[[Shop, str], Visitor]
REEL = {
    "supplier": "ACM",
    "received_on": "2026-04-02",
    "currency": "NZD",
    "rate": "0.5",
    "sku": "SCREW-M3",
    "part_number": "S-77",
    "quantity": "1",
    "purchase_unit": "reel",
    "per_purchase_unit": "5000",
    "unit_cost": "95",
    "total_cost": "",
    "weight": "",
    "lot_number": "",
    "expires_on": "",
}


def test_a_reel_is_entered_edited_and_told_beside_its_cost(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    wrong = builder.post("/receipts", {**REEL, "per_purchase_unit": "many"})
    assert wrong.status_code == 422
    assert 'is-invalid" name="per_purchase_unit"' in wrong.text
    assert wrong.text.count('name="sku"') == 2, "the line that was sent, and the template of another"
    nothing = builder.post("/receipts", {**REEL, "sku": "", **dict.fromkeys(REEL, ""), "supplier": "ACM"})
    assert (nothing.status_code, nothing.text.count('name="sku"')) == (422, 2), "an empty one, where none was sent"
    assert builder.post("/receipts", REEL).status_code == 303
    draft = text_of(builder.get("/receipts/1"))
    assert "Screw M3×8, stainless · S-77 1 reel of 5,000 @ 95.00 NZD at rate 0.5" in draft
    assert "5,000 each 0.0095 47.50" in draft
    form = builder.get("/receipts/1/edit").text
    for name, value in (("quantity", "1"), ("purchase_unit", "reel"), ("per_purchase_unit", "5000"), ("rate", "0.5")):
        assert f'name="{name}" value="{value}"' in " ".join(form.replace('type="text"', "").split()), name
    assert builder.post("/receipts/1/edit", {**REEL, "quantity": "2"}).status_code == 303
    assert "2 reel of 5,000 @ 95.00 NZD" in text_of(builder.get("/receipts/1"))
    assert builder.post("/receipts/1/confirm").status_code == 303
    assert "Left 10,000 each" in text_of(builder.get("/lots/1"))
