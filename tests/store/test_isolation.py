"""No row of one company is ever visible to another, whatever is asked and however."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import aliased

from partsemble_core.errors import InvariantBroken, NotFound
from partsemble_core.store import database
from partsemble_core.store.adjustments import get_adjustment, get_count
from partsemble_core.store.base import CompanyOwned
from partsemble_core.store.builds import get_build
from partsemble_core.store.companies import Counter, get_company, next_number
from partsemble_core.store.connections import get_connection, mapped_accounts
from partsemble_core.store.everything import Base, metadata
from partsemble_core.store.exports import get_export
from partsemble_core.store.lots import Lot, StockEntry, gates_for_update, get_lot, open_lots, take
from partsemble_core.store.products import (
    Product,
    StockBalance,
    balances_of,
    get_product,
    get_product_by_sku,
    products_by_id,
    products_by_sku,
)
from partsemble_core.store.receipts import get_receipt, get_supplier, receipt_for_update
from partsemble_core.store.session import CompanySession
from tests.store.rows import APPEND_ONLY, fill, insert

MINE, THEIRS = 2, 1
MODELS: list[Any] = [m.class_ for m in Base.registry.mappers if issubclass(m.class_, CompanyOwned)]
FROZEN_LINKS = {("exports", "connection_id")}
"""Where every update is refused before the database looks for the row pointed to."""
LOOK_UPS = [
    get_product, get_lot, get_build, get_receipt, receipt_for_update, get_connection, get_export, get_adjustment,
    get_count,
]  # fmt: skip


def mine(engine: sa.Engine) -> CompanySession:
    return CompanySession(engine, company_id=MINE)


@pytest.fixture
def two_companies(engine: sa.Engine) -> sa.Engine:
    """Each has one row in every table, whose id is the company's."""
    fill(engine, THEIRS, MINE)
    return engine


def test_every_table_but_those_of_the_whole_installation_belongs_to_a_company() -> None:
    owned = {model.__tablename__ for model in MODELS}
    # One message of the books may tell of many companies; what it tells of each is split before it is kept.
    of_all = {"companies", "users", "grants", "token_sets", "refresh_tries", "backend_settings", "heard_messages"}
    of_all |= {"rate_buckets", "rate_calls", "password_resets", "recovery_codes", "set_up_codes"}
    assert {*metadata.tables} - owned == of_all


def test_a_select_sees_own_rows_only(two_companies: sa.Engine) -> None:
    with mine(two_companies) as session:
        for model in MODELS:
            other = aliased(model)
            inner = sa.select(model.id).where(model.id == THEIRS)
            asked: dict[str, Any] = {
                "rows": session.scalars(sa.select(model)).all()[0].id,
                "column": session.scalars(sa.select(model.id)).all(),
                "alias": session.scalars(sa.select(other.id)).all(),
                "count": session.scalar(sa.select(sa.func.count()).select_from(model)),
                "count of a column": session.scalar(sa.select(sa.func.count(model.id))),
                "by id": session.scalar(sa.select(model).where(model.id == THEIRS)),
                "exists": session.scalar(sa.select(sa.exists(inner))),
                "subquery": session.scalars(sa.select(inner.subquery().c.id)).all(),
                "union": session.scalars(sa.union_all(sa.select(model.id), sa.select(model.id))).all(),
            }
            assert asked == {
                "rows": MINE, "column": [MINE], "alias": [MINE], "count": 1, "count of a column": 1,
                "by id": None, "exists": False, "subquery": [], "union": [MINE, MINE],
            }, model  # fmt: skip


def test_a_get_does_not_reach_into_another_company(two_companies: sa.Engine) -> None:
    with mine(two_companies) as session:
        for model in MODELS:
            assert session.get(model, MINE) is not None, model
            assert session.get(model, THEIRS) is None, model


def test_a_join_is_kept_to_the_company_on_both_sides(two_companies: sa.Engine) -> None:
    with two_companies.begin() as connection:  # a join that forgot the company would find this pair too
        insert(connection, "lots", key=3, company=THEIRS, changes={"product_id": THEIRS})
    with mine(two_companies) as session:
        anything = session.execute(
            sa.select(Product.id, Lot.id, StockEntry.id)
            .select_from(Product)
            .join(Lot, sa.true())
            .join(StockEntry, sa.true())
        ).all()
        alias = aliased(Product)
        pairs = session.execute(sa.select(Product.id, alias.id).select_from(Product).join(alias, sa.true())).all()
        outer = session.execute(
            sa.select(Product.id, Lot.id).select_from(Product).outerjoin(Lot, Lot.id == THEIRS)
        ).all()
    assert [tuple(row) for row in anything] == [(MINE, MINE, MINE)]
    assert [tuple(row) for row in pairs] == [(MINE, MINE)]
    assert [tuple(row) for row in outer] == [(MINE, None)]


def test_an_update_and_a_delete_touch_own_rows_only(two_companies: sa.Engine) -> None:
    def work(session: CompanySession) -> list[int]:
        changed = session.scalars(sa.update(Product).values(name="mine").returning(Product.id)).all()
        session.execute(sa.delete(Counter))
        return list(changed)

    assert database.write(two_companies, MINE, work) == [MINE]
    with two_companies.connect() as connection:
        names = connection.exec_driver_sql("SELECT name FROM products ORDER BY id").scalars().all()
        counters = connection.exec_driver_sql("SELECT id FROM counters").scalars().all()
    assert (names, counters) == (["name-1", "mine"], [THEIRS])


def test_a_number_is_counted_in_the_own_company(two_companies: sa.Engine) -> None:
    numbers = [database.write(two_companies, MINE, lambda s: next_number(s, "build")) for _ in range(2)]
    theirs = database.write(two_companies, THEIRS, lambda s: next_number(s, "build"))
    assert (numbers, theirs) == ([1, 2], 1)


