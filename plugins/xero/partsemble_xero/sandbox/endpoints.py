"""The endpoints of the Accounting API that this sandbox speaks: the one place to add another."""

from __future__ import annotations

from . import accounts, items, journals, organisations, reports

ENDPOINTS = (
    organisations.ENDPOINT,
    accounts.ENDPOINT,
    items.ENDPOINT,
    journals.ENDPOINT,
    reports.ENDPOINT,
)
