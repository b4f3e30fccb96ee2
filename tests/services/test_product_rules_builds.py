"""Rules of builds, receipts and reversals that no other test holds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.errors import Conflict
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.services import cataloguing, planning
from partsemble_core.services.cataloguing import CostInput
from partsemble_core.services.listing import LISTS, ListQuery
from partsemble_core.services.reversing import DocumentInUse
from partsemble_core.store.builds import Build
from partsemble_core.store.exports import Export
from partsemble_core.store.receipts import Supplier
from tests.services.laws import broken_laws
from tests.services.lot_laws import broken_lot_laws
from tests.services.makers import TODAY, Shop, a_line, a_shop, connect, refused
from tests.services.stockroom import adjust, days_ago, hold, set_export, split, the_lot, undo
from tests.services.workshop import (
    approve,
    build,
    by,
    execute,
    plan,
    preview,
    reject,
    set_options,
    taken,
    unconserved,
    update,
)

LABOUR = CostInput(kind="labour", label="Assembly", rate="25.00", quantity="0.5")


@pytest.fixture
def panels(shop: Shop) -> Shop:
    """N1: lots 20 @ 34.50, 50 @ 35.50, 100 @ 36.00, and a kit of one panel."""
    shop.products("panel", "kit")
    for day, quantity, price in ((1, "20", "34.50"), (2, "50", "35.50"), (3, "100", "36.00")):
        shop.stock("panel", quantity, price, on=f"2026-04-0{day}")
    shop.bom("kit", {"panel": "1"})
    return shop


def labels(shop: Shop, **filters: str) -> dict[str, object]:
    """Reference → label of the builds listed."""
    with shop.reading() as session:
        rows = LISTS["builds"](session, ListQuery(filters=filters)).rows
    return {str(row["reference"]): row["label"] for row in rows}


def export_of(shop: Shop, made: Build) -> Export:
    (found,) = shop.rows(sa.select(Export).where(Export.reference == made.reference))
    return found


def test_a_build_is_called_by_one_label_for_its_state_and_that_of_its_export(panels: Shop) -> None:
    """“screens show both as one label: Planned, Pending QA, Pending export, Synced, Failed, Rejected, Reversed,
    Recorded (no backend connected).” Each can be asked for.
    """
    made = {"Recorded": build(panels, "kit", "1"), "Planned": plan(panels, "kit", "1")}
    connect(panels)
    made |= {name: build(panels, "kit", "1") for name in ("Pending export", "Synced", "Failed", "Reversed")}
    posted = {"state": ExportState.POSTED, "posted_at": panels.act.at, "external_id": "theirs"}
    set_export(panels, export_of(panels, made["Synced"]).id, **posted)
    set_export(panels, export_of(panels, made["Failed"]).id, state=ExportState.REVIEW)
    undo(panels, "build", made["Reversed"])
    set_options(panels, qa_review=True)
    made |= {name: build(panels, "kit", "1") for name in ("Pending QA", "Rejected")}
    reject(panels, made["Rejected"], "full")
    assert labels(panels) == {found.reference: name for name, found in made.items()}
    for name, found in made.items():
        assert labels(panels, label=name) == {found.reference: name}


def test_builds_are_numbered_in_each_company_for_itself(panels: Shop) -> None:
    """“Number PSB-000123 per company, gap-free per committed build.”"""
    other = a_shop(panels.engine)
    other.products("bolt", "kit")
    other.stock("bolt", "10")
    other.bom("kit", {"bolt": "1"})
    order = [build(shop, "kit", "1").reference for shop in (panels, panels, other, panels, other)]
    assert order == ["PSB-000001", "PSB-000002", "PSB-000001", "PSB-000003", "PSB-000002"]


def test_a_preview_gives_total_and_unit_cost_of_the_output(panels: Shop) -> None:
    """“Preview: per component the lots that FIFO would take, quantity and cost of each; shortages; cost lines; total;
    unit cost of the output.” 60 panels are 690 + 1,420 (N1); labour is 60 × 12.50; 2,860 ÷ 60 = 47.666667.
    """
    panels.bom("kit", {"panel": "1"}, LABOUR)
    costing = preview(panels, "kit", "60").costing
    assert [(draw.quantity, draw.cost) for draw in costing.draws] == [(20, 690), (40, 1420)]
    assert [(cost.label, cost.cost) for cost in costing.costs] == [("Assembly", 750)]
    assert (costing.total, costing.unit_cost, costing.shortages) == (2860, Decimal("47.666667"), ())


def test_a_quick_build_is_planned_and_executed_by_the_same_person_at_once(panels: Shop) -> None:
    """“Quick build = plan and execute at once”: what a planned build records, it records too."""
    made = build(by(panels, "bo@example.com"), "kit", "1")
    assert (made.planned_by, made.executed_by, made.state) == ("bo@example.com", "bo@example.com", "completed")
    assert made.planned_at == made.executed_at == panels.act.at


def test_an_optional_component_on_hold_or_expired_never_blocks(shop: Shop) -> None:
    """“Optional line: never blocks; what is there is taken.” What can't be taken isn't there."""
    shop.products("panel", "plate", "glue", "kit")
    shop.stock("panel", "10")
    shop.stock("plate", "10", on=days_ago(2))
    shop.receive(a_line("glue", "10", expires_on=f"{days_ago(1)}"), on=days_ago(2))
    hold(shop, the_lot(shop, "plate"))
    set_options(shop, block_expired=True)
    shop.save(
        "kit",
        cataloguing.ComponentInput(sku="panel", quantity="1"),
        cataloguing.ComponentInput(sku="plate", quantity="1", optional=True),
        cataloguing.ComponentInput(sku="glue", quantity="1", optional=True),
    )
    assert shop.view("kit").buildable == 10
    made = build(shop, "kit", "10")
    assert [line for line, *_ in taken(shop, made)] == [0]
    assert unconserved(shop) == {}


def test_an_approved_build_is_reversed_to_its_lots_and_its_posting_taken_back(panels: Shop) -> None:
    """“completed → reversed. … Reversal restores the component lots exactly and, if the build was posted, queues the
    opposite posting.” It holds for a build that came in by approval as well.
    """
    before = panels.left("panel")
    set_options(panels, qa_review=True)
    connect(panels)
    made = build(panels, "kit", "60")
    approve(panels, made)
    original = export_of(panels, made)
    set_export(panels, original.id, state=ExportState.POSTED, posted_at=panels.act.at, external_id="theirs")
    reversal = undo(panels, "build", made)
    assert panels.left("panel") == before
    assert [lot.state for lot in panels.lots("kit")] == ["reversed"]
    (opposite,) = panels.rows(sa.select(Export).where(Export.reference == reversal.reference))
    lines = {line.account_id: line.amount for line in entry_from_bytes(original.body).lines}
    assert {line.account_id: -line.amount for line in entry_from_bytes(opposite.body).lines} == lines
    assert (opposite.exact, opposite.after_export_id) == (-2110, original.id)
    assert broken_laws(panels) == {}


def test_an_adjustment_that_can_not_be_taken_back_lists_every_document_in_the_way(shop: Shop) -> None:
    """“else the documents that used it are listed”, for an adjustment too. Ten bolts and five that were found; two
    builds take twelve and one is lost: of the five found only two are left.
    """
    shop.products("bolt", "kit")
    shop.bom("kit", {"bolt": "1"})
    shop.stock("bolt", "10")
    found = adjust(shop, the_lot(shop, "bolt"), "5", reason="count_correction")
    shop.build("kit", "6")
    shop.build("kit", "6")
    adjust(shop, the_lot(shop, "bolt"), "-1", reason="loss")
    with refused(shop, DocumentInUse, "document-in-use", field="document_id") as caught:
        undo(shop, "adjustment", found)
    assert isinstance(caught.value, DocumentInUse)
    assert caught.value.references == ("PSB-000001", "PSB-000002", "PSB-ADJ-0002")
    assert broken_lot_laws(shop) == {}


def test_a_receipt_of_several_lots_lists_what_used_each_of_them(shop: Shop) -> None:
    """“Reverse only while its lots are untouched; else list what used them”: over all its lots, and what was split
    off them, each document once, in the order in which they came.
    """
    shop.products("bolt", "nut", "kit", "case")
    shop.bom("kit", {"nut": "1"})
    shop.bom("case", {"bolt": "1", "nut": "1"})
    receipt = shop.receive(a_line("bolt", "10"), a_line("nut", "10"))
    split(shop, the_lot(shop, "nut"), "4")
    shop.build("kit", "7")
    shop.build("case", "2")
    adjust(shop, the_lot(shop, "bolt"), "-1", reason="breakage")
    with refused(shop, DocumentInUse, "document-in-use", field="document_id") as caught:
        undo(shop, "receipt", receipt)
    assert isinstance(caught.value, DocumentInUse)
    assert caught.value.references == ("PSB-000001", "PSB-000002", "PSB-ADJ-0001")


def test_a_rejected_build_takes_no_part_in_the_planners_reckoning(panels: Shop) -> None:
    """“at most one automatic planned build a product, adjusted, never doubled”: what waits for review is coming; once
    it is rejected it isn't, and the same one build is planned for it, not a second.
    """
    update(panels, "kit", build_point="3", build_target="10")
    set_options(panels, qa_review=True)
    pending = build(panels, "kit", "4")
    _sync(panels)
    assert _automatic(panels) == []
    reject(panels, pending, "full")
    for _ in range(2):
        _sync(panels)
        assert _automatic(panels) == [("PSB-000002", 10)]
    pending = build(panels, "kit", "2")
    _sync(panels)
    assert _automatic(panels) == [("PSB-000002", 8)]
    (automatic,) = panels.rows(sa.select(Build).where(Build.state == "planned"))
    execute(panels, automatic)
    _sync(panels)
    assert _automatic(panels) == [], "what was planned is under way"


def _sync(shop: Shop) -> None:
    shop.write(lambda s: planning.sync_automatic(s, shop.act))


def _automatic(shop: Shop) -> list[tuple[str, Decimal]]:
    found = shop.rows(sa.select(Build).where(Build.is_automatic, Build.state == "planned").order_by(Build.id))
    return [(planned.reference, planned.quantity) for planned in found]


def test_a_supplier_is_kept_with_all_that_is_said_of_it(shop: Shop) -> None:
    """“Supplier: name, code of 2–4 capitals unique in the company (lot prefix), contact, e-mail, phone, …”"""
    said: dict[str, Any] = {
        "code": "BOLT",
        "name": "Bolt & Söhne",
        "contact": "Bea",
        "email": "bea@bolt.example",
        "phone": "+64 9 555 0100",
    }
    shop.write(lambda s: cataloguing.create_supplier(s, shop.act, **said))
    (kept,) = shop.rows(sa.select(Supplier).where(Supplier.code == "BOLT"))
    assert {name: getattr(kept, name) for name in said} == said
    assert (kept.is_active, kept.created_at) == (True, shop.act.at)
    a_shop(shop.engine).supplier("BOLT")
    with refused(shop, Conflict, "conflict", field="code"):
        shop.supplier("BOLT")
    shop.products("bolt")
    shop.receive(a_line("bolt"), supplier="BOLT")
    assert [number for number, *_ in shop.left("bolt")] == [f"BOLT-{TODAY:%Y%m%d}"]
