"""Executing: sub-assemblies first, lots by expiry or by hand, and what can't be taken."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from partsemble_core.domain.fifo import StockShort
from partsemble_core.errors import Invalid
from partsemble_core.services import building, holding
from partsemble_core.services.cataloguing import ComponentInput, CostInput
from partsemble_core.services.executing import ReviewFirst
from partsemble_core.services.exporting import AccountNotSet
from partsemble_core.store import database
from partsemble_core.store.builds import Build
from partsemble_core.store.session import CompanySession, LockOrderBroken
from tests.services.makers import Shop, a_line, connect, contents, in_threads, refused
from tests.services.workshop import build, execute, exports_of, plan, preview, set_options, taken, unconserved

PACKAGING = CostInput(kind="other", label="Packaging", amount="1.00")


@pytest.fixture
def tree(shop: Shop) -> Shop:
    """A kit of one board and two bolts; a board of three bolts, a wire, and 1.00 of packaging."""
    shop.products("bolt", "wire", "board", "kit")
    shop.stock("bolt", "100", "2", on="2026-04-01")
    shop.stock("wire", "10", "5", on="2026-04-01")
    shop.bom("board", {"bolt": "3", "wire": "1"}, PACKAGING)
    shop.bom("kit", {"board": "1", "bolt": "2"})
    return shop


def builds_of(shop: Shop) -> list[Build]:
    return shop.rows(sa.select(Build).order_by(Build.number))


def test_short_sub_assemblies_are_built_first_each_as_its_own_build(tree: Shop) -> None:
    connect(tree)
    build(tree, "board", "2", built_on="2026-04-02")
    made = build(tree, "kit", "5", build_subassemblies=True)
    two, three, five = builds_of(tree)
    assert [(b.reference, b.quantity, b.components_cost, b.added_cost) for b in (two, three, five)] == [
        ("PSB-000001", 2, 22, 2),
        ("PSB-000002", 3, 33, 3),
        ("PSB-000003", 5, 80, 0),
    ]
    assert (made.id, three.notes) == (five.id, "For kit")
    assert taken(tree, five) == [(0, "PSB-000001", 2, 24), (0, "PSB-000002", 3, 36), (1, "ACM-20260401", 10, 20)]
    assert [(number, quantity) for number, quantity, _ in tree.left("board")] == [("PSB-000001", 0), ("PSB-000002", 0)]
    assert tree.balance("bolt").quantity == 100 - 15 - 10
    assert [(e.reference, e.exact) for e in exports_of(tree)] == [
        ("PSB-000001", 24),
        ("PSB-000002", 36),
        ("PSB-000003", 80),
    ]
    assert tree.balance("board").average_cost == 12, "the last known one"
    assert unconserved(tree) == {}


def test_a_sub_assembly_never_in_stock_before_has_a_last_known_cost_after(tree: Shop) -> None:
    build(tree, "kit", "5", build_subassemblies=True)
    assert (tree.balance("board").quantity, tree.balance("board").average_cost) == (0, 12)


def test_without_asking_nothing_is_built_first(tree: Shop) -> None:
    with refused(tree, StockShort, "stock-short", says="board: 1 needed, 0 available"):
        build(tree, "kit", "1")


def test_a_preview_with_sub_assemblies_writes_nothing_and_says_what_executing_does(tree: Shop) -> None:
    before = contents(tree)
    shown = preview(tree, "kit", "5", build_subassemblies=True)
    assert contents(tree) == before
    (first,) = shown.first
    assert (first.costing.quantity, first.costing.total) == (5, 60)
    assert shown.costing.total == 80
    assert [shown.lots[d.lot_id].number for d in shown.costing.draws] == ["built first", "ACM-20260401"]
    made = build(tree, "kit", "5", build_subassemblies=True)
    assert [(q, c) for _, _, q, c in taken(tree, made)] == [(d.quantity, d.cost) for d in shown.costing.draws]


def test_all_shortages_of_all_levels_are_listed_at_once(tree: Shop) -> None:
    says = r"wire: 21 needed, 10 available, 11 missing.*bolt: 105 needed, 100 available, 5 missing"
    with pytest.raises(StockShort) as caught:
        build(tree, "kit", "21", build_subassemblies=True)
    assert {(s.needed, s.available) for s in caught.value.shortages} == {(21, 10), (105, 100)}
    with refused(tree, StockShort, "stock-short", says=f"{says}|bolt: 105.*wire: 21"):
        build(tree, "kit", "21", build_subassemblies=True)


def test_four_levels_are_built_from_the_bottom(shop: Shop) -> None:
    skus = ["a", "b", "c", "d", "e"]
    shop.products(*skus)
    shop.stock("a", "16", "1")
    for below, made in itertools.pairwise(skus):
        shop.bom(made, {below: "2"})
    build(shop, "e", "1", build_subassemblies=True)
    assert [(shop.find(s).id, q) for s, q in (("b", 8), ("c", 4), ("d", 2), ("e", 1))] == [
        (b.product_id, b.quantity) for b in builds_of(shop)
    ]
    assert shop.balance("e").value == 16
    assert unconserved(shop) == {}


def test_a_planned_build_builds_what_it_lacks_first_too(tree: Shop) -> None:
    planned = plan(tree, "kit", "5")
    with refused(tree, StockShort, "stock-short"):
        execute(tree, planned)
    done = execute(tree, planned, build_subassemblies=True)
    assert [(b.reference, b.state) for b in builds_of(tree)] == [
        ("PSB-000001", "completed"),
        ("PSB-000002", "completed"),
    ]
    assert (done.reference, done.components_cost) == ("PSB-000001", 80)
    assert unconserved(tree) == {}


def test_under_review_a_sub_assembly_has_to_be_approved_before_it_is_built_in(tree: Shop) -> None:
    build(tree, "board", "5")
    set_options(tree, qa_review=True)
    with refused(tree, ReviewFirst, "review-first", says="board would wait for approval"):
        build(tree, "kit", "6", build_subassemblies=True)
    assert build(tree, "kit", "5", build_subassemblies=True).state == "pending_qa", "nothing was missing"


def test_a_tree_of_builds_is_made_whole_or_not_at_all(tree: Shop) -> None:
    connect(tree, roles=[])
    with refused(tree, AccountNotSet, "account-not-set", field="build_credit"):
        build(tree, "kit", "5", build_subassemblies=True)


def test_trees_built_at_once_neither_deadlock_nor_oversell(tree: Shop) -> None:
    tree.products("rack")
    tree.bom("rack", {"bolt": "1", "board": "1"})
    outcomes: list[str] = []

    def work(sku: str) -> None:
        try:
            build(tree, sku, "2", build_subassemblies=True)
            outcomes.append("ok")
        except StockShort:
            outcomes.append("short")

    in_threads(*[(work, sku) for sku in ("kit", "rack", "kit", "rack", "kit", "rack")])
    assert sorted(outcomes) == ["ok"] * 5 + ["short"], "ten wires make ten boards"
    assert tree.balance("wire").quantity == 0
    assert unconserved(tree) == {}


def test_first_to_expire_is_taken_first_where_the_company_says_so(shop: Shop) -> None:
    shop.products("glue", "kit")
    for number, expiry in (("NONE", None), ("LATE", "2026-12-01"), ("SOON", "2026-06-01")):
        shop.receive(a_line("glue", "10", lot_number=number, expires_on=expiry), on="2026-04-01")
    shop.bom("kit", {"glue": "1"})
    assert [number for _, number, _, _ in taken(shop, build(shop, "kit", "1"))] == ["NONE"]
    set_options(shop, draw_order="fefo")
    assert [number for _, number, _, _ in taken(shop, build(shop, "kit", "25"))] == ["SOON", "LATE", "NONE"]
    assert unconserved(shop) == {}


def test_an_expired_lot_is_not_taken_where_the_company_says_so(shop: Shop) -> None:
    shop.products("glue", "kit")
    shop.receive(a_line("glue", "10", lot_number="OLD", expires_on="2026-05-03"), on="2026-04-01")
    shop.receive(a_line("glue", "10", lot_number="NEW", expires_on="2026-05-04"), on="2026-04-02")
    shop.bom("kit", {"glue": "1"})
    assert [number for _, number, _, _ in taken(shop, build(shop, "kit", "1"))] == ["OLD"]
    set_options(shop, block_expired=True)
    assert [number for _, number, _, _ in taken(shop, build(shop, "kit", "1"))] == ["NEW"], "good through its last day"
    with refused(shop, StockShort, "stock-short", says="11 needed, 9 available, 9 expired, 2 missing"):
        build(shop, "kit", "11")
    old = shop.lots("glue")[0]
    with refused(shop, Invalid, "invalid", field="lots[0]", says="Lot OLD"):
        build(shop, "kit", "1", lots={0: [(old.id, "1")]})
    on_its_day = build(shop, "kit", "1", built_on="2026-05-03")
    assert [number for _, number, _, _ in taken(shop, on_its_day)] == ["OLD"], "it counts on the build's day"
    assert [lot.quantity_left for lot in shop.lots("glue")] == [8, 9]


def test_a_held_lot_is_never_taken(tree: Shop) -> None:
    (lot,) = tree.lots("bolt")
    tree.write(lambda s: holding.hold(s, tree.act, lot.id, reason="Rust"))
    with refused(tree, StockShort, "stock-short", says="3 needed, 0 available, 100 on hold.*Release"):
        build(tree, "board", "1")
    with refused(tree, Invalid, "invalid", field="lots[0]", says="is on hold: Rust"):
        build(tree, "board", "1", lots={0: [(lot.id, "3")]})
    assert tree.view("board").buildable == 0


@pytest.fixture
def panels(shop: Shop) -> Shop:
    """N1's lots, and a kit of a panel and a bolt."""
    shop.products("panel", "bolt", "kit")
    for day, quantity, price in ((1, "20", "34.50"), (2, "50", "35.50"), (3, "100", "36.00")):
        shop.stock("panel", quantity, price, on=f"2026-04-0{day}")
    shop.stock("bolt", "100", "1", on="2026-04-01")
    shop.bom("kit", {"panel": "1", "bolt": "1"})
    return shop


