"""Many at once: stock stays exact, nothing goes below zero, numbers have no gaps, and nobody sees a deadlock."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core.domain.fifo import StockShort
from partsemble_core.services import building, receiving
from partsemble_core.store import database
from partsemble_core.store.builds import Build
from partsemble_core.store.companies import next_number
from partsemble_core.store.lots import Lot
from partsemble_core.store.products import balances_of
from partsemble_core.store.receipts import Receipt
from partsemble_core.store.session import CompanySession, LockOrderBroken, LockRank
from tests.services.laws import broken_laws
from tests.services.makers import Shop, a_line, in_threads


@pytest.fixture
def no_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction that the database breaks off shows, instead of being run again."""
    monkeypatch.setattr(database, "TRIES", 1)


def outcomes_of(count: int, work: Callable[[int], Any]) -> Counter[str]:
    """How often each came out of ``count`` threads that start together: "done", or the class of what was raised."""
    together = threading.Barrier(count)
    outcomes: list[str] = []

    def run(number: int) -> None:
        together.wait(timeout=30)
        try:
            work(number)
        except Exception as error:  # noqa: BLE001 - told apart by the caller
            outcomes.append(type(error).__name__)
        else:
            outcomes.append("done")

    in_threads(*((run, number) for number in range(count)))
    return Counter(outcomes)


def build_numbers(shop: Shop) -> list[int]:
    return shop.rows(sa.select(Build.number).order_by(Build.number))


def test_sixteen_who_build_the_same_get_exactly_what_there_is(shop: Shop, no_retries: None) -> None:
    shop.products("panel", "kit")
    for quantity in ("7", "3.5", "12"):
        shop.receive(a_line("panel", quantity, total_cost="10"))
    shop.bom("kit", {"panel": "1.5"})
    outcomes = outcomes_of(16, lambda _: shop.build("kit", "1.25"))
    assert outcomes == {"done": 12, StockShort.__name__: 4}
    assert build_numbers(shop) == list(range(1, 13))
    assert shop.balance("panel").quantity == 0
    assert shop.balance("kit").value == 30
    assert broken_laws(shop) == {}


def test_products_in_opposite_order_are_no_reason_to_wait_in_a_ring(shop: Shop, no_retries: None) -> None:
    shop.products("bolt", "nut", "left", "right")
    shop.bom("left", {"bolt": "1", "nut": "1"})
    shop.bom("right", {"nut": "1", "bolt": "1"})
    shop.receive(a_line("bolt", "100"), a_line("nut", "100"))

    def work(number: int) -> None:
        if number % 4 == 0:
            shop.receive(a_line("bolt", "1"), a_line("nut", "1"))
        elif number % 4 == 1:
            shop.receive(a_line("nut", "1"), a_line("bolt", "1"))
        else:
            shop.build("left" if number % 4 == 2 else "right", "1")

    for _ in range(2):
        assert outcomes_of(16, work) == {"done": 16}
    assert shop.balance("bolt").quantity == shop.balance("nut").quantity == 100
    assert broken_laws(shop) == {}


def test_two_who_build_each_others_component_do_not_wait_in_a_ring(shop: Shop, no_retries: None) -> None:
    shop.products("bolt", "bracket", "shelf")
    shop.stock("bolt", "100")
    shop.bom("bracket", {"bolt": "1"})
    shop.bom("shelf", {"bracket": "1"})
    shop.build("bracket", "20")
    outcomes = outcomes_of(12, lambda n: shop.build("bracket" if n % 2 else "shelf", "1"))
    assert outcomes == {"done": 12}
    assert shop.balance("bracket").quantity == 20
    assert broken_laws(shop) == {}


def test_receipts_of_products_never_seen_before_share_one_gate(shop: Shop, no_retries: None) -> None:
    """Where there is no row there is nothing to lock: the first two must not both make it."""
    shop.products("new", "newer")
    lines = [a_line("new", "1", total_cost="0.333333"), a_line("newer", "1", total_cost="1")]
    assert outcomes_of(8, lambda n: shop.receive(*lines[:: 1 if n % 2 else -1])) == {"done": 8}
    assert shop.balance("new").quantity == 8
    assert shop.balance("new").value == Decimal("2.666664")
    assert sorted(lot.number for lot in shop.lots("new"))[-1] == "ACM-20260504-008"
    assert broken_laws(shop) == {}


