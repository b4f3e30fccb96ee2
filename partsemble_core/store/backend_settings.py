"""Settings of accounting systems that were entered in the console: each sealed, of the whole installation."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.store.base import Base, Id


class BackendSetting(Base):
    """One value, such as the client secret of an app. The environment wins over it."""

    __tablename__ = "backend_settings"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    backend: Mapped[str]
    name: Mapped[str]
    row_key: Mapped[str]
    """Random; part of what the seal is bound to."""
    value_sealed: Mapped[str]
    set_by: Mapped[str]
    set_at: Mapped[dt.datetime]
    __table_args__ = (sa.UniqueConstraint("backend", "name"),)
