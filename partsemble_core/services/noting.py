"""Noting: each time that the books are asked whether they agree with stock, who asked, and what came of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from partsemble_core.services.acting import Act
from partsemble_core.services.house import House
from partsemble_core.services.reconciling import Reconciliation, reconcile, refuse_to_wait
from partsemble_core.store.reconcile_runs import ReconcileRun
from partsemble_core.store.session import CompanySession


def reconcile_and_note(
    house: House, act: Act, company_id: int, *, on: dt.date, wait: Callable[[float], None] = refuse_to_wait
) -> Reconciliation:
    """Asks the books as `reconcile` does, and keeps the verdict. Where no books are connected nothing is kept."""
    found = reconcile(house, company_id, on=on, wait=wait)
    if found.organisation:
        house.write(company_id, lambda session: _note(session, act, found))
    return found


def _note(session: CompanySession, act: Act, found: Reconciliation) -> None:
    session.add(
        ReconcileRun(
            asked_at=act.at,
            asked_by=act.by,
            compared_on=found.day,
            organisation=found.organisation,
            verdict=found.verdict,
            stock=found.stock,
            posted=found.posted,
            books=found.books,
            difference=found.difference,
            unexplained=found.unexplained,
            problem=found.problem,
        )
    )
