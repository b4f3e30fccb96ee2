"""Invitations, sign-ins and forgotten passwords. Of every secret only a SHA-256 is kept."""

from __future__ import annotations

import datetime as dt
import enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.store.base import Base, CompanyOwned, Id, link, one_of, owned


class InvitedRole(enum.StrEnum):
    """Everything but owner: a company has one, who hands it over."""

    ADMIN = "admin"
    ACCOUNTANT = "accountant"
    BUILDER = "builder"
    VIEWER = "viewer"


class Invitation(CompanyOwned, Base):
    """It lets one person in, once, while it is neither revoked nor too old."""

    __tablename__ = "invitations"
    email: Mapped[str]
    role: Mapped[str]
    token_sha256: Mapped[str] = mapped_column(unique=True)
    invited_by: Mapped[str]
    invited_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    accepted_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]
    __table_args__ = owned(one_of("role", InvitedRole))


class SignIn(CompanyOwned, Base):
    """One browser that somebody signed in with. Ended here, it is ended whatever the browser still holds."""

    __tablename__ = "sign_ins"
    membership_id: Mapped[int] = mapped_column(Id)
    email: Mapped[str]
    key_sha256: Mapped[str] = mapped_column(unique=True)
    begun_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime]
    """The last click, to a few minutes."""
    ends_at: Mapped[dt.datetime]
    """By itself, unless there is another click: which moves it, up to a last day."""
    ended_at: Mapped[dt.datetime | None]
    address: Mapped[str]
    agent: Mapped[str]
    """What the browser called itself."""
    __table_args__ = owned(
        link("membership_id", "memberships"), sa.Index("ix_sign_ins_membership", "company_id", "membership_id")
    )


class PasswordReset(Base):
    """Somebody forgot a password. The token went to their address; it works once, for an hour."""

    __tablename__ = "password_resets"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id"))
    token_sha256: Mapped[str] = mapped_column(unique=True)
    asked_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]


class RecoveryCode(Base):
    """Stands in for a lost authenticator app, once."""

    __tablename__ = "recovery_codes"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id"))
    code_sha256: Mapped[str]
    used_at: Mapped[dt.datetime | None]
    __table_args__ = (sa.Index("ix_recovery_codes_user", "user_id"),)
