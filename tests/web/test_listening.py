"""Webhooks, tracking and cautions on the page of integrations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.services import connecting
from partsemble_core.services.hearing import hear
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import RemoteItem
from partsemble_core.store.tracking import RemoteTracking, TrackingChoice
from partsemble_xero.sandbox.testing import RunningSandbox, consent, start_sandbox
from tests.servers.databases import copy_of
from tests.web.people import Visitor, text_of
from tests.web.shop import NOW, Shop, connect, open_shop
from tests.web.test_incoming import signed

Visit = Callable[[Shop, str], Visitor]
BOOKS = "Second Books Ltd"
TRACKING = "/integrations/connections/1/tracking"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    with start_sandbox(tmp_path / "xero.sqlite") as running:
        yield running


@pytest.fixture(params=["with a key", "without"])
def keyed_shop(
    request: pytest.FixtureRequest, migrated_sqlite: Path, tmp_path: Path, sandbox: RunningSandbox
) -> Iterator[tuple[Shop, bool]]:
    """A shop that is connected to the sandbox, and whether it has a webhook key."""
    has_key = request.param == "with a key"
    settings = {
        **sandbox.plugin_settings,
        **({"xero_webhook_key": sandbox.webhook_key} if has_key else {}),
    }
    shop = open_shop(copy_of(migrated_sqlite, tmp_path / "shop.sqlite3"), tmp_path, plugin_settings=settings)
    connect_xero(shop, sandbox)
    yield shop, has_key
    shop.house.engine.dispose()


def connect_xero(shop: Shop, sandbox: RunningSandbox) -> None:
    house, act = shop.house, shop.house.act(shop.company_id, by="owner@lumen.example")
    callback = "http://localhost/integrations/xero/callback"
    url = connecting.begin(house, act, shop.company_id, backend="xero", session_key="k", redirect_uri=callback)
    assert url is not None
    query = consent(url, organisation=BOOKS).partition("?")[2]
    params = dict(pair.split("=", 1) for pair in query.split("&"))
    grant_id, _ = connecting.complete(house, act, shop.company_id, backend="xero", session_key="k", params=params)
    connecting.choose(
        house, act, shop.company_id, backend="xero", organisation_id=sandbox.tenant_id(BOOKS), grant_id=grant_id
    )


def test_the_page_shows_what_to_enter_and_what_was_heard(
    keyed_shop: tuple[Shop, bool], sandbox: RunningSandbox, visit: Visit
) -> None:
    shop, has_key = keyed_shop
    owner = visit(shop, "owner")
    text = text_of(owner.get("/integrations"))
    assert "Address to enter in Xero http://localhost/webhooks/xero" in text
    assert ("Key set" in text) is has_key
    assert ("PARTSEMBLE_PLUGIN_XERO_WEBHOOK_KEY" in text) is not has_key
    assert ("Settings of Xero , or set" in text) is not has_key
    assert "Last call from Xero none yet" in text
    assert sandbox.webhook_key not in owner.get("/integrations").text
    if not has_key:
        return
    assert "Xero calls over https only" in text
    body = (
        f'{{"events":[{{"tenantId":"{sandbox.tenant_id(BOOKS)}","resourceId":"b","eventCategory":"SUBSCRIPTION",'
        '"eventType":"CREATE","eventDateUtc":"2026-11-02T01:02:03.456"}],"entropy":"x"}'
    ).encode()
    hear(shop.house, "xero", headers={"x-xero-signature": signed(body, sandbox.webhook_key)}, body=body)
    assert "none yet" not in text_of(owner.get("/integrations")).partition("Webhooks")[2].partition("What was heard")[0]
    heard = text_of(visit(shop, "viewer").get("/integrations/heard"))
    assert "SUBSCRIPTION" in heard
    assert "Ignored" in heard
    assert "entropy" not in visit(shop, "owner").get("/integrations/heard").text, "what came is shown nowhere"


def test_tracking_is_chosen_from_what_the_books_offer(
    keyed_shop: tuple[Shop, bool], sandbox: RunningSandbox, visit: Visit
) -> None:
    shop, has_key = keyed_shop
    if not has_key:
        return
    owner = visit(shop, "owner")
    assert "Department Not set Sales Workshop Region Not set North South" in text_of(owner.get("/integrations"))
    with shop.house.reading(shop.company_id) as session:
        options = {row.name: row for row in session.scalars(sa.select(RemoteTracking))}
    workshop = options["Workshop"]
    field = f"tracking-{workshop.category_id}"
    assert owner.post(TRACKING, {field: workshop.external_id}).status_code == 303
    assert f'value="{workshop.external_id}" selected' in owner.get("/integrations").text
    refused = owner.post(TRACKING, {field: options["Warehouse"].external_id})
    assert (refused.status_code, refused.text.count('class="form-select is-invalid"')) == (422, 1)
    assert f'name="{field}" aria-invalid="true"' in refused.text
    assert owner.post(TRACKING, {field: "\x00"}).status_code == 422
    sandbox.set_tracking(BOOKS, category="Department", option="Workshop", status="ARCHIVED")
    owner.post("/integrations/connections/1/sync", {"kind": "accounts"})
    page = text_of(owner.get("/integrations"))
    assert "The tracking option Department Workshop is archived or gone in your books" in page
    assert "Workshop – archived" in page
    assert owner.post(TRACKING, {field: workshop.external_id}).status_code == 303, "as it was is no change"
    assert owner.post(TRACKING, {field: ""}).status_code == 303
    with shop.house.reading(shop.company_id) as session:
        assert session.scalars(sa.select(TrackingChoice)).all() == []
    for role in ("accountant", "builder", "viewer"):
        assert visit(shop, role).post(TRACKING, {field: options["Sales"].external_id}).status_code == 403


def test_what_to_look_at_is_said_on_top(shop: Shop, visit: Visit) -> None:
    connection_id = connect(shop)

    def add(session: CompanySession, act: object) -> None:
        session.add(
            RemoteItem(
                connection_id=connection_id,
                external_id="1",
                code="LAMP-01",
                code_key="lamp-01",
                name="Lamp",
                is_tracked=True,
                tracked_in="1300",
                is_gone=False,
                synced_at=NOW,
            )
        )

    shop.write(add)
    home = text_of(visit(shop, "viewer").get("/"))
    assert "Nothing. All is well." not in home
    assert "Caution" in home
    assert "Your books keep stock of item LAMP-01 too" in home
    text = text_of(visit(shop, "viewer").get("/integrations"))
    assert "Your books keep stock of item LAMP-01 too" in text
    assert (
        "1300 Inventory Asset is also where your books post item LAMP-01" in text or "Its balance will mix both" in text
    )
