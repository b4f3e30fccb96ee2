"""Commands for products, suppliers and BOMs."""

from __future__ import annotations

import argparse

from partsemble_core.cli.commands import Commands, add_command, add_group, add_json
from partsemble_core.cli.opening import open_office
from partsemble_core.cli.output import Sheet, print_json, print_rows
from partsemble_core.cli.supplying import add_supplier_commands
from partsemble_core.domain.amounts import format_amount, format_quantity
from partsemble_core.domain.products import ProductKind
from partsemble_core.errors import Invalid, NotFound, say
from partsemble_core.services.cataloguing import (
    BomView,
    ComponentInput,
    CostInput,
    create_product,
    create_supplier,
    save_bom,
    update_product,
    view_bom,
)
from partsemble_core.services.listing import Column, ListQuery, Row, get_table, rows_for_download
from partsemble_core.services.versioning import VersionStory, bom_history, where_used
from partsemble_core.store.products import get_product_by_sku

PARTS = (
    Column("sku", "Component"),
    Column("name", "Name"),
    Column("quantity", "Quantity", "quantity"),
    Column("scrap", "Scrap"),
    Column("needed", "Needed"),
    Column("stock", "Stock", "quantity"),
    Column("average_cost", "Average cost", "money"),
    Column("designators", "Places"),
)
USES = (Column("sku", "Used in"), Column("levels", "Levels", "number"), Column("quantity", "Quantity", "quantity"))
EDITS = {
    "sku": "another SKU",
    "name": "",
    "kind": f"one of {', '.join(ProductKind)}",
    "unit": "unit of measure",
    "reorder_point": "at or below it a warning is shown; 0 for none",
    "build_point": "at or below it a build is suggested; empty for none",
    "build_target": "how many there should be after that build",
    "weight": "of one unit, for freight spread by weight",
    "notes": "",
}
COSTS = (Column("kind", "Kind"), Column("label", "Cost line"), Column("cost", "Cost", "money"))


def add_commands(commands: Commands) -> None:
    products = add_group(commands, "product", about="Products.")
    add = add_command(products, "add", add_product, about="Create a product.")
    add.add_argument("sku")
    add.add_argument("name")
    add.add_argument("--kind", default="component", help=f"one of {', '.join(ProductKind)}")
    add.add_argument("--unit", default="each", help="unit of measure, such as each, kg or m")
    add.add_argument("--reorder-point", default="0", metavar="QTY")
    put = add_command(products, "set", set_product, about="Change what is given of a product.")
    put.add_argument("sku")
    for name, about in EDITS.items():
        put.add_argument(f"--{name.replace('_', '-')}", dest=f"new_{name}", metavar=name.upper(), help=about)
    state = put.add_mutually_exclusive_group()
    state.add_argument("--activate", dest="is_active", action="store_const", const=True, default=None)
    state.add_argument("--deactivate", dest="is_active", action="store_const", const=False)
    _add_list(products, "products", about="List products with stock and value.")
    suppliers = add_group(commands, "supplier", about="Suppliers.")
    add = add_command(suppliers, "add", add_supplier, about="Create a supplier.")
    add.add_argument("code", help="two to four capitals: they begin the numbers of its lots")
    add.add_argument("name")
    add.add_argument("--email", default="")
    _add_list(suppliers, "suppliers", about="List suppliers, and what each is in the books.")
    add_supplier_commands(suppliers)
    boms = add_group(commands, "bom", about="Bills of materials.")
    put = add_command(boms, "set", set_bom, about="Save the next version of a product's BOM and make it active.")
    put.add_argument("sku", help="what is made")
    put.add_argument(
        "components",
        nargs="+",
        metavar="COMPONENT=QTY",
        help="quantity for the output; R-1=4+2%% scraps 2 per cent, R-1=4? is optional",
    )
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
    history = add_command(boms, "versions", list_versions, about="Show every version of a BOM and what it changed.")
    history.add_argument("sku")
    add_json(history)
    uses = add_command(boms, "used-in", list_uses, about="Show what a product goes into, directly and over levels.")
    uses.add_argument("sku")
    add_json(uses)


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


