"""The same done to several ticked rows: each by itself, with what became of each."""

from __future__ import annotations

import re
from collections.abc import Callable

from partsemble_core.services.holding import hold
from partsemble_core.services.receiving import LineInput, draft_receipt
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, make_lamps, stock_up

Visit = Callable[[Shop, str], Visitor]


def draft(shop: Shop, *numbers: str) -> int:
    """A draft with a line of panels for each lot number; its id."""
    lines = [LineInput(sku="PANEL-24", quantity="5", unit_cost="30", lot_number=number) for number in numbers]
    receipt = shop.write(
        lambda session, act: draft_receipt(session, act, supplier="ACM", lines=lines, received_on="2026-05-02")
    )
    return receipt.id


def test_ticked_drafts_are_confirmed_each_by_itself(shop: Shop, visit: Visit) -> None:
    good, also_good, same_lot = draft(shop, "A-1"), draft(shop, "A-2"), draft(shop, "a-1")
    builder = visit(shop, "builder")
    listed = builder.get("/receipts").text
    assert [f'name="ids" value="{row}"' in listed for row in (good, also_good, same_lot)] == [True] * 3
    query = f"ids={good}&ids={also_good}&ids={same_lot}"
    asked = builder.get(f"/receipts/confirm/new?{query}")
    assert "Confirm 3 receipts?" in text_of(asked)
    assert "Total 450.00" in text_of(asked)
    assert "No lots yet" in text_of(builder.get("/lots")), "asking opens nothing"
    done = builder.post("/receipts/confirm", {"ids": [str(row) for row in (good, also_good, same_lot)]})
    text = text_of(done)
    assert done.status_code == 200
    assert "2 receipts are confirmed" in text
    assert "1 was left as it is" in text
    assert f"Draft {same_lot} Not done." in text
    assert "PSB-RCV-0001 Confirmed" in text
    assert "1–2 of 2" in text_of(builder.get("/lots"))
    assert 'name="ids"' in builder.get("/receipts").text, "the one that was refused is a draft still"


