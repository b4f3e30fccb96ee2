"""Rehearsing: the dry run of a posting, read from the very bytes that are sent."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from decimal import Decimal

from partsemble_core.plugin_api.types import JournalLine
from partsemble_core.services.explaining import explain_export
from partsemble_core.services.listing import export_label
from partsemble_core.store.session import CompanySession


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedLine:
    """One line: its account by code and, as last read from the books, by name. One of debit and credit is None."""

    account_id: str
    account_code: str
    account_name: str
    debit: Decimal | None
    credit: Decimal | None
    description: str
    tracking: str
    """Such as ``Department Workshop, Region North``; empty where it carries none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What is posted for a document, whole. ``digest`` is the SHA-256 of the frozen bytes."""

    export_id: int
    reference: str
    state: str
    label: str
    organisation: str
    date: dt.date
    currency: str
    narration: str
    source_url: str
    token: str
    lines: tuple[RehearsedLine, ...]
    total: Decimal
    rounding: Decimal
    digest: str


def dry_run(session: CompanySession, export_id: int) -> DryRun:
    """Nothing is sent or written. Raises NotFound."""
    story = explain_export(session, export_id)
    export, entry = story.export, story.entry
    return DryRun(
        export_id=export.id,
        reference=entry.reference,
        state=export.state,
        label=export_label(export.state),
        organisation=story.connection.organisation_name,
        date=entry.date,
        currency=entry.currency,
        narration=entry.narration,
        source_url=entry.source_url,
        token=entry.token,
        lines=tuple(
            RehearsedLine(
                account_id=line.account_id,
                account_code=line.account_code,
                account_name=story.account_names.get(line.account_id, ""),
                debit=line.amount if line.amount > 0 else None,
                credit=-line.amount if line.amount < 0 else None,
                description=line.description,
                tracking=tracking_text(line),
            )
            for line in entry.lines
        ),
        total=story.debit,
        rounding=export.rounding,
        digest=hashlib.sha256(export.body).hexdigest(),
    )


def tracking_text(line: JournalLine) -> str:
    """The options that a line carries, in words."""
    return ", ".join(f"{each.category} {each.option}" for each in line.tracking)
