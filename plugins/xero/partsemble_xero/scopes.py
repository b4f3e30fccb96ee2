"""Which scope each feature needs. The old broad ones count as long as Xero gives them to older apps."""

from __future__ import annotations

from partsemble_core.plugin_api import Feature, ScopeNeed

SCOPE_NEEDS = (
    ScopeNeed(feature=Feature.SETTINGS, any_of=("accounting.settings.read", "accounting.settings")),
    ScopeNeed(feature=Feature.JOURNALS, any_of=("accounting.manualjournals", "accounting.transactions")),
    ScopeNeed(feature=Feature.CONTACTS, any_of=("accounting.contacts",)),
    ScopeNeed(
        feature=Feature.SALES,
        any_of=(
            "accounting.invoices.read",
            "accounting.invoices",
            "accounting.transactions.read",
            "accounting.transactions",
        ),
    ),
    ScopeNeed(feature=Feature.BALANCES, any_of=("accounting.reports.trialbalance.read", "accounting.reports.read")),
)
