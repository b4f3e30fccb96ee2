"""What a company's session does by itself: bulk writes, locks in order, and text that can't be stored."""

from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa

from partsemble_core.errors import InvariantBroken, NotFound
from partsemble_core.store.companies import Counter, next_number
from partsemble_core.store.database import write
from partsemble_core.store.lots import gates_for_update, open_lots_for_update
from partsemble_core.store.products import (
    StockBalance,
    balances_of,
    find_product_by_sku,
    get_product_by_sku,
    products_by_sku,
)
from partsemble_core.store.receipts import get_supplier, receipt_for_update
from partsemble_core.store.session import CompanySession, LockOrderBroken, LockRank
from tests.store.rows import fill, insert


@pytest.fixture
def filled(engine: sa.Engine) -> sa.Engine:
    fill(engine, 1)
    return engine


@pytest.mark.parametrize("first", LockRank)
@pytest.mark.parametrize("then", LockRank)
def test_locks_are_taken_upwards_only(first: LockRank, then: LockRank) -> None:
    session = CompanySession(sa.create_engine("sqlite://"), company_id=1)
    session.locking(first)
    if then >= first:
        session.locking(then)
    else:
        with pytest.raises(LockOrderBroken, match=f"{then.name} was locked after {first.name}") as caught:
            session.locking(then)
        assert caught.value.code == "lock-order-broken"


def test_what_takes_locks_says_so(filled: sa.Engine) -> None:
    """Each step of the one order, and no way back from any of them."""
    steps = [
        lambda session: receipt_for_update(session, 1),
        lambda session: gates_for_update(session, [1]),
        lambda session: open_lots_for_update(session, [1]),
        lambda session: next_number(session, "build"),
    ]

    def in_order(session: CompanySession) -> None:
        for step in steps:
            step(session)

    write(filled, 1, in_order)
    for i, later in enumerate(steps):
        for earlier in steps[:i]:

            def backwards(session: CompanySession, later=later, earlier=earlier) -> None:  # type: ignore[no-untyped-def]
                later(session)
                earlier(session)

            with pytest.raises(LockOrderBroken):
                write(filled, 1, backwards)


def test_many_rows_get_their_ids_in_the_order_given(filled: sa.Engine) -> None:
    names = [f"counter {n * 7919 % 2500:04d}" for n in range(2500)]

    def work(session: CompanySession) -> dict[str, int]:
        ids = session.insert_all(Counter, [{"name": name, "last": 0} for name in names])
        return dict(zip(names, ids, strict=True))

    ids = write(filled, 1, work)
    with filled.connect() as connection:
        rows = connection.execute(sa.select(Counter.name, Counter.id).where(Counter.name.startswith("counter")))
        assert {row.name: row.id for row in rows} == ids


def test_no_rows_are_no_statement(filled: sa.Engine) -> None:
    def work(session: CompanySession) -> list[int]:
        session.update_all(Counter, [])
        return session.insert_all(Counter, [])

    assert write(filled, 1, work) == []


def test_what_is_there_already_is_not_inserted_again(filled: sa.Engine) -> None:
    def work(session: CompanySession) -> None:
        for _ in range(2):
            session.insert_missing(Counter, {"name": "once", "last": 5}, key=("company_id", "name"))

    write(filled, 1, work)
    with filled.connect() as connection:
        kept = connection.execute(sa.select(Counter.last).where(Counter.name == "once")).scalars().all()
    assert kept == [5]


def test_many_rows_are_changed_each_to_its_own(filled: sa.Engine) -> None:
    def work(session: CompanySession) -> list[tuple[str, int]]:
        ids = session.insert_all(Counter, [{"name": f"c{n}", "last": 0} for n in range(50)])
        session.update_all(Counter, [{"id": key, "last": n} for n, key in reversed(list(enumerate(ids)))])
        rows = session.execute(sa.select(Counter.name, Counter.last).where(Counter.id.in_(ids)))
        return sorted(tuple(row) for row in rows)

    assert write(filled, 1, work) == sorted((f"c{n}", n) for n in range(50))


def test_a_row_that_is_gone_is_noticed(filled: sa.Engine) -> None:
    with pytest.raises(InvariantBroken, match="2 rows of counters to change, 1 found"):
        write(filled, 1, lambda s: s.update_all(Counter, [{"id": 1, "last": 7}, {"id": 99, "last": 7}]))
    with filled.connect() as connection:
        assert connection.execute(sa.select(Counter.last).where(Counter.id == 1)).scalar() == 1


def test_a_gate_is_made_where_there_is_none_and_kept_where_there_is(filled: sa.Engine) -> None:
    with filled.begin() as connection:
        insert(connection, "products", key=2, company=1)

    def work(session: CompanySession) -> list[tuple[int, Decimal]]:
        gates = gates_for_update(session, [2, 1, 2])
        return [(product_id, gate.quantity) for product_id, gate in gates.items()]

    one = Decimal("0.000001")
    assert write(filled, 1, work) == [(1, one), (2, Decimal(0))]
    assert write(filled, 1, work) == [(1, one), (2, Decimal(0))]


def test_stock_read_before_a_bulk_write_is_not_shown_after_it(filled: sa.Engine) -> None:
    def work(session: CompanySession) -> Decimal:
        before = balances_of(session, [1])[1]
        session.update_all(StockBalance, [{"id": before.id, "quantity": Decimal(7)}])
        return balances_of(session, [1])[1].quantity

    assert write(filled, 1, work) == 7


def test_a_name_that_no_database_can_hold_is_merely_unknown(filled: sa.Engine) -> None:
    with CompanySession(filled, company_id=1) as session:
        for text in ("no such", "nul\x00", "\ud800"):
            assert find_product_by_sku(session, text) is None
            assert products_by_sku(session, [text, "SKU_KEY-1"]).keys() == {"sku_key-1"}
            with pytest.raises(NotFound):
                get_product_by_sku(session, text)
            with pytest.raises(NotFound):
                get_supplier(session, text)
