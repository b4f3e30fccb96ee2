"""Exporting: the row that a document leaves in the outbox, written in the document's own transaction."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from decimal import Decimal

from partsemble_core.domain.amounts import format_quantity, from_minor
from partsemble_core.domain.builds import Costing
from partsemble_core.domain.exports import Doubt, ExportState
from partsemble_core.domain.journals import AccountRole, Journal, Part, make_journal
from partsemble_core.errors import Refused
from partsemble_core.plugin_api.entries import entry_bytes
from partsemble_core.plugin_api.types import JournalEntry, JournalLine
from partsemble_core.services.acting import Act
from partsemble_core.store.builds import Build
from partsemble_core.store.companies import Company, get_company
from partsemble_core.store.connections import (
    Connection,
    ConnectionState,
    RemoteAccount,
    find_live,
    mapped_accounts,
)
from partsemble_core.store.database import database_now
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import DocumentKind
from partsemble_core.store.products import Product
from partsemble_core.store.receipts import Receipt, ReceiptLine, Supplier
from partsemble_core.store.session import CompanySession, LockRank

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
TOKEN_LENGTH = 12
NARRATION = 180
"""Room is left for the token, so that the narration fits the shortest limit of any backend."""

ROLE_LABELS = {
    AccountRole.RECEIVING_DEBIT: "Receiving debit (stock of components)",
    AccountRole.RECEIVING_CREDIT: "Receiving credit (goods received clearing)",
    AccountRole.BUILD_DEBIT: "Build debit (stock of finished goods)",
    AccountRole.BUILD_CREDIT: "Build credit (stock of components)",
    AccountRole.WASTE: "Waste",
    AccountRole.APPLIED_COSTS: "Applied labour and overhead",
    AccountRole.COGS: "Cost of goods sold",
    AccountRole.FINISHED_GOODS: "Finished goods",
    AccountRole.ROUNDING: "Rounding",
}


class AccountNotSet(Refused):
    """A posting needs an account that isn't chosen yet. The message names the setting."""

    code = "account-not-set"

    def __init__(self, role: AccountRole) -> None:
        super().__init__(
            f"No account is set for {ROLE_LABELS[role]}. Choose one in Settings → Export accounts, then try again."
        )
        self.field = role.value


def queue_receipt(
    session: CompanySession,
    act: Act,
    receipt: Receipt,
    *,
    supplier: Supplier,
    lines: Sequence[ReceiptLine],
    products: Mapping[int, Product],
) -> Export | None:
    """Queues the receipt's posting: receiving debit against receiving credit, total cost (N24)."""
    connection = _exporting_connection(session)
    if connection is None:
        return None
    accounts = mapped_accounts(session, connection.id)
    what = _listed([(products[line.product_id].sku, line.quantity) for line in lines])
    journal = make_journal(
        reference=receipt.reference,
        date=receipt.received_on,
        narration=_narration(f"{receipt.reference} received from {supplier.name}: {what}"),
        decimals=get_company(session).decimals,
        debit=_part(accounts, AccountRole.RECEIVING_DEBIT, receipt.total_cost, f"Received {what}"),
        credits=[_part(accounts, AccountRole.RECEIVING_CREDIT, receipt.total_cost, f"Owed to {supplier.name}")],
    )
    return _queue(session, act, connection, accounts, journal, kind=DocumentKind.RECEIPT, document_id=receipt.id)


