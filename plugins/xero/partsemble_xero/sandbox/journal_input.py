"""Reading manual journals out of a request body: their form, not yet their sense."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .problems import data_refused
from .wire import WireError, calendar_date, is_guid, read_day

Fields = Mapping[str, object]
ELEMENTS_MAX = 500
LINE_AMOUNT_TYPES = ("NoTax", "Exclusive", "Inclusive")
STATUSES = ("DRAFT", "POSTED", "DELETED", "VOIDED", "ARCHIVED")
_ECHOED = ("Narration", "JournalLines", "Url", "ShowOnCashBasisReports")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineInput:
    """One line as sent; ``amount`` is None where there was none."""

    amount: Decimal | None
    account_code: str | None
    account_id: str | None
    description: str | None
    tax_type: str | None
    tracking: tuple[Fields, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalInput:
    """One journal as sent; None means the field was not there.

    ``unread_date`` is the text of a date that could not be read; ``sent`` is what to show again
    beside an error.
    """

    journal_id: str | None
    narration: str | None
    day: date | None
    unread_date: str | None
    status: str | None
    line_amount_types: str | None
    url: str | None
    on_cash_basis: bool | None
    lines: tuple[LineInput, ...] | None
    sent: Fields


def read_journals(body: object) -> list[JournalInput]:
    """The journals of a body: ``{"ManualJournals": […]}`` or one journal alone. Raises a data problem."""
    if not isinstance(body, Mapping):
        raise data_refused("JSON for post data was invalid: an object is expected")
    elements = body.get("ManualJournals", [body])
    if not isinstance(elements, list) or not 1 <= len(elements) <= ELEMENTS_MAX:
        raise data_refused(f"ManualJournals must be a list of 1 to {ELEMENTS_MAX} journals")
    return [_read_journal(_object(element, "ManualJournals")) for element in elements]


def _read_journal(fields: Fields) -> JournalInput:
    day, unread_date = _day(_text(fields, "Date"))
    lines = fields.get("JournalLines")
    if lines is not None and not isinstance(lines, list):
        raise data_refused("JSON for post data was invalid: JournalLines must be a list")
    journal_id = _text(fields, "ManualJournalID")
    if journal_id is not None and not is_guid(journal_id):
        raise data_refused(f"JSON for post data was invalid: ManualJournalID '{journal_id}' is not a GUID")
    return JournalInput(
        journal_id=journal_id and journal_id.lower(),
        narration=_text(fields, "Narration"),
        day=day,
        unread_date=unread_date,
        status=_text(fields, "Status"),
        line_amount_types=_text(fields, "LineAmountTypes"),
        url=_text(fields, "Url"),
        on_cash_basis=_flag(fields, "ShowOnCashBasisReports"),
        lines=None if lines is None else tuple(_read_line(_object(line, "JournalLines")) for line in lines),
        sent=_echo(fields, day),
    )


def _read_line(fields: Fields) -> LineInput:
    amount = fields.get("LineAmount")
    if isinstance(amount, bool) or not (amount is None or isinstance(amount, int | Decimal)):
        raise data_refused("JSON for post data was invalid: LineAmount must be a number")
    account_id = _text(fields, "AccountID")
    return LineInput(
        amount=None if amount is None else Decimal(amount),
        account_code=_text(fields, "AccountCode"),
        account_id=account_id and account_id.lower(),
        description=_text(fields, "Description"),
        tax_type=_text(fields, "TaxType"),
        tracking=_tracking(fields.get("Tracking")),
    )


def _tracking(value: object) -> tuple[Fields, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise data_refused("JSON for post data was invalid: Tracking must be a list")
    return tuple(_object(each, "Tracking") for each in value)


def _echo(fields: Fields, day: date | None) -> Fields:
    """What Xero shows again of a refused journal; words outside an enumeration are left out."""
    shown = {name: fields[name] for name in _ECHOED if name in fields}
    for name, known in (("Status", STATUSES), ("LineAmountTypes", LINE_AMOUNT_TYPES)):
        if fields.get(name) in known:
            shown[name] = fields[name]
    return shown if day is None else {"Date": calendar_date(day), **shown}


def _day(text: str | None) -> tuple[date | None, str | None]:
    if text is None:
        return None, None
    try:
        return read_day(text), None
    except WireError:
        return None, text


def _object(value: object, where: str) -> Fields:
    if not isinstance(value, Mapping):
        raise data_refused(f"JSON for post data was invalid: {where} must hold objects")
    return value


def _text(fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value
    raise data_refused(f"JSON for post data was invalid: {name} must be a string")


def _flag(fields: Fields, name: str) -> bool | None:
    value = fields.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise data_refused(f"JSON for post data was invalid: {name} must be true or false")
