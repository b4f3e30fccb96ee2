"""Commands for builds with a life: planning, executing, approving, rejecting, and reversing what was done."""

from __future__ import annotations

import argparse

from partsemble_core.cli.cataloguing import pair_of
from partsemble_core.cli.commands import REFUSED, Commands, add_command, add_yes
from partsemble_core.cli.finding import find_document
from partsemble_core.cli.opening import Office, open_office
from partsemble_core.cli.output import agreed
from partsemble_core.cli.stocking import print_built, print_preview
from partsemble_core.domain.amounts import format_amount, format_quantity
from partsemble_core.domain.fifo import StockShort
from partsemble_core.domain.quality import Recovery, RejectReason
from partsemble_core.errors import Invalid, say
from partsemble_core.services.acting import parse_day
from partsemble_core.services.building import execute_planned, preview_planned
from partsemble_core.services.picking import newer_versions
from partsemble_core.services.planning import plan_build, refresh_to_active_bom, view_planned
from partsemble_core.services.reversing import reverse
from partsemble_core.services.reviewing import approve, reject
from partsemble_core.store.adjustments import Adjustment
from partsemble_core.store.builds import Build, lines_of
from partsemble_core.store.products import get_product, get_product_by_sku, names_of
from partsemble_core.store.receipts import Receipt

KINDS: dict[str, type[Receipt | Build | Adjustment]] = {"receipt": Receipt, "build": Build, "adjustment": Adjustment}


def add_commands(commands: Commands) -> None:
    plan = add_command(commands, "plan", plan_one, about="Plan a build; it moves no stock.")
    plan.add_argument("sku")
    plan.add_argument("quantity")
    plan.add_argument("--target", default="", metavar="DATE", help="day by which it should be done")
    plan.add_argument("--assignee", default="")
    plan.add_argument("--notes", default="")
    execute = add_command(commands, "execute", execute_one, about="Show what a planned build takes, ask, and build it.")
    execute.add_argument("reference")
    execute.add_argument("--on", default="", metavar="DATE", help="day of the build; today if left out")
    execute.add_argument("--with-subassemblies", action="store_true", help="build short sub-assemblies first")
    add_yes(execute)
    anew = add_command(commands, "refresh", refresh_one, about="Let a planned build go by the active BOM version.")
    anew.add_argument("reference")
    add_yes(anew)
    good = add_command(commands, "approve", approve_one, about="Approve a build that waits for review.")
    good.add_argument("reference")
    good.add_argument("--note", default="")
    bad = add_command(commands, "reject", reject_one, about="Reject a build that waits for review.")
    bad.add_argument("reference")
    bad.add_argument("--reason", required=True, help=f"one of {', '.join(RejectReason)}")
    bad.add_argument("--recovery", required=True, help=f"one of {', '.join(Recovery)}")
    bad.add_argument("--recovered", action="append", default=[], metavar="SKU=QTY", help="what comes back, if partial")
    bad.add_argument("--note", default="")
    add_yes(bad)
    undo = add_command(commands, "reverse", reverse_one, about="Undo a receipt, build or adjustment, exactly.")
    undo.add_argument("kind", choices=KINDS)
    undo.add_argument("reference")
    undo.add_argument("--reason", required=True)
    undo.add_argument("--on", default="", metavar="DATE", help="day of the reversal; today if left out")
    add_yes(undo)


def plan_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        with office.reading() as session:
            product = get_product_by_sku(session, args.sku)
        build = office.writing(
            lambda session: plan_build(
                session,
                office.act,
                product_id=product.id,
                quantity=args.quantity,
                target_on=args.target or None,
                assignee=args.assignee,
                notes=args.notes,
            )
        )
    print(f"{build.reference} is planned: {format_quantity(build.quantity)} × {product.sku}.")
    return 0


def execute_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        day = parse_day(args.on, field="on", today=office.act.today)
        with office.reading() as session:
            planned = find_document(session, Build, args.reference)
            preview = preview_planned(session, planned.id, built_on=day, build_subassemblies=args.with_subassemblies)
            newer = newer_versions(session, [planned]).get(planned.id)
        if newer:
            print(f"Newer BOM: version {newer} is active. To follow it: partsemble refresh {planned.reference}")
        if planned.is_modified:
            print("Modified: its lines differ from its BOM version's.")
        print_preview(preview, decimals=office.decimals)
        if preview.costing.shortages:
            raise StockShort(preview.costing.shortages, names_of(preview.products.values()))
        if not agreed("Build it?", yes=args.yes):
            print("Nothing was built.")
            return REFUSED
        build = office.writing(
            lambda session: execute_planned(
                session, office.act, planned.id, built_on=day, build_subassemblies=args.with_subassemblies
            )
        )
    print_built(build, sku=preview.product.sku)
    return 0


def refresh_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        with office.reading() as session:
            planned = find_document(session, Build, args.reference)
            view = view_planned(session, planned.id)
        version = (view.newer or view.version).version
        if view.build.is_modified and not agreed(
            f"Give up what was changed on {planned.reference} alone?", yes=args.yes
        ):
            print("Nothing was changed.")
            return REFUSED
        office.writing(lambda session: refresh_to_active_bom(session, office.act, planned.id))
    print(f"{planned.reference} goes by BOM version {version} now.")
    return 0


def approve_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        with office.reading() as session:
            waiting = find_document(session, Build, args.reference)
            sku = get_product(session, waiting.product_id).sku
        build = office.writing(lambda session: approve(session, office.act, waiting.id, note=args.note))
    print(f"{build.reference} is approved: {format_quantity(build.quantity)} × {sku} came in.")
    return 0


def reject_one(args: argparse.Namespace) -> int:
    pairs = [pair_of(text) for text in args.recovered]
    with open_office(args) as office:
        with office.reading() as session:
            waiting = find_document(session, Build, args.reference)
        recovered = _by_line(office, waiting.id, pairs) if pairs else None
        if not agreed(f"Reject {waiting.reference} ({args.recovery})?", yes=args.yes):
            print("Nothing was changed.")
            return REFUSED
        build = office.writing(
            lambda session: reject(
                session,
                office.act,
                waiting.id,
                reason=args.reason,
                recovery=args.recovery,
                recovered=recovered,
                note=args.note,
            )
        )
        waste = format_amount(build.waste_cost, decimals=office.decimals)
    print(f"{build.reference} is rejected, waste {waste}.")
    return 0


def reverse_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        with office.reading() as session:
            document = find_document(session, KINDS[args.kind], args.reference)
        if not agreed(f"Reverse {document.reference}?", yes=args.yes):
            print("Nothing was changed.")
            return REFUSED
        reversal = office.writing(
            lambda session: reverse(
                session, office.act, args.kind, document.id, reason=args.reason, reversed_on=args.on or None
            )
        )
    print(f"{document.reference} is reversed by {reversal.reference}.")
    return 0


def _by_line(office: Office, build_id: int, pairs: list[tuple[str, str]]) -> dict[int, object]:
    """Recovered quantities by line of the build, counted from 0. Raises Invalid, NotFound."""
    recovered: dict[int, object] = {}
    with office.reading() as session:
        lines = lines_of(session, build_id)
        for sku, quantity in pairs:
            product = get_product_by_sku(session, sku)
            mine = [line.position - 1 for line in lines if line.product_id == product.id]
            if len(mine) != 1 or mine[0] in recovered:
                raise Invalid(
                    "recovered",
                    say("{sku} has to be one line of the build, named once. Look at the build again.", sku=product.sku),
                )
            recovered[mine[0]] = quantity
    return recovered
