"""Products, suppliers and BOMs: what is made of what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
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
    estimate_rolled_up,
    explode,
)
from partsemble_core.domain.planning import buildable_with_reservation, check_targets
from partsemble_core.domain.products import NAME_LENGTH, clean_address, clean_sku, clean_text, parse_kind, sku_key
from partsemble_core.domain.receipts import check_supplier_code
from partsemble_core.errors import Conflict, Invalid, say
from partsemble_core.services.acting import Act
from partsemble_core.services.overtaking import check_not_overtaken
from partsemble_core.store import boms
from partsemble_core.store.availability import takeable
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.builds import planned_needs
from partsemble_core.store.companies import hold_bom_nesting, options_of
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


def _amount_or_none(value: object, field: str) -> Decimal | None:
    return None if value is None or value == "" else parse_cost(value, field=field)


def _flag(value: object, field: str) -> bool:
    if not isinstance(value, bool):
        raise Invalid(field, "A product is active or it isn't. Say true or false.")
    return value


EDITABLE: dict[str, Callable[[object, str], object]] = {
    "sku": lambda value, field: clean_sku(value, field=field),
    "name": lambda value, field: clean_text(value, field=field, length=NAME_LENGTH),
    "kind": lambda value, field: parse_kind(value, field=field),
    "unit": lambda value, field: clean_text(value, field=field, length=20),
    "reorder_point": lambda value, field: parse_cost(value, field=field),
    "build_point": _amount_or_none,
    "build_target": _amount_or_none,
    "weight": _amount_or_none,
    "notes": lambda value, field: clean_text(value, field=field, length=2000, required=False, many_lines=True),
    "is_active": _flag,
}
"""What can be changed of a product, and how it is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BomView:
    """A version with its content, costed at today's average costs. Money in units of the company's currency."""

    version: BomVersion
    bom: Bom
    products: dict[int, Product]
    stock: dict[int, Decimal]
    unit_costs: dict[int, Decimal]
    unknown: frozenset[int]  # components that never were in stock: their cost counts as nothing
    estimated_cost: Decimal
    """Direct: sub-assemblies at what those in stock cost."""
    rolled_up_cost: Decimal
    """Sub-assemblies at the cost of building them."""
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
        raise Conflict(
            say(
                "SKU {wanted} is taken by {sku} ({name}). Choose another SKU.",
                wanted=clean,
                sku=taken.sku,
                name=taken.name,
            ),
            field="sku",
        )
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
    _flush_unique(session, say("SKU {wanted} was taken a moment ago. Choose another SKU.", wanted=clean), field="sku")
    return product


def update_product(session: CompanySession, act: Act, product_id: int, **changes: object) -> Product:
    """Changes what is named of a product: sku, name, kind, unit, reorder_point, build_point, build_target, weight,
    notes, is_active. An empty build point, target or weight is none.

    A product with history is deactivated, never deleted: what it was used in stays as it was. Raises Invalid naming the
    field, Conflict for a SKU that is taken, NotFound.
    """
    product = get_product(session, product_id)
    for name, value in changes.items():
        if name not in EDITABLE:
            raise Invalid(
                name,
                say(
                    "A product has no {name} to be changed. Choose from {editable}.",
                    name=name,
                    editable=", ".join(EDITABLE),
                ),
            )
        setattr(product, name, EDITABLE[name](value, name))
    check_targets(product.build_point, product.build_target)
    if "sku" in changes:
        product.sku_key = sku_key(product.sku)
    _flush_unique(session, say("SKU {sku} is taken. Choose another SKU.", sku=product.sku), field="sku")
    return product


