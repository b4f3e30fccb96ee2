"""Runs of reconciling: each time that the books were asked, by whom, and what came of it. Only ever added to."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from partsemble_core.domain.reconciliation import Verdict
from partsemble_core.store.base import SUM_BOUND, Base, CompanyOwned, one_of, owned, whole

BOUNDED = f"books > -{SUM_BOUND} AND books < {SUM_BOUND}"


class ReconcileRun(CompanyOwned, Base):
    """``compared_on`` is the day at whose end stock and books were compared, as both were known at ``asked_at``.

    Where the books gave no balance, ``books`` is None, ``problem`` says why, and ``difference`` is posted − stock.
    """

    __tablename__ = "reconcile_runs"
    asked_at: Mapped[dt.datetime]
    asked_by: Mapped[str]
    compared_on: Mapped[dt.date]
    organisation: Mapped[str]
    verdict: Mapped[str]
    stock: Mapped[Decimal]
    posted: Mapped[Decimal]
    books: Mapped[Decimal | None]
    difference: Mapped[Decimal]
    unexplained: Mapped[Decimal]
    problem: Mapped[str]
    __table_args__ = owned(
        one_of("verdict", Verdict),
        *whole("stock", "posted", "difference", "unexplained", below=SUM_BOUND),
        sa.CheckConstraint(f"books IS NULL OR ({BOUNDED})", name="books_bounded").ddl_if(dialect="postgresql"),
        sa.CheckConstraint(f"books IS NULL OR (typeof(books) = 'integer' AND {BOUNDED})", name="books_whole").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("(verdict = 'unknown') = (books IS NULL)", name="verdict_needs_books"),
        sa.Index("ix_reconcile_runs_asked", "company_id", "asked_at"),
    )
