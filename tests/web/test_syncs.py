"""Syncs on the page of integrations: begun by hand, shown while they run, and planned."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from partsemble_core.services.syncing import work_on
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, connect

Visit = Callable[[Shop, str], Visitor]
SYNC, SCHEDULE = "/integrations/connections/1/sync", "/integrations/connections/1/schedule"
EVERY_TWO = 'hx-trigger="every 2s"'


def test_an_accountant_syncs_and_sees_what_came_of_it(shop: Shop, visit: Visit) -> None:
    connect(shop)
    accountant = visit(shop, "accountant")
    assert accountant.post(SYNC, {"kind": "items"}).status_code == 303
    page = accountant.get("/integrations")
    assert "2 items were read: 2 new, 0 changed, 0 gone." in text_of(page)
    assert "Done" in text_of(page)
    assert EVERY_TWO not in page.text
    accountant.post(SYNC, {"kind": "contacts"})
    assert "The contacts couldn’t be read. The QuickBooks stub holds no contacts" in text_of(
        accountant.get("/integrations")
    )
    assert "Failed" in text_of(accountant.get("/integrations/syncs?state=failed"))
    items = text_of(accountant.get("/integrations/items?sort=code"))
    assert "FOUNTAIN Rock Fountain" in items
    assert "PUMP Pump" in items
    assert accountant.get("/integrations/items.csv?matched=matched").text.count("\n") == 1


def test_the_page_asks_again_until_a_worker_is_done(shop: Shop, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(shop)
    rung: list[tuple[int, int]] = []
    house = dataclasses.replace(
        shop.house, ring_sync=lambda company_id, run_id: rung.append((company_id, run_id)) is None
    )
    monkeypatch.setitem(shop.app.extensions, "partsemble", house)
    owner = visit(shop, "owner")
    assert owner.post(SYNC, {"kind": "items"}).status_code == 303
    page = owner.get("/integrations")
    assert EVERY_TWO in page.text
    assert "The items are being read." in text_of(page)
    assert "0 read since" in text_of(page)
    refused = owner.post(SYNC, {"kind": "items"})
    assert refused.status_code == 409
    assert "The items are being read already since" in text_of(refused)
    work_on(house, *rung[0])
    page = owner.get("/integrations")
    assert EVERY_TWO not in page.text
    assert "2 read, 2 new" in text_of(page)


def test_a_schedule_is_set_shown_and_taken_away(shop: Shop, visit: Visit) -> None:
    connect(shop)
    owner = visit(shop, "owner")
    assert owner.post(SCHEDULE, {"kind": "items", "every": "6h"}).status_code == 303
    assert '<option value="6h" selected>every 6 hours</option>' in owner.get("/integrations").text
    assert "every 6 hours next" in text_of(visit(shop, "viewer").get("/integrations"))
    assert owner.post(SCHEDULE, {"kind": "items", "every": "25m"}).status_code == 303
    assert '<option value="25m" selected>every 25 minutes</option>' in owner.get("/integrations").text
    for _ in range(2):
        assert owner.post(SCHEDULE, {"kind": "items", "every": ""}).status_code == 303
    assert "selected>every" not in owner.get("/integrations").text
    for fields in ({"kind": "items", "every": "1m"}, {"kind": "bills", "every": "1h"}, {"kind": "bills"}, {}):
        assert owner.post(SCHEDULE, fields).status_code == 422
    assert owner.post(SYNC, {"kind": "bills"}).status_code == 422
    assert owner.post("/integrations/connections/99/sync", {"kind": "items"}).status_code == 404


@pytest.mark.parametrize("role", ["builder", "viewer"])
def test_others_only_look(shop: Shop, visit: Visit, role: str) -> None:
    connect(shop)
    visitor = visit(shop, role)
    for path in (SYNC, SCHEDULE):
        assert visitor.post(path, {"kind": "items", "every": "1h"}).status_code == 403
    page = visitor.get("/integrations")
    assert "Sync items" not in text_of(page)
    assert "never" in text_of(page)
