"""Builds: the document, the snapshot of its lines, and what it cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.domain.boms import CostKind
from partsemble_core.domain.builds import BuildState
from partsemble_core.errors import NotFound
from partsemble_core.store.base import Base, CompanyOwned, Id, link, one_of, owned, whole
from partsemble_core.store.session import CompanySession


class Build(CompanyOwned, Base):
    __tablename__ = "builds"
    number: Mapped[int]
    reference: Mapped[str]
    product_id: Mapped[int] = mapped_column(Id)
    bom_id: Mapped[int] = mapped_column(Id)
    quantity: Mapped[Decimal]
    state: Mapped[str]
    notes: Mapped[str]
    components_cost: Mapped[Decimal]
    added_cost: Mapped[Decimal]
    """Labour, overhead and other cost lines."""
    built_on: Mapped[dt.date]
    executed_at: Mapped[dt.datetime]
    executed_by: Mapped[str]
    __table_args__ = owned(
        link("product_id", "products"),
        link("bom_id", "boms"),
        sa.UniqueConstraint("company_id", "number"),
        one_of("state", BuildState),
        *whole("quantity", at_least=1),
        *whole("components_cost", "added_cost", at_least=0),
    )


class BuildLine(CompanyOwned, Base):
    """What was needed of one component. Which lots it came from stands in ``draws``."""

    __tablename__ = "build_lines"
    build_id: Mapped[int] = mapped_column(Id)
    position: Mapped[int]
    product_id: Mapped[int] = mapped_column(Id)
    quantity_needed: Mapped[Decimal]
    is_optional: Mapped[bool]
    __table_args__ = owned(
        link("build_id", "builds"),
        link("product_id", "products"),
        sa.UniqueConstraint("company_id", "build_id", "position"),
        *whole("quantity_needed", at_least=1),
    )


class BuildCostLine(CompanyOwned, Base):
    __tablename__ = "build_cost_lines"
    build_id: Mapped[int] = mapped_column(Id)
    position: Mapped[int]
    kind: Mapped[str]
    label: Mapped[str]
    cost: Mapped[Decimal]
    __table_args__ = owned(
        link("build_id", "builds"),
        sa.UniqueConstraint("company_id", "build_id", "position"),
        one_of("kind", CostKind),
        *whole("cost", at_least=0),
    )


def get_build(session: CompanySession, build_id: int) -> Build:
    """Raises NotFound."""
    found = session.scalar(sa.select(Build).where(Build.id == build_id))
    if found is None:
        raise NotFound("build", build_id)
    return found


def lines_of(session: CompanySession, build_id: int) -> Sequence[BuildLine]:
    return session.scalars(
        sa.select(BuildLine).where(BuildLine.build_id == build_id).order_by(BuildLine.position)
    ).all()


def cost_lines_of(session: CompanySession, build_id: int) -> Sequence[BuildCostLine]:
    return session.scalars(
        sa.select(BuildCostLine).where(BuildCostLine.build_id == build_id).order_by(BuildCostLine.position)
    ).all()
