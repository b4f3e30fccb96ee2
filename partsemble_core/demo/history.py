"""Writes the year of the demo's second company through the real services, and leaves it with work to do."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Protocol, TypeVar

import sqlalchemy as sa

from partsemble_core.demo.kits import PARTS, RECIPES, SUPPLIERS
from partsemble_core.demo.mishaps import Scene, meet_mishaps
from partsemble_core.demo.year import WEEKS, Making, Purchase, year_of
from partsemble_core.services import (
    adjusting,
    building,
    cataloguing,
    deciding,
    holding,
    mapping,
    opting,
    planning,
    receiving,
    reviewing,
)
from partsemble_core.services.acting import Act
from partsemble_core.services.cataloguing import ComponentInput, CostInput
from partsemble_core.services.house import House
from partsemble_core.services.receiving import LineInput
from partsemble_core.store.builds import lines_of
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import Lot
from partsemble_core.store.products import find_product_by_sku, get_product_by_sku
from partsemble_core.store.session import CompanySession

T = TypeVar("T")


class Write(Protocol):
    """One transaction of the company."""

    def __call__(self, work: Callable[[CompanySession], T], /) -> T: ...


ACCOUNTS = {
    "receiving_debit": "621",
    "receiving_credit": "623",
    "build_debit": "622",
    "build_credit": "621",
    "applied_costs": "478",
    "waste": "320",
}
PLANS = (
    ("KIT-WALL", "12", -9, "Ada", "Order 4711, Brightside School"),
    ("KIT-INDOOR", "24", -2, "Ada", ""),
    ("BRD-SEN", "50", 4, "Noor", ""),
    ("MOD-CORE", "30", 6, "Noor", ""),
    ("KIT-CLASS", "40", 15, "", "Trade fair"),
)
"""SKU, quantity, days from today, who, and what for: two are late, one can't be made of what is there."""


def is_told(house: House, company_id: int) -> bool:
    with house.reading(company_id) as session:
        return find_product_by_sku(session, RECIPES[-1].sku) is not None


def tell_year(
    house: House,
    act: Act,
    company_id: int,
    connection_id: int,
    *,
    sandbox_url: str,
    progress: Callable[[dt.date], None],
    weeks: int = WEEKS,
) -> None:
    """What went wrong lately, a year of receipts, builds and reviews, each on a day of its own; then loose ends."""
    write: Write = partial(house.write, company_id)
    for role, code in ACCOUNTS.items():
        write(partial(mapping.map_account, connection_id=connection_id, role=role, code=code))
    first = _on(act, act.today - dt.timedelta(days=400))
    write(lambda session: _catalogue(session, first))
    scene = Scene(house=house, act=act, company_id=company_id, connection_id=connection_id, sandbox_url=sandbox_url)
    meet_mishaps(scene, supplier="VLT", sku="SEN-TEMP")
    for event in year_of(act.today, weeks=weeks):
        progress(event.day)
        then = _on(act, event.day)
        if isinstance(event, Purchase):
            write(partial(_buy, act=then, purchase=event))
        else:
            _make(write, then, event)
    write(partial(_plan, act=act))
    _leave_loose_ends(write, act)
    _leave_one_out(house, act, company_id)


def _on(act: Act, day: dt.date) -> Act:
    """The same person at ten in the morning of another day."""
    return dataclasses.replace(act, at=dt.datetime.combine(day, dt.time(10), tzinfo=dt.UTC), today=day)


