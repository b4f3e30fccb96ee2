"""Contacts: read page by page, and created one by one under a number of ours.

The ContactNumber makes a push safe to repeat: whoever pushes again finds what an earlier try has made. A contact that
has the name already and not our number is somebody else's; it is reported and never changed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import urllib.parse
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from partsemble_core.plugin_api import (
    BackendContext,
    Contact,
    ContactOutcome,
    ContactSync,
    HttpAnswer,
    JsonBody,
    Page,
    Rejected,
    say,
    word,
)
from partsemble_xero.client import Missing, json_object, messages_in, read, refusal, rows_of, text_of, write
from partsemble_xero.wire import instant_of

Row = Mapping[str, object]
NUMBER_PREFIX: Final = "PSB-S-"
NUMBER_LENGTH = 50
OVERLAP = dt.timedelta(minutes=10)
"""A read since the last one begins so much earlier: contacts that changed while it ran come twice, never not at all."""
PAGE_MAX = 1000
SIZE = 100
NO_ID = "00000000-0000-0000-0000-000000000000"


def sync_contacts(ctx: BackendContext, cursor: str | None, push: Sequence[Contact], limit: int) -> ContactSync:
    """Creates what is pushed, then pulls a page; ``limit`` 0 pulls nothing."""
    pushed = tuple(_pushed(ctx, contact) for contact in push)
    pulled: Page[Contact] = _pulled(ctx, cursor, limit) if limit > 0 else Page(records=(), next_cursor=cursor)
    return ContactSync(pulled=pulled, pushed=pushed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a read stands: the page, since when it reads (empty: everything), the latest change seen, and its begin.

    ``newest`` is never later than ``began``, should their clock run ahead: what changes now would be hidden.
    """

    page: int = 1
    since: str = ""
    newest: str = ""
    began: str = ""

    @classmethod
    def from_cursor(cls, cursor: str | None) -> _Place:
        """A cursor that isn't one of ours reads everything from the beginning."""
        try:
            page, *moments = json.loads(cursor or "")
            since, newest, began = moments
        except (ValueError, TypeError):
            return cls()
        if not (isinstance(page, int) and page > 0 and all(isinstance(moment, str) for moment in moments)):
            return cls()
        return cls(page=page, since=since, newest=newest, began=began)

    def cursor(self) -> str:
        return json.dumps([self.page, self.since, self.newest, self.began])


def _pulled(ctx: BackendContext, cursor: str | None, limit: int) -> Page[Contact]:
    """One page. The last one's cursor begins a read of what changes from then on.

    The order is that of ids, which no edit moves: by time of change, a contact that is edited between two pages would
    move to the end, and the one after it be missed and taken for gone.
    """
    place, size = _Place.from_cursor(cursor), min(limit, PAGE_MAX)
    query = {"page": str(place.page), "pageSize": str(size), "includeArchived": "true", "order": "ContactID ASC"}
    content = read(ctx, "Contacts", params=query, modified_since=place.since)
    rows = rows_of(content, "Contacts")[:size]
    began = place.began or _iso(instant_of(text_of(content, "DateTimeUTC")) or ctx.now())
    newest = max([place.newest, *(min(_changed_at(row), began) for row in rows)])
    has_more = _has_more(content, place.page, rows=len(rows), size=size)
    following = (
        _Place(page=place.page + 1, since=place.since, newest=newest, began=began)
        if has_more
        else _Place(since=_earlier(newest) or place.since, newest=newest)
    )
    return Page(
        records=tuple(contact_from(row) for row in rows if text_of(row, "ContactID")),
        next_cursor=following.cursor(),
        has_more=has_more,
        complete=not place.since,
    )


def _has_more(content: Row, page: int, *, rows: int, size: int) -> bool:
    pagination = content.get("pagination")
    pages = pagination.get("pageCount") if isinstance(pagination, dict) else None
    return page < pages and rows > 0 if isinstance(pages, int) else rows >= size


def _changed_at(row: Row) -> str:
    moment = instant_of(text_of(row, "UpdatedDateUTC"))
    return _iso(moment) if moment else ""


def _earlier(newest: str) -> str:
    return _iso(dt.datetime.fromisoformat(newest) - OVERLAP) if newest else ""


