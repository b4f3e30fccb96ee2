"""The doctor finds nothing in good books, and names the rows and the law of every kind of corruption."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from partsemble_core.services import doctoring
from partsemble_core.services.doctoring import Finding
from partsemble_core.store.guards import missing_guards
from partsemble_core.store.laws_of_days import DAY_LAWS
from partsemble_core.store.laws_of_documents import DOCUMENT_LAWS
from partsemble_core.store.laws_of_stock import STOCK_LAWS
from partsemble_core.store.session import CompanySession
from tests.services.corruptions import CORRUPTIONS, Corruption
from tests.services.estate import an_estate
from tests.services.makers import Shop, a_shop, contents


@pytest.fixture(scope="module")
def estate(engine: sa.Engine) -> Shop:
    """Shared by all tests here: each corrupts it in a transaction of its own that is rolled back."""
    return an_estate(engine)


@contextmanager
def unguarded(shop: Shop) -> Iterator[CompanySession]:
    """A session in which keys, checks and triggers don't hold, and of which nothing remains."""
    with shop.engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        if is_sqlite:
            raw: Any = connection.connection.driver_connection
            for pragma in ("foreign_keys=OFF", "ignore_check_constraints=ON"):
                raw.execute(f"PRAGMA {pragma}")
        with CompanySession(connection, company_id=shop.company_id) as session:
            disarm(session)
            try:
                yield session
            finally:
                session.rollback()
                connection.invalidate()  # its pragmas must not outlive this


def disarm(session: CompanySession) -> None:
    """Drops the triggers and checks of this transaction's view of the schema."""
    if session.get_bind().dialect.name == "sqlite":
        names = session.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
        for name in names:
            session.execute(sa.text(f"DROP TRIGGER {name}"))
    for name in ("uq_boms_one_active", "uq_lots_open_number"):
        session.execute(sa.text(f"DROP INDEX {name}"))
    if session.get_bind().dialect.name == "sqlite":
        return
    session.execute(sa.text("SET LOCAL session_replication_role = replica"))
    checks = "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0"
    for table, name in session.execute(sa.text(checks)).all():
        session.execute(sa.text(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'))


def findings(session: CompanySession, *, replay: bool = False) -> dict[str, Finding]:
    """By law, without what the missing triggers and indexes give."""
    return {f.law: f for f in doctoring.examine(session, replay=replay) if f.law not in ("append-only", "unique-index")}


def harmed(session: CompanySession, corruption: Corruption) -> int:
    """Does the harm to the first row of this company that fits, and returns its id."""
    join = " AND" if " WHERE " in corruption.victim else " WHERE"
    victim = session.execute(
        sa.text(f"{corruption.victim}{join} company_id = :company"), {"company": session.company_id}
    ).scalar_one()
    assert victim is not None, "the estate has no such row"
    changed = session.execute(sa.text(corruption.harm), {"id": victim} if ":id" in corruption.harm else {})
    assert changed.rowcount > 0  # type: ignore[attr-defined]
    return int(victim)


def test_good_books_have_no_finding(estate: Shop) -> None:
    before = contents(estate)
    with estate.reading() as session:
        assert doctoring.examine(session, replay=True) == []
    assert contents(estate) == before
    assert doctoring.report_lines([]) == ["Every law holds."]


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda c: f"{c.law}: {c.harm[:60]}")
def test_a_corruption_is_found_and_named(estate: Shop, corruption: Corruption) -> None:
    with unguarded(estate) as session:
        victim = harmed(session, corruption)
        found = findings(session, replay=True)
    assert corruption.law in found, sorted(found)
    assert found[corruption.law].ids == (victim,)
    assert any(f"{victim}" in line for line in doctoring.report_lines([found[corruption.law]]))


def test_a_month_end_that_is_not_used_any_more_is_no_finding(estate: Shop) -> None:
    """Later entries belie the third one, so no answer starts there; those around it are still checked."""
    third = sa.text("SELECT id FROM month_ends WHERE company_id = :c ORDER BY month_end_on LIMIT 1 OFFSET 2")
    with unguarded(estate) as session:
        unused = session.execute(third, {"c": estate.company_id}).scalar_one()
        session.execute(sa.text("UPDATE month_ends SET through_entry_id = 0 WHERE id = :id"), {"id": unused})
        session.execute(sa.text("UPDATE month_end_lots SET cost = 1 WHERE month_end_id = :id"), {"id": unused})
        assert findings(session) == {}
        session.execute(sa.text("UPDATE month_end_lots SET cost = 1 WHERE month_end_id <> :id"), {"id": unused})
        assert unused not in findings(session)["month-end"].ids


def test_every_law_has_a_corruption() -> None:
    laws = {law.name for law in (*STOCK_LAWS, *DOCUMENT_LAWS, *DAY_LAWS)}
    tried = {corruption.law for corruption in CORRUPTIONS}
    assert laws | {"journal", "company", "receipt-landed", "replay-lot", "replay-balance"} == tried


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (b'"amount":"-', b'"amount":"-1', "doesn't balance"),
        (b'"format":1', b'"format":9', "can't be read"),
        (b'"reference":"PSB', b'"reference":"XSB', "is another document's"),
        (b'"decimals":2', b'"decimals":0', "isn't a whole number of minor units"),
    ],
)
def test_a_journal_with_a_fresh_checksum_is_still_read(estate: Shop, before: bytes, after: bytes, says: str) -> None:
    with unguarded(estate) as session:
        row = session.execute(
            sa.text("SELECT id, body FROM exports WHERE company_id = :c AND document_kind = 'build' ORDER BY id"),
            {"c": estate.company_id},
        ).first()
        assert row is not None
        body = bytes(row.body).replace(before, after)
        assert body != bytes(row.body)
        session.execute(
            sa.text("UPDATE exports SET body = :body, body_sha256 = :sha WHERE id = :id"),
            {"id": row.id, "body": body, "sha": hashlib.sha256(body).hexdigest()},
        )
        found = findings(session)["journal"]
    assert found.ids == (row.id,)
    assert says in found.message


