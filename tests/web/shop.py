"""A small company as its console shows it: lamps made of panels, posted to a pretended QuickBooks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from flask import Flask

from partsemble_core import config
from partsemble_core.domain.exports import ExportState
from partsemble_core.domain.journals import AccountRole
from partsemble_core.services import admitting, connecting, mapping, truing
from partsemble_core.services.acting import Act
from partsemble_core.services.adjusting import open_stock
from partsemble_core.services.building import build_now
from partsemble_core.services.cataloguing import (
    ComponentInput,
    CostInput,
    create_product,
    create_supplier,
    save_bom,
)
from partsemble_core.services.counting import start_count
from partsemble_core.services.house import House
from partsemble_core.services.inviting import invite
from partsemble_core.services.planning import plan_build
from partsemble_core.services.posting import post_export
from partsemble_core.services.receiving import LineInput, receive
from partsemble_core.services.reversing import reverse
from partsemble_core.services.subscribing import add_endpoint, send_test
from partsemble_core.services.syncing import get_live_connection, run_sync
from partsemble_core.store import database
from partsemble_core.store.companies import Role
from partsemble_core.store.connections import mapped_accounts
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import SyncCause
from partsemble_core.wiring import build_house
from partsemble_csv_import import plugin as csv_import
from partsemble_qbo_stub import QuickBooksStub
from partsemble_web import create_app
from partsemble_xero import plugin as xero

T = TypeVar("T")
PASSWORD = "correct horse battery"
NOW = dt.datetime.now(dt.UTC)
ROLES = {
    "receiving_debit": "1300",
    "receiving_credit": "2100",
    "build_debit": "1310",
    "build_credit": "1300",
    "applied_costs": "5200",
    "waste": "5100",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """One company in a house. ``ids`` are of products, by SKU."""

    app: Flask
    house: House
    company_id: int
    ids: dict[str, int]

    def write(self, work: Callable[[CompanySession, Act], T]) -> T:
        act = self.house.act(self.company_id, by="owner@lumen.example")
        return self.house.write(self.company_id, lambda session: work(session, act))


def open_house(
    database_url: str,
    folder: Path,
    *,
    base_url: str = "http://localhost",
    plugin_settings: Mapping[str, str] = MappingProxyType({}),
    redis_url: str = "",
    trusted_hosts: str = "",
    smtp_url: str = "",
) -> House:
    """A house whose schema is there, with the pretended QuickBooks, and a clock that stands still."""
    environment = {
        "DATABASE_URL": database_url,
        "PARTSEMBLE_BASE_URL": base_url,
        "PARTSEMBLE_PLUGINS": "none",
        "REDIS_URL": redis_url,
        "PARTSEMBLE_TRUSTED_HOSTS": trusted_hosts,
        "PARTSEMBLE_SMTP_URL": smtp_url,
        "PARTSEMBLE_PLUGIN_XERO_CLIENT_ID": "id-of-an-app",
        "PARTSEMBLE_PLUGIN_XERO_CLIENT_SECRET": "secret-of-an-app",
        **{f"PARTSEMBLE_PLUGIN_{name.upper()}": value for name, value in plugin_settings.items()},
    }
    built = build_house(config.load(environment, data_dir=folder))
    built.host.failures.clear()
    for name, plugin in (("qbo_stub", QuickBooksStub()), ("xero", xero), ("csv_import", csv_import)):
        built.host.add(plugin, name)
    return House(
        settings=built.settings,
        engine=built.engine,
        host=built.host,
        vault=built.vault,
        clock=lambda: NOW,
        ring=built.ring,
    )


def found(house: House, *, name: str, email: str, currency: str = "USD") -> int:
    """A new company with its owner; its id."""
    company, _ = database.write_anywhere(
        house.engine,
        lambda session: admitting.found_company(
            session, name=name, currency=currency, email=email, password=PASSWORD, now=NOW, owner_name="Olga"
        ),
    )
    return company.id


def add_people(house: House, company_id: int, roles: Sequence[Role]) -> None:
    """One person of each role, called ``ROLE@lumen.example``."""
    for role in roles:
        database.write_anywhere(
            house.engine,
            lambda session, role=role: admitting.add_member(  # type: ignore[misc]
                session,
                company_id=company_id,
                email=f"{role}@lumen.example",
                password=PASSWORD,
                role=role,
                name=role.title(),
                now=NOW,
            ),
        )


def open_shop(
    database_url: str,
    folder: Path,
    *,
    base_url: str = "http://localhost",
    plugin_settings: Mapping[str, str] = MappingProxyType({}),
    redis_url: str = "",
    trusted_hosts: str = "",
    smtp_url: str = "",
) -> Shop:
    """A company with people and products, and nothing bought or made yet."""
    house = open_house(
        database_url,
        folder,
        base_url=base_url,
        plugin_settings=plugin_settings,
        redis_url=redis_url,
        trusted_hosts=trusted_hosts,
        smtp_url=smtp_url,
    )
    company_id = found(house, name="Lumen Works", email="owner@lumen.example")
    add_people(house, company_id, [Role.ADMIN, Role.ACCOUNTANT, Role.BUILDER, Role.VIEWER])
    shop = Shop(app=create_app(house.settings, house), house=house, company_id=company_id, ids={})
    add_catalogue(shop)
    return shop


def add_catalogue(shop: Shop) -> None:
    """Products, a BOM and two suppliers."""
    rows = (
        ("PANEL-24", "Light panel 24 W", "component", "each", "25"),
        ("FRAME-AL", "Aluminium frame, anodised", "component", "each", "10"),
        ("SCREW-M3", "Screw M3×8, stainless", "raw_material", "each", "500"),
        ("WIRE-075", "Wire 0.75 mm², per metre", "raw_material", "m", "0"),
        ("LAMP-01", "Workshop lamp", "finished_good", "each", "0"),
    )
    for sku, name, kind, unit, reorder in rows:
        product = shop.write(
            lambda session, act, values=(sku, name, kind, unit, reorder): create_product(  # type: ignore[misc]
                session, act, sku=values[0], name=values[1], kind=values[2], unit=values[3], reorder_point=values[4]
            )
        )
        shop.ids[sku] = product.id
    for code, name in (("ACM", "Acme Components"), ("NTL", "Northern Lights Ltd")):
        shop.write(lambda session, act, c=code, n=name: create_supplier(session, act, code=c, name=n))  # type: ignore[misc]
    shop.write(save_lamp_bom(shop.ids["LAMP-01"]))


def save_lamp_bom(product_id: int) -> Callable[[CompanySession, Act], object]:
    """A lamp: a panel, a frame, eight screws, a bit of wire, half an hour of work."""

    def save(session: CompanySession, act: Act) -> object:
        return save_bom(
            session,
            act,
            product_id=product_id,
            components=[
                ComponentInput(sku="PANEL-24", quantity="1"),
                ComponentInput(sku="FRAME-AL", quantity="1", designators=("F1", "F2")),
                ComponentInput(sku="SCREW-M3", quantity="8", scrap_percent="2"),
                ComponentInput(sku="WIRE-075", quantity="0.35", optional=True),
            ],
            cost_lines=[CostInput(kind="labour", label="Assembly", rate="25", quantity="0.5")],
        )

    return save


def connect(shop: Shop) -> int:
    """Connects the pretended QuickBooks and chooses its accounts; the connection's id."""
    act = shop.house.act(shop.company_id, by="owner@lumen.example")
    connection = connecting.choose(shop.house, act, shop.company_id, backend="qbo_stub", organisation_id="9130-0001")
    for role, code in ROLES.items():
        shop.write(
            lambda session, act, r=role, c=code: mapping.map_account(  # type: ignore[misc]
                session, connection_id=connection.id, role=r, code=c
            )
        )
    return connection.id


