"""Commands by which a person decides about exports: dry run, posting what is held, and what becomes of a failed one."""

from __future__ import annotations

import argparse
from dataclasses import asdict

import sqlalchemy as sa

from partsemble_core.cli.commands import REFUSED, Commands, Run, add_command, add_json, add_yes
from partsemble_core.cli.opening import Office, open_office
from partsemble_core.cli.output import Sheet, agreed, counted, print_json
from partsemble_core.domain.amounts import format_amount
from partsemble_core.domain.exports import ExportState
from partsemble_core.errors import Invalid, NotFound
from partsemble_core.services import deciding
from partsemble_core.services.listing import Column, Row
from partsemble_core.services.rehearsing import DryRun, RehearsedLine, dry_run
from partsemble_core.services.retrying import retry_export
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import DocumentKind
from partsemble_core.store.session import CompanySession

WHICH = "reference of the document, or id of the export"
GOES_OUT = "by the worker, or now with `partsemble exports run`"
LINES = (
    Column("account", "Account"),
    Column("debit", "Debit", "money"),
    Column("credit", "Credit", "money"),
    Column("description", "Description"),
)


def add_decisions(exports: Commands) -> None:
    """The commands below ``partsemble exports`` that decide."""
    rehearsal = _add(exports, "dry-run", show_dry_run, about="Show what would be posted, from the very bytes.")
    add_json(rehearsal)
    post = add_command(exports, "post", post_held, about="Post what waits for you.")
    post.add_argument("references", nargs="*", metavar="REFERENCE", help=WHICH)
    post.add_argument("--all", action="store_true", help="all that wait")
    post.add_argument("--kind", default="", help=f"with --all, only one of {', '.join(DocumentKind)}")
    post.add_argument("--digest", help="digest of the dry run of the one export; another is refused")
    _add(exports, "retry", retry_failed, about="Let a failed export be tried again.")
    skip = _add(exports, "skip", skip_one, about="Leave a posting out of the books for good.")
    skip.add_argument("--reason", required=True)
    adopt = _add(exports, "adopt", adopt_one, about="Say that a failed posting is in the books under an id.")
    adopt.add_argument("external_id", metavar="ID", help="their id of the journal; the books are asked")
    cancel = _add(exports, "cancel", cancel_one, about="Call a failed posting off and reverse its document.")
    cancel.add_argument("--reason", required=True)
    cancel.add_argument("--on", default="", metavar="DATE", help="day of the reversal; today if left out")
    add_yes(cancel)
    _add(exports, "remap", remap_one, about="Post a failed export anew with the accounts chosen today.")


def show_dry_run(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        with office.reading() as session:
            shown = dry_run(session, find_export(session, args.reference).id)
        if args.json:
            print_json(asdict(shown))
        else:
            _print_dry_run(shown, office.decimals)
    return 0


def post_held(args: argparse.Namespace) -> int:
    if args.all == bool(args.references):
        raise Invalid("references", "Say which exports to post, by their references, or --all.")
    if args.kind and not args.all:
        raise Invalid("kind", "--kind goes with --all. Leave one of the two out.")

    def post(session: CompanySession) -> list[Export]:
        ids = deciding.held_exports(session, kind=args.kind) if args.all else _held_ids(session, args.references)
        return deciding.post_held(session, ids, digest=args.digest) if ids else []

    with open_office(args) as office:
        exports = office.writing(post)
    for export in exports:
        print(f"{export.reference} is released.")
    print(f"{counted(len(exports), 'export')} will be posted {GOES_OUT}." if exports else "Nothing is held.")
    return 0


def retry_failed(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        found = _found(office, args)
        office.writing(lambda session: retry_export(session, found.id))
    print(f"{found.reference} is tried again {GOES_OUT}.")
    return 0


def skip_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        found = _found(office, args)
        deciding.skip_export(office.house, office.act, office.company_id, found.id, reason=args.reason)
    print(f"{found.reference} is left out of the books.")
    return 0


def adopt_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        found = _found(office, args)
        export = deciding.adopt(office.house, office.act, office.company_id, found.id, external_id=args.external_id)
    print(f"{export.reference} is posted: the books hold it as {export.external_id}.")
    return 0


def cancel_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        found = _found(office, args)
        question = f"Cancel the posting of {found.reference}, and reverse the document?"
        if not agreed(question, yes=args.yes):
            print("Nothing was changed.")
            return REFUSED
        done = deciding.cancel_and_reverse(
            office.house,
            office.act,
            office.company_id,
            found.id,
            reason=args.reason,
            reversed_on=args.on or None,
        )
    by = f"its document is reversed by {done.reference}" if done else "its document was reversed before"
    print(f"The posting of {found.reference} is cancelled; {by}.")
    return 0


def remap_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        found = _found(office, args)
        new = deciding.remap(office.house, office.act, office.company_id, found.id)
    print(f"{new.reference} goes out as export {new.id} with the accounts of today, {GOES_OUT}.")
    return 0


def find_export(session: CompanySession, text: str) -> Export:
    """By id or by its document's reference; of several the newest. Raises NotFound."""
    is_id = text.isascii() and text.isdigit() and len(text) <= 18
    wanted = Export.id == int(text) if is_id else Export.reference == text.strip().upper()
    found = session.scalars(sa.select(Export).where(wanted).order_by(Export.id.desc())).first()
    if found is None:
        raise NotFound("export", text)
    return found


def _add(exports: Commands, name: str, run: Run, *, about: str) -> argparse.ArgumentParser:
    """A command about one export."""
    command = add_command(exports, name, run, about=about)
    command.add_argument("reference", help=WHICH)
    return command


def _found(office: Office, args: argparse.Namespace) -> Export:
    with office.reading() as session:
        return find_export(session, args.reference)


def _held_ids(session: CompanySession, references: list[str]) -> list[int]:
    """Of several exports with one reference, the one that is held."""
    ids = []
    for reference in references:
        held = sa.select(Export.id).where(
            Export.reference == reference.strip().upper(), Export.state == ExportState.HELD
        )
        ids.append(session.scalars(held).first() or find_export(session, reference).id)
    return ids


def _print_dry_run(shown: DryRun, decimals: int) -> None:
    print(f"{shown.reference}  {shown.label}  {shown.date}  {shown.currency}  to {shown.organisation}")
    print(shown.narration)
    print(Sheet(LINES, [_line_row(line) for line in shown.lines], decimals))
    for tracking in dict.fromkeys(line.tracking for line in shown.lines if line.tracking):
        print(f"Tracking: {tracking}")
    print(f"Total: {format_amount(shown.total, decimals=decimals)}")
    print(f"Rounding: {format_amount(shown.rounding, decimals=decimals)}")
    print(f"Token: {shown.token}")
    print(f"Digest: {shown.digest}")


def _line_row(line: RehearsedLine) -> Row:
    account = f"{line.account_code} {line.account_name}".strip()
    return {"account": account, "debit": line.debit, "credit": line.credit, "description": line.description}
