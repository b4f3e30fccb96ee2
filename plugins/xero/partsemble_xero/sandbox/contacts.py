"""Contacts: read, create, change; and what people do with them in Xero itself."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import replace

from .contact_records import (
    ACTIVE,
    ARCHIVED,
    COLUMNS,
    SCHEMA,
    Contact,
    Narrowing,
    count_contacts,
    find_contact,
    list_contacts,
    save_contact,
)
from .contact_rules import NEW, ContactInput, drafted, read_contacts, reasons_against
from .endpoint import Call, Endpoint, Route
from .problems import Answer, data_refused, not_found, query_refused, validation_failed
from .queries import read_order, read_paging, read_where
from .tenants import Tenant
from .wire import NIL_GUID, instant, is_guid

WRITE = ("accounting.contacts",)
READ = ("accounting.contacts", "accounting.contacts.read")
_PHONES = ("DEFAULT", "DDI", "FAX", "MOBILE")
_ADDRESSES = ("STREET", "POBOX")
_FIRST_CONTACTS = (
    # Name, e-mail, supplier, customer, status
    ("Acme Components", "sales@acme.example", True, False, ACTIVE),
    ("Bolt & Nut Co", "orders@boltnut.example", True, False, ACTIVE),
    ("Éclair Électronique", "", True, False, ACTIVE),
    ("Kiwi Instruments", "accounts@kiwi.example", True, True, ACTIVE),
    ("Ridgeway University", "", False, True, ACTIVE),
    ("Old Foundry Ltd", "", True, False, ARCHIVED),
)


def list_all(call: Call) -> Answer:
    """GET /Contacts: archived ones only when asked for; ``MergedToContactID`` only with ``page``."""
    paging = read_paging(call.query)
    narrowing = Narrowing(
        where=read_where(call.query.get("where"), columns=COLUMNS, entity="Contact"),
        since_ms=call.modified_since_ms() or 0,
        with_archived=_flag(call, "includeArchived"),
        ids=_ids(call.query.get("IDs")),
        search=call.query.get("searchTerm", ""),
    )
    order = read_order(call.query.get("order"), columns=COLUMNS, entity="Contact", default="Name ASC")
    tenant_id = call.tenant.tenant_id
    found = list_contacts(call.connection, tenant_id=tenant_id, narrowing=narrowing, order=order, paging=paging)
    is_short = _flag(call, "summaryOnly")
    shown = [_shown(contact, with_merge=paging is not None, is_short=is_short) for contact in found]
    if paging is None:
        return call.answer({"Contacts": shown})
    count = count_contacts(call.connection, tenant_id=tenant_id, narrowing=narrowing)
    pagination = {
        "page": paging.number,
        "pageSize": paging.size,
        "pageCount": -(-count // paging.size),
        "itemCount": count,
    }
    return call.answer({"pagination": pagination, "Contacts": shown})


def get_contact(call: Call) -> Answer:
    """GET /Contacts/{ContactID or ContactNumber}."""
    return call.answer({"Contacts": [_shown(_contact_of_path(call), with_merge=True)]})


def create_contacts(call: Call) -> Answer:
    """PUT /Contacts: new contacts only; an id in the body isn't looked at."""
    return _write(call, [replace(sent, contact_id=None, contact_number=None) for sent in read_contacts(call.body)])


def write_contacts(call: Call) -> Answer:
    """POST /Contacts: changes those that are named by id or contact number, creates the others."""
    return _write(call, read_contacts(call.body))


def update_contact(call: Call) -> Answer:
    """POST /Contacts/{ContactID}: changes that one."""
    contact = _contact_of_path(call)
    sent = read_contacts(call.body)
    if len(sent) != 1 or sent[0].contact_id not in {None, contact.contact_id}:
        raise data_refused("The body must hold the one contact that the address names")
    return _write(call, [replace(sent[0], contact_id=contact.contact_id)])


def _flag(call: Call, name: str) -> bool:
    return call.query.get(name, "").lower() == "true"


