"""Reconciling: what the sub-ledger holds, what was posted for it, and the rounding between the two."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import add
from partsemble_core.domain.exports import ExportState
from partsemble_core.domain.journals import AccountRole
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.plugin_api.types import JournalEntry
from partsemble_core.store.adjustments import Adjustment, Reversal
from partsemble_core.store.builds import Build
from partsemble_core.store.connections import mapped_accounts
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import DocumentKind, Lot
from partsemble_core.store.receipts import Receipt
from partsemble_core.store.session import CompanySession

STOCK_ROLES = (AccountRole.RECEIVING_DEBIT, AccountRole.BUILD_DEBIT, AccountRole.BUILD_CREDIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentProof:
    """Law 5 for one document: ``posted`` − ``exact`` = ``rounding``; ``exact`` is read from the document itself."""

    reference: str
    exact: Decimal
    posted: Decimal
    rounding: Decimal
    state: ExportState
    external_id: str | None
    token: str
    entry: JournalEntry

    @property
    def holds(self) -> bool:
        return add([self.posted, -self.exact]) == self.rounding


def prove_documents(session: CompanySession) -> list[DocumentProof]:
    """Every exported document, in order of export."""
    exact = _exact_values(session)
    return [
        DocumentProof(
            reference=export.reference,
            exact=exact[DocumentKind(export.document_kind), export.document_id],
            posted=export.posted,
            rounding=export.rounding,
            state=ExportState(export.state),
            external_id=export.external_id,
            token=export.token,
            entry=entry_from_bytes(export.body),
        )
        for export in session.scalars(sa.select(Export).order_by(Export.id))
    ]


def stock_value(session: CompanySession) -> Decimal:
    """Σ remaining cost of all lots, exactly."""
    return add(list(session.scalars(sa.select(Lot.cost_left).where(Lot.cost_left > 0))))


def stock_accounts(session: CompanySession, connection_id: int) -> dict[str, str]:
    """The accounts that stand for stock: external id → code."""
    mapped = mapped_accounts(session, connection_id)
    return {mapped[role].external_id: mapped[role].code for role in STOCK_ROLES if role in mapped}


def _exact_values(session: CompanySession) -> dict[tuple[DocumentKind, int], Decimal]:
    """What each document moves from one account to another, read from the document; a reversal takes it back."""
    receipts = session.execute(sa.select(Receipt.id, Receipt.total_cost))
    builds = session.execute(sa.select(Build.id, Build.components_cost, Build.added_cost, Build.waste_cost))
    adjustments = session.execute(sa.select(Adjustment.id, Adjustment.cost))
    values = {(DocumentKind.RECEIPT, document_id): cost for document_id, cost in receipts}
    values |= {(DocumentKind.ADJUSTMENT, document_id): abs(cost) for document_id, cost in adjustments}
    for document_id, components, added, waste in builds:
        values[DocumentKind.BUILD, document_id] = add([components, added])
        values[DocumentKind.WASTE, document_id] = waste
    reversals = session.execute(sa.select(Reversal.id, Reversal.document_kind, Reversal.document_id))
    for reversal_id, kind, document_id in reversals:
        values[DocumentKind.REVERSAL, reversal_id] = -values[DocumentKind(kind), document_id]
    return values