def queue_build(
    session: CompanySession,
    act: Act,
    build: Build,
    *,
    product: Product,
    costing: Costing,
    components: Mapping[int, Product],
) -> Export | None:
    """Queues the build's posting: its output's cost against components and, if set, applied labour and overhead."""
    connection = _exporting_connection(session)
    if connection is None:
        return None
    accounts = mapped_accounts(session, connection.id)
    made = f"{format_quantity(build.quantity)} × {product.sku}"
    used = _listed([(components[need.product_id].sku, need.quantity) for need in costing.needs])
    added = AccountRole.APPLIED_COSTS if AccountRole.APPLIED_COSTS in accounts else AccountRole.BUILD_CREDIT
    credits = [_part(accounts, AccountRole.BUILD_CREDIT, costing.components_cost, f"Used {used}")]
    if costing.added_cost:
        credits.append(_part(accounts, added, costing.added_cost, "; ".join(c.label for c in costing.costs)))
    journal = make_journal(
        reference=build.reference,
        date=build.built_on,
        narration=_narration(f"{build.reference} built {made} from {used}"),
        decimals=get_company(session).decimals,
        debit=_part(accounts, AccountRole.BUILD_DEBIT, costing.total, f"Built {made}"),
        credits=credits,
    )
    return _queue(session, act, connection, accounts, journal, kind=DocumentKind.BUILD, document_id=build.id)


def new_token() -> str:
    """Twelve characters of an alphabet without look-alikes: 59 bits, found again in a narration."""
    return "".join(secrets.choice(ALPHABET) for _ in range(TOKEN_LENGTH))


def _exporting_connection(session: CompanySession) -> Connection | None:
    """The connection that documents go to; one that is still being set up gets none, they stay *Recorded*."""
    connection = find_live(session)
    return None if connection is None or connection.state == ConnectionState.SETUP else connection


def _part(accounts: Mapping[AccountRole, RemoteAccount], role: AccountRole, amount: Decimal, description: str) -> Part:
    account = accounts.get(role)
    if account is None:
        raise AccountNotSet(role)
    return Part(account=account.external_id, amount=amount, description=_narration(description))


def _queue(
    session: CompanySession,
    act: Act,
    connection: Connection,
    accounts: Mapping[AccountRole, RemoteAccount],
    journal: Journal,
    *,
    kind: DocumentKind,
    document_id: int,
) -> Export:
    session.locking(LockRank.EXPORT)
    token = new_token()
    link = f"{act.console}/{kind}s/{document_id}" if act.console else ""
    entry = _entry(journal, accounts, company=get_company(session), token=token, link=link)
    body = entry_bytes(entry)
    export = Export(
        connection_id=connection.id,
        backend=connection.backend,
        document_kind=kind,
        document_id=document_id,
        reference=journal.reference,
        token=token,
        body=body,
        body_sha256=hashlib.sha256(body).hexdigest(),
        state=ExportState.SKIPPED if journal.is_empty else ExportState.PENDING,
        doubt=Doubt.NONE,
        exact=journal.exact,
        posted=journal.posted,
        rounding=journal.rounding,
        problem="Nothing to post: the amount is zero, or debit and credit are one account." if journal.is_empty else "",
        not_before=database_now(session),
        attempts=0,
        priority=100,
        created_at=act.at,
        lease_epoch=0,
    )
    session.add(export)
    session.flush()
    if export.state == ExportState.PENDING:
        session.queued_exports.append(export.id)
    return export


def _entry(
    journal: Journal,
    accounts: Mapping[AccountRole, RemoteAccount],
    *,
    company: Company,
    token: str,
    link: str,
) -> JournalEntry:
    codes = {account.external_id: account.code for account in accounts.values()}
    return JournalEntry(
        token=token,
        date=journal.date,
        currency=company.currency,
        decimals=journal.decimals,
        reference=journal.reference,
        narration=journal.narration,
        lines=tuple(
            JournalLine(
                account_id=line.account,
                account_code=codes[line.account],
                amount=from_minor(line.minor, decimals=journal.decimals),
                description=line.description,
            )
            for line in journal.lines
        ),
        source_url=link,
    )


def _listed(items: Sequence[tuple[str, Decimal]]) -> str:
    shown = ", ".join(f"{format_quantity(quantity)} × {sku}" for sku, quantity in items[:3])
    return f"{shown} and {len(items) - 3} more" if len(items) > 3 else shown


def _narration(text: str) -> str:
    return text if len(text) <= NARRATION else text[: NARRATION - 1] + "…"
