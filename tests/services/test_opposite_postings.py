"""What a reversal posts, and waits for; what waste posts; law 5 for each document."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.domain.journals import REQUIRED_ROLES
from partsemble_core.services.exporting import AccountNotSet, queue_waste
from partsemble_core.store.builds import Build
from partsemble_core.store.connections import AccountMapping
from partsemble_core.store.products import get_product_by_sku
from partsemble_core.store.session import CompanySession
from tests.services.makers import NOW, Shop, a_line, connect, refused
from tests.services.stockroom import adjust, exports, later, lines_of, open_stock, proofs, set_export, the_lot, undo


@pytest.fixture
def bolts(shop: Shop) -> Shop:
    """A connected company with bolts for 10.005, and a kit of one bolt."""
    shop.products("bolt", "kit")
    shop.bom("kit", {"bolt": "1"})
    connect(shop)
    shop.receive(a_line("bolt", "10", total_cost="10.005"))
    return shop


def as_posted(shop: Shop, number: int = 0) -> int:
    export = exports(shop)[number]
    set_export(
        shop,
        export.id,
        state="posted",
        attempts=2,
        external_id=f"journal-{export.id}",
        posted_at=dt.datetime.now(dt.UTC),
    )
    return export.id


def test_what_is_posted_is_taken_back_by_the_opposite(bolts: Shop) -> None:
    build = bolts.build("kit", "4")
    original = as_posted(bolts, 1)
    tomorrow = later(bolts, days=1)
    undo(tomorrow, "build", build, reason="Wrong drawing")
    *_, export = exports(bolts)
    assert (export.state, export.after_export_id, export.document_kind) == ("pending", original, "reversal")
    assert (export.reference, export.token) != (exports(bolts)[1].reference, exports(bolts)[1].token)
    found = proofs(bolts)
    assert lines_of(found["PSB-REV-0001"]) == {a: -v for a, v in lines_of(found["PSB-000001"]).items()}
    assert found["PSB-REV-0001"].entry.narration == "PSB-REV-0001 reverses PSB-000001: Wrong drawing"
    assert found["PSB-REV-0001"].entry.date == tomorrow.act.today
    assert all(proof.holds for proof in found.values())
    for name in ("exact", "posted", "rounding"):
        assert getattr(found["PSB-REV-0001"], name) == -getattr(found["PSB-000001"], name)


@pytest.mark.parametrize("state", ["creating", "created", "posting", "unknown", "review", "pending"])
def test_what_is_on_its_way_is_waited_for(bolts: Shop, state: str) -> None:
    adjustment = adjust(bolts, the_lot(bolts, "bolt"), "-1", reason="loss")
    set_export(bolts, exports(bolts)[1].id, state=state, attempts=1)
    undo(bolts, "adjustment", adjustment)
    assert exports(bolts)[1].state == state
    assert (exports(bolts)[2].state, exports(bolts)[2].after_export_id) == ("pending", exports(bolts)[1].id)


def test_what_no_worker_has_touched_is_cancelled_and_nothing_is_posted(bolts: Shop) -> None:
    adjustment = adjust(bolts, the_lot(bolts, "bolt"), "-1", reason="loss")
    undo(bolts, "adjustment", adjustment)
    assert [export.state for export in exports(bolts)] == ["pending", "cancelled"]
    assert exports(bolts)[1].problem == "Reversed by PSB-REV-0001 before anything was sent."


def test_the_opposite_of_what_was_skipped_is_skipped(bolts: Shop) -> None:
    undo(bolts, "adjustment", open_stock(bolts, "kit", "1", "5"))
    *_, skipped, opposite = exports(bolts)
    assert (skipped.state, opposite.state, opposite.after_export_id) == ("skipped", "skipped", None)
    assert opposite.problem == "Nothing to post: the original was never posted."
    assert all(proof.holds for proof in proofs(bolts).values())


def test_without_a_connection_nothing_is_queued(shop: Shop) -> None:
    shop.products("bolt")
    receipt = shop.receive(a_line("bolt"))
    connect(shop)
    undo(shop, "receipt", receipt)
    assert exports(shop) == []


def test_a_reversal_needs_no_account_that_is_set_now(bolts: Shop) -> None:
    adjustment = adjust(bolts, the_lot(bolts, "bolt"), "-1", reason="loss")
    as_posted(bolts, 1)
    bolts.write(lambda s: s.execute(sa.delete(AccountMapping)) and None)
    undo(bolts, "adjustment", adjustment)
    assert lines_of(proofs(bolts)["PSB-REV-0001"]) == {"605": -1, "601": 1}


def waste(shop: Shop, build: Build, cost: str) -> Any:
    """As a rejection does."""

    def lose(session: CompanySession) -> Any:
        mine = session.get_one(Build, build.id)
        mine.waste_cost = Decimal(cost)
        product = get_product_by_sku(session, "kit")
        return queue_waste(session, shop.act, mine, cost=Decimal(cost), product=product)

    return shop.write(lose)


def test_waste_is_a_posting_of_its_own_on_the_day_of_the_rejection(bolts: Shop) -> None:
    build = bolts.build("kit", "4")
    export = waste(later(bolts, days=2), build, "2.345")
    assert (export.reference, export.document_kind, export.document_id) == ("PSB-000001-W", "waste", build.id)
    proof = proofs(bolts)["PSB-000001-W"]
    assert lines_of(proof) == {"605": Decimal("2.34"), "604": Decimal("-2.34")}
    assert (proof.exact, proof.posted, proof.rounding, proof.holds) == (
        Decimal("2.345"),
        Decimal("2.34"),
        Decimal("-0.005"),
        True,
    )
    assert proof.entry.date == NOW.date() + dt.timedelta(days=2)


def test_waste_of_nothing_is_skipped(bolts: Shop) -> None:
    assert waste(bolts, bolts.build("kit", "4"), "0").state == ExportState.SKIPPED


def test_without_a_waste_account_a_loss_is_refused(shop: Shop) -> None:
    shop.products("bolt", "kit")
    shop.bom("kit", {"bolt": "1"})
    connect(shop, roles=REQUIRED_ROLES)
    shop.receive(a_line("bolt"))
    build = shop.build("kit", "4")
    with refused(shop, AccountNotSet, "account-not-set", field="waste"):
        waste(shop, build, "1")
