"""Which manual journals Xero takes, in Xero's words where they are known.

Pure functions over what was sent, the chart and the lock dates. Texts marked *own* stand in for
refusals whose wording Xero has not published.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from urllib.parse import urlsplit

from .accounts import Account
from .journal_input import LINE_AMOUNT_TYPES, JournalInput, LineInput
from .tenants import Region, Tenant
from .tracking import Option, chosen_options, shown_on_line
from .wire import money

CENTS_MAX = 999_999_999_999  # 9,999,999,999.99, Xero's ceiling on invoice lines
_NEXT = {
    None: {"DRAFT", "POSTED"},
    "DRAFT": {"DRAFT", "POSTED", "DELETED"},
    "POSTED": {"POSTED", "VOIDED"},
}
_ENDED = {"DELETED", "VOIDED"}
_NOT_FOR_JOURNALS = {
    "BANKCURRENCYGAIN",
    "CREDITORS",
    "DEBTORS",
    "RETAINEDEARNINGS",
    "TRACKINGTRANSFERS",
    "UNPAIDEXPCLM",
    "UNREALISEDCURRENCYGAIN",
    "WAGEPAYABLES",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line as kept: cents, debit positive; ``tax_cents`` is the tax in or on top of ``cents``."""

    account_id: str
    account_code: str | None
    description: str | None
    tax_type: str
    cents: int
    tax_cents: int
    tracking: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A manual journal as kept."""

    journal_id: str
    narration: str
    day: date
    status: str
    line_amount_types: str
    url: str | None
    on_cash_basis: bool
    lines: tuple[Line, ...]
    updated_ms: int

    def totals(self) -> tuple[int, int]:
        """Debits and credits in cents with tax; the credit is negative."""
        extra = self.line_amount_types == "Exclusive"
        amounts = [line.cents + (line.tax_cents if extra else 0) for line in self.lines]
        return sum(a for a in amounts if a > 0), sum(a for a in amounts if a < 0)


def draft_journal(
    sent: JournalInput,
    *,
    before: Journal | None,
    journal_id: str,
    today: date,
    chart: Sequence[Account],
    options: Sequence[Option],
    tenant: Tenant,
    now_ms: int,
) -> tuple[Journal, list[str]]:
    """What ``sent`` would make of ``before`` (None: a new journal), and every reason against it.

    The journal may only be kept when there is no reason against it.
    """
    reasons = _head_reasons(sent, before)
    if before and sent.status in _ENDED:
        journal = replace(before, status=sent.status or before.status, updated_ms=now_ms)
        return journal, reasons + _lock_reasons(journal, before, tenant)
    types = sent.line_amount_types or (before.line_amount_types if before else "NoTax")
    # An update without lines, or with an empty list of them, leaves the lines as they are.
    wanted = sent.lines or tuple(_as_sent(line) for line in (before.lines if before else ()))
    lines, line_reasons = _read_lines(wanted, chart=chart, options=options, region=tenant.region, types=types)
    journal = Journal(
        journal_id=journal_id,
        narration=sent.narration or "",
        day=sent.day or (before.day if before else today),
        status=sent.status or (before.status if before else "DRAFT"),
        line_amount_types=types,
        url=sent.url or (before.url if before else None),
        on_cash_basis=_chosen(sent.on_cash_basis, before.on_cash_basis if before else True),
        lines=lines,
        updated_ms=now_ms,
    )
    # Lines with errors are left out, so that sums would say nothing.
    line_reasons = line_reasons or _balance_reasons(journal)
    return journal, reasons + line_reasons + _lock_reasons(journal, before, tenant)


def _chosen(sent: bool | None, before: bool) -> bool:
    return before if sent is None else sent


def _as_sent(line: Line) -> LineInput:
    """A kept line as if it were sent again: its account may have been archived since."""
    return LineInput(
        amount=money(line.cents),
        account_code=None,
        account_id=line.account_id,
        description=line.description,
        tax_type=line.tax_type,
        tracking=tuple(shown_on_line(option) for option in line.tracking),
    )


def _head_reasons(sent: JournalInput, before: Journal | None) -> list[str]:
    reasons = []
    current = before.status if before else None
    status = sent.status or current or "DRAFT"
    if status not in _NEXT.get(current, set()):
        reasons.append(f"The status '{status}' cannot be applied to the document")
    if not (sent.narration or "").strip():
        reasons.append("Narration must be specified.")  # own
    if sent.unread_date is not None:
        reasons.append(f"The Date '{sent.unread_date}' is not valid. Use YYYY-MM-DD.")  # own
    if sent.line_amount_types is not None and sent.line_amount_types not in LINE_AMOUNT_TYPES:
        reasons.append(f"The LineAmountTypes '{sent.line_amount_types}' is not valid.")  # own
    if sent.url and not _is_link(sent.url):
        reasons.append("Url must be a valid http or https address that does not contain 'xero'.")  # own
    return reasons


def _lock_reasons(journal: Journal, before: Journal | None, tenant: Tenant) -> list[str]:
    """A draft may be thrown away in a locked period; nothing else may happen there."""
    if journal.status == "DELETED":
        return []
    days = {journal.day} | ({before.day} if before else set())
    return [
        f"The document date cannot be before the {name} lock date, currently set at {lock:%d-%b-%Y}"
        for name, lock in (("end of year", tenant.end_of_year_lock), ("period", tenant.period_lock))
        if lock is not None and min(days) <= lock
    ]


def _balance_reasons(journal: Journal) -> list[str]:
    if len(journal.lines) < 2:
        return ["A manual journal must have at least two lines."]  # own
    debits, credits = journal.totals()
    if debits + credits:
        return [f"The total debits ({money(debits)}) must equal total credits ({money(credits)})"]
    return []


def _read_lines(
    sent: Sequence[LineInput], *, chart: Sequence[Account], options: Sequence[Option], region: Region, types: str
) -> tuple[tuple[Line, ...], list[str]]:
    """The lines that can be kept, and the reasons against the others, each said once."""
    lines, reasons = [], []
    for line in sent:
        account, account_reason = _find_account(line, chart)
        cents, amount_reason = _read_cents(line.amount)
        tax_type, tax_reason = _read_tax_type(line, account, region)
        found = [reason for reason in (account_reason, amount_reason, tax_reason) if reason]
        tracking, tracking_reasons = chosen_options(line.tracking, options)
        found += tracking_reasons
        reasons += [reason for reason in found if reason not in reasons]
        if account is not None and not found:
            lines.append(
                Line(
                    account_id=account.account_id,
                    account_code=account.code,
                    description=line.description,
                    tax_type=tax_type,
                    cents=cents,
                    tax_cents=_tax(cents, tax_type, region, types),
                    tracking=tuple(tracking),
                )
            )
    return tuple(lines), reasons


def _find_account(line: LineInput, chart: Sequence[Account]) -> tuple[Account | None, str | None]:
    if not line.account_code and not line.account_id:
        return None, "Account code or ID must be specified."
    for account in chart:
        if line.account_code in {None, "", account.code} and line.account_id in {
            None,
            "",
            account.account_id,
        }:
            return account, _account_reason(account)
    return (
        None,
        f"Account code '{line.account_code or line.account_id}' is not a valid code for this document.",
    )


def _account_reason(account: Account) -> str | None:
    code = account.code or account.account_id
    if account.status != "ACTIVE":
        return (
            f"Account code '{code}' has been archived, or has been deleted. "
            "Each line item must reference a valid account."
        )
    if account.type == "INVENTORY":
        return "You cannot save this transaction using an inventory account type"
    if account.type == "BANK" or account.system_account in _NOT_FOR_JOURNALS:
        return f"Account code '{code}' is not a valid code for this document."
    return None


def _read_cents(amount: Decimal | None) -> tuple[int, str | None]:
    """Cents, or the reason why the amount has none. Exact: no rounding, whatever the number's length."""
    if amount is None:
        return 0, "LineAmount must be specified."  # own
    if amount and amount.adjusted() > 10:
        return 0, "LineAmount is too large."  # own
    sign, digits, exponent = amount.as_tuple()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    places = int(exponent) + len(digits) - len(text) if text != "0" else 0
    if places < -2:
        return 0, "LineAmount must have no more than two decimal places."  # own
    cents = int(text) * int(10 ** (places + 2))
    if cents > CENTS_MAX:
        return 0, "LineAmount is too large."  # own
    return (-cents if sign else cents), None


def _read_tax_type(line: LineInput, account: Account | None, region: Region) -> tuple[str, str | None]:
    if account is None:
        return "NONE", None
    tax_type = line.tax_type or account.tax_type
    suits = region.sales_tax if account.account_class == "REVENUE" else region.purchase_tax
    if tax_type in {"NONE", suits}:
        return tax_type, None
    return tax_type, f"The TaxType code '{tax_type}' cannot be used with account code '{account.code}'."


def _tax(cents: int, tax_type: str, region: Region, types: str) -> int:
    """Tax in cents, rounded half away from zero per line, as Xero rounds."""
    if tax_type == "NONE" or types == "NoTax":
        return 0
    whole = 10_000 if types == "Exclusive" else 10_000 + region.tax_rate
    tax = (2 * abs(cents) * region.tax_rate + whole) // (2 * whole)
    return -tax if cents < 0 else tax


def _is_link(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "xero" not in url.lower()
