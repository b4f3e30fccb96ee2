"""Suppliers one by one, and which contact of the books each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from partsemble_core.api import supplier_schemas as schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, the_house, the_person, writing
from partsemble_core.api.schemas import SupplierOut
from partsemble_core.api.tags import check_match, tag
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import MAY_EXPORT, MAY_WRITE
from partsemble_core.services.altering import activate_suppliers, deactivate_suppliers
from partsemble_core.services.enlisting import Choice, enlist, propose
from partsemble_core.services.introducing import introduce
from partsemble_core.services.noticing import subject_of
from partsemble_core.services.relating import MAY_LINK, Relation, link_supplier, relation_of, unlink_supplier
from partsemble_core.services.supplying import update_supplier
from partsemble_core.store.receipts import Supplier, get_supplier
from partsemble_core.store.session import CompanySession

area = Area("suppliers", "Suppliers, and which contact of the books each is.")


@area.route("GET", "/suppliers/<code>", gives=schemas.SupplierPage)
def show_supplier(code: str) -> Json:
    """One supplier, and what it is in the connected books."""
    with reading() as session:
        supplier = get_supplier(session, code)
        tag(session, subject_of(Supplier, supplier.id))
        session.refresh(supplier)
        return _body(relation_of(session, supplier.id))


@area.route("PATCH", "/suppliers/<code>", takes=schemas.SupplierEdit, gives=schemas.SupplierPage, roles=MAY_WRITE)
def change_supplier(body: dict[str, Any], code: str) -> Json:
    """Changes what is given of a supplier, here only. Its code stays once something was received from it."""

    def change(session: CompanySession, act: Act) -> Json:
        supplier_id = get_supplier(session, code).id
        check_match(session, subject_of(Supplier, supplier_id))
        supplier = update_supplier(session, act, supplier_id, **body)
        return _body(relation_of(session, supplier.id))

    return writing(change)


@area.route("POST", "/suppliers/activate", takes=schemas.SupplierIds, gives=schemas.SuppliersChanged, roles=MAY_WRITE)
def activate_several(body: dict[str, Any]) -> Json:
    """Offers suppliers for new receipts again."""
    return writing(lambda session, act: _changed(activate_suppliers(session, act, body["ids"])))


@area.route("POST", "/suppliers/deactivate", takes=schemas.SupplierIds, gives=schemas.SuppliersChanged, roles=MAY_WRITE)
def deactivate_several(body: dict[str, Any]) -> Json:
    """Offers suppliers for new receipts no more; what came from them stays."""
    return writing(lambda session, act: _changed(deactivate_suppliers(session, act, body["ids"])))


@area.route("PUT", "/suppliers/<code>/contact", takes=schemas.LinkIn, gives=schemas.SupplierPage, roles=MAY_LINK)
def put_contact(body: dict[str, Any], code: str) -> Json:
    """Says which contact of the connected books the supplier is."""

    def put(session: CompanySession, act: Act) -> Json:
        supplier = get_supplier(session, code)
        return _body(link_supplier(session, act, supplier.id, external_id=body["external_id"]))

    return writing(put)


@area.route("DELETE", "/suppliers/<code>/contact", gives=schemas.SupplierPage, roles=MAY_LINK)
def remove_contact(code: str) -> Json:
    """Takes the link away. The contact in the books stays as it is."""
    return writing(lambda session, act: _body(unlink_supplier(session, act, get_supplier(session, code).id)))


@area.route("POST", "/suppliers/<code>/contact", gives=schemas.SupplierPage, roles=MAY_EXPORT)
def create_contact(code: str) -> Json:
    """Creates the supplier as a contact in the books, once however often it is asked. Look at its ``state``."""
    person, house = the_person(), the_house()
    with reading() as session:
        supplier = get_supplier(session, code)
    act = house.act(person.company_id, by=person.by)
    return _body(introduce(house, act, person.company_id, supplier.id))


@area.route("GET", "/contacts/proposals", asks=schemas.ProposalQuery, gives=schemas.ProposalsOut)
def show_proposals(query: Mapping[str, str]) -> Json:
    """What suppliers contacts would become, each with a code that is free; none where none is named."""
    wanted = [part.strip() for part in query["contacts"].split(",") if part.strip()]
    with reading() as session:
        return {
            "rows": [
                {
                    "external_id": found.contact.external_id,
                    "name": found.contact.name,
                    "email": found.contact.email,
                    "code": found.code,
                    "namesake": found.namesake.code if found.namesake else "",
                    "supplier": found.supplier.code if found.supplier else "",
                    "is_gone": found.contact.is_gone,
                }
                for found in (propose(session, wanted) if wanted else ())
            ]
        }


@area.route(
    "POST", "/contacts/suppliers", takes=schemas.ChoicesIn, gives=schemas.SuppliersOut, roles=MAY_WRITE, status=201
)
def make_suppliers(body: dict[str, Any]) -> Json:
    """Makes a supplier of each contact, linked to it: all of them or none."""
    choices = [Choice(**row) for row in body["contacts"]]

    def make(session: CompanySession, act: Act) -> Json:
        return {"rows": [_body(relation_of(session, made.id)) for made in enlist(session, act, choices)]}

    return writing(make)


def _changed(suppliers: Sequence[Supplier]) -> Json:
    return {"ids": [supplier.id for supplier in suppliers]}


def _body(relation: Relation) -> Json:
    names = SupplierOut._declared_fields
    return {
        **{name: getattr(relation.supplier, name) for name in names},
        "in_the_books": {
            "state": relation.state,
            "external_id": relation.external_id,
            "contact_name": relation.contact_name,
            "message": relation.message,
            "connection_id": relation.connection.id if relation.connection else None,
        },
    }
