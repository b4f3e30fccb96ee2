"""Commands that move stock: receiving and building, and the lots that they leave."""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path

from partsemble_core.cli.cataloguing import pair_of
from partsemble_core.cli.commands import REFUSED, Commands, add_command, add_json, add_yes
from partsemble_core.cli.opening import Office, open_office
from partsemble_core.cli.output import Sheet, agreed, counted, print_json, print_rows
from partsemble_core.domain.amounts import format_amount, format_quantity
from partsemble_core.domain.builds import BuildState
from partsemble_core.domain.fifo import StockShort
from partsemble_core.domain.receipts import SpreadBy
from partsemble_core.errors import Invalid, say
from partsemble_core.services.acting import parse_day
from partsemble_core.services.building import Preview, build_now, preview_build
from partsemble_core.services.listing import Column, ListQuery, Row, get_table, rows_for_download
from partsemble_core.services.receiving import ChargeInput, LineInput, receive
from partsemble_core.store.builds import Build
from partsemble_core.store.products import get_product_by_sku, names_of

FILE_SIZE = 10 * 1024 * 1024
COLUMNS = {
    "sku",
    "quantity",
    "unit_cost",
    "total_cost",
    "lot_number",
    "expires_on",
    "part_number",
    "purchase_unit",
    "per_purchase_unit",
    "weight",
}
DRAWS = (
    Column("sku", "Component"),
    Column("lot", "Lot"),
    Column("received_on", "Received", "date"),
    Column("quantity", "Quantity", "quantity"),
    Column("cost", "Cost", "money"),
)


def add_commands(commands: Commands) -> None:
    take_in = add_command(commands, "receive", receive_goods, about="Receive goods and confirm the receipt at once.")
    take_in.add_argument(
        "lines",
        nargs="*",
        metavar="SKU=QTY@UNIT_COST",
        help="or 'SKU=1 reel of 5000@95.00': bought by the reel",
    )
    take_in.add_argument("--supplier", required=True, metavar="CODE")
    take_in.add_argument("--on", default="", metavar="DATE", help="day of receipt, 2026-04-30; today if left out")
    take_in.add_argument("--freight", metavar="AMOUNT", help="spread over the lines: part of what the goods cost")
    take_in.add_argument("--by", default="cost", help=f"how freight is spread: {', '.join(SpreadBy)}")
    take_in.add_argument("--currency", metavar="CODE", help="of costs and freight; the company's if left out")
    take_in.add_argument("--rate", metavar="RATE", help="in the company's currency for one of --currency")
    take_in.add_argument("--file", type=Path, help="CSV with the columns sku, quantity, and unit_cost or total_cost")
    lots = add_command(commands, "lots", list_lots, about="List lots, newest first.")
    lots.add_argument("sku", nargs="?", help="of this product only")
    add_json(lots)
    build = add_command(commands, "build", build_product, about="Show what a build takes and costs, ask, and build.")
    build.add_argument("sku")
    build.add_argument("quantity")
    build.add_argument("--on", default="", metavar="DATE", help="day of the build; today if left out")
    build.add_argument("--notes", default="")
    build.add_argument("--with-subassemblies", action="store_true", help="build short sub-assemblies first")
    build.add_argument("--preview", action="store_true", help="only show; nothing is written")
    add_yes(build)
    add_json(build)


def receive_goods(args: argparse.Namespace) -> int:
    if bool(args.lines) == bool(args.file):
        raise Invalid("lines", "Say what arrived: either SKU=QTY@UNIT_COST, or --file FILE.csv.")
    lines = _lines_of_file(args.file) if args.file else [_line_of(text) for text in args.lines]
    charges = [] if args.freight is None else [ChargeInput(label="Freight", amount=args.freight, spread_by=args.by)]
    with open_office(args) as office:
        receipt = office.writing(
            lambda session: receive(
                session,
                office.act,
                supplier=args.supplier,
                lines=lines,
                received_on=args.on or None,
                charges=charges,
                currency=args.currency,
                rate=args.rate,
            )
        )
        total, count = format_amount(receipt.total_cost, decimals=office.decimals), counted(len(lines), "line")
    print(f"{receipt.reference} is confirmed: {count}, {total}, received on {receipt.received_on}.")
    return 0


def list_lots(args: argparse.Namespace) -> int:
    with open_office(args) as office, office.reading() as session:
        filters = {"product": str(get_product_by_sku(session, args.sku).id)} if args.sku else {}
        rows = rows_for_download(session, "lots", ListQuery(filters=filters))
        print_rows(get_table("lots").columns, rows, decimals=office.decimals, as_json=args.json)
    return 0


