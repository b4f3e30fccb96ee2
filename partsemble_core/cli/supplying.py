"""Commands for one supplier: show, change, and which contact of the books it is."""

from __future__ import annotations

import argparse

from partsemble_core.cli.commands import Commands, add_command, add_json
from partsemble_core.cli.opening import Office, open_office
from partsemble_core.cli.output import counted, print_json
from partsemble_core.domain.suppliers import NOT_LINKED
from partsemble_core.errors import Invalid, Refused
from partsemble_core.services.enlisting import Choice, enlist
from partsemble_core.services.introducing import introduce
from partsemble_core.services.listing import Row
from partsemble_core.services.relating import Relation, link_supplier, relation_of, unlink_supplier
from partsemble_core.services.supplying import update_supplier
from partsemble_core.store.receipts import get_supplier
from partsemble_core.store.supplier_contacts import LinkState

EDITS = {
    "code": "two to four capitals; it stays once something was received",
    "name": "what it is called",
    "contact": "whom to ask for",
    "email": "its e-mail address",
    "phone": "its telephone number",
}
SHOWN = ("id", "code", "name", "contact", "email", "phone", "is_active")


class NotLinked(Refused):
    """The books would not have the contact."""

    code = "contact-not-linked"


def add_supplier_commands(suppliers: Commands) -> None:
    """The commands below `partsemble supplier` that stand here."""
    show = add_command(suppliers, "show", show_supplier, about="Show a supplier and what it is in the books.")
    show.add_argument("code")
    add_json(show)
    put = add_command(suppliers, "set", set_supplier, about="Change what is given of a supplier.")
    put.add_argument("code")
    for name, about in EDITS.items():
        put.add_argument(f"--{name}", dest=f"new_{name}", metavar=name.upper(), help=about)
    state = put.add_mutually_exclusive_group()
    state.add_argument("--activate", dest="is_active", action="store_const", const=True, default=None)
    state.add_argument("--deactivate", dest="is_active", action="store_const", const=False)
    link = add_command(suppliers, "link", link_contact, about="Say which contact of the books a supplier is.")
    link.add_argument("code")
    link.add_argument("contact", metavar="CONTACT", help="the contact's id in the books")
    unlink = add_command(suppliers, "unlink", unlink_contact, about="Take a supplier's link to a contact away.")
    unlink.add_argument("code")
    create = add_command(suppliers, "create-contact", create_contact, about="Create a supplier in the books, once.")
    create.add_argument("code")
    bring = add_command(suppliers, "import", import_contacts, about="Make suppliers of contacts of the books.")
    bring.add_argument("contacts", nargs="+", metavar="CONTACT[=CODE]", help="a contact's id in the books, and a code")


def show_supplier(args: argparse.Namespace) -> int:
    with open_office(args) as office, office.reading() as session:
        relation = relation_of(session, get_supplier(session, args.code).id)
    if args.json:
        print_json(_row(relation))
        return 0
    supplier = relation.supplier
    details = [supplier.contact, supplier.email, supplier.phone, "" if supplier.is_active else "inactive"]
    print(" · ".join(part for part in (f"{supplier.code} {supplier.name}", *details) if part))
    print(_in_words(relation))
    return 0


def set_supplier(args: argparse.Namespace) -> int:
    given = {name: getattr(args, f"new_{name}") for name in EDITS}
    changes = {name: value for name, value in {**given, "is_active": args.is_active}.items() if value is not None}
    if not changes:
        raise Invalid("arguments", "Say what to change, such as --email orders@example.com. Everything else stays.")
    with open_office(args) as office:
        supplier_id = _supplier_id(office, args.code)
        supplier = office.writing(lambda session: update_supplier(session, office.act, supplier_id, **changes))
    print(f"Supplier {supplier.code} ({supplier.name}) is changed: {', '.join(changes)}.")
    return 0


def link_contact(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        supplier_id = _supplier_id(office, args.code)
        relation = office.writing(
            lambda session: link_supplier(session, office.act, supplier_id, external_id=args.contact)
        )
    print(f"Supplier {relation.supplier.code}: {_in_words(relation)}")
    return 0


def unlink_contact(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        supplier_id = _supplier_id(office, args.code)
        relation = office.writing(lambda session: unlink_supplier(session, office.act, supplier_id))
    print(f"Supplier {relation.supplier.code}: {_in_words(relation)} The contact in the books stays.")
    return 0


def create_contact(args: argparse.Namespace) -> int:
    """Exit code 1 where the books would not have it, with their reason."""
    with open_office(args) as office:
        supplier_id = _supplier_id(office, args.code)
        relation = introduce(office.house, office.act, office.company_id, supplier_id)
    if relation.state != LinkState.LINKED:
        raise NotLinked(relation.message)
    print(f"Supplier {relation.supplier.code}: {_in_words(relation)}")
    return 0


def import_contacts(args: argparse.Namespace) -> int:
    choices = [Choice(external_id=name, code=code) for name, _, code in (each.partition("=") for each in args.contacts)]
    with open_office(args) as office:
        made = office.writing(lambda session: enlist(session, office.act, choices))
    print(f"{counted(len(made), 'supplier')} created:")
    for supplier in made:
        print(f"{supplier.code} {supplier.name}")
    return 0


def _supplier_id(office: Office, code: str) -> int:
    with office.reading() as session:
        return get_supplier(session, code).id


def _in_words(relation: Relation) -> str:
    if relation.connection is None:
        return "No books are connected."
    books = relation.connection.organisation_name
    if relation.state == NOT_LINKED:
        return f"Not linked to a contact of {books}."
    words = f"In {books}: {relation.state}, {relation.contact_name or relation.external_id or 'no contact'}."
    return f"{words} {relation.message}".strip()


def _row(relation: Relation) -> Row:
    return {
        **{name: getattr(relation.supplier, name) for name in SHOWN},
        "link": relation.state,
        "external_id": relation.external_id,
        "contact_name": relation.contact_name,
        "message": relation.message,
    }
