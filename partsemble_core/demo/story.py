"""The story: a maker of sensor kits buys from three suppliers at changing prices, and builds on two levels."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from partsemble_core.demo.consent import consent
from partsemble_core.demo.stage import DemoFailed, Stage
from partsemble_core.domain.exports import WORKABLE
from partsemble_core.errors import say
from partsemble_core.plugin_api.http import Http
from partsemble_core.services import building, cataloguing, connecting, mapping, receiving
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import found_company, set_password
from partsemble_core.services.cataloguing import ComponentInput, CostInput
from partsemble_core.services.house import House
from partsemble_core.services.receiving import LineInput
from partsemble_core.store.companies import Company
from partsemble_core.store.database import reading_anywhere, write_anywhere
from partsemble_core.store.exports import Export
from partsemble_core.store.products import find_product_by_sku, get_product_by_sku
from partsemble_core.store.session import CompanySession

ORGANISATION = "Demo Kits Ltd"
CURRENCY = "NZD"
EMAIL = "demo@example.com"
POSTED_SECONDS = 45
ACCOUNTS = {
    "receiving_debit": "621",
    "receiving_credit": "623",
    "build_debit": "622",
    "build_credit": "621",
    "applied_costs": "478",
}
SUPPLIERS = (
    ("ACM", "Acme Components"),
    ("BRT", "Bright Boards"),
    ("NPK", "Northern Packaging"),
)
PRODUCTS = (
    ("PCB-BLANK", "Blank circuit board", "component"),
    ("MCU-32", "Microcontroller, 32 bit", "component"),
    ("CAP-100N", "Capacitor 100 nF", "component"),
    ("LED-GRN", "LED green", "component"),
    ("CASE-M", "Case, medium", "component"),
    ("BOX-KIT", "Printed carton", "raw_material"),
    ("BOARD-A", "Sensor board, assembled", "sub_assembly"),
    ("KIT-SENSOR", "Sensor kit", "finished_good"),
)
RECEIPTS: tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...] = (
    ("ACM", "2026-01-12", (("MCU-32", "20", "69.00"), ("CAP-100N", "5000", "37.49"), ("LED-GRN", "100", "8.20"))),
    ("BRT", "2026-01-15", (("PCB-BLANK", "20", "690.00"),)),
    ("BRT", "2026-02-09", (("PCB-BLANK", "50", "1775.00"),)),
    ("ACM", "2026-02-20", (("MCU-32", "60", "219.00"), ("LED-GRN", "150", "13.05"))),
    ("NPK", "2026-03-02", (("CASE-M", "40", "312.00"), ("BOX-KIT", "100", "85.55"))),
    ("BRT", "2026-03-11", (("PCB-BLANK", "100", "3600.00"),)),
)
BOARD = (("PCB-BLANK", "1"), ("MCU-32", "1"), ("CAP-100N", "5"), ("LED-GRN", "2"))
KIT = (("BOARD-A", "2"), ("CASE-M", "1"), ("BOX-KIT", "1"))
BUILDS = (("BOARD-A", "60", "2026-03-16"), ("KIT-SENSOR", "25", "2026-03-20"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    company_id: int
    connection_id: int
    organisation_id: str


def found(house: House, *, name: str = ORGANISATION, email: str = EMAIL) -> tuple[int, str]:
    """A company of the demo and its owner's new password; the one of an earlier run in the same folder is kept."""
    password = secrets.token_urlsafe(12)
    with reading_anywhere(house.engine) as session:
        company_id = session.scalar(sa.select(Company.id).where(Company.name == name))
    if company_id is not None:
        write_anywhere(house.engine, lambda s: set_password(s, email=email, password=password))
        return company_id, password
    company, _ = write_anywhere(
        house.engine,
        lambda s: found_company(s, name=name, currency=CURRENCY, email=email, password=password, now=house.clock()),
    )
    return company.id, password


