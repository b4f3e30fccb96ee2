"""Connections to accounting systems, the sign-ins behind them, and what was read from them."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.domain.journals import AccountRole
from partsemble_core.errors import NotFound
from partsemble_core.store.base import Base, CompanyOwned, Id, link, one_of, owned
from partsemble_core.store.session import CompanySession


class ConnectionState(enum.StrEnum):
    """setup: connected, accounts still missing. active: exports go out. reconnect_needed: they wait."""

    SETUP = "setup"
    ACTIVE = "active"
    RECONNECT_NEEDED = "reconnect_needed"
    DISCONNECTED = "disconnected"


class GrantState(enum.StrEnum):
    """ended: by us, when its last connection went; its secrets are erased."""

    ACTIVE = "active"
    IN_DOUBT = "in_doubt"
    RECONNECT_NEEDED = "reconnect_needed"
    ENDED = "ended"


class TokenState(enum.StrEnum):
    CURRENT = "current"
    SUPERSEDED = "superseded"
    DEAD = "dead"


class Grant(Base):
    """One person's consent to one app: it owns the tokens, whatever number of organisations and companies it covers.

    It belongs to no company: a second copy of its tokens would be dead after the first's next refresh. A company uses
    it through a connection of its own, and gets one only for an organisation that its own sign-in showed it.
    """

    __tablename__ = "grants"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    backend: Mapped[str]
    client_id: Mapped[str]
    subject: Mapped[str]
    token_url: Mapped[str]
    revoke_url: Mapped[str]
    grace_seconds: Mapped[int]
    state: Mapped[str]
    lease_owner: Mapped[str | None]
    lease_epoch: Mapped[int]
    lease_until: Mapped[dt.datetime | None]
    quarantine_until: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]
    __table_args__ = (sa.UniqueConstraint("backend", "client_id", "subject"), one_of("state", GrantState))


class TokenSet(Base):
    """Appended at every refresh, never overwritten: a token that was received is never thrown away."""

    __tablename__ = "token_sets"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    grant_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("grants.id"))
    sequence: Mapped[int]
    row_key: Mapped[str]
    """Random; part of what the seals are bound to, since the id isn't known before the insert."""
    access_sealed: Mapped[str]
    """Empty in a dead set: its secrets are erased."""
    refresh_sealed: Mapped[str]
    scope: Mapped[str]
    access_expires_at: Mapped[dt.datetime]
    received_at: Mapped[dt.datetime]
    state: Mapped[str]
    __table_args__ = (sa.UniqueConstraint("grant_id", "sequence"), one_of("state", TokenState))


class RefreshTry(Base):
    """Written before a refresh is sent, so that a lost answer is known to be lost."""

    __tablename__ = "refresh_tries"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    grant_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("grants.id"), index=True)
    epoch: Mapped[int]
    used_sequence: Mapped[int]
    sent_at: Mapped[dt.datetime]
    outcome: Mapped[str | None]


class SignInFlow(CompanyOwned, Base):
    """A sign-in that was begun: its state is used once, within ten minutes, by the session that began it."""

    __tablename__ = "sign_in_flows"
    backend: Mapped[str]
    state_sha256: Mapped[str] = mapped_column(unique=True)
    session_key: Mapped[str]
    verifier_sealed: Mapped[str]
    redirect_uri: Mapped[str]
    begun_by: Mapped[str]
    begun_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]
    grant_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("grants.id"))
    offered: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    """Ids of the organisations that it showed: of these, and no others, the company may choose one."""
    __table_args__ = owned()


