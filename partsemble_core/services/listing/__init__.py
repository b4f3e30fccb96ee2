"""Listing: every table that people see, searched, sorted, filtered and paged in a constant number of statements."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping

from partsemble_core.errors import NotFound
from partsemble_core.services.listing.asking import (
    MAX_PAGE_SIZE,
    PAGE_SIZE,
    Column,
    Kind,
    Listing,
    ListQuery,
    Row,
    parse_list_query,
)
from partsemble_core.services.listing.audit_tables import AUDIT_LOG
from partsemble_core.services.listing.book_tables import ACCOUNTS, EXPORTS
from partsemble_core.services.listing.correction_tables import ADJUSTMENTS, COUNTS
from partsemble_core.services.listing.event_tables import EVENT_DELIVERIES
from partsemble_core.services.listing.heard_tables import HEARD_EVENTS
from partsemble_core.services.listing.labels import build_label, document_label, export_label, receipt_label
from partsemble_core.services.listing.paging import Table, all_rows, page_of
from partsemble_core.services.listing.people_tables import INVITATIONS, MEMBERS, SIGN_INS
from partsemble_core.services.listing.reconciling_tables import RECONCILE_RUNS, TRUE_UPS
from partsemble_core.services.listing.sales_tables import SALES_DOCUMENTS
from partsemble_core.services.listing.stock_tables import BUILDS, ENTRIES, LOTS, PRODUCTS, RECEIPTS
from partsemble_core.services.listing.supplier_tables import LINKS, SUPPLIERS
from partsemble_core.services.listing.sync_tables import CONTACTS, ITEMS, SYNCS
from partsemble_core.services.listing.token_tables import API_TOKENS
from partsemble_core.store.session import CompanySession

__all__ = [
    "LINKS",
    "LISTS",
    "MAX_PAGE_SIZE",
    "PAGE_SIZE",
    "Column",
    "Kind",
    "ListQuery",
    "Listing",
    "Row",
    "Table",
    "build_label",
    "document_label",
    "export_label",
    "get_table",
    "list_accounts",
    "list_adjustments",
    "list_api_tokens",
    "list_audit_log",
    "list_builds",
    "list_contacts",
    "list_counts",
    "list_entries",
    "list_event_deliveries",
    "list_exports",
    "list_heard_events",
    "list_invitations",
    "list_items",
    "list_lots",
    "list_members",
    "list_products",
    "list_receipts",
    "list_reconcile_runs",
    "list_sales_documents",
    "list_sign_ins",
    "list_suppliers",
    "list_syncs",
    "list_true_ups",
    "parse_list_query",
    "receipt_label",
    "rows_for_download",
]
TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        PRODUCTS,
        LOTS,
        RECEIPTS,
        SUPPLIERS,
        BUILDS,
        EXPORTS,
        ENTRIES,
        ACCOUNTS,
        COUNTS,
        ADJUSTMENTS,
        SYNCS,
        ITEMS,
        CONTACTS,
        EVENT_DELIVERIES,
        AUDIT_LOG,
        MEMBERS,
        INVITATIONS,
        SIGN_INS,
        API_TOKENS,
        SALES_DOCUMENTS,
        HEARD_EVENTS,
        RECONCILE_RUNS,
        TRUE_UPS,
    )
}


def list_products(session: CompanySession, query: ListQuery) -> Listing:
    """Products with stock, average cost and value. Filters: kind, state (active, inactive)."""
    return page_of(session, PRODUCTS, query)


def list_lots(session: CompanySession, query: ListQuery) -> Listing:
    """Lots, newest first. Filters: product, receipt (ids), state, from, to (days of receipt)."""
    return page_of(session, LOTS, query)


def list_receipts(session: CompanySession, query: ListQuery) -> Listing:
    """Receipts with the label of their export. Filters: supplier (id), state, label, from, to."""
    return page_of(session, RECEIPTS, query)


def list_suppliers(session: CompanySession, query: ListQuery) -> Listing:
    """Suppliers by code, with what they are in the books. Filters: state (active, inactive), link."""
    return page_of(session, SUPPLIERS, query)


def list_builds(session: CompanySession, query: ListQuery) -> Listing:
    """Builds with cost and the one label of their two states. Filters: product (id), state, label, from, to."""
    return page_of(session, BUILDS, query)


def list_exports(session: CompanySession, query: ListQuery) -> Listing:
    """The outbox, newest first. Filters: kind, state, label, connection (id)."""
    return page_of(session, EXPORTS, query)


def list_entries(session: CompanySession, query: ListQuery) -> Listing:
    """The stock ledger, newest first. Filters: product, lot (ids), kind, from, to."""
    return page_of(session, ENTRIES, query)


def list_accounts(session: CompanySession, query: ListQuery) -> Listing:
    """Accounts of the connected books with the roles they play. Filters: connection (id), connections, state.

    Those of a connection that was ended are shown with the filter ``connections`` = ``ended``.
    """
    return page_of(session, ACCOUNTS, query)


def list_counts(session: CompanySession, query: ListQuery) -> Listing:
    """Stock counts, newest first, with how many lots are on each. Filters: state, from, to (days counted)."""
    return page_of(session, COUNTS, query)


def list_adjustments(session: CompanySession, query: ListQuery) -> Listing:
    """Adjustments, newest first. Filters: product, lot, count (ids), reason, state, from, to."""
    return page_of(session, ADJUSTMENTS, query)


def list_api_tokens(session: CompanySession, query: ListQuery) -> Listing:
    """API tokens, newest first, without what they read. Filters: state (active, revoked, expired)."""
    return page_of(session, API_TOKENS, query)


def list_syncs(session: CompanySession, query: ListQuery) -> Listing:
    """Runs of syncs, newest first. Filters: kind, state, cause, connection (id)."""
    return page_of(session, SYNCS, query)


def list_items(session: CompanySession, query: ListQuery) -> Listing:
    """Items of the connected books, by code, with the product of the same SKU.

    Filters: connection (id), connections, matched, tracked, state.
    """
    return page_of(session, ITEMS, query)


def list_contacts(session: CompanySession, query: ListQuery) -> Listing:
    """Contacts of the connected books, by name, with the supplier that each is.

    Filters: connection (id), connections, role, state, linked.
    """
    return page_of(session, CONTACTS, query)


def list_event_deliveries(session: CompanySession, query: ListQuery) -> Listing:
    """What was told to the user's own programs, newest first. Filters: webhook (id), kind, state."""
    return page_of(session, EVENT_DELIVERIES, query)


