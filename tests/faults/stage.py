"""A company whose postings go to books that lie: what every test of the posting protocol stands on."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from partsemble_core import config
from partsemble_core.domain.exports import ExportState
from partsemble_core.domain.journals import REQUIRED_ROLES
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_api.types import Posting
from partsemble_core.plugin_host import PluginHost
from partsemble_core.plugin_testing.lying import ORGANISATION, LyingBackend
from partsemble_core.plugin_testing.lying_books import HeldJournal, LyingBooks
from partsemble_core.services import connecting, mapping, receiving
from partsemble_core.services.acting import Act
from partsemble_core.services.draining import drain
from partsemble_core.services.house import House
from partsemble_core.services.posting import post_export
from partsemble_core.store.connections import Connection, Grant, RefreshTry
from partsemble_core.store.database import open_engine, write_anywhere
from partsemble_core.store.exports import Export, ExportAttempt
from partsemble_core.store.lots import DocumentKind
from partsemble_core.store.rates import RateBucket, RateCall
from partsemble_core.vault import Vault
from partsemble_core.wiring import utc_now
from tests.services.makers import Shop, a_line, a_shop

BACKEND = "lying"
KEY = "k1:" + "A" * 43 + "="
LONG_AGO = dt.timedelta(hours=12)
ACCOUNT_CODES = ("621", "623", "622", "621")
"""The accounts of the four roles that every connection needs, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The house, its one company, and the backend's books. ``rung`` lists the bells that were rung."""

    house: House
    shop: Shop
    books: LyingBooks
    backend: LyingBackend
    rung: list[tuple[int, int]] = field(default_factory=list)

    @property
    def company_id(self) -> int:
        return self.shop.company_id

    def queue(self, *, cost: str = "12.50") -> int:
        """Receives goods for ``cost`` and returns the export that waits for it."""
        return queue_receipt(self.house, self.shop, cost=cost)

    def post(self, export_id: int) -> ExportState | None:
        return post_export(self.house, self.company_id, export_id)

    def drain(self) -> None:
        """Works on all that is due, as a worker's turn does."""
        drain(self.house, self.company_id)

    def settle(self, export_id: int, *, runs: int = 30) -> ExportState:
        """Lets time pass and works on the export until it is posted or needs a person."""
        for _ in range(runs):
            self.pass_time()
            self.post(export_id)
            state = ExportState(self.export(export_id).state)
            if state in (ExportState.POSTED, ExportState.REVIEW):
                return state
        raise AssertionError(f"export {export_id} did not settle: {self.attempts(export_id)}")

    def pass_time(self) -> None:
        """Half a day passes in the database: leases run out, rests and pauses end."""
        age(self.house.engine)

    def export(self, export_id: int) -> Export:
        return self.shop.rows(sa.select(Export).where(Export.id == export_id))[0]

    def attempts(self, export_id: int) -> list[tuple[str, str | None]]:
        """(step, outcome) of each attempt."""
        return [(attempt.step, attempt.outcome) for attempt in self.attempt_rows(export_id)]

    def attempt_rows(self, export_id: int) -> list[ExportAttempt]:
        return self.shop.rows(
            sa.select(ExportAttempt).where(ExportAttempt.export_id == export_id).order_by(ExportAttempt.id)
        )

    def connection(self) -> Connection:
        return self.shop.rows(sa.select(Connection))[0]

    def update(self, export_id: int, **values: object) -> None:
        self.shop.write(lambda session: session.execute(sa.update(Export).where(Export.id == export_id).values(values)))

    def held(self, export_id: int, *, status: str = "") -> list[HeldJournal]:
        """What their books hold of this export."""
        return self.books.journals(token=self.export(export_id).token, status=status)

    def is_waiting(self, export_id: int) -> dt.timedelta:
        """How long from now until it is due, by this machine's clock."""
        return self.export(export_id).not_before - utc_now()


@contextmanager
def an_engine(url: str) -> Iterator[sa.Engine]:
    """An engine of the product's own kind on a database of the test's own: what is due in it is the test's."""
    opened = open_engine(url)
    try:
        yield opened
    finally:
        opened.dispose()