def read_sales(shop: Shop, connection_id: int) -> None:
    """What the sync of sales brings: an invoice and a credit note."""
    run_sync(shop.house, shop.company_id, connection_id, "sales", cause=SyncCause.PERSON, by="owner@lumen.example")


def stock_up(shop: Shop) -> list[int]:
    """Three receipts of panels (N1), and one of everything else; their ids."""
    small = [("FRAME-AL", "80", "11.2345"), ("SCREW-M3", "1200", "0.0312"), ("WIRE-075", "15", "0.8")]
    bought = (
        ("ACM", "2026-04-02", [("PANEL-24", "20", "34.50")]),
        ("ACM", "2026-04-10", [("PANEL-24", "50", "35.50")]),
        ("NTL", "2026-04-21", [("PANEL-24", "100", "36.00")]),
        ("ACM", "2026-04-22", small),
    )
    return [
        shop.write(
            lambda session, act, s=supplier, d=day, ls=lines: (
                receive(  # type: ignore[misc]
                    session,
                    act,
                    supplier=s,
                    received_on=d,
                    lines=[LineInput(sku=sku, quantity=quantity, unit_cost=cost) for sku, quantity, cost in ls],
                ).id
            )
        )
        for supplier, day, lines in bought
    ]


def make_lamps(shop: Shop, quantity: str) -> int:
    """Builds lamps; the build's id."""
    build = shop.write(lambda session, act: build_now(session, act, product_id=shop.ids["LAMP-01"], quantity=quantity))
    return build.id