def _iso(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def contact_from(row: Row) -> Contact:
    """One row of ``/Contacts``. Whatever isn't ACTIVE counts as archived: there may be new words for it."""
    merged_into = text_of(row, "MergedToContactID")
    merged_into = "" if merged_into == NO_ID else merged_into
    return Contact(
        local_id=None,
        external_id=text_of(row, "ContactID"),
        name=text_of(row, "Name"),
        is_supplier=row.get("IsSupplier") is True,
        is_customer=row.get("IsCustomer") is True,
        email=text_of(row, "EmailAddress"),
        active=text_of(row, "ContactStatus") == "ACTIVE" and not merged_into,
        merged_into=merged_into,
    )


def contact_number(local_id: str) -> str:
    """Our key in Xero. Raises Rejected where it doesn't fit."""
    number = f"{NUMBER_PREFIX}{local_id}"
    if len(number) > NUMBER_LENGTH or not number.isascii() or not number.replace("-", "").isalnum():
        raise Rejected(
            say("{key!r} can't be a contact number in Xero.", key=local_id[:60]),
            problems=("The key doesn't fit.",),
        )
    return number


def _pushed(ctx: BackendContext, contact: Contact) -> ContactOutcome:
    """One contact, by itself. What says nothing about this contact, such as a limit, ends the whole push."""
    local_id = contact.local_id or ""
    try:
        return _found(ctx, contact, contact_number(local_id)) or _created(ctx, contact, contact_number(local_id))
    except Rejected as error:
        return ContactOutcome(local_id=local_id, outcome="rejected", message=error.message)


def _found(ctx: BackendContext, contact: Contact, number: str) -> ContactOutcome | None:
    """What is there already: ours by its number, or somebody else's by its name."""
    row = _by_number(ctx, number)
    if row is not None:
        return _outcome(contact, "unchanged", _final_id(row), "")
    same = _by_name(ctx, contact.name)
    return _conflict(contact, same) if same is not None else None


def _created(ctx: BackendContext, contact: Contact, number: str) -> ContactOutcome:
    """A refusal may mean that somebody was faster, so it is looked at again before it is told.

    It may also be an old one that Xero remembers with the key: what was refused is sent once more, under a new key.
    """
    body: dict[str, JsonBody] = {"Name": contact.name, "ContactNumber": number}
    if contact.email:
        body["EmailAddress"] = contact.email
    refused = Rejected("Nothing was sent.")
    for key in (_key_for(ctx, body), uuid.uuid4().hex):
        try:
            row = _accepted(write(ctx, "Contacts", {"Contacts": [body]}, key=key, method="PUT"), number)
        except Rejected as error:
            refused = error
        else:
            return _outcome(contact, "created", text_of(row, "ContactID"), "")
        found = _found(ctx, contact, number)
        if found is not None:
            return found
    raise refused


def _key_for(ctx: BackendContext, body: Mapping[str, JsonBody]) -> str:
    """The same for the same contact, so that a repetition after a lost answer gives the first one's contact.

    Keys belong to the app: without the organisation, another one's contact might be what is remembered.
    """
    return hashlib.sha256(json.dumps([ctx.organisation_id, body], sort_keys=True).encode()).hexdigest()


def _accepted(answer: HttpAnswer, number: str) -> Row:
    """The one contact that was made: 200 alone does not mean that it was done, nor that it is ours."""
    rows = json_object(answer).get("Contacts")
    if not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0], dict):
        raise answer.unreadable("doesn't hold the one contact that was sent.")
    row: Row = rows[0]
    problems = messages_in({"Elements": [row]})
    if problems or text_of(row, "StatusAttributeString").upper() == "ERROR":
        raise refusal(problems or ("Xero marked the contact as wrong without saying why.",))
    if text_of(row, "ContactID") in ("", NO_ID) or text_of(row, "ContactNumber") != number:
        raise answer.unreadable("gives no contact with an id and our number.")
    return row


def _by_number(ctx: BackendContext, number: str) -> Row | None:
    try:
        rows = rows_of(read(ctx, f"Contacts/{urllib.parse.quote(number, safe='')}"), "Contacts")
    except Missing:
        return None
    return next((row for row in rows if text_of(row, "ContactNumber") == number), None)


def _by_name(ctx: BackendContext, name: str) -> Row | None:
    """A contact of this name in whatever case, archived ones too; active ones first.

    Xero's exact comparison finds what its search may not, and its search finds other capitals.
    """
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    found: list[Row] = []
    for query in ({"where": f'Name=="{quoted}"'}, {"searchTerm": name}):
        content = read(ctx, "Contacts", params={**query, "includeArchived": "true", "page": "1", "pageSize": str(SIZE)})
        found += [row for row in rows_of(content, "Contacts") if _key(text_of(row, "Name")) == _key(name)]
    return min(found, key=lambda row: text_of(row, "ContactStatus") != "ACTIVE", default=None)


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()


def _final_id(row: Row) -> str:
    """The contact's id, or that of the contact it was merged into."""
    return contact_from(row).merged_into or text_of(row, "ContactID")


def _conflict(contact: Contact, row: Row) -> ContactOutcome:
    name, known = text_of(row, "Name"), contact_from(row)
    what = "is in Xero already"
    if known.merged_into:
        what = "was merged into another contact in Xero"
    elif not known.active:
        what = "is archived in Xero; restore it there before it is used"
    message = say(
        "A contact named {name} {what}, and it isn't ours. Link to it, or rename the supplier.",
        name=name,
        what=word(what),
    )
    return _outcome(contact, "conflict", _final_id(row), message)


def _outcome(contact: Contact, outcome: str, external_id: str, message: str) -> ContactOutcome:
    return ContactOutcome(local_id=contact.local_id or "", outcome=outcome, external_id=external_id, message=message)