def test_ticked_lots_are_held_for_a_reason_and_released(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    make_lamps(shop, "60")
    shop.write(lambda session, act: hold(session, act, 3, reason="Label missing"))
    builder = visit(shop, "builder")
    page = builder.get("/lots").text
    assert 'aria-label="ACM-20260410"' in page, "a box says whose it is"
    assert "Put 3 lots on hold?" in text_of(builder.get("/lots/hold/new?ids=1&ids=2&ids=3"))
    nameless = builder.post("/lots/hold", {"ids": ["1", "2"], "reason": " "})
    assert (nameless.status_code, "Reason is missing" in text_of(nameless)) == (422, True)
    assert nameless.text.count('name="ids"') == 2, "the ticked lots are still there"
    done = text_of(builder.post("/lots/hold", {"ids": ["1", "2", "3"], "reason": "Recall"}))
    assert "1 lot is on hold." in done
    assert "2 were left as they are" in done
    assert "NTL-20260421 Not done. Lot NTL-20260421 is on hold already: Label missing" in done
    assert "On hold: Recall" in text_of(builder.get("/lots/2"))
    assert "Release 2 lots?" in text_of(builder.get("/lots/release/new?ids=2&ids=3"))
    freed = text_of(builder.post("/lots/release", {"ids": ["2", "3", "4"]}))
    assert "2 lots are released." in freed
    assert "1 was left as it is" in freed
    assert "On hold" not in text_of(builder.get("/lots/3"))


def test_a_reason_that_can_not_be_kept_is_refused_once_for_all_lots(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    builder = visit(shop, "builder")
    assert 'maxlength="500"' in builder.get("/lots/hold/new?ids=1&ids=2").text
    assert 'maxlength="500"' in builder.get("/lots/1").text
    for reason, why in (("x" * 501, "Reason may have at most 500 characters."), ("a\u200bb", "can't be printed")):
        again = builder.post("/lots/hold", {"ids": ["1", "2"], "reason": reason, "list": "/lots?search=acm"})
        assert (again.status_code, text_of(again).count(why)) == (422, 1)
        assert f'value="{reason}"' in again.text, "what was typed is still there"
        assert again.text.count('name="ids"') == 2
        assert 'href="/lots?search=acm&amp;ticked=1&amp;ticked=2"' in again.text
    assert "On hold" not in text_of(builder.get("/lots/1"))


def test_nothing_ticked_is_nothing_done(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    for path in ("/lots/hold", "/lots/release", "/receipts/confirm"):
        answer = builder.post(path, {"reason": "Recall"})
        assert answer.status_code == 422, path
        assert "Nothing is ticked" in text_of(answer)
        assert "then come back." in text_of(answer)


def test_what_was_refused_stays_ticked(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    builder = visit(shop, "builder")

    def ticked_in(text: str) -> list[str]:
        return re.findall(r'name="ids" value="(\d+)" form="picked" checked', text)

    lamp_parts = {"ids": ["1", "2"], "kind": "component"}
    refused = builder.post("/products/deactivate", lamp_parts, page="/products")
    assert refused.status_code == 409
    assert sorted(ticked_in(refused.text)) == ["1", "2"]
    assert '<option value="component" selected>' in refused.text, "its filter stays"
    assert 'id="failure"' in refused.text
    assert "products-in-use" in refused.text
    assert "decide again" not in refused.text
    wrong = builder.post("/products/reorder-point", {"ids": ["2"], "reorder_point": "-4"}, page="/products")
    assert (wrong.status_code, ticked_in(wrong.text)) == (422, ["2"])
    dialog = wrong.text[wrong.text.index('id="set-reorder-point"') :]
    assert "data-open-now" in dialog[: dialog.index(">")]
    assert 'value="-4"' in dialog
    assert 'aria-invalid="true"' in dialog
    assert sorted(ticked_in(builder.get("/lots?ticked=2&ticked=3").text)) == ["2", "3"]


def test_rows_left_as_they_were_are_ticked_where_the_page_leads_back(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    shop.write(lambda session, act: hold(session, act, 3, reason="Label missing"))
    builder = visit(shop, "builder")
    assert 'href="/lots?ticked=1&amp;ticked=3"' in builder.get("/lots/hold/new?ids=1&ids=3").text
    searched = builder.get("/lots?search=acm").text
    assert 'name="list" value="/lots?search=acm"' in searched
    assert 'href="/lots?search=acm&amp;ticked=1"' in builder.get("/lots/hold/new?ids=1&list=/lots?search%3Dacm").text
    assert "//evil.example" not in builder.get("/lots/hold/new?ids=1&list=//evil.example").text
    for odd in ("/lots?a%0Ab", "/lots?a%0D%0AX:%20y", "/lots?%23x"):
        assert 'href="/lots?ticked=1"' in builder.get(f"/lots/hold/new?ids=1&list={odd}").text
    done = builder.post("/lots/hold", {"ids": ["1", "3"], "reason": "Recall", "list": "/lots?search=acm"})
    assert 'href="/lots?search=acm&amp;ticked=3"' in done.text
    same, other = draft(shop, "A-1"), draft(shop, "a-1")
    done = builder.post("/receipts/confirm", {"ids": [str(same), str(other)]})
    assert f'href="/receipts?ticked={other}"' in done.text


def test_what_is_ticked_has_to_be_there(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    owner, viewer = visit(shop, "owner"), visit(shop, "viewer")
    for path in ("/lots/hold", "/lots/release", "/receipts/confirm"):
        assert "Nothing is ticked" in text_of(owner.get(f"{path}/new"))
        assert owner.get(f"{path}/new?ids=x").status_code == 422
        assert owner.get(f"{path}/new?ids=999").status_code == 404
        assert owner.get(f"{path}/new?" + "&".join(f"ids={row}" for row in range(201))).status_code == 422
        assert viewer.get(f"{path}/new").status_code == 403
        assert viewer.post(path, {"ids": "1", "reason": "x"}).status_code == 403
    assert 'type="checkbox" name="ids"' not in viewer.get("/lots").text


def test_a_scanned_label_means_its_product_in_a_receipt(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    builder = visit(shop, "builder")
    for code, skus in (
        ("acm-20260410", ["PANEL-24"]),
        ("wire-075", ["WIRE-075"]),
        ("ACM-20260422", ["FRAME-AL", "SCREW-M3", "WIRE-075"]),
        ("ACM-20260422&sku=SCREW-M3", ["SCREW-M3"]),
        ("PSB-RCV-0001", []),
        ("nothing", []),
    ):
        assert builder.get(f"/receipts/scanned?code={code}").json == {"skus": skus}, code


def test_a_receipt_from_a_supplier_s_page_has_the_supplier_chosen(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    assert 'href="/receipts/new?supplier=NTL"' in builder.get("/suppliers/2").text
    assert '<option value="NTL" selected>' in builder.get("/receipts/new?supplier=NTL").text
    assert 'href="/receipts/new' not in visit(shop, "viewer").get("/suppliers/2").text
