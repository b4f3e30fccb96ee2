"""What Xero takes as a contact: the form of a body, the lengths of its fields, and which values must be unique."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .contact_records import ACTIVE, ARCHIVED, Contact, find_other
from .problems import data_refused
from .wire import NIL_GUID, is_guid

Fields = Mapping[str, object]
ELEMENTS_MAX = 500
NEW = Contact(
    contact_id=NIL_GUID,
    name="",
    contact_number=None,
    account_number=None,
    email="",
    first_name="",
    last_name="",
    status=ACTIVE,
    merged_to=None,
    is_supplier=False,
    is_customer=False,
    details={},
    updated_ms=0,
)
LENGTHS = {
    "Name": 255,
    "FirstName": 255,
    "LastName": 255,
    "EmailAddress": 255,
    "ContactNumber": 50,
    "AccountNumber": 50,
    "CompanyNumber": 50,
    "TaxNumber": 50,
}
_ATTRIBUTES = {
    "Name": "name",
    "FirstName": "first_name",
    "LastName": "last_name",
    "EmailAddress": "email",
    "ContactStatus": "status",
}
_NUMBERS = {"ContactNumber": "contact_number", "AccountNumber": "account_number"}
_KEPT = ("CompanyNumber", "TaxNumber", "BankAccountDetails", "DefaultCurrency")
_LISTS: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "Addresses": (
        "AddressType",
        {f"AddressLine{n}": 500 for n in range(1, 5)} | {"City": 255, "Region": 255, "PostalCode": 50, "Country": 50},
    ),
    "Phones": ("PhoneType", {"PhoneNumber": 50, "PhoneAreaCode": 10, "PhoneCountryCode": 20}),
    "ContactPersons": ("EmailAddress", {"FirstName": 255, "LastName": 255, "EmailAddress": 255}),
}
NAME_TAKEN = (
    "The contact name {} is already assigned to another contact. The contact name must be unique across all active"
    " contacts."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactInput:
    """One contact as sent: only the fields that were there."""

    contact_id: str | None
    contact_number: str | None
    sent: Fields


def read_contacts(body: object) -> list[ContactInput]:
    """The contacts of a body: ``{"Contacts": […]}`` or one contact alone. Raises a data problem."""
    if not isinstance(body, Mapping):
        raise data_refused("JSON for post data was invalid: an object is expected")
    elements = body.get("Contacts", [body])
    if not isinstance(elements, list) or not 1 <= len(elements) <= ELEMENTS_MAX:
        raise data_refused(f"Contacts must be a list of 1 to {ELEMENTS_MAX} contacts")
    return [_read_contact(element) for element in elements]


def _read_contact(fields: object) -> ContactInput:
    if not isinstance(fields, Mapping):
        raise data_refused("JSON for post data was invalid: Contacts must hold objects")
    for name in ("ContactID", *_ATTRIBUTES, *_NUMBERS, *_KEPT):
        if not isinstance(fields.get(name), str | None):
            raise data_refused(f"JSON for post data was invalid: {name} must be a string")
    for name, (_, lengths) in _LISTS.items():
        rows = fields.get(name)
        if rows is not None and not _is_table(rows, lengths):
            raise data_refused(f"JSON for post data was invalid: {name} must be a list of objects with texts")
    contact_id = fields.get("ContactID")
    if contact_id is not None and not is_guid(str(contact_id)):
        raise data_refused(f"JSON for post data was invalid: ContactID '{contact_id}' is not a GUID")
    number = fields.get("ContactNumber")
    return ContactInput(
        contact_id=str(contact_id).lower() if contact_id else None,
        contact_number=str(number) if number else None,
        sent={name: value for name, value in fields.items() if value is not None},
    )


def _is_table(rows: object, lengths: Mapping[str, int]) -> bool:
    return isinstance(rows, list) and all(
        isinstance(row, Mapping) and all(isinstance(row.get(name), str | None) for name in lengths) for row in rows
    )


def drafted(before: Contact, sent: Fields) -> Contact:
    """The contact with what was sent. Persons that are left out go, phones and addresses are merged by their type."""
    changes: dict[str, Any] = {attribute: sent[name] for name, attribute in _ATTRIBUTES.items() if name in sent}
    changes |= {attribute: sent[name] or None for name, attribute in _NUMBERS.items() if name in sent}
    details: dict[str, Any] = {**before.details, **{name: sent[name] for name in _KEPT if name in sent}}
    for name in ("Addresses", "Phones"):
        kind, lengths = _LISTS[name]
        known: dict[Any, Any] = {row[kind]: row for row in details.get(name, [])}
        rows: Any = sent.get(name, [])
        for row in rows:
            known[row.get(kind)] = {**known.get(row.get(kind), {}), **_texts(row, (kind, *lengths))}
        details[name] = list(known.values())
    persons: Any = sent.get("ContactPersons", [])
    details["ContactPersons"] = [_texts(row, _LISTS["ContactPersons"][1]) for row in persons]
    return replace(before, **changes, details=details)


def reasons_against(connection: sqlite3.Connection, contact: Contact, sent: Fields, *, tenant_id: str) -> list[str]:
    """Why Xero doesn't take the contact; empty where it does."""
    if contact.merged_to is not None:
        return ["The contact has been merged into another contact and cannot be changed."]
    reasons = [*_form_problems(contact, sent)]
    if contact.status != ACTIVE:
        return reasons

    def is_taken(column: str, value: str) -> bool:
        other = find_other(connection, tenant_id=tenant_id, contact_id=contact.contact_id, column=column, value=value)
        return other is not None

    if is_taken("name", contact.name):
        reasons.append(NAME_TAKEN.format(contact.name))
    if contact.contact_number and is_taken("contact_number", contact.contact_number):
        reasons.append("Another contact has this contact number. The contact number must be unique.")
    if contact.account_number and is_taken("account_number", contact.account_number):
        reasons.append("The account number already exists. Account numbers must be unique.")
    return reasons


def _form_problems(contact: Contact, sent: Fields) -> Iterator[str]:
    if not contact.name.strip():
        yield "The contact name must be specified."
    elif re.search(r"[<>]|^\s|\s$|\s\s", contact.name):
        yield "The contact name cannot hold angle brackets, spaces at its ends or two spaces in a row."
    if contact.status not in (ACTIVE, ARCHIVED):
        yield f"The status '{contact.status}' cannot be applied to the contact."
    if contact.email and not re.fullmatch(r"[^\s@]+@[^\s@]+\.[^\s@]+", contact.email):
        yield "The email address must be valid."
    for name, most in LENGTHS.items():
        if len(str(sent.get(name, ""))) > most:
            yield f"The {name} field must be {most} characters or less."
    for name, (_, lengths) in _LISTS.items():
        rows: Any = sent.get(name, [])
        for row in rows:
            for field, most in lengths.items():
                if len(row.get(field) or "") > most:
                    yield f"The {field} field must be {most} characters or less."
            if re.search(r"\d", row.get("Country") or ""):
                yield "The country must be letters only."


def _texts(row: Mapping[str, Any], names: Any) -> dict[str, str]:
    return {name: row[name] for name in names if isinstance(row.get(name), str)}
