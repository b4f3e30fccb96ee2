"""Builds: the document, the snapshot of its lines, and what it cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.domain.boms import Bom, BuildCost, CostKind
from partsemble_core.domain.builds import BuildState
from partsemble_core.domain.fifo import Need
from partsemble_core.domain.quality import Taken
from partsemble_core.errors import NotFound
from partsemble_core.store.availability import held_by_product
from partsemble_core.store.base import Base, CompanyOwned, Id, link, one_of, owned, whole
from partsemble_core.store.companies import Counter
from partsemble_core.store.lots import DocumentKind, DrawRow, Lot
from partsemble_core.store.products import Product
from partsemble_core.store.session import CompanySession, LockRank

AUTOMATIC = sa.text("is_automatic AND state = 'planned'")


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
    built_on: Mapped[dt.date | None]
    executed_at: Mapped[dt.datetime | None]
    executed_by: Mapped[str]
    target_on: Mapped[dt.date | None]
    assignee: Mapped[str]
    priority: Mapped[int]
    """Drag order of planned builds, smallest first."""
    is_modified: Mapped[bool]
    """Its lines were edited and differ from its BOM version's."""
    is_automatic: Mapped[bool]
    """Made by the planner to reach a target; at most one a product, adjusted, never doubled."""
    output_quantity: Mapped[Decimal]
    """What its lines are for; with quantity it gives each line's need."""
    planned_at: Mapped[dt.datetime]
    planned_by: Mapped[str]
    reviewed_at: Mapped[dt.datetime | None]
    reviewed_by: Mapped[str]
    review_note: Mapped[str]
    reject_reason: Mapped[str]
    recovery: Mapped[str]
    waste_cost: Mapped[Decimal]
    __table_args__ = owned(
        link("product_id", "products"),
        link("bom_id", "boms"),
        sa.UniqueConstraint("company_id", "number"),
        one_of("state", BuildState),
        *whole("quantity", at_least=1),
        *whole("components_cost", "added_cost", "waste_cost", at_least=0),
        *whole("output_quantity", at_least=1),
        sa.Index("ix_builds_state", "company_id", "state", "priority", "id"),
        sa.Index(
            "uq_builds_one_automatic", "company_id", "product_id", unique=True,
            sqlite_where=AUTOMATIC, postgresql_where=AUTOMATIC,
        ),
    )  # fmt: skip


