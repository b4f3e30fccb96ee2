"""Stock against the books, and true-ups of the rounding between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from partsemble_core.api import reconciling_schemas as schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, the_house, the_person, today, writing
from partsemble_core.api.lists import list_route
from partsemble_core.services.acting import Act, parse_day
from partsemble_core.services.admitting import MAY_EXPORT
from partsemble_core.services.noting import reconcile_and_note
from partsemble_core.services.reconciling import reconcile
from partsemble_core.services.tabulating import reconciliation_values
from partsemble_core.services.truing import take_back, true_up
from partsemble_core.store.exports import Export, find_for_document
from partsemble_core.store.lots import DocumentKind
from partsemble_core.store.session import CompanySession
from partsemble_core.store.true_ups import TrueUp

area = Area(
    "reconciling", "The value of stock against what was posted and what the books hold, difference by difference."
)


@area.route("GET", "/reconcile", asks=schemas.ReconcileQuery, gives=schemas.ReconciliationOut)
def show_reconciliation(query: Mapping[str, str]) -> Json:
    """Our side at the end of a day: stock against what was posted. The books aren't asked."""
    day = parse_day(query.get("on"), field="on", today=today())
    return reconciliation_values(reconcile(the_house(), the_person().company_id, on=day, offline=True))


@area.route("POST", "/reconcile", takes=schemas.ReconcileIn, gives=schemas.ReconciliationOut, roles=MAY_EXPORT)
def ask_books(body: dict[str, Any]) -> Json:
    """Asks the books, and explains every difference. The verdict is kept among the runs; nothing else is written."""
    act = the_house().act(the_person().company_id, by=the_person().by)
    day = parse_day(body["on"], field="on", today=act.today)
    return reconciliation_values(reconcile_and_note(the_house(), act, the_person().company_id, on=day))


list_route(area, "reconcile_runs", path="/reconcile/runs")
list_route(area, "true_ups", path="/true-ups")


@area.route("POST", "/true-ups", takes=schemas.ReconcileIn, gives=schemas.TrueUpOut, roles=MAY_EXPORT, status=201)
def make_true_up(body: dict[str, Any]) -> Json:
    """Queues the journal that moves the rounding of all that was posted through a day off the stock account."""
    return writing(lambda session, act: _body(session, true_up(session, act, on=body["on"])))


@area.route(
    "POST",
    "/true-ups/<id:true_up_id>/reverse",
    takes=schemas.TakeBackIn,
    gives=schemas.TrueUpOut,
    roles=MAY_EXPORT,
    status=201,
)
def reverse_true_up(body: dict[str, Any], true_up_id: int) -> Json:
    """Queues the opposite of a posted true-up, as a true-up of its own."""

    def take(session: CompanySession, act: Act) -> Json:
        return _body(session, take_back(session, act, true_up_id, reason=body["reason"], on=body["on"]))

    return writing(take)


def _body(session: CompanySession, made: TrueUp) -> Json:
    export = find_for_document(session, DocumentKind.TRUE_UP, made.id)
    return _true_up_body(made, export)


def _true_up_body(found: TrueUp, export: Export | None) -> Json:
    return {
        "id": found.id,
        "reference": found.reference,
        "on": found.trued_up_on,
        "amount": found.amount,
        "reverses_id": found.reverses_id,
        "reason": found.reason,
        "export_id": export.id if export else None,
        "export_state": export.state if export else None,
        "created_at": found.created_at,
        "created_by": found.created_by,
    }
