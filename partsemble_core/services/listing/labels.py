"""The one label that people read for the two states of a document: its own, and that of its export."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from partsemble_core.domain.builds import BuildState
from partsemble_core.domain.exports import WORKABLE, ExportState
from partsemble_core.domain.receipts import ReceiptState
from partsemble_core.store.builds import Build
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import DocumentKind
from partsemble_core.store.receipts import Receipt

RECORDED = "Recorded"
PENDING_EXPORT = "Pending export"
CHECKING = "Checking"
SYNCED = "Synced"
FAILED = "Failed"
HELD = "Held"
LEFT_OUT = "Left out"
EXPORT_LABELS = {
    **dict.fromkeys(WORKABLE, PENDING_EXPORT),
    ExportState.UNKNOWN: CHECKING,
    ExportState.POSTED: SYNCED,
    ExportState.HELD: HELD,
    ExportState.REVIEW: FAILED,
    ExportState.SKIPPED: LEFT_OUT,
    ExportState.CANCELLED: RECORDED,
}
DOCUMENT_LABELS = EXPORT_LABELS | {ExportState.UNKNOWN: PENDING_EXPORT}
"""What a document is called for its export: it is pending until its posting is known."""
BUILD_LABELS = {
    BuildState.PLANNED: "Planned",
    BuildState.PENDING_QA: "Pending QA",
    BuildState.REJECTED: "Rejected",
    BuildState.REVERSED: "Reversed",
    BuildState.CANCELLED: "Cancelled",
}
"""A completed build is called by the state of its export."""
RECEIPT_LABELS = {ReceiptState.DRAFT: "Draft", ReceiptState.REVERSED: "Reversed"}
LABELS = sorted({*EXPORT_LABELS.values(), *BUILD_LABELS.values(), *RECEIPT_LABELS.values()})


def export_label(state: str) -> str:
    """What people read for the state of an export itself."""
    return EXPORT_LABELS[ExportState(state)]


def document_label(export_state: str | None) -> str:
    """What people read on a document for the state of its export; one without is *Recorded*."""
    return RECORDED if export_state is None else DOCUMENT_LABELS[ExportState(export_state)]


def build_label(state: str, export_state: str | None) -> str:
    """What people read for a build (PRODUCT 6)."""
    return BUILD_LABELS.get(BuildState(state)) or document_label(export_state)


def receipt_label(state: str, export_state: str | None) -> str:
    """What people read for a receipt."""
    return RECEIPT_LABELS.get(ReceiptState(state)) or document_label(export_state)


def export_label_sql() -> sa.ColumnElement[str]:
    return _label_sql(EXPORT_LABELS)


def document_label_sql() -> sa.ColumnElement[str]:
    return _label_sql(DOCUMENT_LABELS)


def build_label_sql() -> sa.ColumnElement[str]:
    return _document_label_sql(Build, {str(k): v for k, v in BUILD_LABELS.items()}, DocumentKind.BUILD)


def receipt_label_sql() -> sa.ColumnElement[str]:
    return _document_label_sql(Receipt, {str(k): v for k, v in RECEIPT_LABELS.items()}, DocumentKind.RECEIPT)


def _label_sql(labels: dict[ExportState, str]) -> sa.ColumnElement[str]:
    return sa.case({state.value: label for state, label in labels.items()}, value=Export.state)


def _document_label_sql(table: Any, labels: dict[str, str], kind: DocumentKind) -> sa.ColumnElement[str]:
    """Asked per row by index: a join would show a document twice that was exported to two connections in turn."""
    of_export = (
        sa.select(document_label_sql())
        .where(Export.company_id == table.company_id, Export.document_kind == kind, Export.document_id == table.id)
        .order_by(Export.id.desc())
        .limit(1)
        .correlate(table)
        .scalar_subquery()
    )
    return sa.case(labels, value=table.state, else_=sa.func.coalesce(of_export, RECORDED))