def _catalogue(session: CompanySession, act: Act) -> None:
    for code, name in SUPPLIERS:
        cataloguing.create_supplier(session, act, code=code, name=name)
    for part in PARTS:
        cataloguing.create_product(
            session, act, sku=part.sku, name=part.name, kind=part.kind, reorder_point=str(part.pack // 4)
        )
    for recipe in RECIPES:
        product = cataloguing.create_product(session, act, sku=recipe.sku, name=recipe.name, kind=recipe.kind)
        hours = str((Decimal(recipe.minutes) / 60).quantize(Decimal("0.0001")))
        cataloguing.save_bom(
            session,
            act,
            product_id=product.id,
            components=[ComponentInput(sku=sku, quantity=str(each)) for sku, each in recipe.components],
            cost_lines=[CostInput(kind="labour", label="Assembly", rate="32.00", quantity=hours)],
        )


def _buy(session: CompanySession, *, act: Act, purchase: Purchase) -> None:
    lines = [LineInput(sku=sku, quantity=str(quantity), unit_cost=str(cost)) for sku, quantity, cost in purchase.lines]
    receiving.receive(session, act, supplier=purchase.supplier, lines=lines, received_on=act.today)


def _make(write: Write, act: Act, making: Making) -> None:
    """A build; one that is reviewed is decided on the same day."""
    if making.is_reviewed:
        write(lambda session: opting.set_options(session, {"qa_review": True}))
    build_id = write(partial(_build, act=act, sku=making.sku, quantity=making.quantity))
    if making.is_reviewed:
        write(partial(_review, act=act, build_id=build_id, verdict=making.review))
        write(lambda session: opting.set_options(session, {"qa_review": False}))


def _build(session: CompanySession, *, act: Act, sku: str, quantity: int) -> int:
    product = get_product_by_sku(session, sku)
    return building.build_now(session, act, product_id=product.id, quantity=str(quantity), built_on=act.today).id


def _review(session: CompanySession, *, act: Act, build_id: int, verdict: tuple[str, str] | None) -> None:
    if verdict is None:
        reviewing.approve(session, act, build_id, note="Tested, all good")
        return
    reason, recovery = verdict
    back = _half_of(session, build_id) if recovery == "partial" else None
    reviewing.reject(session, act, build_id, reason=reason, recovery=recovery, recovered=back)


def _half_of(session: CompanySession, build_id: int) -> dict[int, object]:
    """Of every second component half comes back whole."""
    lines = lines_of(session, build_id)
    return {index: str(line.quantity_needed // 2) for index, line in enumerate(lines) if index % 2 == 0}


def _plan(session: CompanySession, *, act: Act) -> None:
    for sku, quantity, days, assignee, notes in PLANS:
        planning.plan_build(
            session,
            act,
            product_id=get_product_by_sku(session, sku).id,
            quantity=quantity,
            target_on=act.today + dt.timedelta(days=days),
            assignee=assignee,
            notes=notes,
        )


def _leave_loose_ends(write: Write, act: Act) -> None:
    """One build waits for review, one lot is on hold, and corrections wait for somebody to post them."""
    write(lambda session: opting.set_options(session, {"qa_review": True, "export_adjustments": "manual"}))
    write(partial(_build, act=act, sku="BRD-PWR", quantity=5))
    lots = write(_latest_lots)
    for lot_id, lost in zip(lots[1:], ("-3", "-2", "-1"), strict=True):
        write(partial(_break, act=act, lot_id=lot_id, lost=lost))
    write(lambda session: holding.hold(session, act, lots[0], reason="Supplier asks for the serial numbers"))


def _latest_lots(session: CompanySession) -> list[int]:
    wanted = sa.select(Lot.id).where(Lot.quantity_left > 20).order_by(Lot.id.desc()).limit(4)
    return list(session.scalars(wanted))


def _break(session: CompanySession, *, act: Act, lot_id: int, lost: str) -> None:
    adjusting.adjust_lot(session, act, lot_id, quantity=lost, reason="breakage", notes="Found at the stocktake")


def _leave_one_out(house: House, act: Act, company_id: int) -> None:
    """A person decided that the first of the corrections isn't posted."""
    with house.reading(company_id) as session:
        held = deciding.held_exports(session)
        first = session.scalar(sa.select(Export.id).where(Export.id.in_(held)).order_by(Export.id))
    if first is not None:
        deciding.skip_export(house, act, company_id, first, reason="Counted twice; the count was corrected")
