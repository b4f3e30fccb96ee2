"""Companies, the people in them, their API tokens, and the gap-free counters of document numbers."""

from __future__ import annotations

import datetime as dt
import enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.domain.exports import ExportMode
from partsemble_core.store.base import Base, CompanyOwned, Id, link, one_of, owned
from partsemble_core.store.session import CompanySession, LockRank


class Role(enum.StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    ACCOUNTANT = "accountant"
    BUILDER = "builder"
    VIEWER = "viewer"


class Company(Base):
    __tablename__ = "companies"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    currency: Mapped[str]
    decimals: Mapped[int]
    """Places of the currency's minor unit: 2 for most, 0 and 3 exist."""
    timezone: Mapped[str]
    """IANA name; decides which calendar day it is."""
    created_at: Mapped[dt.datetime]
    __table_args__ = (sa.CheckConstraint("decimals BETWEEN 0 AND 4", name="decimals_known"),)


class CompanyOptions(CompanyOwned, Base):
    """Switches of one company; a company without a row has the defaults of `options_of`."""

    __tablename__ = "company_options"
    qa_review: Mapped[bool] = mapped_column(default=False)
    approver_differs: Mapped[bool] = mapped_column(default=False)
    """Who approves must be another than who executed."""
    reserve_stock: Mapped[bool] = mapped_column(default=False)
    block_expired: Mapped[bool] = mapped_column(default=False)
    draw_order: Mapped[str] = mapped_column(default="fifo")
    export_receipts: Mapped[str] = mapped_column(default="automatic")
    """`automatic`: posted as soon as the document is confirmed; `manual`: held until a person posts it."""
    export_builds: Mapped[str] = mapped_column(default="automatic")
    export_adjustments: Mapped[str] = mapped_column(default="automatic")
    locked_through: Mapped[dt.date | None]
    """No document may be dated on or before this day."""
    locked_after_entry_id: Mapped[int | None] = mapped_column(Id)
    """The last line of the ledger when the lock was set: none that came later may lie in the locked period."""
    __table_args__ = owned(
        sa.UniqueConstraint("company_id"),
        sa.CheckConstraint("draw_order IN ('fifo', 'fefo')", name="draw_order_known"),
        *(one_of(name, ExportMode) for name in ("export_receipts", "export_builds", "export_adjustments")),
    )


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[dt.datetime]
    second_factor_sealed: Mapped[str | None]
    """The secret that an authenticator app shares."""
    second_factor_key: Mapped[str] = mapped_column(default="")
    """Part of its seal: it opens nowhere else."""
    second_factor_since: Mapped[dt.datetime | None]
    """Before the first code was typed the secret counts for nothing."""
    second_factor_step: Mapped[int | None] = mapped_column(sa.BigInteger)
    """The moment of the last code: none works twice."""
    locale: Mapped[str | None]
    """The language and the formats that the person chose; without one the browser says."""


class Membership(CompanyOwned, Base):
    __tablename__ = "memberships"
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id"))
    role: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)
    __table_args__ = owned(
        sa.UniqueConstraint("company_id", "user_id"),
        one_of("role", Role),
        sa.Index(
            "uq_memberships_one_owner",
            "company_id",
            unique=True,
            sqlite_where=sa.text("role = 'owner'"),
            postgresql_where=sa.text("role = 'owner'"),
        ),
    )


class ApiToken(CompanyOwned, Base):
    """Only the SHA-256 of a token is kept; the token itself is shown once."""

    __tablename__ = "api_tokens"
    membership_id: Mapped[int] = mapped_column(Id)
    name: Mapped[str]
    role: Mapped[str | None]
    """None: that of its member, whatever it becomes. Else at most this one, and never more than the member's."""
    token_sha256: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime | None]
    used_at: Mapped[dt.datetime | None]
    """The last request, to a few minutes."""
    revoked_at: Mapped[dt.datetime | None]
    issued_by_token_id: Mapped[int | None] = mapped_column(Id)
    """The token that asked for this one, which ends no later and is revoked with it."""
    __table_args__ = owned(
        link("membership_id", "memberships"),
        link("issued_by_token_id", "api_tokens"),
        one_of("role", Role),
        sa.Index("ix_api_tokens_issuer", "company_id", "issued_by_token_id"),
    )


class SetUpCode(Base):
    """Lets the first person found the first company. Only its SHA-256 is kept; the newest one counts, once."""

    __tablename__ = "set_up_codes"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code_sha256: Mapped[str] = mapped_column(unique=True)
    made_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]


class Counter(CompanyOwned, Base):
    """The last number given out; taken inside the document's own transaction, so that numbers have no gaps."""

    __tablename__ = "counters"
    name: Mapped[str]
    last: Mapped[int]
    __table_args__ = owned(sa.UniqueConstraint("company_id", "name"))


def next_number(session: CompanySession, name: str) -> int:
    """The next number of ``name`` in this company, from 1. Holds its row until commit."""
    session.locking(LockRank.COUNTER)
    session.insert_missing(Counter, {"name": name, "last": 0}, key=("company_id", "name"))
    found: int | None = session.scalar(
        sa.update(Counter).where(Counter.name == name).values(last=Counter.last + 1).returning(Counter.last),
        execution_options={"synchronize_session": False},
    )
    if found is None:
        raise LookupError(name)
    return found


def hold_bom_nesting(session: CompanySession) -> None:
    """Lets one BOM of a company be saved at a time: two edits that close a ring together can't both pass."""
    session.insert_missing(Counter, {"name": "bom-nesting", "last": 0}, key=("company_id", "name"))
    session.execute(sa.select(Counter.id).where(Counter.name == "bom-nesting").with_for_update())


def options_of(session: CompanySession) -> CompanyOptions:
    """The company's switches; all off and FIFO where none were ever set. A new object isn't in the session."""
    found = session.scalar(sa.select(CompanyOptions))
    return found or CompanyOptions(
        company_id=session.company_id,
        qa_review=False,
        approver_differs=False,
        reserve_stock=False,
        block_expired=False,
        draw_order="fifo",
        export_receipts="automatic",
        export_builds="automatic",
        export_adjustments="automatic",
    )


def get_company(session: CompanySession) -> Company:
    """The company that the session is bound to."""
    return session.get_one(Company, session.company_id)