class BuildLine(CompanyOwned, Base):
    """What was needed of one component. Which lots it came from stands in ``draws``."""

    __tablename__ = "build_lines"
    build_id: Mapped[int] = mapped_column(Id)
    position: Mapped[int]
    product_id: Mapped[int] = mapped_column(Id)
    quantity_per_output: Mapped[Decimal]
    """For the build's output_quantity, as in its BOM or as edited."""
    scrap_percent: Mapped[Decimal]
    quantity_needed: Mapped[Decimal]
    is_optional: Mapped[bool]
    __table_args__ = owned(
        link("build_id", "builds"),
        link("product_id", "products"),
        sa.UniqueConstraint("company_id", "build_id", "position"),
        *whole("quantity_needed", "quantity_per_output", at_least=1),
        *whole("scrap_percent", at_least=0),
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


def build_for_update(session: CompanySession, build_id: int) -> Build:
    """Locks the document and reads it anew. Raises NotFound."""
    session.locking(LockRank.DOCUMENT)
    found = session.scalar(
        sa.select(Build).where(Build.id == build_id).with_for_update().execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("build", build_id)
    return found


def hold_planning(session: CompanySession) -> None:
    """Lets one transaction of a company arrange its planned builds at a time."""
    session.locking(LockRank.DOCUMENT)
    session.insert_missing(Counter, {"name": "planning", "last": 0}, key=("company_id", "name"))
    session.execute(sa.select(Counter.id).where(Counter.name == "planning").with_for_update())


def planned_builds(session: CompanySession) -> Sequence[Build]:
    """In order of priority."""
    return session.scalars(_planned()).all()


def planned_builds_for_update(session: CompanySession) -> Sequence[Build]:
    """The same, locked in order of id and read anew."""
    session.locking(LockRank.DOCUMENT)
    locked = session.scalars(
        sa.select(Build)
        .where(Build.state == BuildState.PLANNED)
        .order_by(Build.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    return sorted(locked, key=lambda build: (build.priority, build.id))


def places_of_planned() -> sa.Subquery:
    """In which place each planned build is served, counted from 1 as the queue does: priorities have gaps."""
    one = sa.orm.aliased(Build)
    order = one.priority, one.id
    place = sa.func.row_number(type_=sa.Integer()).over(partition_by=one.company_id, order_by=order).label("place")
    return sa.select(one.company_id, one.id, place).where(one.state == BuildState.PLANNED).subquery("places")


def planned_needs(session: CompanySession, *, before: Build | None = None) -> list[Need]:
    """What planned builds need: all of them, or those that come before one of them in priority."""
    wanted = is_planned()
    if before is not None:
        same = sa.and_(Build.priority == before.priority, Build.id < before.id)
        wanted = wanted.where(sa.or_(Build.priority < before.priority, same), Build.id != before.id)
    mine = Build.id == BuildLine.build_id, Build.company_id == BuildLine.company_id
    priority = sa.select(Build.priority).where(*mine).scalar_subquery()
    statement = (
        sa.select(BuildLine)
        .where(BuildLine.build_id.in_(wanted))
        .order_by(priority, BuildLine.build_id, BuildLine.position)
    )
    return [need_of(line) for line in session.scalars(statement)]


def is_planned() -> sa.Select[int]:
    """The ids of planned builds. Few among very many: lines are found through them, never the other way round."""
    return sa.select(Build.id).where(Build.state == BuildState.PLANNED)


def need_of(line: BuildLine) -> Need:
    """A line as the domain takes it: counted from 0, while people count from 1."""
    return Need(
        line=line.position - 1, product_id=line.product_id, quantity=line.quantity_needed, optional=line.is_optional
    )


def quantities_coming(session: CompanySession) -> dict[int, Decimal]:
    """What builds under way will bring, by product: planned by people, or waiting for review."""
    rows = session.execute(
        sa.select(Build.product_id, sa.func.sum(Build.quantity))
        .where(
            sa.or_(
                sa.and_(Build.state == BuildState.PLANNED, Build.is_automatic.is_(False)),
                Build.state == BuildState.PENDING_QA,
            )
        )
        .group_by(Build.product_id)
    )
    return dict(rows.all())


def with_what_is_coming(session: CompanySession, ids: Collection[int]) -> list[tuple[Product, Decimal, Decimal]]:
    """The products of these ids, by SKU, with what all builds under way will bring of each, the planner's too, and with
    what lots on hold have of it.
    """
    coming = (
        sa.select(Build.product_id, sa.func.sum(Build.quantity).label("quantity"))
        .where(Build.company_id == session.company_id, Build.state.in_((BuildState.PLANNED, BuildState.PENDING_QA)))
        .group_by(Build.product_id)
        .subquery()
    )
    held = held_by_product().where(Lot.company_id == session.company_id, Lot.product_id.in_(ids)).subquery()
    rows = session.execute(
        sa.select(Product, coming.c.quantity, held.c.quantity)
        .outerjoin(coming, coming.c.product_id == Product.id)
        .outerjoin(held, held.c.product_id == Product.id)
        .where(Product.id.in_(ids))
        .order_by(Product.sku_key)
    )
    return [(product, quantity or Decimal(0), on_hold or Decimal(0)) for product, quantity, on_hold in rows]


def taken_of(session: CompanySession, build_id: int) -> list[Taken]:
    """What a build took, in the order of taking."""
    rows = session.execute(
        sa.select(DrawRow, Lot.product_id)
        .join(Lot, sa.and_(Lot.id == DrawRow.lot_id, Lot.company_id == DrawRow.company_id))
        .where(DrawRow.document_kind == DocumentKind.BUILD, DrawRow.document_id == build_id)
        .order_by(DrawRow.id)
    )
    return [
        Taken(
            draw_id=row.id,
            line=row.line,
            product_id=product_id,
            lot_id=row.lot_id,
            quantity=row.quantity,
            cost=row.cost,
        )
        for row, product_id in rows
    ]


def insert_lines(session: CompanySession, build_id: int, bom: Bom, needs: Sequence[Need]) -> None:
    """The component lines of a build: its BOM's, or a person's, with what they come to for its quantity."""
    session.insert_all(
        BuildLine,
        [
            {
                "build_id": build_id,
                "position": need.line + 1,
                "product_id": need.product_id,
                "quantity_per_output": line.quantity,
                "scrap_percent": line.scrap_percent,
                "quantity_needed": need.quantity,
                "is_optional": need.optional,
            }
            for line, need in zip(bom.components, needs, strict=True)
        ],
    )


def insert_cost_lines(session: CompanySession, build_id: int, costs: Sequence[BuildCost]) -> None:
    session.insert_all(
        BuildCostLine,
        [
            {"build_id": build_id, "position": i, "kind": line.kind, "label": line.label, "cost": line.cost}
            for i, line in enumerate(costs, start=1)
        ],
    )


def drop_lines(session: CompanySession, build_id: int) -> None:
    """Takes all lines off a planned build, to write them anew."""
    for table in (BuildLine, BuildCostLine):
        session.execute(sa.delete(table).where(table.build_id == build_id))


def lines_of(session: CompanySession, build_id: int) -> Sequence[BuildLine]:
    return session.scalars(
        sa.select(BuildLine).where(BuildLine.build_id == build_id).order_by(BuildLine.position)
    ).all()


def cost_lines_of(session: CompanySession, build_id: int) -> Sequence[BuildCostLine]:
    return session.scalars(
        sa.select(BuildCostLine).where(BuildCostLine.build_id == build_id).order_by(BuildCostLine.position)
    ).all()


def cost_lines_of_all(session: CompanySession, build_ids: Collection[int]) -> dict[int, list[BuildCostLine]]:
    """The same for many builds, by build."""
    found: dict[int, list[BuildCostLine]] = {}
    lines = sa.select(BuildCostLine).where(BuildCostLine.build_id.in_(build_ids)).order_by(BuildCostLine.position)
    for line in session.scalars(lines):
        found.setdefault(line.build_id, []).append(line)
    return found


def _planned() -> sa.Select[Build]:
    return sa.select(Build).where(Build.state == BuildState.PLANNED).order_by(Build.priority, Build.id)
