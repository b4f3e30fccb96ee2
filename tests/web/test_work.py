from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

import pytest

from partsemble_core.services.explaining import explain_build
from tests.web.people import Visitor, text_of
from tests.web.shop import ROLES, Shop, connect, make_lamps, stock_up

Visit = Callable[[Shop, str], Visitor]
RECEIPT: dict[str, str | list[str]] = {
    "supplier": "ACM",
    "received_on": "2026-04-04",
    "notes": "Delivery note 7",
    "sku": ["PANEL-24", "frame-al", ""],
    "quantity": ["20", "8", ""],
    "unit_cost": ["34.50", "", ""],
    "total_cost": ["", "90.01", ""],
    "lot_number": ["", "F-77", ""],
    "expires_on": ["", "2027-01-31", ""],
}


def test_goods_are_entered_looked_over_and_confirmed(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    drafted = builder.post("/receipts", RECEIPT)
    assert drafted.status_code == 303, text_of(drafted)
    draft = text_of(builder.get(drafted.location))
    assert "Draft" in draft
    assert "Total 780.01" in draft
    assert "No lots yet" in text_of(builder.get("/lots"))
    confirmed = builder.post(f"{drafted.location}/confirm")
    assert confirmed.status_code == 303
    page = text_of(builder.get(confirmed.location))
    assert "PSB-RCV-0001 is confirmed" in page
    assert "ACM-20260404" in page
    assert "F-77" in page
    lots = text_of(builder.get("/lots"))
    assert "1–2 of 2" in lots


def test_a_draft_is_edited_and_a_confirmed_receipt_is_locked(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    path = builder.post("/receipts", RECEIPT).location
    form = builder.get(f"{path}/edit")
    assert 'value="90.01"' in form.text
    changed = {**RECEIPT, "quantity": ["21", "8", ""]}
    assert builder.post(f"{path}/edit", changed).status_code == 303
    assert "Total 814.51" in text_of(builder.get(path))
    builder.post(f"{path}/confirm")
    again = builder.post(f"{path}/edit", changed)
    assert again.status_code == 409
    assert "locked" in text_of(again)
    again = builder.post(f"{path}/confirm")
    assert (again.status_code, again.location) == (303, path)
    assert "was confirmed already, by builder@lumen.example on" in text_of(builder.get(path))


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"quantity": ["0", "8", ""]}, "quantity", "must be greater than zero"),
        ({"quantity": ["1e3", "8", ""]}, "quantity", "plain decimal number"),
        ({"sku": ["NOPE", "frame-al", ""]}, "sku", "There is no product with SKU 'NOPE'"),
        ({"unit_cost": ["-1", "", ""]}, "unit_cost", "must not be negative"),
        ({"received_on": "yesterday"}, "received_on", "calendar day"),
        ({"received_on": "2999-01-01"}, "received_on", "future"),
    ],
)
def test_a_refused_receipt_comes_back_as_it_was_typed(
    shop: Shop, visit: Visit, change: dict[str, str | list[str]], field: str, words: str
) -> None:
    answer = visit(shop, "builder").post("/receipts", {**RECEIPT, **change})
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert 'value="90.01"' in answer.text
    marked = [part for part in answer.text.split("<input")[1:] if "is-invalid" in part.split(">")[0]]
    assert [f'name="{field}"' in part for part in marked] == [True]


