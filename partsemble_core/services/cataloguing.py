"""Products, suppliers and BOMs: what is made of what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import parse_cost, parse_decimal, parse_quantity
from partsemble_core.domain.boms import (
    Bom,
    BomState,
    ComponentLine,
    CostKind,
    CostLine,
    check_bom,
    check_nesting,
    estimate,
    explode,
    max_buildable,
)
from partsemble_core.domain.products import NAME_LENGTH, clean_sku, clean_text, parse_kind, sku_key
from partsemble_core.domain.receipts import check_supplier_code
from partsemble_core.errors import Conflict, Invalid
from partsemble_core.services.acting import Act
from partsemble_core.store import boms
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.companies import hold_bom_nesting
from partsemble_core.store.products import (
    Product,
    balances_of,
    find_product_by_sku,
    get_product,
    names_of,
    products_by_id,
    products_by_sku,
)
from partsemble_core.store.receipts import Supplier, find_supplier
from partsemble_core.store.session import CompanySession, LockRank


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentInput:
    """A component as typed: SKU and amounts are checked when the BOM is saved."""

    sku: str
    quantity: object
    scrap_percent: object = "0"
    optional: bool = False
    designators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CostInput:
    """A cost line as typed: ``amount``, or ``rate`` and ``quantity``."""

    kind: str
    label: str
    amount: object = None
    rate: object = None
    quantity: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BomView:
    """A version with its content, costed at today's average costs. Money in units of the company's currency."""

    version: BomVersion
    bom: Bom
    products: dict[int, Product]
    stock: dict[int, Decimal]
    unit_costs: dict[int, Decimal]
    estimated_cost: Decimal
    buildable: Decimal | None


def create_product(
    session: CompanySession,
    act: Act,
    *,
    sku: object,
    name: object,
    kind: object = "component",
    unit: object = "each",
    reorder_point: object = "0",
    notes: object = "",
) -> Product:
    """A new product. Raises Invalid, and Conflict when its SKU is taken, whatever its case or Unicode form."""
    clean = clean_sku(sku)
    taken = find_product_by_sku(session, clean)
    if taken is not None:
        raise Conflict(f"SKU {clean} is taken by {taken.sku} ({taken.name}). Choose another SKU.", field="sku")
    product = Product(
        sku=clean,
        sku_key=sku_key(clean),
        name=clean_text(name, field="name", length=NAME_LENGTH),
        kind=parse_kind(kind),
        unit=clean_text(unit, field="unit", length=20),
        reorder_point=parse_cost(reorder_point, field="reorder_point"),
        notes=clean_text(notes, field="notes", length=2000, required=False, many_lines=True),
        is_active=True,
        created_at=act.at,
    )
    session.add(product)
    _flush_unique(session, f"SKU {clean} was taken a moment ago. Choose another SKU.", field="sku")
    return product


def create_supplier(
    session: CompanySession,
    act: Act,
    *,
    code: str,
    name: object,
    contact: object = "",
    email: object = "",
    phone: object = "",
) -> Supplier:
    """A new supplier. Raises Invalid, and Conflict when its code is taken."""
    check_supplier_code(code)
    if find_supplier(session, code) is not None:
        raise Conflict(f"Supplier code {code} is taken. Choose another.", field="code")
    supplier = Supplier(
        code=code,
        name=clean_text(name, field="name", length=NAME_LENGTH),
        contact=clean_text(contact, field="contact", length=200, required=False),
        email=clean_text(email, field="email", length=200, required=False),
        phone=clean_text(phone, field="phone", length=50, required=False),
        is_active=True,
        created_at=act.at,
    )
    session.add(supplier)
    _flush_unique(session, f"Supplier code {code} was taken a moment ago. Choose another.", field="code")
    return supplier


def save_bom(
    session: CompanySession,
    act: Act,
    *,
    product_id: int,
    components: Sequence[ComponentInput],
    cost_lines: Sequence[CostInput] = (),
    output_quantity: object = "1",
) -> BomVersion:
    """Saves the product's next BOM version and makes it the active one, archiving the one before (N14).

    Raises Invalid naming the line, BomCycle naming the path, BomTooDeep.
    """
    session.locking(LockRank.DOCUMENT)
    # Held first and alone: with the product's row locked too, two edits that name each other's product would deadlock.
    hold_bom_nesting(session)
    get_product(session, product_id)
    bom = check_bom(
        Bom(
            product_id=product_id,
            components=_components(session, components),
            cost_lines=tuple(_cost_line(line, i) for i, line in enumerate(cost_lines)),
            output_quantity=parse_quantity(output_quantity, field="output_quantity"),
        )
    )
    _check_nesting(session, bom)
    versions = boms.versions_of(session, product_id)
    for version in versions:
        if version.state == BomState.ACTIVE:
            version.state = BomState.ARCHIVED
    session.flush()
    saved = BomVersion(
        product_id=product_id,
        version=(versions[0].version if versions else 0) + 1,
        state=BomState.ACTIVE,
        output_quantity=bom.output_quantity,
        created_at=act.at,
        created_by=act.by,
    )
    session.add(saved)
    _flush_unique(session, "Somebody saved this BOM a moment ago. Load it again and repeat your change.")
    boms.insert_lines(session, saved.id, bom)
    return saved


def view_bom(session: CompanySession, product_id: int) -> BomView | None:
    """The active BOM with stock, cost and how many can be built; None where the product is only bought."""
    get_product(session, product_id)
    version = boms.find_active(session, product_id)
    if version is None:
        return None
    bom = boms.load(session, [version])[version.id]
    ids = {line.product_id for line in bom.components}
    balances = balances_of(session, ids)
    stock = {i: balances[i].quantity if i in balances else Decimal(0) for i in ids}
    unit_costs = {i: balances[i].average_cost if i in balances else Decimal(0) for i in ids}
    return BomView(
        version=version,
        bom=bom,
        products=products_by_id(session, ids | {product_id}),
        stock=stock,
        unit_costs=unit_costs,
        estimated_cost=estimate(bom, unit_costs),
        buildable=max_buildable(bom, stock),
    )


def explode_bom(session: CompanySession, *, product_id: int, quantity: object) -> list[tuple[Product, Decimal]]:
    """All that must be bought to make ``quantity``, over every level, by SKU (N15)."""
    get_product(session, product_id)
    bought = explode(product_id, parse_quantity(quantity), boms.active_boms(session).get)
    products = products_by_id(session, bought.keys())
    return sorted(((products[i], q) for i, q in bought.items()), key=lambda row: row[0].sku_key)


def _components(session: CompanySession, inputs: Sequence[ComponentInput]) -> tuple[ComponentLine, ...]:
    known = products_by_sku(session, [line.sku for line in inputs])
    lines = []
    for i, line in enumerate(inputs):
        field = f"components[{i}]"
        product = known.get(sku_key(line.sku))
        if product is None:
            raise Invalid(f"{field}.sku", f"There is no product with SKU {line.sku!r}. Create it first.")
        if not product.is_active:
            raise Invalid(f"{field}.sku", f"{product.sku} is inactive. Activate it, or use another component.")
        lines.append(
            ComponentLine(
                product_id=product.id,
                quantity=parse_quantity(line.quantity, field=f"{field}.quantity"),
                scrap_percent=parse_cost(line.scrap_percent, field=f"{field}.scrap_percent"),
                optional=line.optional,
                designators=line.designators,
            )
        )
    return tuple(lines)


def _cost_line(line: CostInput, index: int) -> CostLine:
    field = f"cost_lines[{index}]"
    try:
        kind = CostKind(line.kind)
    except ValueError:
        raise Invalid(f"{field}.kind", f"A cost line is one of {', '.join(CostKind)}.") from None

    def amount(name: str, value: object) -> Decimal | None:
        return None if value is None or value == "" else parse_decimal(value, field=f"{field}.{name}")

    return CostLine(
        kind=kind,
        label=clean_text(line.label, field=f"{field}.label", length=200),
        amount=amount("amount", line.amount),
        rate=amount("rate", line.rate),
        quantity=amount("quantity", line.quantity),
    )


def _check_nesting(session: CompanySession, bom: Bom) -> None:
    edges = boms.active_edges(session)
    mine = [line.product_id for line in bom.components]
    ids = {bom.product_id, *mine, *edges, *(c for below in edges.values() for c in below)}
    check_nesting(bom.product_id, mine, edges, names_of(products_by_id(session, ids).values()))


def _flush_unique(session: CompanySession, message: str, *, field: str | None = None) -> None:
    try:
        session.flush()
    except sa.exc.IntegrityError as error:
        raise Conflict(message, field=field) from error