def test_lots_picked_by_hand_are_taken_for_all_of_a_line_and_the_rest_by_fifo(panels: Shop) -> None:
    first, _, third = panels.lots("panel")
    picks = {0: [(third.id, "55"), (first.id, 5)], 1: []}
    shown = preview(panels, "kit", "60", lots=picks)
    made = build(panels, "kit", "60", lots=picks)
    assert taken(panels, made) == [
        (0, "ACM-20260403", 55, 1980),
        (0, "ACM-20260401", 5, Decimal("172.5")),
        (1, "ACM-20260401", 60, 60),
    ]
    assert (shown.costing.total, made.components_cost) == (Decimal("2212.5"), Decimal("2212.5"))
    assert [quantity for _, quantity, _ in panels.left("panel")] == [15, 50, 45]
    assert unconserved(panels) == {}


def test_a_planned_build_takes_picked_lots_too(panels: Shop) -> None:
    third = panels.lots("panel")[2]
    done = execute(panels, plan(panels, "kit", "10"), lots={0: [(third.id, "10")]})
    assert taken(panels, done)[0] == (0, "ACM-20260403", 10, 360)


def test_a_pick_that_does_not_fit_is_refused_naming_its_line_and_why(panels: Shop) -> None:
    panels.stock("panel", "5", on="2026-05-04")
    build(panels, "kit", "20")
    first, second, _, late = panels.lots("panel")
    (bolt,) = panels.lots("bolt")
    for picks, says in (
        ([(second.id, "9")], "give 9, the line needs 10"),
        ([(second.id, "51")], "holds 50, so 51"),
        ([(first.id, "10")], "Lot ACM-20260401 is used up"),
        ([(bolt.id, "10")], "can't be taken here"),
        ([(late.id, "10")], "Lot ACM-20260504 isn't of this component, or couldn't be taken on that day"),
        ([(987_654_321, "10")], "There is no lot 987654321"),
        ([(second.id, "0")], "greater than zero"),
        ([(second.id, 10.0)], "plain decimal number"),
    ):
        with refused(panels, Invalid, "invalid", field="lots[0]", says=says):
            build(panels, "kit", "10", built_on="2026-05-03", lots={0: picks})
    with refused(panels, Invalid, "invalid", field="lots[2]", says="no component line 2"):
        build(panels, "kit", "10", lots={2: [(second.id, "10")]})


