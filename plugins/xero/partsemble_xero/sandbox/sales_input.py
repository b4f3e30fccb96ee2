"""What a person types into an invoice or a credit note, read from a switch's body."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from .accounts import Account, chart_of
from .sales_records import find_document, next_number
from .sales_rules import (
    E6,
    LINE_AMOUNT_TYPES,
    TYPES,
    Kind,
    SalesDocument,
    SalesLine,
    SalesRefused,
    check_change,
    priced,
)
from .tenants import Region, Tenant
from .wire import is_guid

CENTS_MAX = 10**12
_KNOWN = {
    "type", "number", "reference", "contact", "contact_id", "date", "due_date", "status", "line_amount_types",
    "currency", "rate", "lines",
}  # fmt: skip
_KNOWN_IN_LINES = {
    "line_id", "description", "quantity", "unit_amount", "discount_rate", "discount_amount", "item", "account",
    "tax_type",
}  # fmt: skip
Fields = Mapping[str, object]


def read_document(
    connection: sqlite3.Connection,
    tenant: Tenant,
    fields: Fields,
    *,
    kind: Kind,
    before: SalesDocument | None,
    now_ms: int,
    today: date,
) -> SalesDocument:
    """The document with ``fields`` changed; those left out stay, or take what is usual. Raises SalesRefused."""
    _refuse_unknown(fields, _KNOWN)
    type_ = _one_of(fields, "type", TYPES[kind], before.type if before else TYPES[kind][0])
    status = _text(fields, "status", before.status if before else "AUTHORISED")
    contact = _text(fields, "contact", before.contact_name if before else "Ridgeway University")
    day = _day(fields, "date", before.day if before else today)
    kept_contact = before.contact_id if before and "contact" not in fields else contact_id(tenant, contact)
    after = SalesDocument(
        document_id=before.document_id if before else str(uuid.uuid4()),
        kind=kind,
        type=type_,
        number=_number(connection, tenant, fields, kind=kind, before=before, is_sale=type_ == TYPES[kind][0]),
        reference=_text(fields, "reference", before.reference if before else ""),
        contact_id=_guid(fields, "contact_id", kept_contact),
        contact_name=contact,
        day=day,
        due_day=_day(fields, "due_date", before.due_day if before else day),
        status=status,
        line_amount_types=_one_of(
            fields, "line_amount_types", LINE_AMOUNT_TYPES, before.line_amount_types if before else "Exclusive"
        ),
        currency=_text(fields, "currency", before.currency if before else tenant.currency).upper(),
        rate_e6=_rate(fields, before),
        lines=(),
        paid_day=((before.paid_day if before else None) or today) if status == "PAID" else None,
        updated_ms=max(now_ms, before.updated_ms if before else 0),
    )
    lines = _lines(connection, tenant, fields, after) if "lines" in fields else before.lines if before else ()
    rate = tenant.region.tax_rate
    taxed = [
        priced(line, line_amount_types=after.line_amount_types, rate=0 if line.tax_type == "NONE" else rate)
        for line in lines
    ]
    after = _with_lines(after, taxed)
    check_change(before, after)
    return after


def contact_id(tenant: Tenant, name: str) -> str:
    """The id of a contact that is known by its name alone: the same for the same name, in one organisation."""
    return str(uuid.uuid5(uuid.UUID(tenant.tenant_id), name))


def _with_lines(document: SalesDocument, lines: Sequence[SalesLine]) -> SalesDocument:
    for line in lines:
        if abs(line.cents or 0) >= CENTS_MAX:
            raise SalesRefused("amount-not-valid", field="lines", cure="a line comes to 10,000,000,000 at most")
    values = {name: getattr(document, name) for name in SalesDocument.__dataclass_fields__}
    return SalesDocument(**{**values, "lines": tuple(lines)})


def _lines(connection: sqlite3.Connection, tenant: Tenant, fields: Fields, document: SalesDocument) -> list[SalesLine]:
    given = fields["lines"]
    if not isinstance(given, list) or not all(isinstance(each, Mapping) for each in given):
        raise SalesRefused("lines-not-valid", field="lines", cure="send a list of lines")
    chart = {account.code: account for account in chart_of(connection, tenant.tenant_id) if account.code}
    return [_line(connection, tenant, each, document, chart) for each in given]


def _line(
    connection: sqlite3.Connection,
    tenant: Tenant,
    fields: Fields,
    document: SalesDocument,
    chart: Mapping[str, Account],
) -> SalesLine:
    _refuse_unknown(fields, _KNOWN_IN_LINES)
    item = _item(connection, tenant, _text(fields, "item", ""))
    account = chart.get(_text(fields, "account", "200" if document.is_sale else "429"))
    if account is None:
        raise SalesRefused("account-not-found", field="account", cure="name an account code of the chart")
    discounts = {name: fields[name] for name in ("discount_rate", "discount_amount") if fields.get(name) is not None}
    if discounts and document.type != "ACCREC":
        raise SalesRefused("discount-not-valid", field=next(iter(discounts)), cure="only a sales invoice has discounts")
    price = item["price_e4"] if item is not None and "unit_amount" not in fields else None
    return SalesLine(
        line_id=_guid(fields, "line_id", str(uuid.uuid4())),
        description=_text(fields, "description", (item["description"] or item["name"] or "") if item else ""),
        account_id=account.account_id,
        account_code=account.code or "",
        tax_type=_text(fields, "tax_type", _usual_tax(tenant.region, document)),
        quantity_e4=_scaled(fields, "quantity", 4),
        unit_e4=price if price is not None else _scaled(fields, "unit_amount", 4),
        discount_e4=_scaled(fields, "discount_rate", 4),
        discount_cents=_scaled(fields, "discount_amount", 2),
        item_id=item["item_id"] if item else None,
        item_code=item["code"] if item else None,
        item_name=item["name"] if item else None,
    )


def _usual_tax(region: Region, document: SalesDocument) -> str:
    if document.line_amount_types == "NoTax":
        return "NONE"
    return region.sales_tax if document.is_sale else region.purchase_tax


def _item(connection: sqlite3.Connection, tenant: Tenant, code: str) -> sqlite3.Row | None:
    if not code:
        return None
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM items WHERE tenant_id = ? AND code = ?", (tenant.tenant_id, code)
    ).fetchone()
    if row is None:
        raise SalesRefused("item-not-found", field="item", cure="name an item code of the organisation")
    return row


def _number(
    connection: sqlite3.Connection,
    tenant: Tenant,
    fields: Fields,
    *,
    kind: Kind,
    before: SalesDocument | None,
    is_sale: bool,
) -> str:
    """A sale's number is its own; suppliers number their bills as they like."""
    usual = next_number(connection, tenant_id=tenant.tenant_id, kind=kind) if is_sale else ""
    number = _text(fields, "number", before.number if before else usual)
    other = find_document(connection, tenant_id=tenant.tenant_id, kind=kind, name=number) if number else None
    if is_sale and other and other.is_sale and (before is None or other.document_id != before.document_id):
        raise SalesRefused("number-taken", field="number", cure="another document has this number: send a new one")
    return number


