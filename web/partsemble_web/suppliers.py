"""Suppliers: who parts are received from, and which contact of the books each is."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from partsemble_core.errors import Invalid, PartsembleError, say
from partsemble_core.services.admitting import MAY_EXPORT, MAY_WRITE
from partsemble_core.services.altering import activate_suppliers, deactivate_suppliers
from partsemble_core.services.cataloguing import create_supplier
from partsemble_core.services.enlisting import AT_ONCE, Choice, Proposal, contacts_by_id, enlist, propose
from partsemble_core.services.introducing import introduce
from partsemble_core.services.listing import LINKS, Row
from partsemble_core.services.noticing import check_unchanged, last_number, subject_of
from partsemble_core.services.relating import (
    MAY_LINK,
    Relation,
    find_contact,
    link_supplier,
    relation_of,
    unlink_supplier,
)
from partsemble_core.services.supplying import list_supplier_parts, update_supplier
from partsemble_core.store.products import products_by_id
from partsemble_core.store.receipts import Supplier, get_supplier_by_id
from partsemble_core.store.session import CompanySession
from partsemble_core.store.supplier_contacts import LinkState
from partsemble_core.store.syncs import RemoteContact
from partsemble_web import lists
from partsemble_web.each import change_ticked
from partsemble_web.forms import Form, rows_of
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, may, reading, require, the_house, the_person, write
from partsemble_web.speaking import mark
from partsemble_web.syncs import CONTACTS

pages = Blueprint("suppliers", __name__, template_folder="templates")
FIELDS = ("code", "name", "contact", "email", "phone")
CHOICE_FIELDS = ("external_id", "code")
ID_DIGITS = 18
SUPPLIERS_PATH = "/suppliers"
SUPPLIERS = lists.ListPage(
    name="suppliers",
    template="suppliers/list.html",
    shown=("code", "name", "contact", "email", "phone", "link"),
    minor=frozenset({"contact"}),
    links={"code": lambda row: url_for("suppliers.show_supplier", supplier_id=row["id"])},
    choices={"link": (mark("Link"), LINKS), "state": (mark("State"), ("active", "inactive"))},
    subtitles={"link": "link_name"},
    pick=lambda row: True,
    picked_by=MAY_WRITE,
)
lists.route(pages, SUPPLIERS, path=SUPPLIERS_PATH)


def _to_link(row: Row) -> str | None:
    """To the supplier's page with the question whether it is this contact; one that is taken isn't asked about."""
    supplier_id = (request.view_args or {}).get("supplier_id")
    is_free = not row["supplier_id"] and row["state"] == "there"
    if not is_free or not may(MAY_LINK):
        return None
    return url_for("suppliers.show_supplier", supplier_id=supplier_id, contact=row["external_id"])


CHOICES = replace(CONTACTS, template="suppliers/contacts.html", pick=None, links={**CONTACTS.links, "name": _to_link})


@pages.get("/suppliers/<id:supplier_id>")
def show_supplier(supplier_id: int) -> str:
    """With ``contact`` it asks whether the supplier is that one."""
    return render_template("suppliers/supplier.html", **_page(supplier_id, request.args.get("contact", "")))


@pages.get("/suppliers/<id:supplier_id>/contacts")
def show_contacts(supplier_id: int) -> str:
    """The contacts of the connected books, to choose the supplier's from."""
    with reading() as session:
        supplier = get_supplier_by_id(session, supplier_id)
    path = url_for("suppliers.show_contacts", supplier_id=supplier_id)
    return lists.show(CHOICES, path=path, supplier=supplier)


@pages.get("/suppliers/<id:supplier_id>/contacts.<any(csv, xlsx):file_type>")
def send_contacts(supplier_id: int, file_type: str) -> Response:
    with reading() as session:
        get_supplier_by_id(session, supplier_id)
    return lists.send_download(CHOICES.name, file_type)


@pages.get("/suppliers/new")
def show_form() -> str:
    require(MAY_WRITE)
    return render_template("suppliers/form.html", form=Form.of({}, *FIELDS), supplier=None)