def a_stage(
    engine: sa.Engine,
    folder: Path,
    *,
    posting: Posting = Posting.DRAFT_THEN_POST,
    lease_seconds: int = 60,
    batch_size: int = 1,
) -> Stage:
    """A company connected to lying books in ``folder``, its four accounts chosen."""
    books = LyingBooks(folder / "books.sqlite3", posting=posting)
    backend = LyingBackend(books, name=BACKEND, batch_size=batch_size)
    host = PluginHost()
    host.add(backend, BACKEND)
    rung: list[tuple[int, int]] = []
    house = House(
        settings=settings_for(engine, folder, lease_seconds=lease_seconds),
        engine=engine,
        host=host,
        vault=Vault(Secret(KEY)),
        clock=utc_now,
        ring=lambda company_id, export_id: rung.append((company_id, export_id)),
    )
    shop = a_shop(engine)
    act = Act(by="ann@example.com", at=utc_now() - dt.timedelta(minutes=1), today=utc_now().date())
    shop = dataclasses.replace(shop, act=act)
    shop.product("BOLT")
    connect_lying(house, shop)
    return Stage(house=house, shop=shop, books=books, backend=backend, rung=rung)


def settings_for(engine: sa.Engine, folder: Path, *, lease_seconds: int = 60) -> config.Settings:
    return config.load(
        {
            "DATABASE_URL": engine.url.render_as_string(hide_password=False),
            "PARTSEMBLE_KEYS": KEY,
            "PARTSEMBLE_SECRET_KEY": "s" * 32,
            "PARTSEMBLE_PLUGINS": BACKEND,
            "PARTSEMBLE_LEASE_SECONDS": str(lease_seconds),
        },
        data_dir=folder,
    )


def connect_lying(house: House, shop: Shop, *, grant_id: int | None = None) -> None:
    connection = connecting.choose(
        house, shop.act, shop.company_id, backend=BACKEND, organisation_id=ORGANISATION, grant_id=grant_id
    )
    for role, code in zip(REQUIRED_ROLES, ACCOUNT_CODES, strict=True):
        house.write(
            shop.company_id,
            lambda session, r=role, c=code: mapping.map_account(  # type: ignore[misc]
                session, connection_id=connection.id, role=r, code=c
            ),
        )


def queue_receipt(house: House, shop: Shop, *, cost: str = "12.50") -> int:
    """Receives goods for ``cost`` and returns the export that waits for it."""
    receipt = house.write(
        shop.company_id,
        lambda session: receiving.receive(session, shop.act, supplier="ACM", lines=[a_line("BOLT", total_cost=cost)]),
    )
    statement = sa.select(Export.id).where(
        Export.document_kind == DocumentKind.RECEIPT, Export.document_id == receipt.id
    )
    return shop.rows(statement)[0]


def age(engine: sa.Engine) -> None:
    """Half a day passes by the database's clock, which alone decides about leases, rests, pauses and quarantines."""
    columns = (
        (Export, ("not_before", "lease_until")),
        (Connection, ("paused_until",)),
        (Grant, ("lease_until", "quarantine_until")),
        (RefreshTry, ("sent_at",)),
        (RateBucket, ("held_until", "day_ends_at")),
        (RateCall, ("under_way_until", "counts_until")),
    )
    past = utc_now() - LONG_AGO

    def pass_by(session: Session) -> None:
        for table, names in columns:
            for name in names:
                column = getattr(table, name)
                session.execute(sa.update(table).where(column > past).values({name: past}))

    write_anywhere(engine, pass_by)


def amounts(journal: HeldJournal) -> dict[str, Decimal]:
    """The journal's lines by account."""
    return {account: Decimal(amount) for account, amount in json.loads(journal.lines)}


def assert_posted_once(stage: Stage, export_id: int) -> None:
    """One posted journal of exactly this document in their books, no draft of ours, and we know its id."""
    export = stage.export(export_id)
    posted = stage.held(export_id, status="posted")
    assert [journal.external_id for journal in posted] == [export.external_id]
    assert stage.held(export_id, status="draft") == []
    assert export.state == ExportState.POSTED
    assert export.posted_at is not None
    assert amounts(posted[0]) == {"a-621": Decimal("12.5"), "a-623": Decimal("-12.5")}