def delete_product(session: CompanySession, act: Act, product_id: int) -> None:
    """Takes away a product that nothing has ever referred to. Raises Conflict for any other: deactivate that one."""
    product = get_product(session, product_id)
    session.delete(product)
    _flush_unique(
        session, say("{sku} has history, which stays. Deactivate it instead of deleting it.", sku=product.sku)
    )


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
        raise Conflict(say("Supplier code {code} is taken. Choose another.", code=code), field="code")
    supplier = Supplier(
        code=code,
        name=clean_text(name, field="name", length=NAME_LENGTH),
        contact=clean_text(contact, field="contact", length=200, required=False),
        email=clean_address(email, length=200, required=False),
        phone=clean_text(phone, field="phone", length=50, required=False),
        is_active=True,
        created_at=act.at,
    )
    session.add(supplier)
    _flush_unique(session, say("Supplier code {code} was taken a moment ago. Choose another.", code=code), field="code")
    return supplier


def save_bom(
    session: CompanySession,
    act: Act,
    *,
    product_id: int,
    components: Sequence[ComponentInput],
    cost_lines: Sequence[CostInput] = (),
    output_quantity: object = "1",
    based_on: object = None,
) -> BomVersion:
    """Saves the product's next BOM version and makes it the active one, archiving the one before (N14).

    ``based_on`` is the number of the version that the edit began from, if another one may not be overwritten.
    Raises Invalid naming the line, BomCycle naming the path, BomTooDeep, BomChanged.
    """
    session.locking(LockRank.DOCUMENT)
    # Held first and alone: with the product's row locked too, two edits that name each other's product would deadlock.
    hold_bom_nesting(session)
    get_product(session, product_id)
    check_not_overtaken(session, product_id, based_on)
    bom = read_bom(
        session, product_id=product_id, components=components, cost_lines=cost_lines, output_quantity=output_quantity
    )
    check_bom_nesting(session, bom)
    archive_active(session, product_id)
    return insert_version(session, act, bom, state=BomState.ACTIVE)


def read_bom(
    session: CompanySession,
    *,
    product_id: int,
    components: Sequence[ComponentInput],
    cost_lines: Sequence[CostInput] = (),
    output_quantity: object = "1",
) -> Bom:
    """A BOM as typed, checked line by line; where it may stand is `check_bom_nesting`'s. Raises Invalid."""
    return check_bom(
        Bom(
            product_id=product_id,
            components=read_components(session, components),
            cost_lines=tuple(read_cost_line(line, i) for i, line in enumerate(cost_lines)),
            output_quantity=parse_quantity(output_quantity, field="output_quantity"),
        )
    )


def archive_active(session: CompanySession, product_id: int) -> None:
    """The version that was active isn't any more."""
    active = boms.find_active(session, product_id)
    if active is not None:
        active.state = BomState.ARCHIVED
        session.flush()


def insert_version(session: CompanySession, act: Act, bom: Bom, *, state: BomState) -> BomVersion:
    """The product's next version. Raises Conflict where somebody else took its number a moment ago."""
    versions = boms.versions_of(session, bom.product_id)
    saved = BomVersion(
        product_id=bom.product_id,
        version=(versions[0].version if versions else 0) + 1,
        state=state,
        output_quantity=bom.output_quantity,
        created_at=act.at,
        created_by=act.by,
    )
    session.add(saved)
    _flush_unique(session, "Somebody saved this BOM a moment ago. Load it again and repeat your change.")
    boms.insert_lines(session, saved.id, bom)
    return saved


