"""ManualJournals: create, change, post, void, read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from .accounts import chart_of
from .endpoint import Call, Endpoint, Route
from .journal_input import JournalInput, read_journals
from .journal_records import SCHEMA, count_journals, find_journal, list_journals, save_journal
from .journal_rules import Journal, Line, draft_journal
from .problems import Answer, data_refused, not_found, validation_failed
from .queries import Column, read_order, read_paging, read_where
from .tracking import options_of, shown_on_line
from .wire import NIL_GUID, calendar_date, from_ms, instant, money

_WRITE = ("accounting.manualjournals",)
_READ = ("accounting.manualjournals", "accounting.manualjournals.read")
_COLUMNS = {
    "ManualJournalID": Column("journal_id", "guid"),
    "Narration": Column("narration", "text"),
    "Status": Column("status", "text"),
    "LineAmountTypes": Column("line_amount_types", "text"),
    "Url": Column("url", "text"),
    "ShowOnCashBasisReports": Column("on_cash_basis", "flag"),
    "Date": Column("day", "day"),
    "UpdatedDateUTC": Column("updated_ms", "moment"),
}


def list_manual_journals(call: Call) -> Answer:
    """GET /ManualJournals: lines only with ``page``."""
    paging = read_paging(call.query)
    where = read_where(call.query.get("where"), columns=_COLUMNS, entity="ManualJournal")
    order = read_order(call.query.get("order"), columns=_COLUMNS, entity="ManualJournal", default="UpdatedDateUTC ASC")
    since_ms = call.modified_since_ms() or 0
    tenant_id = call.tenant.tenant_id
    found = list_journals(
        call.connection, tenant_id=tenant_id, where=where, order=order, since_ms=since_ms, paging=paging
    )
    shown = [_shown(journal, with_lines=paging is not None) for journal in found]
    if paging is None:
        return call.answer({"ManualJournals": shown})
    count = count_journals(call.connection, tenant_id=tenant_id, where=where, since_ms=since_ms)
    pagination = {
        "page": paging.number,
        "pageSize": paging.size,
        "pageCount": -(-count // paging.size),
        "itemCount": count,
    }
    return call.answer({"pagination": pagination, "ManualJournals": shown})


def get_manual_journal(call: Call) -> Answer:
    """GET /ManualJournals/{ManualJournalID}."""
    return call.answer({"ManualJournals": [_shown(_journal_of_path(call), with_lines=True)]})


def create_manual_journals(call: Call) -> Answer:
    """PUT /ManualJournals: new journals only; an id in the body is not looked at."""
    return _write(call, [replace(sent, journal_id=None) for sent in read_journals(call.body)])


def write_manual_journals(call: Call) -> Answer:
    """POST /ManualJournals: changes those with an id, creates the others."""
    return _write(call, read_journals(call.body))


def update_manual_journal(call: Call) -> Answer:
    """POST /ManualJournals/{ManualJournalID}: changes that one."""
    journal = _journal_of_path(call)
    sent = read_journals(call.body)
    if len(sent) != 1 or sent[0].journal_id not in {None, journal.journal_id}:
        raise data_refused("The body must hold the one journal that the address names")
    return _write(call, [replace(sent[0], journal_id=journal.journal_id)])


def _journal_of_path(call: Call) -> Journal:
    journal = find_journal(call.connection, tenant_id=call.tenant.tenant_id, journal_id=call.path["journal_id"])
    if journal is None:
        raise not_found()
    return journal


def _write(call: Call, wanted: list[JournalInput]) -> Answer:
    """Keep all journals or none; with ``summarizeErrors=false`` keep the good ones and say so for each."""
    one_by_one = call.query.get("summarizeErrors", "true").lower() == "false"
    shown, refused = [], []
    for sent in wanted:
        journal, reasons = _draft(call, sent)
        if reasons:
            element = _shown_refused(sent, reasons)
            refused.append(element)
            shown.append({**element, "StatusAttributeString": "ERROR"})
            continue
        _keep(call, journal)
        shown.append({**_shown(journal, with_lines=True), **({"StatusAttributeString": "OK"} if one_by_one else {})})
    if refused and not one_by_one:
        raise validation_failed(refused)  # undoes what was kept in this call
    return call.answer({"ManualJournals": shown})


def _draft(call: Call, sent: JournalInput) -> tuple[Journal, list[str]]:
    tenant = call.tenant
    before = None
    unknown = []
    if sent.journal_id is not None:
        before = find_journal(call.connection, tenant_id=tenant.tenant_id, journal_id=sent.journal_id)
        unknown = [] if before else ["The manual journal could not be found."]
    journal, reasons = draft_journal(
        sent,
        before=before,
        journal_id=before.journal_id if before else str(uuid.uuid4()),
        today=_today(call),
        chart=chart_of(call.connection, tenant.tenant_id),
        options=options_of(call.connection, tenant.tenant_id),
        tenant=tenant,
        now_ms=call.now_ms,
    )
    return journal, unknown or reasons


def _today(call: Call) -> date:
    """Today where the organisation is: what Xero takes when no date is sent."""
    return from_ms(call.now_ms).astimezone(ZoneInfo(call.tenant.region.zone)).date()


def _keep(call: Call, journal: Journal) -> None:
    tax_account = next(a for a in chart_of(call.connection, call.tenant.tenant_id) if a.system_account == "GST")
    save_journal(call.connection, journal, tenant_id=call.tenant.tenant_id, tax_account_id=tax_account.account_id)


def _shown(journal: Journal, *, with_lines: bool) -> dict[str, object]:
    shown: dict[str, object] = {
        "Date": calendar_date(journal.day),
        "Status": journal.status,
        "LineAmountTypes": journal.line_amount_types,
        "UpdatedDateUTC": instant(journal.updated_ms),
        "ManualJournalID": journal.journal_id,
        "Narration": journal.narration,
        "JournalLines": [_shown_line(line) for line in journal.lines] if with_lines else [],
        "ShowOnCashBasisReports": journal.on_cash_basis,
        "HasAttachments": False,
    }
    return shown if journal.url is None else {**shown, "Url": journal.url}


def _shown_line(line: Line) -> dict[str, object]:
    shown: dict[str, object] = {
        "TaxType": line.tax_type,
        "TaxAmount": money(line.tax_cents),
        "LineAmount": money(line.cents),
        "AccountID": line.account_id,
        "Tracking": [shown_on_line(option) for option in line.tracking],
        "IsBlank": False,
    }
    optional = {"Description": line.description, "AccountCode": line.account_code}
    return {**{name: value for name, value in optional.items() if value is not None}, **shown}


def _shown_refused(sent: JournalInput, reasons: list[str]) -> Mapping[str, object]:
    return {
        "ManualJournalID": sent.journal_id or NIL_GUID,
        **sent.sent,
        "ValidationErrors": [{"Message": reason} for reason in reasons],
    }


ENDPOINT = Endpoint(
    name="ManualJournals",
    schema=SCHEMA,
    routes=(
        Route(method="GET", path="/ManualJournals", handler=list_manual_journals, scopes=_READ),
        Route(method="GET", path="/ManualJournals/<journal_id>", handler=get_manual_journal, scopes=_READ),
        Route(method="PUT", path="/ManualJournals", handler=create_manual_journals, scopes=_WRITE),
        Route(method="POST", path="/ManualJournals", handler=write_manual_journals, scopes=_WRITE),
        Route(method="POST", path="/ManualJournals/<journal_id>", handler=update_manual_journal, scopes=_WRITE),
    ),
)