class Connection(CompanyOwned, Base):
    __tablename__ = "connections"
    backend: Mapped[str]
    organisation_id: Mapped[str]
    organisation_name: Mapped[str]
    base_currency: Mapped[str]
    link_id: Mapped[str]
    grant_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("grants.id"))
    state: Mapped[str]
    inventory_mode: Mapped[str]
    locked_through: Mapped[dt.date | None]
    paused_until: Mapped[dt.datetime | None]
    troubles: Mapped[int] = mapped_column(default=0)
    """Calls in a row without a clear answer; from the fifth on the breaker is open or half open."""
    items_synced_at: Mapped[dt.datetime | None]
    contacts_synced_at: Mapped[dt.datetime | None]
    heard_since: Mapped[dt.datetime | None]
    """When the books were first heard to tell of changes by themselves; from then on they are also polled."""
    problem: Mapped[str]
    created_at: Mapped[dt.datetime]
    __table_args__ = owned(
        sa.UniqueConstraint("company_id", "backend", "organisation_id"),
        one_of("state", ConnectionState),
        sa.CheckConstraint("inventory_mode IN ('journal_only', 'quantity_sync')", name="inventory_mode_known"),
        # One set of books per company exports at a time: a document would otherwise be in two ledgers.
        sa.Index(
            "uq_connections_one_live",
            "company_id",
            unique=True,
            sqlite_where=sa.text("state <> 'disconnected'"),
            postgresql_where=sa.text("state <> 'disconnected'"),
        ),
    )


class RemoteAccount(CompanyOwned, Base):
    """An account as last read from the backend, with its verdict whether a journal may use it."""

    __tablename__ = "remote_accounts"
    connection_id: Mapped[int] = mapped_column(Id)
    external_id: Mapped[str]
    code: Mapped[str]
    name: Mapped[str]
    classification: Mapped[str]
    native_type: Mapped[str]
    is_usable: Mapped[bool]
    why_not: Mapped[str]
    warning: Mapped[str]
    is_gone: Mapped[bool]
    synced_at: Mapped[dt.datetime]
    __table_args__ = owned(
        link("connection_id", "connections"),
        sa.UniqueConstraint("company_id", "connection_id", "external_id"),
    )


class AccountMapping(CompanyOwned, Base):
    """Which account plays which role. A change affects later exports only."""

    __tablename__ = "account_mappings"
    connection_id: Mapped[int] = mapped_column(Id)
    role: Mapped[str]
    remote_account_id: Mapped[int] = mapped_column(Id)
    __table_args__ = owned(
        link("connection_id", "connections"),
        link("remote_account_id", "remote_accounts"),
        sa.UniqueConstraint("company_id", "connection_id", "role"),
        one_of("role", AccountRole),
    )


class BackendRecord(CompanyOwned, Base):
    """The append-only store that a backend without a service of its own is given."""

    __tablename__ = "backend_records"
    connection_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str]
    key: Mapped[str]
    sequence: Mapped[int]
    body: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    recorded_at: Mapped[dt.datetime]
    __table_args__ = owned(
        link("connection_id", "connections"),
        sa.UniqueConstraint("company_id", "connection_id", "kind", "key"),
        sa.UniqueConstraint("company_id", "connection_id", "kind", "sequence"),
    )


def find_live(session: CompanySession) -> Connection | None:
    """The company's connection, if it has one that isn't disconnected."""
    return session.scalar(sa.select(Connection).where(Connection.state != ConnectionState.DISCONNECTED))


def get_connection(session: CompanySession, connection_id: int) -> Connection:
    """Raises NotFound."""
    found = session.scalar(sa.select(Connection).where(Connection.id == connection_id))
    if found is None:
        raise NotFound("connection", connection_id)
    return found


def mapped_accounts(session: CompanySession, connection_id: int) -> dict[AccountRole, RemoteAccount]:
    """The accounts by role, in one statement."""
    rows = session.execute(
        sa.select(AccountMapping.role, RemoteAccount)
        .join(
            RemoteAccount,
            sa.and_(
                RemoteAccount.id == AccountMapping.remote_account_id,
                RemoteAccount.company_id == AccountMapping.company_id,
            ),
        )
        .where(AccountMapping.connection_id == connection_id)
    )
    return {AccountRole(role): account for role, account in rows}