@pages.post("/suppliers")
def add() -> Answer:
    require(MAY_WRITE)
    form = Form.of(request.form, *FIELDS)
    who = act()
    code = form.values["code"].strip().upper()
    others = {name: form.values[name] for name in FIELDS if name != "code"}
    try:
        supplier = write(lambda session: create_supplier(session, who, code=code, **others))
    except PartsembleError as error:
        return refused("suppliers/form.html", error, form=form, supplier=None)
    flash(_("%(name)s was added. Its lots begin with %(code)s.", name=supplier.name, code=supplier.code), "success")
    return redirect(url_for("suppliers.show_list"), code=303)


@pages.get("/suppliers/<id:supplier_id>/edit")
def show_edit_form(supplier_id: int) -> str:
    require(MAY_WRITE)
    with reading() as session:
        seen = last_number(session, subject_of(Supplier, supplier_id))
        supplier = get_supplier_by_id(session, supplier_id)
    values = {name: str(getattr(supplier, name)) for name in FIELDS}
    form = Form(values={**values, "is_active": "yes" if supplier.is_active else "no"})
    return render_template("suppliers/form.html", form=form, supplier=supplier, seen=seen)


@pages.post("/suppliers/<id:supplier_id>/edit")
def change(supplier_id: int) -> Answer:
    require(MAY_WRITE)
    form, who = Form.of(request.form, *FIELDS, "is_active"), act()
    with reading() as session:
        supplier = get_supplier_by_id(session, supplier_id)
    changes = {
        **form.values,
        "code": form.values["code"].strip().upper(),
        "is_active": form.values["is_active"] != "no",
    }

    def save(session: CompanySession) -> Supplier:
        check_unchanged(session, subject_of(Supplier, supplier_id), seen=request.form.get("seen"))
        return update_supplier(session, who, supplier_id, **changes)

    try:
        changed = write(save)
    except PartsembleError as error:
        return refused("suppliers/form.html", error, form=form, supplier=supplier)
    flash(_("%(code)s is changed.", code=changed.code), "success")
    return _to_page(supplier_id)


@pages.post("/suppliers/activate")
def activate_many() -> Answer:
    """Offers the ticked ones for new receipts again."""
    require(MAY_WRITE)
    try:
        changed = change_ticked(activate_suppliers)
    except PartsembleError as error:
        return lists.show_refused(SUPPLIERS, error, path=SUPPLIERS_PATH)
    flash(ngettext("%(num)s supplier is active now.", "%(num)s suppliers are active now.", changed), "success")
    return _back_to_list()


@pages.post("/suppliers/deactivate")
def deactivate_many() -> Answer:
    """Offers the ticked ones for new receipts no more."""
    require(MAY_WRITE)
    try:
        changed = change_ticked(deactivate_suppliers)
    except PartsembleError as error:
        return lists.show_refused(SUPPLIERS, error, path=SUPPLIERS_PATH)
    flash(ngettext("%(num)s supplier is inactive now.", "%(num)s suppliers are inactive now.", changed), "success")
    return _back_to_list()


def _back_to_list() -> Answer:
    return lists.back_to(SUPPLIERS, path=SUPPLIERS_PATH)


@pages.post("/suppliers/<id:supplier_id>/link")
def link(supplier_id: int) -> Answer:
    """To the contact that is sent; without one, to the one that is in its way."""
    require(MAY_LINK)
    who, chosen = act(), request.form.get("external_id", "")
    try:
        relation = write(lambda session: link_supplier(session, who, supplier_id, external_id=chosen))
    except PartsembleError as error:
        return refused("suppliers/supplier.html", error, **_page(supplier_id))
    flash(_linked(relation), "success")
    return _to_page(supplier_id)


@pages.post("/suppliers/<id:supplier_id>/unlink")
def unlink(supplier_id: int) -> Answer:
    require(MAY_LINK)
    who = act()
    try:
        relation = write(lambda session: unlink_supplier(session, who, supplier_id))
    except PartsembleError as error:
        return refused("suppliers/supplier.html", error, **_page(supplier_id))
    said = _("%(code)s is linked no more. The contact in the books stays.", code=relation.supplier.code)
    flash(said, "success")
    return _to_page(supplier_id)