def test_a_preview_shows_lots_and_cost_and_the_build_gives_the_same(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    builder = visit(shop, "builder")
    lamp = shop.ids["LAMP-01"]
    preview = text_of(builder.get(f"/builds/new?product={lamp}&quantity=60"))
    assert "60 each 2,110.00 ACM-20260402 20 34.50 690.00 ACM-20260410 40 35.50 1,420.00" in preview
    assert "Total 3,561.34552" in preview
    form = {"product": str(lamp), "quantity": "60", "expected": "3561.34552", "notes": "For the fair"}
    done = builder.post("/builds", form)
    assert done.status_code == 303, text_of(done)
    page = text_of(builder.get(done.location))
    assert "Total 3,561.34552" in page
    assert "For the fair" in page
    assert "Recorded" in page


def test_a_preview_names_every_shortage_and_offers_no_build(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    builder = visit(shop, "builder")
    lamp = shop.ids["LAMP-01"]
    answer = builder.get(f"/builds/new?product={lamp}&quantity=200")
    text = text_of(answer)
    assert "PANEL-24 : 200 needed, 170 available, 30 missing" in text
    assert "FRAME-AL : 200 needed, 80 available, 120 missing" in text
    assert "Execute build" not in answer.text
    refused = builder.post("/builds", {"product": str(lamp), "quantity": "200"})
    assert refused.status_code == 409
    assert "stock-short" in text_of(refused)


def test_a_build_is_not_executed_at_other_figures_than_were_shown(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    builder = visit(shop, "builder")
    make_lamps(shop, "10")
    form = {"product": str(shop.ids["LAMP-01"]), "quantity": "60", "expected": "3561.34552"}
    answer = builder.post("/builds", form)
    assert answer.status_code == 409
    assert "Stock has changed since the preview" in text_of(answer)
    assert "1–1 of 1" in text_of(builder.get("/builds"))
    with shop.house.reading(shop.company_id) as session:
        assert explain_build(session, 1).build.quantity == Decimal(10)


@pytest.mark.parametrize("quantity", ["0", "-1", "1e9", "abc", "1.1234567", "9" * 40, "٣"])
def test_a_quantity_that_cannot_be_is_refused_beside_the_form(shop: Shop, visit: Visit, quantity: str) -> None:
    builder = visit(shop, "builder")
    lamp = shop.ids["LAMP-01"]
    shown = builder.get(f"/builds/new?product={lamp}&quantity={quantity}")
    assert shown.status_code == 200
    assert "invalid" in text_of(shown)
    assert builder.post("/builds", {"product": str(lamp), "quantity": quantity}).status_code == 422


@pytest.mark.parametrize("product", ["", "0", "x", "9" * 30, "1"])
def test_what_cannot_be_built_is_refused(shop: Shop, visit: Visit, product: str) -> None:
    answer = visit(shop, "builder").post("/builds", {"product": product, "quantity": "1"})
    assert answer.status_code in (404, 409), "1 is a part without a BOM"


def test_a_product_is_added_and_its_bom_saved_in_versions(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    added = builder.post("/products", {"sku": "KIT-9", "name": "Kit", "kind": "finished_good", "unit": "each"})
    assert added.status_code == 422, "the reorder point is missing"
    form = {"sku": "KIT-9", "name": "Kit", "kind": "finished_good", "unit": "each", "reorder_point": "0"}
    added = builder.post("/products", form)
    assert added.status_code == 303, text_of(added)
    assert builder.post("/products", {**form, "sku": "kit-9"}).status_code == 409
    bom: dict[str, str | list[str]] = {
        "output_quantity": "2",
        "sku": ["PANEL-24", ""],
        "quantity": ["3", ""],
        "scrap_percent": ["", ""],
        "optional": ["", ""],
        "designators": ["P1, P2", ""],
        "cost_kind": ["labour", "labour"],
        "cost_label": ["Test", ""],
        "cost_amount": ["", ""],
        "cost_rate": ["30", ""],
        "cost_hours": ["0.25", ""],
    }
    assert builder.post(f"{added.location}/bom", bom).status_code == 303
    page = text_of(builder.get(added.location))
    assert "BOM version 1 · for 2 each" in page
    assert "Light panel 24 W · P1, P2" in page
    assert "7.50" in page
    assert builder.post(f"{added.location}/bom", bom).status_code == 303
    assert "BOM version 2" in text_of(builder.get(added.location))
    refused = builder.post(f"{added.location}/bom", {**bom, "sku": ["KIT-9", ""]})
    assert refused.status_code == 422
    assert "bom-cycle" in text_of(refused)


def test_a_supplier_is_added(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    form = {"code": "zed", "name": "Zed Metals", "contact": "", "email": "", "phone": ""}
    assert builder.post("/suppliers", form).status_code == 303
    assert "ZED" in text_of(builder.get("/suppliers"))
    assert builder.post("/suppliers", form).status_code == 409
    assert builder.post("/suppliers", {**form, "code": "Z1"}).status_code == 422


def test_books_without_a_sign_in_are_connected_and_given_accounts(shop: Shop, visit: Visit) -> None:
    owner = visit(shop, "owner")
    choice = owner.post("/integrations/qbo_stub/connect")
    assert "Sandbox Kits (US)" in choice.text
    offer = choice.text.split('name="offer" value="')[1].split('"')[0]
    chosen = {"offer": offer, "organisation": "9130-0001"}
    assert owner.post("/integrations/xero/organisation", chosen).status_code == 400, "another backend's offer"
    assert visit(shop, "admin").post("/integrations/qbo_stub/organisation", chosen).status_code == 400
    connected = owner.post("/integrations/qbo_stub/organisation", chosen)
    assert "Sandbox Kits (US) is connected" in text_of(connected)
    page = owner.get("/integrations")
    assert "Accounts missing" in text_of(page)
    assert re.search(r'<option value="2000"[^>]* disabled', page.text), "an account that a journal may not use"
    assert owner.post("/integrations/connections/1/accounts", ROLES).status_code == 303
    assert "Connected" in text_of(owner.get("/integrations"))
    refused = owner.post("/integrations/connections/1/accounts", {"waste": "2000"})
    assert refused.status_code == 422
    assert "QuickBooks wants a customer" in text_of(refused)
    assert 'id="re-waste"' in refused.text, "beside its field, on the page that it came from"
    assert re.search(r'<option value="2000"[^>]* selected', refused.text), "as it was chosen"
    wizard = {"waste": "2000", "next": "/first-steps/accounts"}
    refused = owner.post("/integrations/connections/1/accounts", wizard)
    assert (refused.status_code, "<h1>Choose the accounts</h1>" in refused.text) == (422, True)
    assert 'id="re-waste"' in refused.text
    assert owner.post("/integrations/connections/1/sync").status_code == 303
    assert owner.post("/integrations/connections/1/disconnect").status_code == 303
    assert "Connect your books" in text_of(owner.get("/integrations"))


def test_books_in_another_currency_are_refused_in_their_window(shop: Shop, visit: Visit) -> None:
    owner = visit(shop, "owner")
    offer = owner.post("/integrations/qbo_stub/connect").text.split('name="offer" value="')[1].split('"')[0]
    answer = owner.post("/integrations/qbo_stub/organisation", {"offer": offer, "organisation": "9130-0002"})
    assert answer.status_code == 409
    assert "currency-differs" in text_of(answer)
    assert "Choose an organisation in USD. Nothing was connected." in text_of(answer)
    again = {"offer": answer.text.split('name="offer" value="')[1].split('"')[0], "organisation": "9130-0001"}
    assert "Sandbox Kits (US) is connected" in text_of(owner.post("/integrations/qbo_stub/organisation", again))


def test_a_sign_in_goes_out_by_a_page_of_ours(shop: Shop, visit: Visit) -> None:
    answer = visit(shop, "owner").post("/integrations/xero/connect")
    assert answer.status_code == 200, text_of(answer)
    target = answer.text.split('content="0;url=')[1].split('"')[0]
    assert "response_type=code" in target
    assert "redirect_uri=http%3A%2F%2Flocalhost%2Fintegrations%2Fxero%2Fcallback" in target


def test_a_callback_that_nobody_began_connects_nothing(shop: Shop, visit: Visit) -> None:
    owner = visit(shop, "owner")
    for query in ("", "?state=x&code=y", "?error=access_denied&error_description=%3Cb%3Eno%3C/b%3E"):
        answer = owner.get(f"/integrations/xero/callback{query}")
        assert answer.status_code == 400
        assert "sign-in-refused" in text_of(answer)
        assert "<b>no" not in answer.text
    assert owner.get("/integrations/nothing/callback?state=x").status_code == 404


def test_an_export_that_failed_is_tried_again_by_an_accountant(shop: Shop, visit: Visit) -> None:
    connect(shop)
    stock_up(shop)
    shop.write(
        lambda session, act: session.connection().exec_driver_sql(
            "UPDATE exports SET state = 'review', problem = 'Account 1300 is archived.' WHERE id = 1"
        )
    )
    accountant = visit(shop, "accountant")
    page = accountant.get("/exports/1")
    assert "Account 1300 is archived." in text_of(page)
    assert "Try again" in page.text
    assert "PSB-RCV-0001" in text_of(accountant.get("/"))
    assert accountant.post("/exports/1/retry").status_code == 303
    after = accountant.get("/exports/1")
    assert "is tried again" in text_of(after)
    assert 'data-opens="retry"' not in after.text
