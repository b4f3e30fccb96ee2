"""What a refusal says is what is true, and what it advises can be done."""

from __future__ import annotations

import datetime as dt

import pytest

from partsemble_core.domain.fifo import StockShort
from partsemble_core.errors import Invalid
from partsemble_core.services.cataloguing import ComponentInput
from partsemble_core.services.closing import PeriodLocked
from partsemble_core.services.receiving import ChargeInput
from partsemble_core.services.reversing import DocumentInUse
from tests.services.makers import Shop, a_line, refused
from tests.services.stockroom import adjust, days_ago, hold, lock, receive_with, the_lot, undo
from tests.services.workshop import build, edit, execute, plan, preview, reject, set_options, update


@pytest.fixture
def tree(shop: Shop) -> Shop:
    """A kit of one board and two bolts; a board of three bolts."""
    shop.products("bolt", "nut", "board", "kit")
    shop.stock("bolt", "100", "2", on=days_ago(9))
    shop.bom("board", {"bolt": "3"})
    shop.bom("kit", {"board": "1", "bolt": "2"})
    return shop


def test_a_shortage_tells_what_is_on_hold_and_expired(shop: Shop) -> None:
    shop.products("glue", "kit")
    shop.bom("kit", {"glue": "0.02"})
    set_options(shop, block_expired=True)
    shop.receive(a_line("glue", "0.94", lot_number="HELD"), on=days_ago(9))
    shop.receive(a_line("glue", "0.9", lot_number="OLD", expires_on=f"{days_ago(2)}"), on=days_ago(9))
    hold(shop, the_lot(shop, "glue"))
    says = (
        "glue: 0.02 needed, 0 available, 0.94 on hold, 0.9 expired, 0.02 missing. "
        "Release lots on hold, receive the missing goods, or build less."
    )
    with refused(shop, StockShort, "stock-short", says=says):
        shop.build("kit", "1")


def test_a_made_part_that_is_short_is_to_be_built_first(tree: Shop) -> None:
    says = "board: 1 needed, 0 available, 1 missing. Build board first or build less."
    with refused(tree, StockShort, "stock-short", says=says):
        tree.build("kit", "1")


def test_a_backdated_shortage_says_of_which_day_it_is(tree: Shop) -> None:
    tree.stock("bolt", "50", on=days_ago(1))
    says = f"bolt: 120 needed, 100 available as of {days_ago(3)}, 50 more since, 20 missing. .*use a later day"
    with refused(tree, StockShort, "stock-short", says=says):
        tree.build("board", "40", on=days_ago(3))
    assert tree.build("board", "40").quantity == 40


def test_nothing_is_planned_or_built_of_an_inactive_component(tree: Shop) -> None:
    planned = plan(tree, "board", "1")
    update(tree, "bolt", is_active=False)
    for attempt in (
        lambda: plan(tree, "board", "1"),
        lambda: build(tree, "board", "1"),
        lambda: preview(tree, "board", "1"),
        lambda: execute(tree, planned),
    ):
        with refused(tree, Invalid, "invalid", field="components[0].sku", says="bolt is inactive. Activate it, or use"):
            attempt()
    update(tree, "bolt", is_active=True)
    update(tree, "board", is_active=False)
    with refused(tree, Invalid, "invalid", field="product_id", says="board is inactive. Activate it before building"):
        execute(tree, planned)


def test_a_plan_keeps_something_that_it_requires(tree: Shop) -> None:
    """An empty list, or optional lines alone, would make something of nothing."""
    planned = plan(tree, "kit", "2")
    for lines in ([], [ComponentInput(sku="nut", quantity="1", optional=True)]):
        with refused(tree, Invalid, "invalid", field="components", says="needs a component that isn't optional"):
            edit(tree, planned, components=lines)
    assert edit(tree, planned, components=[ComponentInput(sku="nut", quantity="1")]).is_modified


def test_one_document_in_the_way_rests_on_it(tree: Shop) -> None:
    made = tree.build("board", "1")
    adjust(tree, the_lot(tree, "board"), "1")
    says = "PSB-000001 can't be reversed: PSB-ADJ-0001 came after it and rests on it. Reverse it first, or adjust"
    with refused(tree, DocumentInUse, "document-in-use", field="document_id", says=says):
        undo(tree, "build", made)


def test_a_rejected_build_in_the_way_is_not_to_be_reversed(tree: Shop) -> None:
    receipt = tree.stock("nut", "5")
    tree.bom("kit", {"nut": "1"})
    set_options(tree, qa_review=True)
    pending = build(tree, "kit", "2")
    says = "PSB-000001 came after it and rests on it. Reject PSB-000001 with full recovery"
    with refused(tree, DocumentInUse, "document-in-use", field="document_id", says=says):
        undo(tree, "receipt", receipt)
    reject(tree, pending, "total_loss")
    says = "PSB-000001 was rejected, which can't be undone: adjust the lot instead."
    with refused(tree, DocumentInUse, "document-in-use", field="document_id", says=says) as caught:
        undo(tree, "receipt", receipt)
    assert "everse" not in str(caught.value).partition("rests on it.")[2]


def test_a_locked_period_names_the_first_open_day(tree: Shop) -> None:
    lock(tree, days_ago(1))
    first = days_ago(1) + dt.timedelta(days=1)
    says = f"Use {first} or later, or have an owner, admin or accountant unlock the period."
    with refused(tree, PeriodLocked, "period-locked", field="received_on", says=says):
        tree.stock("bolt", "1", on=days_ago(2))
    tree.stock("bolt", "1", on=first)


@pytest.mark.parametrize(
    ("cost", "field"),
    [({"total_cost": "0.000001"}, "lines[0].total_cost"), ({"unit_cost": "0.000001"}, "lines[0].unit_cost")],
)
def test_a_foreign_cost_that_comes_to_nothing_is_refused(tree: Shop, cost: dict[str, object], field: str) -> None:
    with refused(tree, Invalid, "invalid", field=field, says="At the rate 0.2 this comes to nothing.* Check the rate"):
        receive_with(tree, a_line("bolt", "1", **cost), currency="USD", rate="0.2")
    with refused(tree, Invalid, "invalid", field="charges[0].amount", says="comes to nothing"):
        tiny = ChargeInput(label="Freight", amount="0.000001")
        receive_with(tree, a_line("bolt", "1"), charges=[tiny], currency="USD", rate="0.2")
    assert receive_with(tree, a_line("bolt", "1", total_cost="0"), currency="USD", rate="0.2").total_cost == 0