def list_audit_log(session: CompanySession, query: ListQuery) -> Listing:
    """What was changed by whom and from where, newest first. Filters: door, action, kind, from, to."""
    return page_of(session, AUDIT_LOG, query)


def list_members(session: CompanySession, query: ListQuery) -> Listing:
    """The company's people, by name. Filters: role, state (active, inactive)."""
    return page_of(session, MEMBERS, query)


def list_invitations(session: CompanySession, query: ListQuery) -> Listing:
    """Who was invited, newest first. Filters: role, state (open, accepted, revoked, expired)."""
    return page_of(session, INVITATIONS, query)


def list_sign_ins(session: CompanySession, query: ListQuery) -> Listing:
    """Who signed in, when and from where, newest first. Filters: member (id), state (open, ended, expired)."""
    return page_of(session, SIGN_INS, query)


def list_sales_documents(session: CompanySession, query: ListQuery) -> Listing:
    """Invoices, receipts and credit notes of the connected books, newest first.

    Filters: connection (id), connections, kind, state, from, to (their days).
    """
    return page_of(session, SALES_DOCUMENTS, query)


def list_heard_events(session: CompanySession, query: ListQuery) -> Listing:
    """What the books told of by themselves, newest first. Filters: subject, state, connection (id)."""
    return page_of(session, HEARD_EVENTS, query)


def list_reconcile_runs(session: CompanySession, query: ListQuery) -> Listing:
    """Each time that the books were asked, newest first. Filters: verdict, from, to (days compared)."""
    return page_of(session, RECONCILE_RUNS, query)


def list_true_ups(session: CompanySession, query: ListQuery) -> Listing:
    """True-ups of rounding with the state of their postings, newest first. Filters: label, from, to."""
    return page_of(session, TRUE_UPS, query)


LISTS: Mapping[str, Callable[[CompanySession, ListQuery], Listing]] = {
    "products": list_products,
    "lots": list_lots,
    "receipts": list_receipts,
    "suppliers": list_suppliers,
    "builds": list_builds,
    "exports": list_exports,
    "entries": list_entries,
    "accounts": list_accounts,
    "counts": list_counts,
    "adjustments": list_adjustments,
    "syncs": list_syncs,
    "items": list_items,
    "contacts": list_contacts,
    "event_deliveries": list_event_deliveries,
    "audit_log": list_audit_log,
    "members": list_members,
    "invitations": list_invitations,
    "sign_ins": list_sign_ins,
    "api_tokens": list_api_tokens,
    "sales_documents": list_sales_documents,
    "heard_events": list_heard_events,
    "reconcile_runs": list_reconcile_runs,
    "true_ups": list_true_ups,
}


def get_table(name: str) -> Table:
    """Columns and filters of a list. Raises NotFound."""
    if name not in TABLES:
        raise NotFound("list", name)
    return TABLES[name]


def rows_for_download(session: CompanySession, name: str, query: ListQuery) -> Generator[Row, None, None]:
    """All rows that the query finds, whatever its page, streamed from one statement. Raises NotFound, Invalid.

    Close it where it isn't read to its end.
    """
    return all_rows(session, get_table(name), query)