def build_product(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        preview = _previewed(office, args)
        if not args.json:
            print_preview(preview, decimals=office.decimals)
        if preview.costing.shortages:
            raise StockShort(preview.costing.shortages, names_of(preview.products.values()))
        if args.preview:
            if args.json:
                print_json(_preview_json(preview))
            return 0
        if not agreed("Build it?", yes=args.yes):
            print("Nothing was built.")
            return REFUSED
        build = office.writing(
            lambda session: build_now(
                session,
                office.act,
                product_id=preview.product.id,
                quantity=args.quantity,
                built_on=args.on or None,
                notes=args.notes,
                build_subassemblies=args.with_subassemblies,
            )
        )
    if args.json:
        done = {"reference": build.reference, "id": build.id, "state": build.state}
        print_json({**done, **_preview_json(preview)})
    else:
        print_built(build, sku=preview.product.sku)
    return 0


def print_built(build: Build, *, sku: str) -> None:
    """What became of a build that was executed."""
    print(f"{build.reference} is built: {format_quantity(build.quantity)} × {sku}.")
    if build.state == BuildState.PENDING_QA:
        print(f"It waits for review: partsemble approve {build.reference}, or partsemble reject {build.reference}")


def _previewed(office: Office, args: argparse.Namespace) -> Preview:
    day = parse_day(args.on, field="on", today=office.act.today)
    with office.reading() as session:
        product = get_product_by_sku(session, args.sku)
        return preview_build(
            session,
            product_id=product.id,
            quantity=args.quantity,
            built_on=day,
            build_subassemblies=args.with_subassemblies,
        )


def _draw_rows(preview: Preview) -> list[Row]:
    return [
        {
            "sku": preview.products[draw.product_id].sku,
            "lot": preview.lots[draw.lot_id].number,
            "received_on": preview.lots[draw.lot_id].received_on,
            "quantity": draw.quantity,
            "cost": draw.cost,
        }
        for draw in preview.costing.draws
    ]


def print_preview(preview: Preview, *, decimals: int) -> None:
    """What a build takes and costs, after the builds of sub-assemblies that come before it."""
    for step in preview.first:
        made, cost = step.costing.quantity, format_amount(step.costing.total, decimals=decimals)
        print(f"First: {format_quantity(made)} × {preview.products[step.bom.product_id].sku} for {cost}")
    costing = preview.costing
    print(f"{format_quantity(costing.quantity)} × {preview.product.sku}  (BOM version {preview.version.version})")
    rows = _draw_rows(preview)
    if costing.shortages:  # a total of what is there would be taken for the cost of the build
        print(Sheet(DRAWS, rows, decimals))
        return
    empty = {"lot": "", "received_on": None, "quantity": None}
    rows += [{**empty, "sku": c.label, "lot": c.kind, "cost": c.cost} for c in costing.costs]
    rows.append({**empty, "sku": "Total", "cost": costing.total})
    print(Sheet(DRAWS, rows, decimals))
    print(f"Unit cost: {format_amount(costing.unit_cost, decimals=decimals)}")


def _preview_json(preview: Preview) -> Row:
    costing = preview.costing
    return {
        "sku": preview.product.sku,
        "quantity": costing.quantity,
        "built_first": [
            {"sku": preview.products[step.bom.product_id].sku, "quantity": step.costing.quantity}
            for step in preview.first
        ],
        "draws": _draw_rows(preview),
        "cost_lines": [{"kind": c.kind, "label": c.label, "cost": c.cost} for c in costing.costs],
        "components_cost": costing.components_cost,
        "total_cost": costing.total,
        "unit_cost": costing.unit_cost,
    }


def _line_of(text: str) -> LineInput:
    sku, rest = pair_of(text)
    quantity, sign, unit_cost = rest.partition("@")
    if not sign:
        raise Invalid(
            "lines",
            say("{text!r} has no cost. Write it like PCB-1=100@1.25, or @0 for goods that were free.", text=text),
        )
    amount, _, bought_as = quantity.strip().partition(" ")
    unit, _, holds = bought_as.partition(" of ")
    return LineInput(
        sku=sku,
        quantity=amount,
        unit_cost=unit_cost,
        purchase_unit=unit.strip(),
        per_purchase_unit=holds.strip() or None,
    )


def _lines_of_file(path: Path) -> list[LineInput]:
    """The lines of a CSV file. Raises Invalid for what can't be read."""
    try:
        if path.stat().st_size > FILE_SIZE:
            raise Invalid(
                "file",
                say(
                    "{name} is larger than {size} MB. Split it.",
                    name=path.name,
                    size=FILE_SIZE // 1024 // 1024,
                ),
            )
        text = path.read_text(encoding="utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        rows = list(reader)
    except OSError as error:
        raise Invalid(
            "file", say("{path} can't be read ({problem}).", path=str(path), problem=str(error.strerror))
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise Invalid(
            "file", say("{name} isn't a CSV file in UTF-8 ({error}). Save it as one.", name=path.name, error=str(error))
        ) from error
    names = set(reader.fieldnames or ())
    if len(names) != len(reader.fieldnames or ()):
        raise Invalid(
            "file", say("{name} has the same heading twice. Leave one of the two columns out.", name=path.name)
        )
    if not {"sku", "quantity"} <= names <= COLUMNS or not names & {"unit_cost", "total_cost"}:
        raise Invalid(
            "file",
            say(
                "{name} needs the columns sku, quantity and unit_cost or total_cost, and takes lot_number, "
                "expires_on, part_number, purchase_unit, per_purchase_unit and weight. Correct its first row.",
                name=path.name,
            ),
        )
    return [_line_of_row(row, number) for number, row in enumerate(rows, start=2)]


def _line_of_row(row: dict[str, str | None], number: int) -> LineInput:
    if None in row or None in row.values():
        raise Invalid("file", say("Row {number} has more or fewer cells than the heading. Correct it.", number=number))
    return LineInput(
        sku=row["sku"] or "",
        quantity=row["quantity"],
        unit_cost=row.get("unit_cost") or None,
        total_cost=row.get("total_cost") or None,
        lot_number=row.get("lot_number") or "",
        expires_on=row.get("expires_on") or None,
        part_number=row.get("part_number") or "",
        purchase_unit=row.get("purchase_unit") or "",
        per_purchase_unit=row.get("per_purchase_unit") or None,
        weight=row.get("weight") or None,
    )
