"""A session bound to one company: it filters every read by itself, stamps every new row, and watches lock order."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql.base import ExecutableOption

from partsemble_core.errors import InvariantBroken, say
from partsemble_core.store.audits import WORKER, Actor, AuditEntry
from partsemble_core.store.base import Base, CompanyOwned
from partsemble_core.store.watching import Watch


class LockRank(enum.IntEnum):
    """The one order in which a transaction takes locks; never backwards, so two of them can't wait in a ring."""

    DOCUMENT = 1
    GATE = 2
    LOT = 3
    COUNTER = 4
    EXPORT = 5


class LockOrderBroken(InvariantBroken):
    """A lock was taken out of order: our own bug, found before it can become a deadlock."""

    code = "lock-order-broken"


class CompanySession(Session):
    """What services are handed. ``company_id`` never changes; the audit log tells what ``actor`` changes."""

    def __init__(
        self,
        bind: sa.Engine | sa.Connection,
        *,
        company_id: int,
        actor: Actor = WORKER,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        super().__init__(bind, expire_on_commit=False)
        self.company_id = company_id
        self.actor = actor
        self.clock = clock
        self.watch = Watch()
        self.queued_exports: list[int] = []
        """Exports written in this transaction: the worker's bell is rung for them after commit."""
        self.stock_before: dict[int, Decimal] = {}
        """Stock of the products that this transaction moved, as it was before: by product."""
        self.own_rows = _own_rows(company_id)
        """What keeps every statement to the company: made once, since making it costs more than many a statement."""
        self._rank = LockRank.DOCUMENT

    def locking(self, rank: LockRank) -> None:
        """Says that locks of ``rank`` are taken next. Raises LockOrderBroken if a later rank is held already."""
        if rank < self._rank:
            raise LockOrderBroken(say("{wanted} was locked after {held}", wanted=rank.name, held=self._rank.name))
        self._rank = rank

    def insert_missing(self, table: type[Base], row: Mapping[str, Any], *, key: Sequence[str]) -> None:
        """Inserts a row of this company unless its key is there, so that there is something to lock."""
        self.insert_all_missing(table, [row], key=key)

    def insert_all_missing(self, table: type[Base], rows: Sequence[Mapping[str, Any]], *, key: Sequence[str]) -> None:
        """The same for many rows, in one statement."""
        full = [{**row, "company_id": self.company_id} for row in rows]
        build = postgresql.insert if self.get_bind().dialect.name == "postgresql" else sqlite.insert
        self.execute(build(table).values(full).on_conflict_do_nothing(index_elements=list(key)))

    def insert_all(self, table: type[CompanyOwned], rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Inserts rows of this company in one statement and returns their ids in the order given."""
        if not rows:
            return []
        full = [{**row, "company_id": self.company_id} for row in rows]
        if self.get_bind().dialect.name == "sqlite":
            return self._insert_numbered(table, full)
        statement = sa.insert(table).returning(table.id, sort_by_parameter_order=True)
        return list(self.scalars(statement, full))

    def _insert_numbered(self, table: type[CompanyOwned], rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """SQLite returns ids in no promised order, so SQLAlchemy would insert row by row. Its one writer may count."""
        last = self.connection().scalar(sa.select(sa.func.max(_table_of(table).c.id))) or 0
        ids = list(range(last + 1, last + 1 + len(rows)))
        self.execute(sa.insert(table), [{**row, "id": key} for row, key in zip(rows, ids, strict=True)])
        return ids

    def update_all(self, table: type[CompanyOwned], rows: Sequence[Mapping[str, Any]]) -> None:
        """Updates rows of this company by ``id`` in one statement; all rows change the same columns.

        Raises InvariantBroken for a row that isn't there: SQLAlchemy's own bulk update by key knows no company.
        """
        if not rows:
            return
        self.flush()
        kept = _table_of(table)
        mine = (kept.c.id == sa.bindparam("row_id"), kept.c.company_id == self.company_id)
        renamed = [{"row_id" if name == "id" else name: row[name] for name in row} for row in rows]
        result = self.connection().execute(sa.update(kept).where(*mine), renamed)
        if result.rowcount != len(rows):
            raise InvariantBroken(
                say(
                    "{count} rows of {name} to change, {rowcount} found.",
                    count=len(rows),
                    name=kept.name,
                    rowcount=result.rowcount,
                )
            )


def _table_of(model: type[CompanyOwned]) -> sa.Table:
    found = sa.inspect(model).local_table
    if not isinstance(found, sa.Table):
        raise TypeError(f"{model.__name__} has no table of its own")
    return found


@event.listens_for(CompanySession, "do_orm_execute")
def _keep_to_the_company(state: ORMExecuteState) -> None:
    session = state.session
    if isinstance(session, CompanySession) and not state.is_column_load:
        state.statement = state.statement.options(session.own_rows)


def _own_rows(company_id: int) -> ExecutableOption:
    return with_loader_criteria(
        CompanyOwned,
        lambda table: table.company_id == company_id,
        include_aliases=True,
        track_closure_variables=True,
    )


@event.listens_for(CompanySession, "before_flush")
def _stamp_the_company(session: CompanySession, *_: object) -> None:
    for row in (*session.new, *session.dirty, *session.deleted):
        if not isinstance(row, CompanyOwned):
            continue
        stamped: int | None = row.company_id
        if stamped is None:
            row.company_id = session.company_id
        elif stamped != session.company_id:
            raise InvariantBroken("A row of another company was added to this session.")
    session.watch.look(session)


@event.listens_for(CompanySession, "before_commit")
def _write_the_log(session: CompanySession) -> None:
    """The log is part of the transaction: what is told was done, and what was done is told."""
    if session.in_nested_transaction():
        return
    session.flush()
    entries = session.watch.entries(session)
    if entries:
        actor = session.actor
        shared = {"at": session.clock(), "by": actor.by, "door": actor.door.value, "address": actor.address}
        session.execute(
            sa.insert(AuditEntry), [{**shared, **entry, "company_id": session.company_id} for entry in entries]
        )
