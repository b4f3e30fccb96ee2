"""Commands for products, suppliers and BOMs."""

from __future__ import annotations

import argparse

from partsemble_core.cli.commands import Commands, add_command, add_group, add_json
from partsemble_core.cli.opening import open_office
from partsemble_core.cli.output import Sheet, print_json, print_rows
from partsemble_core.domain.amounts import format_amount, format_quantity
from partsemble_core.domain.products import ProductKind
from partsemble_core.errors import Invalid, NotFound
from partsemble_core.services.cataloguing import (
    BomView,
    ComponentInput,
    CostInput,
    create_product,
    create_supplier,
    save_bom,
    view_bom,
)
from partsemble_core.services.listing import Column, ListQuery, Row, get_table, rows_for_download
from partsemble_core.store.products import get_product_by_sku

PARTS = (
    Column("sku", "Component"),
    Column("name", "Name"),
    Column("quantity", "Quantity", "quantity"),
    Column("stock", "Stock", "quantity"),
    Column("average_cost", "Average cost", "money"),
    Column("designators", "Places"),
)
COSTS = (Column("kind", "Kind"), Column("label", "Cost line"), Column("cost", "Cost", "money"))


def add_commands(commands: Commands) -> None:
    products = add_group(commands, "product", about="Products.")
    add = add_command(products, "add", add_product, about="Create a product.")
    add.add_argument("sku")
    add.add_argument("name")
    add.add_argument("--kind", default="component", help=f"one of {', '.join(ProductKind)}")
    add.add_argument("--unit", default="each", help="unit of measure, such as each, kg or m")
    add.add_argument("--reorder-point", default="0", metavar="QTY")
    _add_list(products, "products", about="List products with stock and value.")
    suppliers = add_group(commands, "supplier", about="Suppliers.")
    add = add_command(suppliers, "add", add_supplier, about="Create a supplier.")
    add.add_argument("code", help="two to four capitals: they begin the numbers of its lots")
    add.add_argument("name")
    add.add_argument("--email", default="")
    _add_list(suppliers, "suppliers", about="List suppliers.")
    boms = add_group(commands, "bom", about="Bills of materials.")
    put = add_command(boms, "set", set_bom, about="Save the next version of a product's BOM and make it active.")
    put.add_argument("sku", help="what is made")
    put.add_argument("components", nargs="+", metavar="COMPONENT=QTY", help="quantity for one unit of output")
    put.add_argument(
        "--cost",
        action="append",
        default=[],
        metavar="KIND:LABEL=AMOUNT",
        help="labour, overhead or other; AMOUNT fixed (2.00), or rate and quantity (25.00x0.5)",
    )
    put.add_argument("--output", default="1", metavar="QTY", help="how many the BOM makes at once")
    show = add_command(boms, "show", show_bom, about="Show the active BOM with today's cost and how many can be built.")
    show.add_argument("sku")
    add_json(show)


def add_product(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        product = office.writing(
            lambda session: create_product(
                session,
                office.act,
                sku=args.sku,
                name=args.name,
                kind=args.kind,
                unit=args.unit,
                reorder_point=args.reorder_point,
            )
        )
    print(f"{product.sku} ({product.name}) is created.")
    return 0


def add_supplier(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        supplier = office.writing(
            lambda session: create_supplier(session, office.act, code=args.code, name=args.name, email=args.email)
        )
    print(f"Supplier {supplier.code} ({supplier.name}) is created.")
    return 0


def list_rows(args: argparse.Namespace) -> int:
    """Any list, whole."""
    with open_office(args) as office, office.reading() as session:
        rows = rows_for_download(session, args.list_name, ListQuery(search=args.search))
        columns = get_table(args.list_name).columns
        print_rows(columns, rows, decimals=office.decimals, as_json=args.json)
    return 0


def set_bom(args: argparse.Namespace) -> int:
    components = [ComponentInput(sku=sku, quantity=quantity) for sku, quantity in map(pair_of, args.components)]
    costs = [_cost_of(text) for text in args.cost]
    with open_office(args) as office:
        with office.reading() as session:
            product = get_product_by_sku(session, args.sku)
        version = office.writing(
            lambda session: save_bom(
                session,
                office.act,
                product_id=product.id,
                components=components,
                cost_lines=costs,
                output_quantity=args.output,
            )
        )
    print(f"Version {version.version} of the BOM of {product.sku} is active.")
    return 0


def show_bom(args: argparse.Namespace) -> int:
    with open_office(args) as office, office.reading() as session:
        product = get_product_by_sku(session, args.sku)
        view = view_bom(session, product.id)
        if view is None:
            raise NotFound("active BOM of", product.sku)
        parts = _part_rows(view)
        costs = [{"kind": c.kind, "label": c.label, "cost": c.cost()} for c in view.bom.cost_lines]
        if args.json:
            print_json(_bom_json(product.sku, view, parts, costs))
            return 0
        print(f"{product.sku}  {product.name}  version {view.version.version}")
        print(Sheet(PARTS, parts, office.decimals))
        if costs:
            print(Sheet(COSTS, costs, office.decimals))
        makes = format_quantity(view.bom.output_quantity)
        buildable = "any number" if view.buildable is None else format_quantity(view.buildable)
        print(f"Estimated cost of {makes}: {format_amount(view.estimated_cost, decimals=office.decimals)}")
        print(f"Can be built now: {buildable}")
    return 0


def pair_of(text: str) -> tuple[str, str]:
    """``SKU=VALUE``, parted at the last ``=``. Raises Invalid."""
    sku, sign, value = text.rpartition("=")
    if not sign or not sku or not value:
        raise Invalid("arguments", f"{text!r} isn't of the form SKU=VALUE. Write it like PCB-1=4.")
    return sku, value


def _add_list(commands: Commands, list_name: str, *, about: str) -> None:
    command = add_command(commands, "list", list_rows, about=about)
    command.set_defaults(list_name=list_name)
    command.add_argument("--search", default="", help="words that a row must hold")
    add_json(command)


def _cost_of(text: str) -> CostInput:
    what, amount = pair_of(text)
    kind, sign, label = what.partition(":")
    if not sign:
        raise Invalid("cost", f"{text!r} isn't of the form KIND:LABEL=AMOUNT. Write it like labour:Assembly=25x0.5.")
    rate, timed, quantity = amount.partition("x")
    if timed:
        return CostInput(kind=kind, label=label, rate=rate, quantity=quantity)
    return CostInput(kind=kind, label=label, amount=amount)


def _part_rows(view: BomView) -> list[Row]:
    return [
        {
            "sku": view.products[line.product_id].sku,
            "name": view.products[line.product_id].name,
            "quantity": line.quantity,
            "optional": line.optional,
            "scrap_percent": line.scrap_percent,
            "stock": view.stock[line.product_id],
            "average_cost": view.unit_costs[line.product_id],
            "designators": ", ".join(line.designators),
        }
        for line in view.bom.components
    ]


def _bom_json(sku: str, view: BomView, parts: list[Row], costs: list[Row]) -> Row:
    return {
        "sku": sku,
        "version": view.version.version,
        "output_quantity": view.bom.output_quantity,
        "components": parts,
        "cost_lines": costs,
        "estimated_cost": view.estimated_cost,
        "buildable": view.buildable,
    }
