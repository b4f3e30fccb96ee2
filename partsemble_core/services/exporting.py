"""Exporting: the row that a document leaves in the outbox, written in the document's own transaction."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import format_quantity, from_minor
from partsemble_core.domain.builds import Costing
from partsemble_core.domain.exports import Doubt, ExportMode, ExportState
from partsemble_core.domain.journals import STOCK_ROLES, AccountRole, Journal, Part, make_journal
from partsemble_core.errors import Refused, say, word
from partsemble_core.plugin_api.entries import entry_bytes, entry_from_bytes
from partsemble_core.plugin_api.tracking import Tracking
from partsemble_core.plugin_api.types import JournalEntry, JournalLine
from partsemble_core.services.acting import Act
from partsemble_core.store.adjustments import Adjustment, Reversal
from partsemble_core.store.builds import Build
from partsemble_core.store.companies import Company, get_company, options_of
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
from partsemble_core.store.tracking import tracking_of

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
TOKEN_LENGTH = 12
NARRATION = 180
"""Room is left for the token, so that the narration fits the shortest limit of any backend."""

NOTHING_TO_POST = "Nothing to post: the amount is zero, or debit and credit are one account."
OPENING_STOCK = "Opening stock is in the books already: nothing is posted for it."
ORIGINAL_NOT_POSTED = "Nothing to post: the original was never posted."

MODE_OPTIONS = {
    DocumentKind.RECEIPT: "export_receipts",
    DocumentKind.BUILD: "export_builds",
    DocumentKind.WASTE: "export_builds",
    DocumentKind.ADJUSTMENT: "export_adjustments",
}
"""Which option of the company says whether a kind is posted at once. What isn't here always is."""
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
            say(
                "No account is set for {role}. Choose one in Integrations → Export accounts, then try again.",
                role=word(ROLE_LABELS[role]),
            )
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
    return queue_journal(session, act, connection, accounts, journal, kind=DocumentKind.RECEIPT, document_id=receipt.id)


def queue_build(
    session: CompanySession,
    act: Act,
    build: Build,
    *,
    product: Product,
    costing: Costing,
    components: Mapping[int, Product],
    posted_on: dt.date | None = None,
) -> Export | None:
    """Queues the build's posting: its output's cost against components and, if set, applied labour and overhead.

    It is dated ``posted_on`` where the output came in later than it was built: at the approval of its review.
    """
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
        date=posted_on or build.built_on or act.today,
        narration=_narration(f"{build.reference} built {made} from {used}"),
        decimals=get_company(session).decimals,
        debit=_part(accounts, AccountRole.BUILD_DEBIT, costing.total, f"Built {made}"),
        credits=credits,
    )
    return queue_journal(session, act, connection, accounts, journal, kind=DocumentKind.BUILD, document_id=build.id)


def queue_waste(
    session: CompanySession,
    act: Act,
    build: Build,
    *,
    cost: Decimal,
    product: Product,
    posted_on: dt.date | None = None,
) -> Export | None:
    """Queues the loss of a rejected build, ``PSB-000123-W``: waste against where its components stand.

    It is dated ``posted_on``, else today: the day of the rejection. Raises AccountNotSet(WASTE) when the company
    exports without that account.
    """
    lost = f"{build.reference}, rejected: {format_quantity(build.quantity)} × {product.sku}"
    return _queue_pair(
        session,
        act,
        (DocumentKind.WASTE, build.id),
        reference=f"{build.reference}-W",
        date=posted_on or act.today,
        narration=f"Components lost with {lost}",
        amount=cost,
        debit=AccountRole.WASTE,
        credit=AccountRole.BUILD_CREDIT,
    )


def queue_adjustment(session: CompanySession, act: Act, adjustment: Adjustment, *, product: Product) -> Export | None:
    """Queues an adjustment of a lot: down is waste against receiving debit, up the other way round.

    Opening stock is skipped, with the reason: the books have it already. Raises AccountNotSet.
    """
    up = adjustment.quantity > 0
    change = f"{'+' if up else '-'}{format_quantity(abs(adjustment.quantity))} × {product.sku}"
    return _queue_pair(
        session,
        act,
        (DocumentKind.ADJUSTMENT, adjustment.id),
        reference=adjustment.reference,
        date=adjustment.adjusted_on,
        narration=f"{adjustment.reference} adjusted {change} ({adjustment.reason.replace('_', ' ')})",
        amount=abs(adjustment.cost),
        debit=AccountRole.RECEIVING_DEBIT if up else AccountRole.WASTE,
        credit=AccountRole.WASTE if up else AccountRole.RECEIVING_DEBIT,
        skip=OPENING_STOCK if adjustment.is_opening else "",
    )


def _queue_pair(
    session: CompanySession,
    act: Act,
    document: tuple[DocumentKind, int],
    *,
    reference: str,
    date: dt.date,
    narration: str,
    amount: Decimal,
    debit: AccountRole,
    credit: AccountRole,
    skip: str = "",
) -> Export | None:
    """A posting of one amount from one account to another; None while the company exports nothing."""
    connection = _exporting_connection(session)
    if connection is None:
        return None
    accounts = mapped_accounts(session, connection.id)
    nowhere = Part(account="", amount=amount, description="")  # on both sides, so that no line is left
    journal = make_journal(
        reference=reference,
        date=date,
        narration=_narration(narration),
        decimals=get_company(session).decimals,
        debit=nowhere if skip else _part(accounts, debit, amount, narration),
        credits=[nowhere if skip else _part(accounts, credit, amount, narration)],
    )
    kind, document_id = document
    return queue_journal(session, act, connection, accounts, journal, kind=kind, document_id=document_id, skip=skip)