@pages.post("/suppliers/<id:supplier_id>/create-contact")
def create_contact(supplier_id: int) -> Answer:
    """In the books, once however often the button is pressed."""
    require(MAY_EXPORT)
    try:
        relation = introduce(the_house(), act(), the_person().company_id, supplier_id)
    except PartsembleError as error:
        return refused("suppliers/supplier.html", error, **_page(supplier_id))
    if relation.state == LinkState.LINKED:
        flash(_("%(code)s is in the books now, and linked.", code=relation.supplier.code), "success")
    return _to_page(supplier_id)


@pages.get("/suppliers/import/new")
def show_import() -> str:
    """What the ticked contacts would become, each with a code that is free."""
    require(MAY_WRITE)
    ids = _ticked()
    with reading() as session:
        proposals = propose(session, found) if ids and (found := contacts_by_id(session, ids)) else []
    codes = {each.contact.external_id: each.code for each in proposals}
    return render_template("suppliers/import.html", proposals=proposals, codes=codes)


@pages.post("/suppliers/import")
def import_contacts() -> Answer:
    require(MAY_WRITE)
    who, rows = act(), rows_of(request.form, CHOICE_FIELDS, key="external_id")
    choices = [Choice(external_id=row["external_id"], code=row["code"]) for row in rows]
    try:
        made = write(lambda session: enlist(session, who, choices))
    except PartsembleError as error:
        codes = {choice.external_id: choice.code for choice in choices}
        return refused("suppliers/import.html", error, proposals=_proposals(choices), codes=codes)
    said = ngettext(
        "%(num)s supplier was added, linked to the books.",
        "%(num)s suppliers were added, linked to the books.",
        len(made),
    )
    flash(said, "success")
    return redirect(url_for("suppliers.show_list", link="linked"), code=303)


def _proposals(choices: list[Choice]) -> list[Proposal]:
    """For the form that comes back; none where a contact isn't known."""
    try:
        with reading() as session:
            return propose(session, [choice.external_id for choice in choices])
    except PartsembleError:
        return []


def _ticked() -> list[int]:
    """Raises Invalid."""
    ids = request.args.getlist("ids")
    if len(ids) > AT_ONCE or not all(text.isascii() and text.isdigit() and len(text) <= ID_DIGITS for text in ids):
        raise Invalid("ids", say("These are no contacts. Tick up to {most} in the list.", most=AT_ONCE))
    return [int(text) for text in ids]


def _linked(relation: Relation) -> str:
    if not relation.contact_name:
        return str(_("%(code)s is linked to that contact.", code=relation.supplier.code))
    return str(_("%(code)s is linked to %(contact)s.", code=relation.supplier.code, contact=relation.contact_name))


def _to_page(supplier_id: int) -> Answer:
    return redirect(url_for("suppliers.show_supplier", supplier_id=supplier_id), code=303)


def _page(supplier_id: int, asked: str = "") -> dict[str, object]:
    with reading() as session:
        relation = relation_of(session, supplier_id)
        parts = list_supplier_parts(session, supplier=relation.supplier.code)
        return {
            "relation": relation,
            "supplier": relation.supplier,
            "candidate": _candidate(session, relation, asked),
            "can_create": _can_create(relation),
            "parts": parts,
            "products": products_by_id(session, {part.product_id for part in parts}),
        }


def _candidate(session: CompanySession, relation: Relation, asked: str) -> RemoteContact | None:
    if not asked or relation.connection is None:
        return None
    return find_contact(session, relation.connection.id, asked)


def _can_create(relation: Relation) -> bool:
    """Whether the connected books take contacts. A plugin that isn't loaded takes none."""
    info = the_house().host.infos.get(relation.connection.backend) if relation.connection else None
    return info is not None and info.capabilities.contacts_push
