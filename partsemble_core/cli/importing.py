"""Commands that import files: first what would happen, then a question, then all of it or none."""

from __future__ import annotations

import argparse
from pathlib import Path

from partsemble_core.cli.cataloguing import pair_of
from partsemble_core.cli.commands import REFUSED, Commands, add_command, add_group, add_yes
from partsemble_core.cli.opening import open_office
from partsemble_core.cli.output import Sheet, agreed, counted
from partsemble_core.domain.amounts import add, format_quantity
from partsemble_core.errors import Invalid, say
from partsemble_core.services.importing import (
    FILE_SIZE,
    BomUpload,
    FileHasProblems,
    ImportPlan,
    apply_bom_import,
    plan_bom_import,
)
from partsemble_core.services.listing import Column

LINES = (
    Column("sku", "Component"),
    Column("name", "Name"),
    Column("quantity", "Quantity", "quantity"),
    Column("is_new", "Product"),
    Column("designators", "Places"),
)


def add_commands(commands: Commands) -> None:
    imports = add_group(commands, "import", about="Import files.")
    bom = add_command(imports, "bom", import_bom, about="Import a BOM: a dry run, a question, then all.")
    bom.add_argument("file", type=Path)
    bom.add_argument("--product", required=True, metavar="SKU", help="what the BOM makes")
    bom.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN",
        help="which column holds part_number, name, quantity, designator or manufacturer",
    )
    bom.add_argument("--create-product", default="", metavar="NAME", help="create the product if it is missing")
    add_yes(bom)


def import_bom(args: argparse.Namespace) -> int:
    upload = BomUpload(
        content=_content_of(args.file),
        filename=args.file.name,
        product_sku=args.product,
        mapping=dict(pair_of(text) for text in args.map),
        product_name=args.create_product,
    )
    with open_office(args) as office:
        host = office.house.host
        with office.reading() as session:
            plan = plan_bom_import(session, host, upload)
        _print_plan(plan)
        if plan.problems:
            raise FileHasProblems(plan.problems)
        if not agreed("Import it?", yes=args.yes):
            print("Nothing was imported.")
            return REFUSED
        version = office.writing(
            lambda session: apply_bom_import(session, office.act, host, upload, sha256=plan.sha256)
        )
    new = counted(len(plan.new_products), "new product")
    print(f"Version {version.version} of the BOM of {plan.product_sku} is active; {new}.")
    return 0


def _print_plan(plan: ImportPlan) -> None:
    rows = [
        {
            "sku": line.sku,
            "name": line.name,
            "quantity": line.quantity,
            "is_new": "new" if line.is_new else "known",
            "designators": ", ".join(line.designators),
        }
        for line in plan.lines
    ]
    if rows:
        print(Sheet(LINES, rows))
    total = format_quantity(add([line.quantity for line in plan.lines]))
    parts, skipped = counted(len(rows), "component"), counted(len(plan.skipped), "row")
    print(f"{counted(plan.rows, 'row')}: {parts} adding up to {total}, {skipped} skipped.")
    if plan.creates_product:
        print(f"{plan.product_sku} is created as a finished good.")
    for text in plan.warnings:
        print(f"Note: {text}")
    for text in plan.problems:
        print(f"Problem: {text}")


def _content_of(path: Path) -> bytes:
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
        return path.read_bytes()
    except OSError as error:
        raise Invalid(
            "file",
            say("{path} can't be read ({problem}). Look at its name.", path=str(path), problem=str(error.strerror)),
        ) from error