def queue_reversal(session: CompanySession, act: Act, reversal: Reversal, *, original: Export | None) -> Export | None:
    """Queues the opposite of what was posted, to the same books, once the original itself is posted.

    An original that is held, or that no worker has touched, is cancelled in this very transaction, and nothing is
    posted for either; the opposite of one that is skipped or cancelled is skipped too. ``original`` None: nothing was
    ever to be posted.
    Its amounts are those of the original with opposite signs, so that the two sum to nothing.
    """
    if original is None:
        return None
    locked = _export_for_update(session, original.id)
    if is_untouched(locked):
        locked.state = ExportState.CANCELLED
        locked.problem = f"Reversed by {reversal.reference} before anything was sent."
        return None
    never_posted = locked.state in (ExportState.SKIPPED, ExportState.CANCELLED)
    export = _row(
        act,
        _opposite(act, entry_from_bytes(locked.body), reversal),
        kind=DocumentKind.REVERSAL,
        document_id=reversal.id,
        mode=_mode_of(session, DocumentKind(locked.document_kind)),
        skip=ORIGINAL_NOT_POSTED if never_posted else "",
    )
    export.connection_id, export.backend = locked.connection_id, locked.backend
    export.after_export_id = None if never_posted else locked.id
    export.exact, export.posted, export.rounding = -locked.exact, -locked.posted, -locked.rounding
    export.stock_accounts = locked.stock_accounts
    return _insert(session, export)


def _opposite(act: Act, entry: JournalEntry, reversal: Reversal) -> JournalEntry:
    page = f"{reversal.document_kind}s/{reversal.document_id}"
    return replace(
        entry,
        token=new_token(),
        date=reversal.reversed_on,
        reference=reversal.reference,
        narration=_narration(f"{reversal.reference} reverses {entry.reference}: {reversal.reason}"),
        lines=tuple(replace(line, amount=-line.amount) for line in entry.lines),
        source_url=f"{act.console}/{page}" if act.console else "",
        reverses=entry.token,
    )


def is_untouched(export: Export) -> bool:
    """Whether it is held, or waits for its first attempt: nothing of it can have left the house."""
    return export.state in (ExportState.HELD, ExportState.PENDING) and export.attempts == 0


def _mode_of(session: CompanySession, kind: DocumentKind) -> ExportMode:
    option = MODE_OPTIONS.get(kind)
    return ExportMode.AUTOMATIC if option is None else ExportMode(getattr(options_of(session), option))


def _export_for_update(session: CompanySession, export_id: int) -> Export:
    session.locking(LockRank.EXPORT)
    return session.scalars(
        sa.select(Export).where(Export.id == export_id).with_for_update().execution_options(populate_existing=True)
    ).one()


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


def queue_journal(
    session: CompanySession,
    act: Act,
    connection: Connection,
    accounts: Mapping[AccountRole, RemoteAccount],
    journal: Journal,
    *,
    kind: DocumentKind,
    document_id: int,
    skip: str = "",
) -> Export:
    """One row of the outbox for a journal. ``skip`` says why it isn't posted; an empty journal never is."""
    token = new_token()
    page = {DocumentKind.WASTE: f"builds/{document_id}", DocumentKind.TRUE_UP: "reconcile"}
    link = f"{act.console}/{page.get(kind, f'{kind}s/{document_id}')}" if act.console else ""
    tracking = tracking_of(session, connection.id)
    entry = _entry(journal, accounts, company=get_company(session), token=token, link=link, tracking=tracking)
    why = NOTHING_TO_POST if journal.is_empty and not skip else skip
    export = _row(act, entry, kind=kind, document_id=document_id, mode=_mode_of(session, kind), skip=why)
    export.connection_id, export.backend = connection.id, connection.backend
    export.exact, export.posted, export.rounding = journal.exact, journal.posted, journal.rounding
    export.stock_accounts = sorted({accounts[role].external_id for role in STOCK_ROLES if role in accounts})
    return _insert(session, export)


def _row(act: Act, entry: JournalEntry, *, kind: DocumentKind, document_id: int, mode: ExportMode, skip: str) -> Export:
    """The frozen part of an outbox row, and the state that it starts in: what is posted by hand is held."""
    body = entry_bytes(entry)
    first = ExportState.HELD if mode == ExportMode.MANUAL else ExportState.PENDING
    return Export(
        document_kind=kind,
        document_id=document_id,
        reference=entry.reference,
        token=entry.token,
        body=body,
        body_sha256=hashlib.sha256(body).hexdigest(),
        state=ExportState.SKIPPED if skip else first,
        doubt=Doubt.NONE,
        problem=skip,
        attempts=0,
        priority=100,
        created_at=act.at,
        lease_epoch=0,
    )


def _insert(session: CompanySession, export: Export) -> Export:
    session.locking(LockRank.EXPORT)
    export.not_before = database_now(session)
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
    tracking: tuple[Tracking, ...],
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
                tracking=tracking,
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