def tell(stage: Stage, company_id: int) -> Made:
    """Signs in, maps accounts, receives and builds; in a folder that holds the story already it only signs in again."""
    house = stage.house
    act = house.act(company_id, by=EMAIL)
    connection_id, organisation_id = connect_books(stage, act, company_id)
    with house.reading(company_id) as session:
        is_told = find_product_by_sku(session, PRODUCTS[-1][0]) is not None
    if not is_told:
        for role, code in ACCOUNTS.items():
            house.write(company_id, partial(mapping.map_account, connection_id=connection_id, role=role, code=code))
        house.write(company_id, partial(_catalogue, act=act))
        for supplier, day, lines in RECEIPTS:
            inputs = [LineInput(sku=sku, quantity=quantity, total_cost=cost) for sku, quantity, cost in lines]
            house.write(
                company_id, partial(receiving.receive, act=act, supplier=supplier, lines=inputs, received_on=day)
            )
        for sku, quantity, day in BUILDS:
            house.write(company_id, partial(_build, act=act, sku=sku, quantity=quantity, day=day))
    return Made(company_id=company_id, connection_id=connection_id, organisation_id=organisation_id)


def wait_until_posted(house: House, company_id: int) -> None:
    """Until the worker has nothing left to do. Raises DemoFailed with what hangs."""
    give_up = time.monotonic() + POSTED_SECONDS
    while True:
        with house.reading(company_id) as session:
            waiting = session.scalars(sa.select(Export).where(Export.state.in_(WORKABLE))).all()
        if not waiting:
            return
        if time.monotonic() > give_up:
            hanging = "; ".join(f"{export.reference} is {export.state} {export.problem}" for export in waiting)
            raise DemoFailed(
                say(
                    "The worker did not finish in {posted_seconds} s: {hanging}. See worker.log.",
                    posted_seconds=POSTED_SECONDS,
                    hanging=hanging,
                )
            )
        time.sleep(0.1)


def connect_books(stage: Stage, act: Act, company_id: int, *, organisation: str = ORGANISATION) -> tuple[int, str]:
    """The real sign-in: authorize, consent, code, tokens, choice of the organisation. Ids of connection and books."""
    house, session_key = stage.house, secrets.token_urlsafe(16)
    url = connecting.begin(
        house, act, company_id, backend="xero", session_key=session_key, redirect_uri=stage.callback_url
    )
    if url is None:
        raise DemoFailed("The Xero plugin asked for no sign-in.")
    with Http() as http:
        params = consent(http, url, organisation=organisation)
    grant_id, organisations = connecting.complete(
        house, act, company_id, backend="xero", session_key=session_key, params=params
    )
    chosen = next((o for o in organisations if o.name == organisation), None)
    if chosen is None:
        raise DemoFailed(
            say("{organisation} is not among the organisations of this sign-in.", organisation=organisation)
        )
    connection = connecting.choose(
        house, act, company_id, backend="xero", organisation_id=chosen.external_id, grant_id=grant_id
    )
    return connection.id, chosen.external_id


def _catalogue(session: CompanySession, act: Act) -> None:
    for code, name in SUPPLIERS:
        cataloguing.create_supplier(session, act, code=code, name=name)
    for sku, name, kind in PRODUCTS:
        cataloguing.create_product(session, act, sku=sku, name=name, kind=kind)
    labour = CostInput(kind="labour", label="Assembly", rate="25.00", quantity="0.2")
    packing = CostInput(kind="other", label="Packing", amount="2.00")
    for sku, parts, cost in (("BOARD-A", BOARD, labour), ("KIT-SENSOR", KIT, packing)):
        cataloguing.save_bom(
            session,
            act,
            product_id=get_product_by_sku(session, sku).id,
            components=[ComponentInput(sku=part, quantity=quantity) for part, quantity in parts],
            cost_lines=[cost],
        )


def _build(session: CompanySession, act: Act, *, sku: str, quantity: str, day: str) -> None:
    product = get_product_by_sku(session, sku)
    building.build_now(session, act, product_id=product.id, quantity=quantity, built_on=day)
