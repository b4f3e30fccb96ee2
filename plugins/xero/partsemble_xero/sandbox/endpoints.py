"""The endpoints of the Accounting API that this sandbox speaks: the one place to add another."""

from __future__ import annotations

from . import accounts, contacts, items, journals, organisations, reports, sales_documents, tracking

ENDPOINTS = (
    organisations.ENDPOINT,
    accounts.ENDPOINT,
    items.ENDPOINT,
    journals.ENDPOINT,
    contacts.ENDPOINT,
    sales_documents.INVOICES,
    sales_documents.CREDIT_NOTES,
    tracking.ENDPOINT,
    reports.ENDPOINT,
)
