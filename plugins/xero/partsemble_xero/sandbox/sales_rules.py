"""Sales and purchase documents: what they are made of, their amounts, and which status may follow which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

Kind = Literal["invoice", "credit_note"]
TYPES: Mapping[Kind, tuple[str, str]] = {
    "invoice": ("ACCREC", "ACCPAY"),
    "credit_note": ("ACCRECCREDIT", "ACCPAYCREDIT"),
}
"""By kind: the sale first, then the purchase."""
LINE_AMOUNT_TYPES = ("Exclusive", "Inclusive", "NoTax")
IN_LEDGER = frozenset({"AUTHORISED", "PAID"})
FOLLOWS: Mapping[str, frozenset[str]] = {
    "": frozenset({"DRAFT", "SUBMITTED", "AUTHORISED", "PAID"}),
    "DRAFT": frozenset({"DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "DELETED"}),
    "SUBMITTED": frozenset({"DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "DELETED"}),
    "AUTHORISED": frozenset({"AUTHORISED", "PAID", "VOIDED"}),
    "PAID": frozenset({"PAID", "AUTHORISED"}),
    "VOIDED": frozenset(),
    "DELETED": frozenset(),
}
"""What a status may become; PAID to AUTHORISED takes the payment away. A voided or deleted one stays so."""
BASIS_POINTS = 10_000
E4, E6 = 10**4, 10**6


class SalesRefused(Exception):
    """A document that can't be so: code, the field at fault, and what to send instead."""

    def __init__(self, code: str, *, field: str, cure: str, status: int = 400) -> None:
        super().__init__(f"{field}: {cure} ({code})")
        self.code = code
        self.field = field
        self.cure = cure
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesLine:
    """One line. Quantity, price and discount in ten-thousandths; amounts in cents of the document's currency.

    A line that only describes has no quantity, no price and no amount.
    """

    line_id: str
    description: str
    account_id: str
    account_code: str
    tax_type: str
    quantity_e4: int | None = None
    unit_e4: int | None = None
    discount_e4: int | None = None
    discount_cents: int | None = None
    cents: int | None = None
    tax_cents: int = 0
    item_id: str | None = None
    item_code: str | None = None
    item_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesDocument:
    """An invoice, a bill or a credit note as stored. ``rate_e6``: units of its currency for one of the books'."""

    document_id: str
    kind: Kind
    type: str
    number: str
    reference: str
    contact_id: str
    contact_name: str
    day: date
    due_day: date
    status: str
    line_amount_types: str
    currency: str
    rate_e6: int
    lines: tuple[SalesLine, ...]
    paid_day: date | None
    updated_ms: int

    @property
    def is_sale(self) -> bool:
        return self.type == TYPES[self.kind][0]

    @property
    def tax_cents(self) -> int:
        return sum(line.tax_cents for line in self.lines)

    @property
    def net_cents(self) -> int:
        return sum(self.net_of(line) for line in self.lines)

    @property
    def total_cents(self) -> int:
        return self.net_cents + self.tax_cents

    def net_of(self, line: SalesLine) -> int:
        """A line's amount without tax."""
        return (line.cents or 0) - (line.tax_cents if self.line_amount_types == "Inclusive" else 0)


def priced(line: SalesLine, *, line_amount_types: str, rate: int) -> SalesLine:
    """The line with its amount, discount taken off, and its tax, each rounded to the cent as Xero does.

    ``rate`` is the tax in basis points.
    """
    if line.quantity_e4 is None or line.unit_e4 is None:
        return replace(line, cents=None, tax_cents=0)
    gross = Decimal(line.quantity_e4 * line.unit_e4) / (E4 * E4)
    gross *= 1 - Decimal(line.discount_e4 or 0) / (100 * E4)
    cents = _cents(gross) - (line.discount_cents or 0)
    if line_amount_types == "NoTax":
        tax = 0
    elif line_amount_types == "Inclusive":
        tax = _cents(Decimal(cents * rate) / (BASIS_POINTS + rate) / 100)
    else:
        tax = _cents(Decimal(cents * rate) / BASIS_POINTS / 100)
    return replace(line, cents=cents, tax_cents=tax)


def in_base(cents: int, rate_e6: int) -> int:
    """Cents of a document in cents of the books."""
    return int((Decimal(cents * E6) / rate_e6).quantize(Decimal(1), ROUND_HALF_UP))


def check_change(before: SalesDocument | None, after: SalesDocument) -> None:
    """Raises :class:`SalesRefused` for a status that can't follow, or lines changed under a payment."""
    old = before.status if before else ""
    if after.status not in FOLLOWS[old]:
        allowed = ", ".join(sorted(FOLLOWS[old])) or "nothing: it is final"
        raise SalesRefused("status-not-valid", field="status", cure=f"after {old or 'nothing'} can come {allowed}")
    if before and before.status == after.status == "PAID" and before.lines != after.lines:
        raise SalesRefused("document-paid", field="lines", cure="set the status to AUTHORISED first: it is paid")


def _cents(amount: Decimal) -> int:
    return int((amount * 100).quantize(Decimal(1), ROUND_HALF_UP))
