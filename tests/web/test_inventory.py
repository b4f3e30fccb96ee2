"""Quality review, plans, lots, reversals, traces, valuation and settings, as people work with them on pages."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest

from partsemble_core.services.opting import set_options
from tests.web.people import Visitor, text_of
from tests.web.shop import NOW, Shop, connect, make_lamps, stock_up

Visit = Callable[[Shop, str], Visitor]
TODAY = NOW.date()


def reviewed(shop: Shop, **options: object) -> None:
    """Stocked, connected, and under quality review."""
    connect(shop)
    stock_up(shop)
    shop.write(lambda session, act: set_options(session, {"qa_review": True, **options}))


def test_a_rejected_build_gives_back_what_was_typed_and_wastes_the_rest(shop: Shop, visit: Visit) -> None:
    reviewed(shop)
    build = make_lamps(shop, "60")
    builder = visit(shop, "builder")
    page = builder.get(f"/builds/{build}")
    assert "It waits for quality review" in text_of(page)
    assert [f'name="recovered" value="{taken}"' in page.text for taken in ("60", "489.6")] == [True, True]
    fields = {"reason": "quality_defect", "recovery": "partial", "recovered": ["10", "60", "", "0"], "note": "Cracked"}
    assert builder.post(f"/builds/{build}/reject", fields).status_code == 303
    text = text_of(builder.get(f"/builds/{build}"))
    assert "Rejected: quality defect. A part of the components went back" in text
    assert "Waste 1,782.27552 USD · PSB-000001-W · Cracked" in text
    assert "Light panel 24 W · 10 came back" in text
    assert "Given back" in text_of(builder.get("/lots/2"))


def test_a_form_sent_as_it_stands_recovers_all_and_leaves_out_what_was_not_taken(shop: Shop, visit: Visit) -> None:
    reviewed(shop)
    make_lamps(shop, "60")
    build = make_lamps(shop, "4")
    builder = visit(shop, "builder")
    stands = re.findall(r'name="recovered" value="([^"]*)"', builder.get(f"/builds/{build}").text)
    assert stands == ["4", "4", "32.64", ""], "the wire was used up by the build before"
    fields = {"reason": "other", "recovery": "partial", "recovered": stands}
    assert builder.post(f"/builds/{build}/reject", fields).status_code == 303
    assert "Waste 0.00 USD" in text_of(builder.get(f"/builds/{build}"))


def test_a_refused_rejection_comes_back_open_as_it_was_typed(shop: Shop, visit: Visit) -> None:
    reviewed(shop)
    build = make_lamps(shop, "60")
    builder = visit(shop, "builder")
    fields = {"reason": "other", "recovery": "partial", "recovered": ["61", "", "", ""], "note": "Too many"}
    answer = builder.post(f"/builds/{build}/reject", fields)
    assert answer.status_code == 422
    assert 'id="reject" aria-labelledby="reject-title" data-open-now' in answer.text
    assert 'name="recovered" value="61"' in answer.text
    assert "PANEL-24: 61 can&#39;t come back: 60 were taken." in answer.text
    assert 'value="Too many"' in answer.text
    assert "is-invalid" in answer.text.split('name="recovered" value="61"')[0].rpartition("<input")[2]


def test_an_approved_build_brings_its_lot(shop: Shop, visit: Visit) -> None:
    reviewed(shop, approver_differs=True)
    build = make_lamps(shop, "60")
    refused = visit(shop, "owner").post(f"/builds/{build}/approve")
    assert refused.status_code == 403
    assert "Somebody else has to approve it" in refused.text
    builder = visit(shop, "builder")
    assert builder.post(f"/builds/{build}/approve", {"note": "Fine"}).status_code == 303
    text = text_of(builder.get(f"/builds/{build}"))
    assert "PSB-000001 is approved" in text
    assert "Made 60 each" in text
    assert builder.post(f"/builds/{build}/reject", {"reason": "other", "recovery": "full"}).status_code == 409


def test_a_trace_tells_where_a_lot_went_and_where_it_came_from(full_shop: Shop, visit: Visit) -> None:
    viewer = visit(full_shop, "viewer")
    forward = text_of(viewer.get("/lots/2/trace"))
    assert "Mass balance adds up" in forward
    assert "Went into builds 40 Still in the lot 10 Came in 50" in forward
    assert "PSB-000001" in forward
    lamp_lot = 7
    back = text_of(viewer.get(f"/lots/{lamp_lot}/trace"))
    assert "Suppliers’ lots in it 5" in back
    assert "ACM-20260402 PANEL-24 · Light panel 24 W 1 ACM Acme Components PSB-RCV-0001" in back
    csv = viewer.get("/lots/2/trace.csv")
    assert csv.headers["Content-Disposition"] == 'attachment; filename="trace-of-lot-2.csv"'
    lines = csv.text.splitlines()
    assert lines[0].endswith(
        "What,Level,SKU,Name,Lot,Supplier,Document,Received,State,Unit,Quantity left,At least,At most"
    )
    assert [line.split(",")[0] for line in lines[1:]] == ["traced", "made", "on_hand", "on_hand"]
    assert viewer.get("/lots/2/trace.xlsx").data[:2] == b"PK"


def test_a_build_and_a_receipt_are_reversed_by_an_owner_alone(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    build = make_lamps(shop, "10")
    builder, owner = visit(shop, "builder"), visit(shop, "owner")
    assert "Reverse build" not in builder.get(f"/builds/{build}").text
    assert builder.post(f"/builds/{build}/reverse", {"reason": "x"}).status_code == 403
    in_use = owner.post("/receipts/1/reverse", {"reason": "Never came"})
    assert in_use.status_code == 409
    assert "PSB-000001 came after it and rests on it" in in_use.text
    assert 'value="Never came"' in in_use.text
    assert owner.post(f"/builds/{build}/reverse", {"reason": "Wrong product"}).status_code == 303
    assert "Reversed by PSB-REV-0001" in text_of(owner.get(f"/builds/{build}"))
    assert owner.post("/receipts/1/reverse", {"reason": "Never came"}).status_code == 303
    assert "Never came" in text_of(owner.get("/receipts/1"))
    assert owner.post("/receipts/1/reverse", {"reason": "Again"}).status_code == 409
    assert "Reversed" in text_of(owner.get("/lots/1"))


def test_a_lot_is_adjusted_held_released_and_split(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    builder = visit(shop, "builder")
    wrong = builder.post("/lots/2/adjust", {"quantity": "-51", "reason": "loss"})
    assert wrong.status_code == 422
    assert 'value="-51"' in wrong.text
    assert builder.post("/lots/2/adjust", {"quantity": "-2", "reason": "breakage"}).status_code == 303
    assert "PSB-ADJ-0001 Adjustment" in text_of(builder.get("/lots/2"))
    assert "−2 −71.00" in text_of(builder.get("/lots/2"))
    assert builder.post("/lots/2/hold", {"reason": ""}).status_code == 422
    assert builder.post("/lots/2/hold", {"reason": "Damp"}).status_code == 303
    assert "On hold: Damp" in text_of(builder.get("/lots/2"))
    assert builder.post("/lots/2/release").status_code == 303
    assert "On hold" not in text_of(builder.get("/lots/2"))
    part = builder.post("/lots/2/split", {"quantity": "8"})
    text = text_of(builder.get(part.location))
    assert "ACM-20260410-S2" in text
    assert "Split from ACM-20260410" in text
    assert "Left 8 each" in text
    assert "Left 40 each" in text_of(builder.get("/lots/2"))


def test_planned_builds_are_ordered_executed_and_cancelled(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    builder = visit(shop, "builder")
    lamp = str(shop.ids["LAMP-01"])
    assert builder.post("/planned-builds", {"product": lamp, "quantity": "0"}).status_code == 422
    for quantity in ("60", "50"):
        planned = builder.post("/planned-builds", {"product": lamp, "quantity": quantity, "target_on": "2026-01-31"})
        assert planned.status_code == 303
    text = text_of(builder.get("/planned-builds"))
    assert "FRAME-AL Aluminium frame, anodised, in each 110 80 30" in text
    assert "overdue" in text
    assert builder.post("/builds/2/move", {"to": "up"}).status_code == 303
    moved = text_of(builder.get("/planned-builds"))
    assert moved.index("1 PSB-000002 LAMP") < moved.index("2 PSB-000001 LAMP")
    assert "Planned: nothing has moved yet." in text_of(builder.get("/builds/1"))
    assert builder.post("/builds/1/execute").status_code == 303
    assert "Made 60 each" in text_of(builder.get("/builds/1"))
    short = builder.post("/builds/2/execute")
    assert short.status_code == 409
    assert "Stock doesn’t reach for 50 each" in text_of(short)
    assert builder.post("/builds/2/cancel").status_code == 303
    assert "Cancelled while it was planned" in text_of(builder.get("/builds/2"))
    assert builder.post("/builds/2/move", {"to": "up"}).status_code == 409


def test_stock_is_valued_at_a_past_day(full_shop: Shop, visit: Visit) -> None:
    viewer = visit(full_shop, "viewer")
    assert "Total 7,763.20 USD" in text_of(viewer.get("/valuation"))
    assert "Total 2,465.00 USD" in text_of(viewer.get("/valuation?on=2026-04-10"))
    assert "Nothing in stock then" in text_of(viewer.get("/valuation?on=2026-04-01"))
    yesterday = (TODAY - dt.timedelta(days=2)).isoformat()
    assert "Nothing in stock then" in text_of(viewer.get(f"/valuation?on=2026-04-10&known_on={yesterday}"))
    assert viewer.get("/valuation?on=april").status_code == 422
    csv = viewer.get("/valuation.csv?on=2026-04-10").text.splitlines()
    assert csv[1:] == ["PANEL-24,Light panel 24 W,component,each,70,35.214286,2465", "Total,,,,,,2465"]


def test_settings_are_for_owners_and_the_lock_for_accountants_too(shop: Shop, visit: Visit) -> None:
    owner, accountant, builder = (visit(shop, name) for name in ("owner", "accountant", "builder"))
    saved = owner.post("/settings/options", {"qa_review": "yes", "draw_order": "fefo"})
    assert saved.status_code == 303
    page = owner.get("/settings").text
    assert 'name="qa_review" value="yes" checked' in page
    assert 'name="draw_order" value="fefo" checked' in page
    assert 'name="reserve_stock" value="yes" checked' not in page
    assert accountant.post("/settings/options", {"draw_order": "fifo"}).status_code == 403
    assert builder.post("/settings/lock", {"locked_through": "2026-03-31"}).status_code == 403
    assert accountant.post("/settings/lock", {"locked_through": TODAY.isoformat()}).status_code == 422
    assert accountant.post("/settings/lock", {"locked_through": "2026-03-31"}).status_code == 303
    assert "Closed through 31 Mar 2026" in text_of(builder.get("/settings"))
    assert owner.post("/settings/lock", {"locked_through": ""}).status_code == 422
    assert "Closed through 31 Mar 2026" in text_of(builder.get("/settings"))
    assert builder.post("/settings/unlock").status_code == 403
    assert owner.post("/settings/unlock").status_code == 303
    assert "every period is open" in text_of(builder.get("/settings"))


def test_freight_and_a_foreign_currency_land_in_the_cost(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    receipt: dict[str, str | list[str]] = {
        "supplier": "ACM",
        "received_on": "2026-04-04",
        "currency": "EUR",
        "rate": "1.25",
        "sku": ["PANEL-24", "FRAME-AL"],
        "quantity": ["10", "10"],
        "unit_cost": ["30", "10"],
        "charge_label": ["Freight", ""],
        "charge_amount": ["40", ""],
        "charge_spread_by": ["cost", "cost"],
    }
    path = builder.post("/receipts", receipt).location
    text = text_of(builder.get(path))
    assert "Total 550.00" in text
    assert "Freight 40.00 EUR" in text
    form = builder.get(f"{path}/edit").text
    assert 'name="total_cost" value="300"' in form, "as entered, without its share of the freight"
    assert 'name="charge_label" value="Freight"' in form
    assert builder.post(f"{path}/edit", {**receipt, "charge_amount": ["80", ""]}).status_code == 303
    assert "Total 600.00" in text_of(builder.get(path))


@pytest.mark.parametrize("first", ["", "yes"])
def test_short_subassemblies_are_built_first_where_that_is_ticked(shop: Shop, visit: Visit, first: str) -> None:
    stock_up(shop)
    owner = visit(shop, "owner")
    rack = {"sku": "RACK-1", "name": "Rack of lamps", "kind": "finished_good", "unit": "each", "reorder_point": "0"}
    assert owner.post("/products", rack).status_code == 303
    bom: dict[str, str | list[str]] = {"output_quantity": "1", "sku": ["LAMP-01"], "quantity": ["2"]}
    bom |= {name: [""] for name in ("scrap_percent", "optional", "designators")}
    saved = owner.post("/products/6/bom", bom)
    assert saved.status_code == 303, text_of(saved)
    address = "/builds/new?product=6&quantity=3" + ("&first=yes" if first else "")
    assert ("6 × LAMP-01 for" in text_of(owner.get(address))) is bool(first)
    built = owner.post("/builds", {"product": "6", "quantity": "3", "built_on": TODAY.isoformat(), "first": first})
    assert built.status_code == (303 if first else 409)
