"""A backend with items and contacts that a test puts on a shelf, and a house that reads them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from partsemble_core.plugin_api import BackendContext, Contact, ContactSync, Item, Page, Unsupported, hookimpl
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_host import PluginHost
from partsemble_core.services import connecting
from partsemble_core.services.house import House
from partsemble_core.services.syncing import run_sync
from partsemble_core.store.connections import Connection
from partsemble_core.store.database import write_anywhere
from partsemble_core.store.syncs import RemoteContact, RemoteItem, SyncCause, SyncRun, SyncSchedule
from partsemble_core.vault import Vault
from partsemble_core.wiring import utc_now
from partsemble_qbo_stub import QuickBooksStub
from tests.faults.stage import KEY, settings_for
from tests.services.makers import Shop, a_shop


class ShelfBackend(QuickBooksStub):
    """The QuickBooks stub with other goods. ``before_page`` hears the cursor of each page, and may raise."""

    def __init__(self) -> None:
        super().__init__()
        self.items = [Item(external_id=str(n), code=f"ITEM-{n}", name=f"Item {n}") for n in range(1, 6)]
        self.contacts: list[Contact] | None = None
        self.is_complete = True
        self.asked: list[str | None] = []
        self.before_page: Callable[[str | None], None] = lambda cursor: None

    @hookimpl
    def list_items(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[Item]:
        self.asked.append(cursor)
        self.before_page(cursor)
        start, end = int(cursor or 0), int(cursor or 0) + limit
        more = end < len(self.items)
        return Page(
            records=tuple(self.items[start:end]), next_cursor=str(end), has_more=more, complete=self.is_complete
        )

    @hookimpl
    def sync_contacts(self, ctx: BackendContext, cursor: str | None) -> ContactSync:
        if self.contacts is None:
            raise Unsupported("The QuickBooks stub holds no contacts; enter them by hand.")
        return ContactSync(pulled=Page(records=tuple(self.contacts), complete=True))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A company in US dollars, connected to the shelf."""

    house: House
    shop: Shop
    backend: ShelfBackend
    connection_id: int

    @property
    def company_id(self) -> int:
        return self.shop.company_id

    def sync(self, kind: str = "items", *, house: House | None = None) -> SyncRun:
        return run_sync(
            house or self.house, self.company_id, self.connection_id, kind, cause=SyncCause.PERSON, by="ann"
        )

    def runs(self) -> list[SyncRun]:
        return self.shop.rows(sa.select(SyncRun).order_by(SyncRun.id))

    def items(self) -> list[RemoteItem]:
        return self.shop.rows(sa.select(RemoteItem).order_by(RemoteItem.external_id))

    def contacts(self) -> list[RemoteContact]:
        return self.shop.rows(sa.select(RemoteContact).order_by(RemoteContact.external_id))

    def schedules(self) -> list[SyncSchedule]:
        return self.shop.rows(sa.select(SyncSchedule).order_by(SyncSchedule.kind))

    def connection(self) -> Connection:
        return self.shop.rows(sa.select(Connection))[0]

    def pass_lease(self) -> None:
        """Ten minutes pass for every running sync."""
        past = utc_now() - dt.timedelta(minutes=10)
        self.update(sa.update(SyncRun).where(SyncRun.state == "running").values(lease_until=past))

    def make_due(self, *, ago: dt.timedelta = dt.timedelta(minutes=1)) -> None:
        self.update(sa.update(SyncSchedule).values(next_at=utc_now() - ago))

    def update(self, statement: sa.Update) -> None:
        write_anywhere(self.shop.engine, lambda session: session.execute(statement))


def a_shelf(engine: sa.Engine, folder: Path, backend: ShelfBackend | None = None) -> Shelf:
    backend = backend or ShelfBackend()
    host = PluginHost()
    host.add(backend, "qbo_stub")
    house = House(
        settings=settings_for(engine, folder),
        engine=engine,
        host=host,
        vault=Vault(Secret(KEY)),
        clock=utc_now,
        ring=lambda company_id, export_id: None,
    )
    shop = a_shop(engine, currency="USD")
    connection = connecting.choose(house, shop.act, shop.company_id, backend="qbo_stub", organisation_id="9130-0001")
    return Shelf(house=house, shop=shop, backend=backend, connection_id=connection.id)