def test_a_new_row_of_another_company_is_not_taken(two_companies: sa.Engine) -> None:
    for company_id in (THEIRS, 99):

        def work(session: CompanySession, company_id: int = company_id) -> None:
            session.add(Counter(company_id=company_id, name="sneaked in", last=1))

        with pytest.raises(InvariantBroken, match="another company"):
            database.write(two_companies, MINE, work)


def test_a_new_row_is_stamped_with_the_company(two_companies: sa.Engine) -> None:
    def work(session: CompanySession) -> int:
        row = Counter(name="own", last=1)
        session.add(row)
        session.flush()
        return row.company_id

    assert database.write(two_companies, MINE, work) == MINE


def test_a_row_read_by_another_company_is_not_written(two_companies: sa.Engine) -> None:
    def change(session: CompanySession, row: Counter) -> None:
        session.add(row)
        row.last = 99

    for write_it in (change, CompanySession.delete):
        with CompanySession(two_companies, company_id=THEIRS) as theirs:
            row = theirs.get_one(Counter, THEIRS)
        with mine(two_companies) as session:
            write_it(session, row)
            with pytest.raises(InvariantBroken, match="another company"):
                session.commit()


def test_an_own_row_cannot_be_given_away(two_companies: sa.Engine) -> None:
    def work(session: CompanySession) -> None:
        session.get_one(Counter, MINE).company_id = THEIRS

    with pytest.raises(InvariantBroken, match="another company"):
        database.write(two_companies, MINE, work)


def test_a_foreign_thing_is_told_from_a_missing_one_by_nobody(two_companies: sa.Engine) -> None:
    for find in LOOK_UPS:
        said = []
        for key in (THEIRS, 987_654):
            with mine(two_companies) as session, pytest.raises(NotFound) as caught:
                find(session, key)
            said.append((str(caught.value).replace(str(key), "KEY"), caught.value.code, caught.value.what))
        assert said[0] == said[1]


def test_names_of_another_company_are_not_known(two_companies: sa.Engine) -> None:
    with two_companies.begin() as connection:
        connection.exec_driver_sql("UPDATE products SET sku_key = 'theirs' WHERE id = 1")
    with mine(two_companies) as session:
        with pytest.raises(NotFound, match="THEIRS"):
            get_product_by_sku(session, "THEIRS")
        with pytest.raises(NotFound, match="code-1"):
            get_supplier(session, "code-1")
        assert products_by_id(session, [THEIRS, MINE]).keys() == {MINE}
        assert products_by_sku(session, ["theirs"]) == {}
        assert balances_of(session, [THEIRS, MINE]).keys() == {MINE}
        assert open_lots(session, [THEIRS]) == []
        assert mapped_accounts(session, THEIRS) == {}
        assert get_company(session).id == MINE


def test_a_gate_of_a_foreign_product_cannot_be_made(two_companies: sa.Engine) -> None:
    with pytest.raises(DBAPIError, match=r"(?i)foreign key"):
        database.write(two_companies, MINE, lambda session: gates_for_update(session, [THEIRS]))
    with two_companies.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(StockBalance)).scalar() == 2


def test_nothing_is_taken_from_a_foreign_lot(two_companies: sa.Engine) -> None:
    with CompanySession(two_companies, company_id=THEIRS) as session:
        lots = open_lots(session, [THEIRS])
    assert lots
    with pytest.raises(InvariantBroken):
        database.write(two_companies, MINE, lambda session: take(session, lots))


def test_no_foreign_key_leads_into_another_company(two_companies: sa.Engine) -> None:
    """Raw SQL: the database itself holds the wall, table by table and column by column."""
    tried = 0
    for table in metadata.sorted_tables:
        for constraint in table.foreign_key_constraints:
            *first, last = constraint.columns.keys()
            if first != ["company_id"]:
                continue
            tried += 1
            assert crosses(two_companies, table, last) is None, f"{table.name}.{last} left the company"
    links = [c for t in metadata.tables.values() for c in t.columns if c.foreign_keys and c.name != "company_id"]
    grants = {f"{name}.grant_id" for name in ("token_sets", "refresh_tries", "sign_in_flows", "connections")}
    to_nobody = {"memberships.user_id", "password_resets.user_id", "recovery_codes.user_id", *grants}
    assert tried == len({str(c) for c in links} - to_nobody), "a link that doesn't carry the company"


def crosses(engine: sa.Engine, table: sa.Table, column: str) -> str | None:
    """None when a row of mine that points to a row of theirs is refused by a foreign key."""
    with engine.connect() as connection, connection.begin() as transaction:
        try:
            if table.name in APPEND_ONLY or (table.name, column) in FROZEN_LINKS:
                insert_crossing(connection, table.name, column)
            else:
                connection.execute(sa.text(f"UPDATE {table.name} SET {column} = {THEIRS} WHERE id = {MINE}"))
        except DBAPIError as error:
            said = str(error.orig)
            return None if "foreign key" in said.lower() else said
        finally:
            transaction.rollback()
    return "taken"


def insert_crossing(connection: sa.Connection, table: str, column: str) -> None:
    """A new row, since every update is refused."""
    for key in (3, 5):  # a draw and a return have entries of their own, and a draw is returned once
        insert(connection, "stock_entries", key=key, company=MINE)
    insert(connection, "draws", key=5, company=MINE, changes={"stock_entry_id": 5})
    different = {
        "draws": {"stock_entry_id": 3},
        "returns": {"stock_entry_id": 3, "draw_id": 5},
        "backend_records": {"sequence": 3},
    }.get(table, {})
    insert(connection, table, key=4, company=MINE, changes={**different, column: THEIRS})
