"""BOM versions. One that a build used never changes; an edit becomes the next version."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column

from partsemble_core.domain.boms import Bom, BomState, ComponentLine, CostKind, CostLine
from partsemble_core.errors import NotFound
from partsemble_core.store.base import Base, CompanyOwned, Id, link, one_of, owned, whole, whole_or_none
from partsemble_core.store.products import Product
from partsemble_core.store.session import CompanySession


class BomVersion(CompanyOwned, Base):
    __tablename__ = "boms"
    product_id: Mapped[int] = mapped_column(Id)
    version: Mapped[int]
    state: Mapped[str]
    output_quantity: Mapped[Decimal]
    created_at: Mapped[dt.datetime]
    created_by: Mapped[str]
    __table_args__ = owned(
        link("product_id", "products"),
        sa.UniqueConstraint("company_id", "product_id", "version"),
        sa.Index(
            "uq_boms_one_active",
            "company_id",
            "product_id",
            unique=True,
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        ),
        one_of("state", BomState),
        *whole("output_quantity", at_least=1),
    )


class BomLine(CompanyOwned, Base):
    __tablename__ = "bom_lines"
    bom_id: Mapped[int] = mapped_column(Id)
    position: Mapped[int]
    product_id: Mapped[int] = mapped_column(Id)
    quantity: Mapped[Decimal]
    scrap_percent: Mapped[Decimal]
    is_optional: Mapped[bool]
    designators: Mapped[str]
    """Places on a board, comma separated, as imported."""
    __table_args__ = owned(
        link("bom_id", "boms"),
        link("product_id", "products"),
        sa.UniqueConstraint("company_id", "bom_id", "position"),
        sa.Index("ix_bom_lines_where_used", "company_id", "product_id"),
        *whole("quantity", at_least=1),
        *whole("scrap_percent", at_least=0),
    )


class BomCostLine(CompanyOwned, Base):
    __tablename__ = "bom_cost_lines"
    bom_id: Mapped[int] = mapped_column(Id)
    position: Mapped[int]
    kind: Mapped[str]
    label: Mapped[str]
    amount: Mapped[Decimal | None]
    rate: Mapped[Decimal | None]
    quantity: Mapped[Decimal | None]
    __table_args__ = owned(
        link("bom_id", "boms"),
        sa.UniqueConstraint("company_id", "bom_id", "position"),
        one_of("kind", CostKind),
        *whole_or_none("amount", "rate", "quantity"),
    )


def find_active(session: CompanySession, product_id: int) -> BomVersion | None:
    return session.scalar(
        sa.select(BomVersion).where(BomVersion.product_id == product_id, BomVersion.state == BomState.ACTIVE)
    )


def versions_of(session: CompanySession, product_id: int) -> Sequence[BomVersion]:
    """Newest first."""
    return session.scalars(
        sa.select(BomVersion).where(BomVersion.product_id == product_id).order_by(BomVersion.version.desc())
    ).all()


def load(session: CompanySession, versions: Collection[BomVersion]) -> dict[int, Bom]:
    """The whole BOMs by version id, in two statements however many."""
    ids = [version.id for version in versions]
    components: dict[int, list[ComponentLine]] = {i: [] for i in ids}
    costs: dict[int, list[CostLine]] = {i: [] for i in ids}
    for line in session.scalars(
        sa.select(BomLine).where(BomLine.bom_id.in_(ids)).order_by(BomLine.bom_id, BomLine.position)
    ):
        components[line.bom_id].append(_component(line))
    for cost in session.scalars(
        sa.select(BomCostLine).where(BomCostLine.bom_id.in_(ids)).order_by(BomCostLine.bom_id, BomCostLine.position)
    ):
        costs[cost.bom_id].append(_cost(cost))
    return {
        version.id: Bom(
            product_id=version.product_id,
            components=tuple(components[version.id]),
            cost_lines=tuple(costs[version.id]),
            output_quantity=version.output_quantity,
        )
        for version in versions
    }


def active_edges(session: CompanySession) -> dict[int, list[int]]:
    """Made product → its components, over all active BOMs, in one statement."""
    rows = session.execute(
        sa.select(BomVersion.product_id, BomLine.product_id)
        .join(BomLine, sa.and_(BomLine.bom_id == BomVersion.id, BomLine.company_id == BomVersion.company_id))
        .where(BomVersion.state == BomState.ACTIVE)
        .order_by(BomVersion.product_id, BomLine.position)
    )
    edges: dict[int, list[int]] = {}
    for made, component in rows:
        edges.setdefault(made, []).append(component)
    return edges


def active_boms(session: CompanySession, product_ids: Collection[int] | None = None) -> dict[int, Bom]:
    """Every active BOM by the product it makes, or those of ``product_ids``."""
    statement = sa.select(BomVersion).where(BomVersion.state == BomState.ACTIVE)
    if product_ids is not None:
        statement = statement.where(BomVersion.product_id.in_(product_ids))
    versions = session.scalars(statement).all()
    return {bom.product_id: bom for bom in load(session, versions).values()}


def get_version(session: CompanySession, version_id: int) -> BomVersion:
    """Raises NotFound."""
    found = session.scalar(sa.select(BomVersion).where(BomVersion.id == version_id))
    if found is None:
        raise NotFound("BOM version", version_id)
    return found


def active_below(session: CompanySession, product_ids: Collection[int]) -> dict[int, BomVersion]:
    """The active versions of products and of everything that they are made of, at any depth, by product: one
    recursive statement that touches nothing else."""
    line, version = aliased(BomLine), aliased(BomVersion)
    below = (
        sa.select(BomVersion.id, BomVersion.product_id)
        .where(_is_active(session, BomVersion), BomVersion.product_id.in_(product_ids))
        .cte("below", recursive=True)
    )
    below = below.union(
        sa.select(version.id, version.product_id)
        .join(line, sa.and_(line.product_id == version.product_id, line.company_id == session.company_id))
        .join(below, below.c.id == line.bom_id)
        .where(_is_active(session, version))
    )
    found = session.scalars(sa.select(BomVersion).where(BomVersion.id.in_(sa.select(below.c.id))))
    return {version.product_id: version for version in found}


def boms_below(session: CompanySession, product_ids: Collection[int]) -> dict[int, Bom]:
    """The same as whole BOMs by product, in three statements however many and however deep."""
    versions = active_below(session, product_ids)
    loaded = load(session, list(versions.values()))
    return {product_id: loaded[version.id] for product_id, version in versions.items()}


@dataclass(frozen=True, slots=True)
class Above:
    """One line of an active BOM: ``made`` is what the BOM makes, ``product_id`` what the line takes."""

    made: int
    sku_key: str
    version: int
    product_id: int
    quantity: Decimal


def lines_above(session: CompanySession, product_id: int) -> list[Above]:
    """Every line of an active BOM that a product goes into, directly or through others. One recursive statement.

    A screw may go into very many, so these are plain values.
    """
    line, version = aliased(BomLine), aliased(BomVersion)
    above = sa.select(sa.literal(product_id, Id).label("product_id")).cte("above", recursive=True)
    above = above.union(
        sa.select(version.product_id)
        .join(line, sa.and_(line.bom_id == version.id, line.company_id == session.company_id))
        .join(above, above.c.product_id == line.product_id)
        .where(_is_active(session, version))
    )
    rows = session.execute(
        sa.select(BomVersion.product_id, Product.sku_key, BomVersion.version, BomLine.product_id, BomLine.quantity)
        .join(BomLine, sa.and_(BomVersion.id == BomLine.bom_id, BomVersion.company_id == BomLine.company_id))
        .join(Product, sa.and_(Product.id == BomVersion.product_id, Product.company_id == BomVersion.company_id))
        .where(_is_active(session, BomVersion), BomLine.product_id.in_(sa.select(above.c.product_id)))
        .order_by(BomLine.id)
    )
    return [Above(*row) for row in rows]


def drop_lines(session: CompanySession, bom_id: int) -> None:
    """Takes all lines off a draft, to write them anew."""
    for table in (BomLine, BomCostLine):
        session.execute(sa.delete(table).where(table.bom_id == bom_id))


def insert_lines(session: CompanySession, bom_id: int, bom: Bom) -> None:
    """Writes the lines of a new version."""
    session.insert_all(
        BomLine,
        [
            {
                "bom_id": bom_id,
                "position": position,
                "product_id": line.product_id,
                "quantity": line.quantity,
                "scrap_percent": line.scrap_percent,
                "is_optional": line.optional,
                "designators": ", ".join(line.designators),
            }
            for position, line in enumerate(bom.components, start=1)
        ],
    )
    session.insert_all(
        BomCostLine,
        [
            {
                "bom_id": bom_id,
                "position": position,
                "kind": line.kind,
                "label": line.label,
                "amount": line.amount,
                "rate": line.rate,
                "quantity": line.quantity,
            }
            for position, line in enumerate(bom.cost_lines, start=1)
        ],
    )


def _is_active(session: CompanySession, version: type[BomVersion]) -> sa.ColumnElement[bool]:
    """Said in full: inside a recursive statement the session's own filter isn't relied upon."""
    return sa.and_(version.state == BomState.ACTIVE, version.company_id == session.company_id)


def _component(line: BomLine) -> ComponentLine:
    return ComponentLine(
        product_id=line.product_id,
        quantity=line.quantity,
        scrap_percent=line.scrap_percent,
        optional=line.is_optional,
        designators=tuple(line.designators.split(", ")) if line.designators else (),
    )


def _cost(line: BomCostLine) -> CostLine:
    return CostLine(
        kind=CostKind(line.kind), label=line.label, amount=line.amount, rate=line.rate, quantity=line.quantity
    )
