"""What every table shares: exact types, names of constraints, and the company that owns each row."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, registry
from sqlalchemy.types import TypeDecorator

from partsemble_core.domain.amounts import from_millionths, to_millionths

BOUND = 10**15
"""Every stored amount lies below this many millionths, so that a SUM over thousands of rows fits 64 bits."""

SUM_BOUND = 10**18
"""The same for a product's balance, which adds up many lots."""


class Millionths(TypeDecorator[Decimal]):
    """An exact Decimal of up to six places, kept as a whole number of millionths on every database.

    Refuses (TypeError, ValueError) floats and whatever would round.
    """

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise TypeError(f"an amount must be a Decimal, not {type(value).__name__}")
        return to_millionths(Decimal(value))

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:
        return None if value is None else from_millionths(int(value))


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware UTC time on every database (SQLite alone would give it back without its zone)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        utc: dt.datetime = value.astimezone(dt.UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> dt.datetime | None:
        if value is None:
            return None
        found: dt.datetime = value
        return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)


Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


class Base(DeclarativeBase):
    registry = registry(
        metadata=sa.MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={Decimal: Millionths, dt.datetime: UtcDateTime, dt.date: sa.Date, str: sa.Text},
    )


class CompanyOwned:
    """A row of one company. A session bound to another company never sees it; foreign keys carry the company too."""

    @declared_attr
    def id(cls) -> Mapped[int]:
        return mapped_column(Id, primary_key=True)

    @declared_attr
    def company_id(cls) -> Mapped[int]:
        return mapped_column(Id, sa.ForeignKey("companies.id"), nullable=False)


def can_be_stored(text: str) -> bool:
    """Whether a database takes the text at all: none takes half a surrogate pair, PostgreSQL no NUL.

    What can't be stored isn't there, so that looking for it finds nothing instead of failing.
    """
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def owned(*more: Any) -> tuple[Any, ...]:
    """Table arguments of a company's table: what others' foreign keys point to, then ``more``."""
    return (sa.UniqueConstraint("company_id", "id"), *more)


def link(column: str, table: str) -> sa.ForeignKeyConstraint:
    """A foreign key that can't leave the company."""
    return sa.ForeignKeyConstraint(["company_id", column], [f"{table}.company_id", f"{table}.id"])


def whole(*columns: str, at_least: int | None = None, below: int = BOUND) -> list[sa.CheckConstraint]:
    """Checks that amounts are bounded whole numbers; SQLite would take text, and turn overflow into a float."""
    checks = []
    for column in columns:
        low = f"{column} >= {at_least}" if at_least is not None else f"{column} > -{below}"
        text = f"{low} AND {column} < {below}"
        checks += [
            sa.CheckConstraint(text, name=f"{column}_bounded").ddl_if(dialect="postgresql"),
            sa.CheckConstraint(f"typeof({column}) = 'integer' AND {text}", name=f"{column}_whole").ddl_if(
                dialect="sqlite"
            ),
        ]
    return checks


def whole_or_none(*columns: str) -> list[sa.CheckConstraint]:
    """The same, of columns that may be empty; what is there isn't negative."""
    checks = []
    for column in columns:
        text = f"{column} >= 0 AND {column} < {BOUND}"
        checks += [
            sa.CheckConstraint(f"{column} IS NULL OR ({text})", name=f"{column}_bounded").ddl_if(dialect="postgresql"),
            sa.CheckConstraint(
                f"{column} IS NULL OR (typeof({column}) = 'integer' AND {text})", name=f"{column}_whole"
            ).ddl_if(dialect="sqlite"),
        ]
    return checks


def one_of(column: str, values: type[Any]) -> sa.CheckConstraint:
    """A check that a state is one that we know."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
