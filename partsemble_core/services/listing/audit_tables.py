"""The audit log as a list."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from partsemble_core.services.acting import parse_iso_day
from partsemble_core.services.listing.asking import Column
from partsemble_core.services.listing.paging import Table, choice
from partsemble_core.store.audits import AuditAction, AuditEntry, Door
from partsemble_core.store.watched import WATCHED

KINDS = tuple(sorted({watched.noun for watched in WATCHED.values()}, key=str.lower))
A_DAY = dt.timedelta(days=1)


def _from(text: str) -> sa.ColumnElement[bool]:
    return AuditEntry.at >= _midnight(text, "from")


def _to(text: str) -> sa.ColumnElement[bool]:
    return AuditEntry.at < _midnight(text, "to") + A_DAY


def _midnight(text: str, key: str) -> dt.datetime:
    """Days are of UTC: whoever compares with other logs has those."""
    return dt.datetime.combine(parse_iso_day(text, field=key), dt.time(), dt.UTC)


AUDIT_LOG = Table(
    name="audit_log",
    title="Audit log",
    columns=(
        Column("at", "When", "time"),
        Column("by", "Who"),
        Column("door", "Via", "state"),
        Column("address", "From"),
        Column("action", "Did", "state"),
        Column("kind", "What", "state"),
        Column("subject", "Which"),
        Column("changes", "Changes", sortable=False),
    ),
    row_id=AuditEntry.id,
    reads={
        "at": AuditEntry.at,
        "by": AuditEntry.by,
        "door": AuditEntry.door,
        "address": AuditEntry.address,
        "action": AuditEntry.action,
        "kind": AuditEntry.kind,
        "subject": AuditEntry.subject,
        "changes": AuditEntry.changes,
        "subject_id": AuditEntry.subject_id,
    },
    join=lambda statement: statement.select_from(AuditEntry),
    sorts={"kind": sa.func.lower(AuditEntry.kind)},  # "BOM" belongs between "account" and "build"
    searched=("by", "subject", "changes", "address"),
    order="at",
    descending=True,
    filters={
        "door": choice(AuditEntry.door, Door, key="door"),
        "action": choice(AuditEntry.action, AuditAction, key="action"),
        "kind": choice(AuditEntry.kind, KINDS, key="kind"),
        "from": _from,
        "to": _to,
    },
)