def test_a_receipt_confirmed_by_many_is_confirmed_once(shop: Shop, no_retries: None) -> None:
    shop.product("bolt")
    drafts = [shop.draft(a_line("bolt", "10")) for _ in range(4)]
    assert outcomes_of(16, lambda n: shop.confirm(drafts[n % 4])) == {"done": 4, "WrongState": 12}
    assert shop.rows(sa.select(Receipt.number).order_by(Receipt.number)) == [1, 2, 3, 4]
    assert shop.balance("bolt").quantity == 40
    assert broken_laws(shop) == {}


def test_a_lot_number_typed_by_many_at_once_is_opened_once(shop: Shop, no_retries: None) -> None:
    shop.product("bolt")
    outcomes = outcomes_of(8, lambda n: shop.receive(a_line("bolt", lot_number="x-1" if n % 2 else "X-1")))
    assert outcomes == {"done": 1, "Conflict": 7}
    assert broken_laws(shop) == {}


def test_a_bom_saved_while_others_build_it_is_whole_in_every_build(shop: Shop, no_retries: None) -> None:
    shop.products("bolt", "nut", "bracket")
    shop.receive(a_line("bolt", "1000"), a_line("nut", "1000"))
    shop.bom("bracket", {"bolt": "2", "nut": "2"})

    def work(number: int) -> None:
        if number % 3:
            shop.build("bracket", "1")
        else:
            shop.bom("bracket", {"bolt": str(number + 3), "nut": str(number + 3)})

    assert outcomes_of(12, work) == {"done": 12}
    assert shop.balance("bolt").quantity == shop.balance("nut").quantity
    assert broken_laws(shop) == {}


def test_who_comes_second_to_the_gate_sees_what_the_first_left(shop: Shop) -> None:
    """Not a matter of luck: the first stands at its end, not yet committed, when the second starts."""
    shop.products("panel", "kit")
    shop.stock("panel", "10")
    shop.bom("kit", {"panel": "1"})
    kit = shop.find("kit").id
    first_has_built, second_is_through = threading.Event(), threading.Event()

    def first(session: CompanySession) -> None:
        building.build_now(session, shop.act, product_id=kit, quantity="8")
        first_has_built.set()
        assert not second_is_through.wait(0.3), "the second didn't wait"

    def second() -> None:
        first_has_built.wait(30)
        with suppress(StockShort):
            shop.build("kit", "8")
        second_is_through.set()

    in_threads((shop.write, first), (second,))
    assert second_is_through.is_set()
    assert build_numbers(shop) == [1]
    assert shop.balance("panel").quantity == 2
    assert broken_laws(shop) == {}


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)  # SQLite lets nobody in between
def test_what_was_read_before_the_gate_is_read_again_behind_it(shop: Shop) -> None:
    shop.products("panel", "kit")
    shop.stock("panel", "10", "0.333333")
    shop.bom("kit", {"panel": "1"})
    kit, panel = shop.find("kit").id, shop.find("panel").id

    def look_then_build(session: CompanySession) -> None:
        held = [balances_of(session, [panel, kit]), session.scalars(sa.select(Lot)).all()]  # else they are forgotten
        shop.build("kit", "4")
        building.build_now(session, shop.act, product_id=kit, quantity="3")
        assert held

    shop.write(look_then_build)
    assert shop.balance("panel").quantity == 3
    assert shop.balance("kit").quantity == 7
    assert broken_laws(shop) == {}


def test_locks_out_of_order_are_our_own_bug_and_loud(shop: Shop) -> None:
    shop.products("panel", "kit")
    shop.stock("panel", "10")
    shop.bom("kit", {"panel": "1"})
    kit = shop.find("kit").id
    draft = shop.draft(a_line("panel"))

    def number_then_build(session: CompanySession) -> None:
        next_number(session, "build")
        building.build_now(session, shop.act, product_id=kit, quantity="1")

    def lots_then_receipt(session: CompanySession) -> None:
        session.locking(LockRank.LOT)
        receiving.confirm_receipt(session, shop.act, draft.id)

    for work in (number_then_build, lots_then_receipt):
        with pytest.raises(LockOrderBroken):
            shop.write(work)
    assert build_numbers(shop) == []
    assert broken_laws(shop) == {}