def _rate(fields: Fields, before: SalesDocument | None) -> int:
    rate = _scaled(fields, "rate", 6)
    if rate is None:
        return before.rate_e6 if before else E6
    if rate <= 0:
        raise SalesRefused("rate-not-valid", field="rate", cure="send a rate above 0")
    return rate


def _scaled(fields: Fields, name: str, places: int) -> int | None:
    """A number of at most ``places`` decimals as a whole number of them; None where there is none."""
    value = fields.get(name)
    if value is None:
        return None
    try:
        number = Decimal(str(value)) if isinstance(value, str | int | Decimal) and value is not True else None
    except InvalidOperation:
        number = None
    scaled = number.scaleb(places) if number is not None and number.is_finite() else None
    if scaled is None or scaled != scaled.to_integral_value() or abs(scaled) >= CENTS_MAX:
        raise SalesRefused("number-not-valid", field=name, cure=f"send a number of at most {places} decimals")
    return int(scaled)


def _text(fields: Fields, name: str, usual: str) -> str:
    value = fields.get(name, usual)
    if not isinstance(value, str) or len(value) > 4000:
        raise SalesRefused("text-not-valid", field=name, cure="send a text of at most 4,000 characters")
    return value


def _guid(fields: Fields, name: str, usual: str) -> str:
    value = _text(fields, name, usual)
    if not is_guid(value):
        raise SalesRefused("guid-not-valid", field=name, cure="send a GUID, or leave it out")
    return value.lower()


def _one_of(fields: Fields, name: str, known: Sequence[str], usual: str) -> str:
    value = _text(fields, name, usual)
    if value not in known:
        raise SalesRefused(f"{name.replace('_', '-')}-not-valid", field=name, cure=f"send one of {', '.join(known)}")
    return value


def _day(fields: Fields, name: str, usual: date) -> date:
    try:
        return date.fromisoformat(str(fields.get(name, usual)))
    except ValueError as error:
        raise SalesRefused("day-not-valid", field=name, cure="send YYYY-MM-DD") from error


def _refuse_unknown(fields: Fields, known: set[str]) -> None:
    for name in fields:
        if name not in known:
            cure = f"leave it out; known are {', '.join(sorted(known))}"
            raise SalesRefused("field-not-known", field=name[:40], cure=cure)
