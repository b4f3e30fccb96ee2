"""A sync in a real browser: begun by a button, followed without a reload."""

from __future__ import annotations

import dataclasses

from playwright.sync_api import expect

from partsemble_core.services.syncing import work_on
from tests.journeys.conftest import Console
from tests.web.shop import connect


def test_the_page_follows_a_sync_until_its_worker_is_done(console: Console) -> None:
    connect(console.shop)
    rung: list[tuple[int, int]] = []
    house = dataclasses.replace(
        console.shop.house, ring_sync=lambda company_id, run_id: rung.append((company_id, run_id)) is None
    )
    console.shop.app.extensions["partsemble"] = house
    console.sign_in("accountant")
    console.open("/integrations")
    console.page.get_by_role("button", name="Sync items").click()
    section = console.page.locator("#syncs")
    expect(section.get_by_text("0 read since")).to_be_visible()
    expect(console.page.get_by_role("button", name="Sync items")).to_be_disabled()
    console.page.evaluate("document.body.dataset.same = 'yes'")
    work_on(house, *rung[0])
    expect(section.get_by_text("2 read, 2 new")).to_be_visible(timeout=15_000)
    expect(console.page.get_by_role("button", name="Sync items")).to_be_enabled()
    assert console.page.evaluate("document.body.dataset.same") == "yes", "no reload"
    asked: list[str] = []
    console.page.on("request", lambda request: asked.append(request.url))
    console.page.wait_for_timeout(3_000)
    assert asked == [], "it asks no more"
