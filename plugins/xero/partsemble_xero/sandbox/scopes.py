"""The scopes an app can ask for: granular ones only, as for every app made since March 2026."""

from __future__ import annotations

_IDENTITY = {"openid", "profile", "email", "offline_access"}
_WITH_READ_TWIN = (
    "accounting.settings",
    "accounting.contacts",
    "accounting.attachments",
    "accounting.invoices",
    "accounting.payments",
    "accounting.banktransactions",
    "accounting.manualjournals",
)
_REPORTS = (
    "aged",
    "balancesheet",
    "banksummary",
    "budgetsummary",
    "executivesummary",
    "profitandloss",
    "taxreports",
    "trialbalance",
)
KNOWN = frozenset(
    _IDENTITY
    | {"accounting.budgets.read", "accounting.journals.read"}
    | {name for scope in _WITH_READ_TWIN for name in (scope, f"{scope}.read")}
    | {f"accounting.reports.{report}.read" for report in _REPORTS}
)
BROAD = frozenset({"accounting.transactions", "accounting.transactions.read", "accounting.reports.read"})


def read_scopes(text: str) -> tuple[str, ...]:
    """The scopes of a space-separated text, each once, in the order they were named."""
    return tuple(dict.fromkeys(text.split()))
