"""Pages to look at the books with, and the same books as data."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import UTC
from decimal import Decimal

from flask import Blueprint, Response, render_template

from . import books
from .accounts import Account, chart_of
from .context import Sandbox
from .journal_records import list_journals
from .journal_rules import Journal
from .tenants import Tenant, find_tenant, list_tenants
from .wire import from_ms, money

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Cache-Control": "no-store",
}


class Pages:
    """The views of the pages over one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def blueprint(self) -> Blueprint:
        routes = Blueprint("pages", __name__)
        routes.add_app_template_filter(_with_commas, "amount")
        routes.add_url_rule("/", view_func=self.show_organisations)
        routes.add_url_rule("/books/<tenant_id>", view_func=self.show_books)
        return routes

    def show_organisations(self) -> Response:
        """GET /: every organisation, with a link to its books."""
        with self._sandbox.state.reading() as connection:
            organisations = list_tenants(connection, tenant_type="ORGANISATION")
            now = from_ms(self._sandbox.clock.now_ms(connection))
        return Response(render_template("organisations.html", organisations=organisations, now=now), headers=_HEADERS)

    def show_books(self, tenant_id: str) -> Response:
        """GET /books/{tenantId}: the trial balance and every journal, newest first."""
        with self._sandbox.state.reading() as connection:
            tenant = find_tenant(connection, tenant_id)
            if tenant is None or tenant.tenant_type != "ORGANISATION":
                return Response("There are no such books", status=404, content_type="text/plain")
            shown = read_books(connection, tenant)
        return Response(render_template("books.html", tenant=tenant, books=shown), headers=_HEADERS)


def read_books(connection: sqlite3.Connection, tenant: Tenant) -> Mapping[str, object]:
    """The books as data: amounts as texts with two decimals, debit positive.

    ``accounts`` holds every account with its balance from posted documents, ``trial_balance`` its
    debit and credit totals, ``journals`` every manual journal whatever its status, oldest first.
    """
    cents = books.balances(connection, tenant.tenant_id)
    chart = chart_of(connection, tenant.tenant_id)
    names = {account.account_id: account.name for account in chart}
    return {
        "tenant_id": tenant.tenant_id,
        "name": tenant.name,
        "currency": tenant.currency,
        "trial_balance": {
            "debit": _text(sum(c for c in cents.values() if c > 0)),
            "credit": _text(-sum(c for c in cents.values() if c < 0)),
        },
        "accounts": [_account(account, cents.get(account.account_id)) for account in chart],
        "journals": [
            _journal(journal, names) for journal in list_journals(connection, tenant_id=tenant.tenant_id, order="seq")
        ],
    }


def _account(account: Account, cents: int | None) -> Mapping[str, object]:
    return {
        "account_id": account.account_id,
        "code": account.code,
        "name": account.name,
        "type": account.type,
        "status": account.status,
        "balance": _text(cents or 0),
        "is_used": cents is not None,
        **_sides(cents or 0),
    }


def _journal(journal: Journal, names: Mapping[str, str]) -> Mapping[str, object]:
    debits, credits = journal.totals()
    return {
        "journal_id": journal.journal_id,
        "narration": journal.narration,
        "date": journal.day.isoformat(),
        "status": journal.status,
        "url": journal.url,
        "line_amount_types": journal.line_amount_types,
        "updated_at": from_ms(journal.updated_ms).astimezone(UTC).isoformat(),
        "total_debit": _text(debits),
        "total_credit": _text(-credits),
        "lines": [
            {
                "account_id": line.account_id,
                "account_code": line.account_code,
                "account_name": names[line.account_id],
                "description": line.description,
                "tax_type": line.tax_type,
                "tax": _text(line.tax_cents),
                "amount": _text(line.cents),
                **_sides(line.cents),
            }
            for line in journal.lines
        ],
    }


def _sides(cents: int) -> Mapping[str, str]:
    """Debit and credit columns; the empty one is an empty text."""
    return {"debit": _text(cents) if cents > 0 else "", "credit": _text(-cents) if cents < 0 else ""}


def _with_commas(text: str) -> str:
    """An amount as people read it; an empty text stays empty."""
    return f"{Decimal(text):,}" if text else ""


def _text(cents: int) -> str:
    amount: Decimal = money(cents)
    return format(amount, "f")
