"""What the books told of, what to look at before the next export, and tracking, over the API."""

from __future__ import annotations

import pytest

from partsemble_core.store.companies import Role
from partsemble_core.store.connections import Connection
from partsemble_core.store.hearing import HeardEvent
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import RemoteItem
from partsemble_core.store.tracking import RemoteTracking
from tests.api.callers import Firm, Served, found_firm
from tests.services.makers import NOW, connect


@pytest.fixture
def connection(firm: Firm) -> Connection:
    return connect(firm.shop)


@pytest.fixture
def stranger(served: Served) -> Firm:
    return found_firm(served)


def put_tracking(firm: Firm, connection: Connection) -> None:
    """A category with one option that can be chosen and one that can't."""
    rows = [
        RemoteTracking(
            connection_id=connection.id,
            external_id=name.lower(),
            name=name,
            category_id="region",
            category="Region",
            is_active=is_active,
            is_gone=False,
            synced_at=NOW,
        )
        for name, is_active in (("North", True), ("South", False))
    ]
    firm.shop.write(lambda session: session.add_all(rows))


def test_tracking_is_chosen_and_taken_away(firm: Firm, connection: Connection) -> None:
    path = f"/connections/{connection.id}/tracking"
    assert firm.owner.get(path) == {"rows": []}
    put_tracking(firm, connection)
    row = {"category_id": "region", "category": "Region", "chosen": None, "is_usable": True}
    options = [{"id": "north", "name": "North"}]
    assert firm.callers[Role.VIEWER].get(path) == {"rows": [{**row, "options": options}]}
    chosen = firm.owner.send("PUT", f"{path}/region", {"option": "north"})
    assert chosen == {"rows": [{**row, "chosen": "north", "options": options}]}
    firm.shop.products("BOLT")
    firm.shop.stock("BOLT", "10")
    export_id = firm.owner.get("/exports")["rows"][0]["id"]
    lines = firm.owner.get(f"/exports/{export_id}/dry-run")["lines"]
    assert [line["tracking"] for line in lines] == ["Region North", "Region North"]
    assert firm.owner.send("PUT", f"{path}/region", {"option": None})["rows"][0]["chosen"] is None


def test_what_can_not_be_chosen_is_refused_by_name(firm: Firm, connection: Connection, stranger: Firm) -> None:
    put_tracking(firm, connection)
    path = f"/connections/{connection.id}/tracking/region"
    for option in ("south", "west"):
        assert firm.owner.refused("PUT", path, {"option": option}) == (422, "invalid", "option")
    assert firm.owner.refused("PUT", path, {})[0] in (400, 422)
    assert firm.owner.refused("PUT", f"/connections/{connection.id}/tracking/west", {"option": "n"})[:2] == (
        404,
        "not-found",
    )
    for role in (Role.ACCOUNTANT, Role.BUILDER, Role.VIEWER):
        assert firm.callers[role].refused("PUT", path, {"option": "north"})[0] == 403
    assert stranger.owner.refused("PUT", path, {"option": "north"})[0] == 404
    assert firm.owner.get(f"/connections/{connection.id}/tracking")["rows"][0]["chosen"] is None


def test_cautions_are_listed_with_their_codes(firm: Firm, connection: Connection) -> None:
    path = f"/connections/{connection.id}/cautions"
    assert firm.owner.get(path) == {"rows": []}
    firm.shop.products("MOTOR")
    item = RemoteItem(
        connection_id=connection.id,
        external_id="1",
        code="MOTOR",
        code_key="motor",
        name="Motor",
        is_tracked=True,
        tracked_in="",
        is_gone=False,
        synced_at=NOW,
    )

    def add(session: CompanySession) -> None:
        item.code_key = firm.shop.find("MOTOR").sku_key
        session.add(item)

    firm.shop.write(add)
    (row,) = firm.callers[Role.VIEWER].get(path)["rows"]
    assert row["code"] == "counted-twice"
    assert "MOTOR" in row["text"]


def test_what_was_heard_is_listed_for_its_company_alone(firm: Firm, connection: Connection, stranger: Firm) -> None:
    event = HeardEvent(
        connection_id=connection.id,
        subject="contacts",
        category="CONTACT",
        resource_id="c-1",
        change="UPDATE",
        happened_at="2026-11-02T01:02:03.456",
        heard_at=NOW,
        state="waiting",
    )
    firm.shop.write(lambda session: session.add(event))
    (row,) = firm.callers[Role.VIEWER].get("/heard-events?state=waiting&subject=contacts")["rows"]
    assert (row["category"], row["change"], row["resource_id"]) == ("CONTACT", "UPDATE", "c-1")
    assert firm.owner.get("/heard-events?state=answered")["total"] == 0
    assert stranger.owner.get("/heard-events")["total"] == 0
    assert firm.owner.call("GET", "/heard_events.csv").status_code == 200


def test_books_that_tell_nothing_have_no_address(firm: Firm, connection: Connection, stranger: Firm) -> None:
    path = f"/connections/{connection.id}/listening"
    found = firm.callers[Role.VIEWER].get(path)
    assert (found["is_offered"], found["address"], found["waiting"]) == (False, None, 0)
    assert stranger.owner.refused("GET", path)[0] == 404
