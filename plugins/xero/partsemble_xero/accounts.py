"""Xero's accounts, and which of them a manual journal may use.

Xero documents that system and bank accounts are refused, as a list of examples; where it is silent or contradicts
itself an account counts as refused, so that a posting doesn't fail after the build is done.
"""

from __future__ import annotations

from collections.abc import Mapping

from partsemble_core.plugin_api import Account, AccountClass, BackendContext, Page, say
from partsemble_xero.client import read, rows_of, text_of

CLASSES = {
    "ASSET": AccountClass.ASSET,
    "LIABILITY": AccountClass.LIABILITY,
    "EQUITY": AccountClass.EQUITY,
    "REVENUE": AccountClass.REVENUE,
    "EXPENSE": AccountClass.EXPENSE,
}
REFUSED_SYSTEM = {
    "DEBTORS": "Xero keeps accounts receivable itself and refuses journals to it; choose another account.",
    "CREDITORS": "Xero keeps accounts payable itself and refuses journals to it; choose another account.",
    "RETAINEDEARNINGS": "Xero's interface refuses journals to retained earnings; choose another account.",
    "UNPAIDEXPCLM": "Xero keeps unpaid expense claims itself; choose another account.",
    "TRACKINGTRANSFERS": "Xero keeps tracking transfers itself; choose another account.",
    "BANKCURRENCYGAIN": "Xero keeps bank revaluations itself; choose another account.",
    "UNREALISEDCURRENCYGAIN": "Xero keeps unrealised currency gains itself; choose another account.",
    "WAGEPAYABLES": "Xero's payroll keeps wages payable; choose another account.",
    "GST": "A journal to the sales tax account would distort the tax return; choose another account.",
    "GSTONIMPORTS": "A journal to the import tax account would distort the tax return; choose another account.",
}
ALLOWED_SYSTEM = {
    "ROUNDING": "",
    "HISTORICAL": "Xero uses this account for conversion balances; a journal here is unusual.",
    "REALISEDCURRENCYGAIN": "Xero uses this account for currency gains; a journal here is unusual.",
}


def list_accounts(ctx: BackendContext, cursor: str | None, limit: int) -> Page[Account]:
    """The chart of accounts in pages of ours: Xero has one call for all, so the cursor is the last id shown."""
    rows = rows_of(read(ctx, "Accounts"), "Accounts")
    accounts = sorted((account_from(row) for row in rows), key=lambda account: account.external_id)
    left = [account for account in accounts if account.external_id > (cursor or "")]
    page = tuple(left[:limit])
    return Page(
        records=page,
        next_cursor=page[-1].external_id if page else cursor,
        has_more=len(left) > limit,
        complete=True,
    )


def account_from(row: Mapping[str, object]) -> Account:
    """One row of ``/Accounts``. Unknown types and system accounts don't break it: new ones appear every year."""
    why_not = why_not_usable(row)
    return Account(
        external_id=text_of(row, "AccountID"),
        code=text_of(row, "Code"),
        name=text_of(row, "Name"),
        classification=CLASSES.get(text_of(row, "Class").upper(), AccountClass.EXPENSE),
        native_type=text_of(row, "Type"),
        active=text_of(row, "Status") == "ACTIVE",
        usable=not why_not,
        why_not=why_not,
        warning="" if why_not else ALLOWED_SYSTEM.get(text_of(row, "SystemAccount"), ""),
    )


def why_not_usable(row: Mapping[str, object]) -> str:
    """Why a manual journal can't name this account, with the cure; empty where it can."""
    system = text_of(row, "SystemAccount")
    if text_of(row, "Status") != "ACTIVE":
        return "It is archived in Xero; restore it there, or choose another account."
    if text_of(row, "Type") == "BANK":
        return "Xero takes bank accounts in bank transactions only; use a clearing account."
    if text_of(row, "Type") == "INVENTORY":
        return "Xero keeps tracked inventory itself; use an account of the type Current Asset for stock."
    if system and system not in ALLOWED_SYSTEM:
        return REFUSED_SYSTEM.get(
            system, say("Xero keeps this account itself ({system}); choose another account.", system=system)
        )
    if not text_of(row, "Code"):
        return "It has no code, and a journal names accounts by code; give it one in Xero."
    return ""