def _ids(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    ids = tuple(part.strip().lower() for part in text.split(","))
    if not all(is_guid(each) for each in ids):
        raise query_refused("IDs must be a list of ContactIDs, separated by commas")
    return ids


def _contact_of_path(call: Call) -> Contact:
    contact = find_contact(call.connection, tenant_id=call.tenant.tenant_id, named=call.path["contact"])
    if contact is None:
        raise not_found()
    return contact


def _write(call: Call, wanted: list[ContactInput]) -> Answer:
    """Keep all contacts or none; with ``summarizeErrors=false`` keep the good ones and say so for each."""
    one_by_one = call.query.get("summarizeErrors", "true").lower() == "false"
    shown, refused = [], []
    for sent in wanted:
        contact, reasons = _draft(call, sent)
        if reasons:
            element = _shown_refused(sent, reasons)
            refused.append(element)
            shown.append({**element, "StatusAttributeString": "ERROR"})
            continue
        save_contact(call.connection, contact, tenant_id=call.tenant.tenant_id)
        shown.append({**_shown(contact, with_merge=True), **({"StatusAttributeString": "OK"} if one_by_one else {})})
    if refused and not one_by_one:
        raise validation_failed(refused)  # undoes what was kept in this call
    return call.answer({"Contacts": shown})


def _draft(call: Call, sent: ContactInput) -> tuple[Contact, list[str]]:
    tenant_id, named = call.tenant.tenant_id, sent.contact_id or sent.contact_number
    before = find_contact(call.connection, tenant_id=tenant_id, named=named) if named else None
    if before is None and sent.contact_id is not None:
        return NEW, ["The contact could not be found."]
    contact = drafted(before or replace(NEW, contact_id=str(uuid.uuid4())), sent.sent)
    reasons = reasons_against(call.connection, contact, sent.sent, tenant_id=tenant_id)
    return replace(contact, updated_ms=call.now_ms), reasons


def add_by_hand(connection: sqlite3.Connection, tenant: Tenant, fields: Mapping[str, object], *, now_ms: int) -> str:
    """A person adds a contact in Xero: its id. Raises ValueError saying what Xero has against it."""
    contact = replace(NEW, contact_id=str(uuid.uuid4()), updated_ms=now_ms)
    return change_by_hand(connection, tenant, contact, fields, now_ms=now_ms).contact_id


def change_by_hand(
    connection: sqlite3.Connection, tenant: Tenant, contact: Contact, fields: Mapping[str, object], *, now_ms: int
) -> Contact:
    """A person renames, archives, restores or merges a contact in Xero. Raises ValueError saying what is wrong.

    ``name``, ``email``, ``contact_number``, ``status``, ``is_supplier``, ``is_customer``, ``merged_into`` (an id).
    """
    sent = {
        there: fields[here]
        for here, there in (
            ("name", "Name"),
            ("email", "EmailAddress"),
            ("contact_number", "ContactNumber"),
            ("status", "ContactStatus"),
        )
        if here in fields
    }
    (read,) = read_contacts({"Contacts": [sent]})
    changed = drafted(contact, read.sent)
    reasons = reasons_against(connection, changed, read.sent, tenant_id=tenant.tenant_id)
    if reasons:
        raise ValueError(" ".join(reasons))
    changed = replace(
        changed,
        is_supplier=fields.get("is_supplier", contact.is_supplier) is True,
        is_customer=fields.get("is_customer", contact.is_customer) is True,
        updated_ms=now_ms,
    )
    if "merged_into" in fields:
        target = find_contact(connection, tenant_id=tenant.tenant_id, named=str(fields["merged_into"]))
        if target is None or target.contact_id == contact.contact_id:
            raise ValueError("merged_into must be the id of another contact")
        changed = replace(changed, status=ARCHIVED, merged_to=target.contact_id)
    save_contact(connection, changed, tenant_id=tenant.tenant_id)
    return changed


def _seed(connection: sqlite3.Connection, tenant: Tenant, now_ms: int) -> None:
    for name, email, is_supplier, is_customer, status in _FIRST_CONTACTS:
        contact = replace(
            NEW,
            contact_id=str(uuid.uuid4()),
            name=name,
            email=email,
            is_supplier=is_supplier,
            is_customer=is_customer,
            status=status,
            updated_ms=now_ms,
        )
        save_contact(connection, contact, tenant_id=tenant.tenant_id)


def _shown(contact: Contact, *, with_merge: bool, is_short: bool = False) -> dict[str, object]:
    """The contact as Xero shows it: fields that do not apply are left out."""
    shown: dict[str, object | None] = {
        "ContactID": contact.contact_id,
        "MergedToContactID": contact.merged_to if with_merge else None,
        "ContactNumber": contact.contact_number,
        "AccountNumber": contact.account_number,
        "ContactStatus": contact.status,
        "Name": contact.name,
        "FirstName": contact.first_name or None,
        "LastName": contact.last_name or None,
        "EmailAddress": contact.email,
        "BankAccountDetails": "",
        "UpdatedDateUTC": instant(contact.updated_ms),
        "IsSupplier": contact.is_supplier,
        "IsCustomer": contact.is_customer,
        "HasAttachments": False,
        "HasValidationErrors": False,
    }
    found = {name: value for name, value in shown.items() if value is not None}
    if is_short:
        return found
    lists = {
        "Addresses": _filled(contact, "Addresses", "AddressType", _ADDRESSES),
        "Phones": _filled(contact, "Phones", "PhoneType", _PHONES),
        "ContactGroups": [],
    }
    return {**found, **contact.details, **lists}


def _filled(contact: Contact, name: str, kind: str, kinds: tuple[str, ...]) -> list[object]:
    """The rows that there are, and an empty one of each kind that there is not, as Xero sends them."""
    rows = contact.details.get(name)
    known = {str(row[kind]): row for row in rows} if isinstance(rows, list) else {}
    return [known.get(each, {kind: each}) for each in dict.fromkeys((*kinds, *known))]


def _shown_refused(sent: ContactInput, reasons: list[str]) -> Mapping[str, object]:
    echoed = {name: value for name, value in sent.sent.items() if name in ("Name", "ContactNumber", "EmailAddress")}
    return {
        "ContactID": sent.contact_id or NIL_GUID,
        **echoed,
        "HasValidationErrors": True,
        "ValidationErrors": [{"Message": reason} for reason in reasons],
    }


ENDPOINT = Endpoint(
    name="Contacts",
    schema=SCHEMA,
    seed=_seed,
    routes=(
        Route(method="GET", path="/Contacts", handler=list_all, scopes=READ),
        Route(method="GET", path="/Contacts/<contact>", handler=get_contact, scopes=READ),
        Route(method="PUT", path="/Contacts", handler=create_contacts, scopes=WRITE),
        Route(method="POST", path="/Contacts", handler=write_contacts, scopes=WRITE),
        Route(method="POST", path="/Contacts/<contact>", handler=update_contact, scopes=WRITE),
    ),
)
