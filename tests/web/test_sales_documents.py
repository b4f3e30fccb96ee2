"""Sales documents in the console: synced, listed, opened, downloaded, and said to take no stock."""

from __future__ import annotations

from collections.abc import Callable

from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, connect

Visit = Callable[[Shop, str], Visitor]
SYNC, LIST = "/integrations/connections/1/sync", "/integrations/sales-documents"


def test_an_accountant_syncs_sales_and_opens_one(shop: Shop, visit: Visit) -> None:
    connect(shop)
    accountant = visit(shop, "accountant")
    assert "They don’t take stock yet" in text_of(accountant.get(LIST))
    assert "No sales documents yet" in text_of(accountant.get(LIST))
    assert accountant.post(SYNC, {"kind": "sales"}).status_code == 303
    page = accountant.get("/integrations")
    assert "2 sales were read: 2 new, 0 changed, 0 gone." in text_of(page)
    assert "no stock is taken" in text_of(page)
    assert f'href="{LIST}"' in page.text
    viewer = visit(shop, "viewer")
    listed = text_of(viewer.get(f"{LIST}?kind=credit"))
    assert "CM-17 2 Oct 2026 Credit Open Cool Cars −275.00 USD" in listed
    assert "1001" not in listed
    assert "Net of tax Currency" in listed, "each amount is in its own currency, not in the company's"
    assert 'class="is-here"' in viewer.get(LIST).text
    opened = text_of(viewer.get(f"{LIST}/1"))
    assert "FOUNTAIN none 2 550.00" in opened
    assert "Delivery" in opened
    assert "It takes no stock yet." in opened
    assert viewer.get(f"{LIST}.csv?state=open").text.count("\n") == 3
    assert viewer.get(f"{LIST}/99").status_code == 404
    assert viewer.post(SYNC, {"kind": "sales"}).status_code == 403