def test_a_journal_that_posts_another_amount_is_found(estate: Shop) -> None:
    with unguarded(estate) as session:
        ids = session.execute(
            sa.text("SELECT MIN(id) FROM exports WHERE state = 'pending' AND company_id = :c"), {"c": estate.company_id}
        ).scalar_one()
        session.execute(sa.text("UPDATE exports SET posted = 1 WHERE id = :id"), {"id": ids})
        assert findings(session)["journal"].ids == (ids,)


def test_a_row_that_points_to_another_company_is_found(estate: Shop, engine: sa.Engine) -> None:
    other = a_shop(engine)
    product = other.product("theirs")
    lot = estate.lots("chip")[0]
    with unguarded(estate) as session:
        session.execute(sa.text("UPDATE lots SET product_id = :p WHERE id = :id"), {"p": product.id, "id": lot.id})
        found = [f for f in doctoring.examine(session) if f.law == "company"]
    assert [(f.table, f.ids) for f in found] == [("lots", (lot.id,))]
    assert f"product_id {product.id} isn't in products of the company" in found[0].message


def test_a_missing_trigger_is_found(estate: Shop) -> None:
    with estate.engine.connect() as connection, CompanySession(connection, company_id=estate.company_id) as session:
        assert missing_guards(session) == []
        if connection.dialect.name == "sqlite":
            session.execute(sa.text("DROP TRIGGER draws_no_update"))
        else:
            session.execute(sa.text("ALTER TABLE draws DISABLE TRIGGER draws_append_only"))
        (found,) = doctoring.examine(session)
        session.rollback()
    assert (found.law, found.table, found.ids) == ("append-only", "draws", ())


def test_a_missing_unique_index_is_found(estate: Shop) -> None:
    with estate.engine.connect() as connection, CompanySession(connection, company_id=estate.company_id) as session:
        session.execute(sa.text("DROP INDEX uq_lots_open_number"))
        (found,) = doctoring.examine(session)
        session.rollback()
    assert (found.law, found.table, found.ids) == ("unique-index", "lots", ())
    assert "uq_lots_open_number" in found.message


@pytest.mark.parametrize(
    ("table", "change", "also"),
    [
        ("exports", "body = 'text'", "journal"),
        ("exports", "posted = 'abc'", "journal"),
        ("lots", "quantity_left = 'abc'", "replay-lot"),
        ("stock_entries", "cost = 'abc'", "replay-lot"),
        ("stock_balances", "value = 1.5", "replay-balance"),
        ("receipts", "received_on = 'soon'", "receipt-day"),
        ("receipts", "created_at = 'then'", ""),
    ],
)
def test_a_value_of_the_wrong_kind_is_a_finding_beside_others(estate: Shop, table: str, change: str, also: str) -> None:
    """Only SQLite can hold one: PostgreSQL refuses it."""
    with unguarded(estate) as session:
        if session.get_bind().dialect.name != "sqlite":
            pytest.skip("PostgreSQL keeps the types of its columns")
        victim = session.execute(
            sa.text(f"SELECT MIN(id) FROM {table} WHERE company_id = :c"), {"c": estate.company_id}
        ).scalar_one()
        session.execute(sa.text(f"UPDATE {table} SET {change} WHERE id = :id"), {"id": victim})
        session.execute(
            sa.text("UPDATE counters SET last = last + 1 WHERE name = 'build' AND company_id = :c"),
            {"c": estate.company_id},
        )
        found = findings(session, replay=True)
    assert (found["value-type"].table, found["value-type"].ids) == (table, (victim,))
    assert f"{change.split(' ')[0]} is of the wrong kind" in found["value-type"].message
    assert {"number-gap", *([also] if also else [])} <= found.keys()


def test_one_company_s_harm_is_not_another_s_finding(estate: Shop, engine: sa.Engine) -> None:
    other = a_shop(engine)
    with unguarded(estate) as session:
        session.execute(
            sa.text("UPDATE lots SET cost_in = cost_in + 1 WHERE company_id = :c"), {"c": estate.company_id}
        )
        assert findings(session)
        mine = CompanySession(session.connection(), company_id=other.company_id)
        assert findings(mine, replay=True) == {}


def test_many_broken_rows_are_counted_and_the_first_are_shown(estate: Shop) -> None:
    with unguarded(estate) as session:
        session.execute(
            sa.text("UPDATE lots SET cost_in = cost_in + 1 WHERE company_id = :c"), {"c": estate.company_id}
        )
        found = findings(session)["lot-in"]
    assert len(found.ids) > doctoring.SHOWN
    assert f"; {len(found.ids)} rows in all." in found.message
    lines = doctoring.report_lines([found])
    assert lines[-1] == "1 laws are broken. Nothing was changed."


def test_an_examination_of_any_size_is_the_same_number_of_statements(estate: Shop, engine: sa.Engine) -> None:
    assert statements(estate) == statements(a_shop(engine))


def statements(shop: Shop) -> int:
    seen: list[str] = []

    def count(*args: Any) -> None:
        seen.append(args[2])

    event.listen(shop.engine, "before_cursor_execute", count)
    try:
        with shop.reading() as session:
            doctoring.examine(session, replay=True)
    finally:
        event.remove(shop.engine, "before_cursor_execute", count)
    return len(seen)