def set_product(args: argparse.Namespace) -> int:
    given = {name: getattr(args, f"new_{name}") for name in EDITS}
    changes = {name: value for name, value in {**given, "is_active": args.is_active}.items() if value is not None}
    if not changes:
        raise Invalid("arguments", "Say what to change, such as --weight 0.2. Everything else stays.")
    with open_office(args) as office:
        with office.reading() as session:
            found = get_product_by_sku(session, args.sku)
        product = office.writing(lambda session: update_product(session, office.act, found.id, **changes))
    print(f"{product.sku} ({product.name}) is changed: {', '.join(changes)}.")
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
    components = [_component_of(text) for text in args.components]
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
        unknown = [part["sku"] for part in parts if not part["is_cost_known"] and not part["optional"]]
        if unknown:
            print(f"Counted as nothing, for the cost isn't known: {', '.join(map(str, unknown))}")
    return 0


def list_versions(args: argparse.Namespace) -> int:
    """Every version of a BOM, newest first."""
    with open_office(args) as office, office.reading() as session:
        product = get_product_by_sku(session, args.sku)
        stories = bom_history(session, product.id)
        if args.json:
            print_json([_version_json(story) for story in stories])
            return 0
        for story in stories:
            saved = story.version
            print(f"version {saved.version}  {saved.state}  {saved.created_at:%Y-%m-%d}  {saved.created_by}")
            for words in story.words:
                print(f"  {words}")
        if not stories:
            print("Nothing found.")
    return 0


def _version_json(story: VersionStory) -> Row:
    return {
        "version": story.version.version,
        "state": story.version.state,
        "saved_at": story.version.created_at,
        "saved_by": story.version.created_by,
        "changes": list(story.words),
    }


def list_uses(args: argparse.Namespace) -> int:
    """What a product goes into."""
    with open_office(args) as office, office.reading() as session:
        product = get_product_by_sku(session, args.sku)
        rows: list[Row] = [
            {"sku": use.product.sku, "name": use.product.name, "levels": use.levels, "quantity": use.quantity}
            for use in where_used(session, product.id)
        ]
        print_rows(USES, rows, decimals=office.decimals, as_json=args.json)
    return 0


def pair_of(text: str) -> tuple[str, str]:
    """``SKU=VALUE``, parted at the last ``=``. Raises Invalid."""
    sku, sign, value = text.rpartition("=")
    if not sign or not sku or not value:
        raise Invalid("arguments", say("{text!r} isn't of the form SKU=VALUE. Write it like PCB-1=4.", text=text))
    return sku, value


def _add_list(commands: Commands, list_name: str, *, about: str) -> None:
    command = add_command(commands, "list", list_rows, about=about)
    command.set_defaults(list_name=list_name)
    command.add_argument("--search", default="", help="words that a row must hold")
    add_json(command)


def _component_of(text: str) -> ComponentInput:
    """``SKU=QTY``, with ``+2%`` of scrap where some is lost, and ``?`` at the end where it is optional."""
    sku, amount = pair_of(text)
    amount, optional = (amount[:-1], True) if amount.endswith("?") else (amount, False)
    quantity, sign, scrap = amount.partition("+")
    if sign and not scrap.endswith("%"):
        raise Invalid(
            "components", say("{text!r} isn't of the form SKU=QTY+SCRAP%. Write it like R-1=4+2%.", text=text)
        )
    return ComponentInput(sku=sku, quantity=quantity, scrap_percent=scrap.rstrip("%") or "0", optional=optional)


def _cost_of(text: str) -> CostInput:
    what, amount = pair_of(text)
    kind, sign, label = what.partition(":")
    if not sign:
        raise Invalid(
            "cost",
            say("{text!r} isn't of the form KIND:LABEL=AMOUNT. Write it like labour:Assembly=25x0.5.", text=text),
        )
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
            "scrap": f"{format_quantity(line.scrap_percent)} %" if line.scrap_percent else "",
            "needed": "optional" if line.optional else "",
            "stock": view.stock[line.product_id],
            "average_cost": view.unit_costs[line.product_id],
            "is_cost_known": line.product_id not in view.unknown,
            "designators": ", ".join(line.designators),
        }
        for line in view.bom.components
    ]


def _bom_json(sku: str, view: BomView, parts: list[Row], costs: list[Row]) -> Row:
    return {
        "sku": sku,
        "version": view.version.version,
        "output_quantity": view.bom.output_quantity,
        "components": [{k: v for k, v in part.items() if k not in ("scrap", "needed")} for part in parts],
        "cost_lines": costs,
        "estimated_cost": view.estimated_cost,
        "buildable": view.buildable,
    }