def plan_lamps(shop: Shop, quantity: str) -> int:
    """Plans lamps; the build's id."""
    build = shop.write(lambda session, act: plan_build(session, act, product_id=shop.ids["LAMP-01"], quantity=quantity))
    return build.id


def correct(shop: Shop) -> None:
    """Opening stock that is reversed again, and a count of panels that isn't confirmed: ids 1 and 1."""
    opened = shop.write(
        lambda session, act: open_stock(session, act, sku="WIRE-075", quantity="3", total_cost="2.10", lot_number="OLD")
    )
    shop.write(lambda session, act: reverse(session, act, "adjustment", opened.id, reason="Was counted twice"))
    shop.write(lambda session, act: start_count(session, act, skus=["PANEL-24"]))


def round_off(shop: Shop) -> int:
    """A true-up of two cents whose posting was left out; its id."""

    def work(session: CompanySession, act: Act) -> int:
        connection = get_live_connection(session)
        mapped = mapped_accounts(session, connection.id)
        accounts = {
            AccountRole.RECEIVING_DEBIT: mapped[AccountRole.RECEIVING_DEBIT],
            AccountRole.ROUNDING: mapped[AccountRole.WASTE],
        }
        made = truing._book(session, act, connection, accounts, number=1, day=act.today, minor=2)
        export = truing.export_of(session, made)
        export.state, export.problem = ExportState.SKIPPED, "Left out: only to be looked at"
        session.queued_exports.clear()
        return made.id

    return shop.write(work)


def post(shop: Shop, export_ids: Sequence[int]) -> None:
    """What the worker does for these exports."""
    for export_id in export_ids:
        post_export(shop.house, shop.company_id, export_id)


def staff(shop: Shop) -> None:
    """An invitation that nobody has accepted yet, and an API token that nobody has used yet."""
    shop.write(lambda session, act: invite(session, act, email="nora@lumen.example", role="viewer"))
    shop.write(lambda session, act: admitting.issue_token(session, membership_id=1, name="Shop import", now=act.at))


def listen(shop: Shop) -> None:
    """An address that is told of events, and one event for it."""

    def work(session: CompanySession, act: Act) -> None:
        endpoint, _ = add_endpoint(shop.house, session, act, url="https://hooks.example/partsemble?token=t0ken")
        send_test(session, act, endpoint.id)

    shop.write(work)