def test_a_second_order_in_one_transaction_is_stopped_by_the_order_of_locks(tree: Shop) -> None:
    kit = tree.find("kit").id

    def work(session: CompanySession) -> None:
        for _ in range(2):
            building.build_now(session, tree.act, product_id=kit, quantity="2", build_subassemblies=True)

    with pytest.raises(LockOrderBroken):
        tree.write(work)
    assert builds_of(tree) == []


def statements_of(shop: Shop, work: Any) -> int:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(shop.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(shop.engine, "before_cursor_execute", note)
    return len(seen)


def test_the_statements_of_a_preview_do_not_grow_with_levels_or_lines(shop: Shop) -> None:
    counts = [statements_of_a_preview(shop, levels=n, width=n) for n in (2, 9)]
    assert counts[0] == counts[1] <= 15


def statements_of_a_preview(shop: Shop, *, levels: int, width: int) -> int:
    name = f"tree {levels}"
    shop.products(*(f"{name} level {n}" for n in range(levels + 1)), *(f"{name} part {n}" for n in range(width)))
    for n in range(levels):
        shop.save(
            f"{name} level {n}",
            ComponentInput(sku=f"{name} level {n + 1}", quantity="1"),
            *(ComponentInput(sku=f"{name} part {i}", quantity="1") for i in range(width)),
        )
    shop.receive(*(a_line(f"{name} part {i}", "100") for i in range(width)), on="2026-04-01")
    shop.stock(f"{name} level {levels}", "5", on="2026-04-01")
    product_id = shop.find(f"{name} level 0").id

    def work() -> None:
        with database.reading(shop.engine, shop.company_id) as session:
            shown = building.preview_build(
                session, product_id=product_id, quantity="5", built_on=dt.date(2026, 5, 4), build_subassemblies=True
            )
        assert (len(shown.first), shown.costing.shortages) == (levels - 1, ())

    return statements_of(shop, work)
