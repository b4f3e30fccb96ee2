"""The audit log tells what was done, whichever service did it, and nothing that was not."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TypeVar

import pytest
import sqlalchemy as sa

from partsemble_core.errors import Invalid
from partsemble_core.services import closing, counting, holding, mapping, planning, reversing
from partsemble_core.services.admitting import add_member, found_company, issue_token
from partsemble_core.services.cataloguing import update_product
from partsemble_core.services.listing import ListQuery, list_audit_log
from partsemble_core.services.opting import set_options
from partsemble_core.store import database
from partsemble_core.store.audits import WORKER, Actor, Door
from partsemble_core.store.companies import Membership
from partsemble_core.store.session import CompanySession
from tests.services.estate import an_estate
from tests.services.makers import NOW, TODAY, Shop, connect

T = TypeVar("T")
ANN = Actor(by="ann@acme.test", door=Door.CONSOLE, address="192.0.2.7")


def do(shop: Shop, work: Callable[[CompanySession], T], *, actor: Actor = ANN) -> T:
    return database.write(shop.engine, shop.company_id, work, actor=actor, clock=lambda: NOW)


def told(shop: Shop, **filters: str) -> list[tuple[object, ...]]:
    """(action, kind, subject, changes) of what ann did, oldest first."""
    with shop.reading() as session:
        rows = list_audit_log(session, ListQuery(search="ann@acme.test", filters=filters)).rows
    return [(row["action"], row["kind"], row["subject"], row["changes"]) for row in reversed(rows)]


def test_a_setting_is_told_with_who_when_and_from_where(shop: Shop) -> None:
    do(shop, lambda s: set_options(s, {"qa_review": True, "draw_order": "fefo"}))
    do(shop, lambda s: closing.lock_through(s, TODAY.replace(day=1), today=TODAY))
    do(shop, lambda s: set_options(s, {"qa_review": True}))
    assert told(shop) == [
        ("changed", "settings", "", "qa review: no → yes; draw order: fifo → fefo"),
        ("changed", "settings", "", f"locked through: {TODAY.replace(day=1)}"),
    ]
    with shop.reading() as session:
        (row, _) = list_audit_log(session, ListQuery(search="ann")).rows
    assert (row["at"], row["by"], row["door"], row["address"]) == (NOW, "ann@acme.test", "console", "192.0.2.7")


def test_what_was_refused_is_not_told(shop: Shop) -> None:
    def work(session: CompanySession) -> None:
        set_options(session, {"qa_review": True})
        session.flush()
        set_options(session, {"colour": True})

    with pytest.raises(Invalid):
        do(shop, work)
    assert told(shop) == []


def test_what_was_turned_and_turned_back_is_not_told(shop: Shop) -> None:
    def work(session: CompanySession) -> None:
        for value in (True, False):
            set_options(session, {"qa_review": value})
            session.flush()

    do(shop, work)
    assert told(shop) == []


def test_documents_are_told_as_they_go_on(shop: Shop) -> None:
    shop.products("bolt", "kit")
    shop.bom("kit", {"bolt": "2"})
    shop.stock("bolt", "10", "1")
    lot = shop.lots("bolt")[0]
    plan = do(
        shop,
        lambda s: planning.plan_build(s, shop.act, product_id=shop.find("kit").id, quantity="1", assignee="Ada"),
    )
    do(shop, lambda s: holding.hold(s, shop.act, lot.id, reason="Label missing"))
    do(shop, lambda s: holding.release(s, shop.act, lot.id))
    count = do(shop, lambda s: counting.start_count(s, shop.act, lot_ids=[lot.id]))
    do(shop, lambda s: counting.cancel_count(s, shop.act, count.id))
    found = told(shop)
    assert found[0][:3] == ("added", "build", plan.reference)
    assert "assignee: Ada" in str(found[0][3])
    assert [row for row in found if row[1] == "lot"] == [
        ("changed", "lot", lot.number, "hold reason: nothing → Label missing"),
        ("changed", "lot", lot.number, "hold reason: Label missing → nothing"),
    ]
    assert found[-1][1] == "count"


def test_a_reversal_tells_of_the_document_too(shop: Shop) -> None:
    shop.products("bolt")
    receipt = shop.stock("bolt", "10", "1")
    do(shop, lambda s: reversing.reverse(s, shop.act, "receipt", receipt.id, reason="twice"))
    found = {row[1]: row for row in told(shop)}
    assert found["receipt"] == ("changed", "receipt", receipt.reference, "state: confirmed → reversed")
    assert "reason: twice" in str(found["reversal"][3])


def test_accounts_are_told_by_their_codes(shop: Shop) -> None:
    connection = connect(shop)
    do(shop, lambda s: mapping.unmap_account(s, connection_id=connection.id, role="applied_costs"))
    ((action, kind, subject, changes),) = told(shop)
    assert (action, kind, subject) == ("removed", "account", "applied_costs")
    assert str(changes).endswith("→ nothing")
    with shop.reading() as session:
        code = mapping.mapped_accounts(session, connection.id)
    assert code


def test_people_and_tokens_are_told_without_their_secrets(shop: Shop) -> None:
    email = f"bob.{shop.company_id}@acme.test"
    password = "correct horse battery"
    do(
        shop,
        lambda s: add_member(
            s, company_id=shop.company_id, email=email, password=password, role="viewer", name="Bob", now=NOW
        ),
    )
    (member,) = shop.rows(sa.select(Membership))
    token = do(shop, lambda s: issue_token(s, membership_id=member.id, name="scales", now=NOW))
    found = told(shop)
    assert ("added", "member", email, "role: viewer; active: yes") in found
    assert ("added", "API token", "scales", "") in found
    assert token not in str(found)
    assert "argon2" not in str(found)


def test_a_product_is_told_field_by_field(shop: Shop) -> None:
    shop.products("bolt")
    bolt = shop.find("bolt")
    do(shop, lambda s: update_product(s, shop.act, bolt.id, name="Bolt M3", reorder_point="2.5"))
    ((action, kind, subject, changes),) = told(shop)
    assert (action, kind, subject) == ("changed", "product", bolt.sku)
    assert changes == f"name: {bolt.name} → Bolt M3; reorder point: 0 → 2.5"


def test_a_company_in_which_everything_happened_tells_of_every_document(engine: sa.Engine) -> None:
    shop = an_estate(engine)
    with shop.reading() as session:
        rows = list_audit_log(session, ListQuery(page_size=200)).rows
    assert {"receipt", "build", "adjustment", "count", "reversal", "lot", "BOM", "product"} <= {r["kind"] for r in rows}
    assert {row["by"] for row in rows} == {WORKER.by}


def test_the_founding_is_the_first_line(engine: sa.Engine) -> None:
    company, _ = database.write_anywhere(
        engine,
        lambda s: found_company(
            s, name="New", currency="NZD", email=f"{uuid.uuid4()}@new.test", password="correct horse battery", now=NOW
        ),
    )
    with database.reading(engine, company.id) as session:
        (row,) = list_audit_log(session, ListQuery()).rows
    assert (row["action"], row["kind"], row["subject"], row["door"]) == ("added", "company", "New", "cli")


def test_nobody_sees_the_log_of_another_company(shop: Shop, engine: sa.Engine) -> None:
    do(shop, lambda s: set_options(s, {"qa_review": True}))
    with database.reading(engine, shop.company_id + 100_000) as session:
        assert list_audit_log(session, ListQuery()).total == 0


@pytest.mark.parametrize(
    ("filters", "count"), [({"kind": "settings"}, 1), ({"door": "api"}, 0), ({"from": "2999-01-01"}, 0)]
)
def test_the_log_is_filtered(shop: Shop, filters: dict[str, str], count: int) -> None:
    do(shop, lambda s: set_options(s, {"qa_review": True}))
    assert len(told(shop, **filters)) == count
