"""What goes wrong in any year: an answer that was lost, journals that the books refuse, a receipt called off in time.

All through the real services and the sandbox's own switches, so that every state of an export can be seen and decided
about. It is written before the year begins, while nothing else is on its way to the books.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from partsemble_core.demo.stage import DemoFailed
from partsemble_core.domain.exports import ExportState
from partsemble_core.errors import say
from partsemble_core.plugin_api.http import Http
from partsemble_core.services import adjusting, deciding, mapping, opting, receiving, reversing
from partsemble_core.services.acting import Act
from partsemble_core.services.house import House
from partsemble_core.services.posting import post_export
from partsemble_core.services.receiving import LineInput
from partsemble_core.store.connections import get_connection
from partsemble_core.store.exports import find_for_document, get_export
from partsemble_core.store.lots import DocumentKind, Lot
from partsemble_core.store.receipts import ReceiptLine
from partsemble_core.store.session import CompanySession

SECONDS = 30
WASTE, CLOSED = "320", "429"
"""The account for losses, and one that somebody archives over there before its journals arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Whose books, on which day, and where their sandbox is."""

    house: House
    act: Act
    company_id: int
    connection_id: int
    sandbox_url: str


def meet_mishaps(scene: Scene, *, supplier: str, sku: str) -> None:
    """Leaves one export in doubt, two refused (one of them with a reversal that waits behind it), one cancelled."""
    _switch(scene, "faults", {"match": "P* /api.xro/2.0/ManualJournals", "kind": "close-after", "times": 1})
    receipt_id = _receive(scene, supplier=supplier, sku=sku, quantity="200")
    _post(scene, [_export_of(scene, DocumentKind.RECEIPT, receipt_id)], until=ExportState.UNKNOWN)
    _be_refused(scene, receipt_id)
    _call_off(scene, supplier=supplier, sku=sku)


def _be_refused(scene: Scene, receipt_id: int) -> None:
    """Losses are posted to an account that was archived meanwhile; one of them is taken back before anybody looks."""
    house, company_id = scene.house, scene.company_id
    with house.reading(company_id) as session:
        of_receipt = sa.select(ReceiptLine.id).where(ReceiptLine.receipt_id == receipt_id)
        lot_id = session.scalars(sa.select(Lot.id).where(Lot.receipt_line_id.in_(of_receipt))).one()
    _choose(scene, manual=True, waste=CLOSED)
    lost = [_break(scene, lot_id, quantity) for quantity in ("-4", "-6")]
    _choose(scene, manual=False, waste=WASTE)
    with house.reading(company_id) as session:
        connection = get_connection(session, scene.connection_id)
    _switch(scene, f"organisations/{connection.organisation_id}/accounts/{CLOSED}", {"status": "ARCHIVED"})
    mapping.sync_accounts(house, connection)
    exports = [_export_of(scene, DocumentKind.ADJUSTMENT, adjustment_id) for adjustment_id in lost]
    house.write(company_id, lambda session: deciding.post_held(session, exports))
    _post(scene, exports, until=ExportState.REVIEW)
    reason = "Found again behind the shelf"
    house.write(
        company_id,
        lambda session: reversing.reverse(session, scene.act, DocumentKind.ADJUSTMENT.value, lost[1], reason=reason),
    )


def _call_off(scene: Scene, *, supplier: str, sku: str) -> None:
    """A receipt that was reversed while its posting was held: nothing is posted for either."""
    house, company_id = scene.house, scene.company_id
    house.write(company_id, lambda session: opting.set_options(session, {"export_receipts": "manual"}))
    receipt_id = _receive(scene, supplier=supplier, sku=sku, quantity="100")
    house.write(
        company_id,
        lambda session: reversing.reverse(
            session, scene.act, DocumentKind.RECEIPT.value, receipt_id, reason="Entered twice"
        ),
    )
    house.write(company_id, lambda session: opting.set_options(session, {"export_receipts": "automatic"}))


def _receive(scene: Scene, *, supplier: str, sku: str, quantity: str) -> int:
    line = LineInput(sku=sku, quantity=quantity, unit_cost="0.95")
    return scene.house.write(
        scene.company_id,
        lambda session: (
            receiving.receive(session, scene.act, supplier=supplier, lines=[line], received_on=scene.act.today).id
        ),
    )


def _break(scene: Scene, lot_id: int, quantity: str) -> int:
    return scene.house.write(
        scene.company_id,
        lambda session: (
            adjusting.adjust_lot(session, scene.act, lot_id, quantity=quantity, reason="breakage", notes="Dropped").id
        ),
    )


def _choose(scene: Scene, *, manual: bool, waste: str) -> None:
    mode = "manual" if manual else "automatic"

    def choose(session: CompanySession) -> None:
        opting.set_options(session, {"export_adjustments": mode})
        mapping.map_account(session, connection_id=scene.connection_id, role="waste", code=waste)

    scene.house.write(scene.company_id, choose)


def _export_of(scene: Scene, kind: DocumentKind, document_id: int) -> int:
    with scene.house.reading(scene.company_id) as session:
        export = find_for_document(session, kind, document_id)
    if export is None:
        raise DemoFailed(
            say("The {kind} {document_id} left no export. Connect the books first.", kind=kind, document_id=document_id)
        )
    return export.id


def _post(scene: Scene, export_ids: Sequence[int], *, until: ExportState) -> None:
    """What the worker does, unless it was quicker. Raises DemoFailed where it ends otherwise."""
    give_up = time.monotonic() + SECONDS
    while any(state != until for state in _states(scene, export_ids)):
        if time.monotonic() > give_up:
            raise DemoFailed(
                say("The exports {ids} are not {until}. See sandbox.log.", ids=str(list(export_ids)), until=until)
            )
        for export_id in export_ids:
            post_export(scene.house, scene.company_id, export_id)
        time.sleep(0.05)


def _states(scene: Scene, export_ids: Sequence[int]) -> list[str]:
    with scene.house.reading(scene.company_id) as session:
        return [get_export(session, export_id).state for export_id in export_ids]


def _switch(scene: Scene, path: str, fields: Mapping[str, str | int]) -> None:
    """One of the sandbox's switches, as a person over there would turn it."""
    with Http() as http:
        answer = http.request("POST", f"{scene.sandbox_url}/sandbox/{path}", json=fields)
    if answer.status != 200:
        raise DemoFailed(say("The sandbox refused {path} (status {status}).", path=path, status=answer.status))
