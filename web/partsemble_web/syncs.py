"""Syncs on the page of integrations: what was read from the books, when it is read by itself, and the lists of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import flash, url_for
from flask_babel import gettext as _

from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.scheduling import clear_schedule, parse_every, schedules_of, set_schedule
from partsemble_core.services.syncing import latest_runs, parse_sync_kind, start_sync
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import SyncCause, SyncKind, SyncRun, SyncSchedule, SyncState
from partsemble_web.lists import ListPage
from partsemble_web.scope import the_house, the_person, write
from partsemble_web.speaking import mark, said

EVERY: tuple[tuple[str, str], ...] = (
    ("15m", mark("every 15 minutes")),
    ("1h", mark("every hour")),
    ("6h", mark("every 6 hours")),
    ("1d", mark("every day")),
    ("7d", mark("every week")),
)
"""What the page offers; any other time is set by command or API, and shown beside these."""
UNDER_WAY = {
    SyncKind.ACCOUNTS: mark("The accounts are being read."),
    SyncKind.ITEMS: mark("The items are being read."),
    SyncKind.CONTACTS: mark("The contacts are being read."),
    SyncKind.SALES: mark("The sales are being read."),
}
DONE = {
    SyncKind.ACCOUNTS: mark("%(records)s accounts were read: %(added)s new, %(changed)s changed, %(gone)s gone."),
    SyncKind.ITEMS: mark("%(records)s items were read: %(added)s new, %(changed)s changed, %(gone)s gone."),
    SyncKind.CONTACTS: mark("%(records)s contacts were read: %(added)s new, %(changed)s changed, %(gone)s gone."),
    SyncKind.SALES: mark("%(records)s sales were read: %(added)s new, %(changed)s changed, %(gone)s gone."),
}
FAILED = {
    SyncKind.ACCOUNTS: mark("The accounts couldn’t be read. %(why)s"),
    SyncKind.ITEMS: mark("The items couldn’t be read. %(why)s"),
    SyncKind.CONTACTS: mark("The contacts couldn’t be read. %(why)s"),
    SyncKind.SALES: mark("The sales couldn’t be read. %(why)s"),
}
"""What is said of a sync, a sentence for each kind: languages bend them differently."""
BUTTONS = {
    SyncKind.ACCOUNTS: mark("Sync accounts"),
    SyncKind.ITEMS: mark("Sync items"),
    SyncKind.CONTACTS: mark("Sync contacts"),
    SyncKind.SALES: mark("Sync sales"),
}
RUNS = ListPage(
    name="syncs",
    template="integrations/syncs.html",
    shown=("started_at", "kind", "state", "records", "added", "changed", "gone", "started_by"),
    minor=frozenset({"added", "changed", "gone", "started_by"}),
    choices={"kind": (mark("What"), tuple(SyncKind)), "state": (mark("State"), tuple(SyncState))},
    subtitles={"state": "message"},
)
ITEMS = ListPage(
    name="items",
    template="integrations/items.html",
    shown=("code", "name", "matched", "product_sku", "tracked", "state", "synced_at"),
    minor=frozenset({"state", "synced_at"}),
    links={
        "product_sku": lambda row: (
            url_for("products.show_product", product_id=row["product_id"]) if row["product_id"] else None
        )
    },
    choices={
        "matched": (mark("Match"), ("matched", "not matched")),
        "tracked": (mark("Tracking"), ("tracked", "not tracked")),
        "state": (mark("State"), ("there", "gone")),
    },
    subtitles={"tracked": "warning"},
)
CONTACTS = ListPage(
    name="contacts",
    template="integrations/contacts.html",
    shown=("name", "email", "role", "supplier_code", "state", "synced_at"),
    minor=frozenset({"synced_at"}),
    links={
        "supplier_code": lambda row: (
            url_for("suppliers.show_supplier", supplier_id=row["supplier_id"]) if row["supplier_id"] else None
        )
    },
    choices={
        "role": (mark("Role"), ("supplier", "customer", "both", "neither")),
        "linked": (mark("Link"), ("linked", "not linked")),
        "state": (mark("State"), ("there", "gone")),
    },
    pick=lambda row: not row["supplier_id"] and row["state"] == "there",
    picked_by=MAY_WRITE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRow:
    """One kind of record on the page: its last run, and when the next one is due."""

    kind: SyncKind
    last: SyncRun | None
    schedule: SyncSchedule | None
    choices: Sequence[tuple[str, str]]
    """Value and words; the one that is set has the value of its minutes."""
    chosen: str

    @property
    def button(self) -> str:
        """What starts it, to be said by the page."""
        return BUTTONS[self.kind]

    @property
    def is_running(self) -> bool:
        return self.last is not None and self.last.state == SyncState.RUNNING


def sync_rows(session: CompanySession, connection_id: int) -> list[SyncRow]:
    """A row for each kind."""
    runs = latest_runs(session, connection_id)
    schedules = {SyncKind(schedule.kind): schedule for schedule in schedules_of(session, connection_id)}
    return [_row(kind, runs.get(kind), schedules.get(kind)) for kind in SyncKind]


def sync_now(connection_id: int, kind: str) -> None:
    """Begins a sync for the person, and says what came of it."""
    person = the_person()
    run = start_sync(the_house(), person.company_id, connection_id, kind, cause=SyncCause.PERSON, by=person.by)
    kind = SyncKind(run.kind)
    if run.state == SyncState.RUNNING:
        flash(_(UNDER_WAY[kind]), "info")
    elif run.state == SyncState.DONE:
        words = _(DONE[kind], records=run.records, added=run.added, changed=run.changed, gone=run.gone)
        flash(words, "success")
    else:
        flash(_(FAILED[kind], why=said(run.message)), "info")


def plan(connection_id: int, kind: str, every: str) -> None:
    """Sets or, left empty, takes away when a sync runs by itself."""

    def change(session: CompanySession) -> None:
        known = {schedule.kind for schedule in schedules_of(session, connection_id)}
        if every:
            set_schedule(session, connection_id=connection_id, kind=kind, every=every)
        elif parse_sync_kind(kind) in known:
            clear_schedule(session, connection_id=connection_id, kind=kind)

    write(change)
    flash(_("Schedule saved."), "success")


def _row(kind: SyncKind, last: SyncRun | None, schedule: SyncSchedule | None) -> SyncRow:
    minutes = {parse_every(value): value for value, _ in EVERY}
    chosen, choices = "", tuple(EVERY)
    if schedule is not None:
        chosen = minutes.get(schedule.every_minutes, f"{schedule.every_minutes}m")
        if schedule.every_minutes not in minutes:
            choices = ((chosen, _("every %(count)s minutes", count=schedule.every_minutes)), *EVERY)
    return SyncRow(kind=kind, last=last, schedule=schedule, choices=choices, chosen=chosen)