def view_bom(session: CompanySession, product_id: int, *, today: dt.date | None = None) -> BomView | None:
    """The active BOM with stock, cost and how many can be built; None where the product is only bought.

    What can be built counts open lots alone, not those on hold; with ``today``, where the company blocks expired lots,
    not those either; and with reservation what planned builds leave over.
    """
    get_product(session, product_id)
    version = boms.find_active(session, product_id)
    if version is None:
        return None
    bom = boms.load(session, [version])[version.id]
    ids = {line.product_id for line in bom.components}
    balances = balances_of(session, ids)
    stock = {i: balances[i].quantity if i in balances else Decimal(0) for i in ids}
    unit_costs = {i: balances[i].average_cost if i in balances else Decimal(0) for i in ids}
    options = options_of(session)
    there = takeable(session, ids, not_expired_on=today if options.block_expired else None)
    others = planned_needs(session) if options.reserve_stock else []
    return BomView(
        version=version,
        bom=bom,
        products=products_by_id(session, ids | {product_id}),
        stock=stock,
        unit_costs=unit_costs,
        unknown=frozenset(ids - balances.keys()),
        estimated_cost=estimate(bom, unit_costs),
        rolled_up_cost=_rolled_up(session, bom),
        buildable=buildable_with_reservation(bom, there, others),
    )


def explode_bom(session: CompanySession, *, product_id: int, quantity: object) -> list[tuple[Product, Decimal]]:
    """All that must be bought to make ``quantity``, over every level, by SKU (N15): five statements at any depth."""
    get_product(session, product_id)
    bought = explode(product_id, parse_quantity(quantity), boms.boms_below(session, [product_id]).get)
    products = products_by_id(session, bought.keys())
    return sorted(((products[i], q) for i, q in bought.items()), key=lambda row: row[0].sku_key)


def read_components(
    session: CompanySession,
    inputs: Sequence[ComponentInput],
    *,
    known: dict[str, Product] | None = None,
    first: int = 0,
) -> tuple[ComponentLine, ...]:
    """Component lines as typed, from number ``first`` on; ``known`` are products by SKU key, if they were read already.

    Raises Invalid naming the line, also for a product that is inactive."""
    known = products_by_sku(session, [line.sku for line in inputs]) if known is None else known
    lines = []
    for i, line in enumerate(inputs, start=first):
        field = f"components[{i}]"
        product = known.get(sku_key(line.sku))
        if product is None:
            raise Invalid(f"{field}.sku", say("There is no product with SKU {sku!r}. Create it first.", sku=line.sku))
        if not product.is_active:
            raise Invalid(
                f"{field}.sku", say("{sku} is inactive. Activate it, or use another component.", sku=product.sku)
            )
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


def read_cost_line(line: CostInput, index: int) -> CostLine:
    """A cost line as typed. Raises Invalid naming it."""
    field = f"cost_lines[{index}]"
    try:
        kind = CostKind(line.kind)
    except ValueError:
        raise Invalid(f"{field}.kind", say("A cost line is one of {kinds}.", kinds=", ".join(CostKind))) from None

    def amount(name: str, value: object) -> Decimal | None:
        return None if value is None or value == "" else parse_decimal(value, field=f"{field}.{name}")

    return CostLine(
        kind=kind,
        label=clean_text(line.label, field=f"{field}.label", length=200),
        amount=amount("amount", line.amount),
        rate=amount("rate", line.rate),
        quantity=amount("quantity", line.quantity),
    )


def check_bom_nesting(session: CompanySession, bom: Bom) -> None:
    """Raises BomCycle or BomTooDeep, as the active BOMs stand. To save by it, hold the company's nesting first."""
    edges = boms.active_edges(session)
    mine = [line.product_id for line in bom.components]
    ids = {bom.product_id, *mine, *edges, *(c for below in edges.values() for c in below)}
    check_nesting(bom.product_id, mine, edges, names_of(products_by_id(session, ids).values()))


def _rolled_up(session: CompanySession, bom: Bom) -> Decimal:
    below = boms.boms_below(session, [line.product_id for line in bom.components])
    bought = {line.product_id for recipe in (bom, *below.values()) for line in recipe.components} - below.keys()
    costs = {i: balance.average_cost for i, balance in balances_of(session, bought).items()}
    return estimate_rolled_up(bom, costs, below)


def _flush_unique(session: CompanySession, message: str, *, field: str | None = None) -> None:
    try:
        session.flush()
    except sa.exc.IntegrityError as error:
        raise Conflict(message, field=field) from error
