"""The lists of what reconciling left: each time that the books were asked, and the true-ups of rounding."""

from __future__ import annotations

import sqlalchemy as sa

from partsemble_core.domain.reconciliation import Verdict
from partsemble_core.services.listing import labels
from partsemble_core.services.listing.asking import Column
from partsemble_core.services.listing.paging import Statement, Table, choice, since, until
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import DocumentKind
from partsemble_core.store.reconcile_runs import ReconcileRun
from partsemble_core.store.true_ups import TrueUp

LABELS = (labels.PENDING_EXPORT, labels.SYNCED, labels.FAILED, labels.LEFT_OUT, labels.RECORDED)


def _true_ups(statement: Statement) -> Statement:
    its_export = sa.and_(
        Export.company_id == TrueUp.company_id,
        Export.document_kind == DocumentKind.TRUE_UP,
        Export.document_id == TrueUp.id,
        sa.not_(Export.is_replaced),
    )
    return statement.select_from(TrueUp).outerjoin(Export, its_export)


RECONCILE_RUNS = Table(
    name="reconcile_runs",
    title="Reconcile runs",
    columns=(
        Column("asked_at", "Asked", "time"),
        Column("on", "At the end of", "date"),
        Column("verdict", "Verdict", "state"),
        Column("stock", "Stock", "money"),
        Column("posted", "Posted", "money"),
        Column("books", "Books", "money"),
        Column("difference", "Difference", "money"),
        Column("unexplained", "Not explained", "money"),
        Column("asked_by", "By"),
        Column("organisation", "Organisation"),
        Column("problem", "Problem"),
    ),
    row_id=ReconcileRun.id,
    reads={
        "asked_at": ReconcileRun.asked_at,
        "on": ReconcileRun.compared_on,
        "verdict": ReconcileRun.verdict,
        "stock": ReconcileRun.stock,
        "posted": ReconcileRun.posted,
        "books": ReconcileRun.books,
        "difference": ReconcileRun.difference,
        "unexplained": ReconcileRun.unexplained,
        "asked_by": ReconcileRun.asked_by,
        "organisation": ReconcileRun.organisation,
        "problem": ReconcileRun.problem,
    },
    join=lambda statement: statement.select_from(ReconcileRun),
    searched=("asked_by", "organisation", "problem"),
    order="asked_at",
    descending=True,
    filters={
        "verdict": choice(ReconcileRun.verdict, Verdict, key="verdict"),
        "from": since(ReconcileRun.compared_on, key="from"),
        "to": until(ReconcileRun.compared_on, key="to"),
    },
)
TRUE_UPS = Table(
    name="true_ups",
    title="True-ups",
    columns=(
        Column("reference", "True-up"),
        Column("on", "Through", "date"),
        Column("label", "Status", "state"),
        Column("amount", "To stock", "money"),
        Column("reason", "Reason"),
        Column("created_at", "Made", "time"),
        Column("created_by", "By"),
        Column("export_state", "State", "state"),
    ),
    row_id=TrueUp.id,
    reads={
        "reference": TrueUp.reference,
        "on": TrueUp.trued_up_on,
        "label": sa.func.coalesce(labels.document_label_sql(), labels.RECORDED),
        "amount": TrueUp.amount,
        "reason": TrueUp.reason,
        "created_at": TrueUp.created_at,
        "created_by": TrueUp.created_by,
        "export_state": Export.state,
        "export_id": Export.id,
        "reverses_id": TrueUp.reverses_id,
    },
    join=_true_ups,
    searched=("reference", "reason", "created_by"),
    order="created_at",
    descending=True,
    filters={
        "label": choice(sa.func.coalesce(labels.document_label_sql(), labels.RECORDED), LABELS, key="label"),
        "from": since(TrueUp.trued_up_on, key="from"),
        "to": until(TrueUp.trued_up_on, key="to"),
    },
)
