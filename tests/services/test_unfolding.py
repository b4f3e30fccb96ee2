"""A build's cost is told down to what was bought, and every level adds up exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa

from partsemble_core.domain.amounts import add
from partsemble_core.services import unfolding
from partsemble_core.services.cataloguing import CostInput
from partsemble_core.services.holding import split
from partsemble_core.services.planning import plan_build
from partsemble_core.services.unfolding import CostLine, CostTree, unfold_costs
from partsemble_core.store.builds import Build
from partsemble_core.store.lots import Lot
from tests.services.makers import Shop

LABOUR = CostInput(kind="labour", label="Soldering", rate="10", quantity="0.1")


def tree_of(shop: Shop, build: Build) -> CostTree:
    with shop.reading() as session:
        return unfold_costs(session, build.id)


def told(line: CostLine) -> tuple[int, str, str | None, str]:
    what = line.product.sku if line.product else line.label
    return line.level, what, None if line.quantity is None else f"{line.quantity:f}", f"{line.cost:f}"


def broken(tree: CostTree) -> list[CostLine]:
    """Lines whose lines below don't come to them."""
    bad = []
    for place, line in enumerate(tree.lines):
        below: list[Decimal] = []
        for each in tree.lines[place + 1 :]:
            if each.level <= line.level:
                break
            if each.level == line.level + 1:
                below.append(each.cost)
        if below and add(below) != line.cost:
            bad.append(line)
    return bad


def make_boards(shop: Shop) -> Build:
    """Three boards of 7 LEDs and 1/3 of a panel each, with labour, two of which go into a kit."""
    shop.products("led", "panel", "board", "kit")
    shop.bom("board", {"led": "7", "panel": "0.333333"}, LABOUR)
    shop.bom("kit", {"board": "2"})
    shop.stock("led", "10", "0.10")
    shop.stock("led", "90", "0.13")
    shop.stock("panel", "9", "1.01")
    shop.build("board", "3")
    return shop.build("kit", "1")


def test_a_tree_goes_down_to_what_was_bought_and_adds_up(shop: Shop) -> None:
    kit = make_boards(shop)
    tree = tree_of(shop, kit)
    assert tree.is_deep
    assert not tree.is_cut
    assert tree.total == add([kit.components_cost, kit.added_cost])
    assert [told(line) for line in tree.lines] == [
        (1, "board", "2", "4.293333"),
        (2, "led", "6.666667", "0.666667"),
        (2, "led", "7.333333", "0.953333"),
        (2, "panel", "0.666666", "0.673333"),
        (2, "Soldering", None, "2"),
    ]
    assert broken(tree) == []
    assert [line.made_by.reference for line in tree.lines if line.made_by] == ["PSB-000001"]


def test_a_lot_that_was_split_is_known_by_where_it_came_from(shop: Shop) -> None:
    shop.products("led", "board", "kit")
    shop.bom("board", {"led": "1"})
    shop.bom("kit", {"board": "1"})
    shop.stock("led", "4", "0.5")
    shop.build("board", "4")
    (board,) = shop.rows(sa.select(Lot.id).where(Lot.build_id.is_not(None)))
    half = shop.write(lambda session: split(session, shop.act, board, quantity="3"))
    shop.write(lambda session: split(session, shop.act, half.id, quantity="1"))
    tree = tree_of(shop, shop.build("kit", "4"))
    assert [line.made_by.reference for line in tree.lines if line.level == 1 and line.made_by] == ["PSB-000001"] * 3
    assert sum(line.cost for line in tree.lines if line.level == 2) == tree.total == Decimal(2)
    assert broken(tree) == []


def test_a_planned_build_has_nothing_to_tell(shop: Shop) -> None:
    make_boards(shop)
    board = shop.find("board").id
    planned = shop.write(lambda session: plan_build(session, shop.act, product_id=board, quantity="1"))
    assert tree_of(shop, planned) == CostTree(total=Decimal(0), lines=(), is_cut=False)


def test_a_tree_that_is_too_large_says_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = make_boards(shop)
    monkeypatch.setattr(unfolding, "MOST", 2)
    tree = tree_of(shop, kit)
    assert len(tree.lines) == 2
    assert tree.is_cut
