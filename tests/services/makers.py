"""A company with stock, made through the services: a test names only what it is about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from partsemble_core.domain.journals import AccountRole
from partsemble_core.errors import PartsembleError
from partsemble_core.services import building, cataloguing, receiving
from partsemble_core.services.acting import Act
from partsemble_core.services.building import Preview
from partsemble_core.services.cataloguing import BomView, ComponentInput, CostInput
from partsemble_core.services.receiving import LineInput
from partsemble_core.store import database
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.builds import Build
from partsemble_core.store.companies import Company
from partsemble_core.store.connections import AccountMapping, Connection, RemoteAccount
from partsemble_core.store.everything import metadata
from partsemble_core.store.lots import Lot
from partsemble_core.store.products import Product, StockBalance, balances_of, get_product_by_sku
from partsemble_core.store.receipts import Receipt, Supplier
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import SyncRun

T = TypeVar("T")
NOW = dt.datetime(2026, 5, 4, 9, 30, tzinfo=dt.UTC)
TODAY = NOW.date()
ROLES = tuple(AccountRole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """One company in a database. Each method is one committed transaction, or none at all."""

    engine: sa.Engine
    company_id: int
    act: Act = field(default_factory=lambda: Act(by="ann@example.com", at=NOW, today=TODAY))

    def write(self, work: Callable[[CompanySession], T]) -> T:
        return database.write(self.engine, self.company_id, work)

    def reading(self) -> AbstractContextManager[CompanySession]:
        return database.reading(self.engine, self.company_id)

    def product(self, sku: str, *, kind: str = "component") -> Product:
        return self.write(
            lambda session: cataloguing.create_product(session, self.act, sku=sku, name=f"The {sku}", kind=kind)
        )

    def products(self, *skus: str) -> None:
        for sku in skus:
            self.product(sku)

    def supplier(self, code: str = "ACM") -> Supplier:
        return self.write(
            lambda session: cataloguing.create_supplier(session, self.act, code=code, name=f"{code} Supplies")
        )

    def draft(self, *lines: LineInput, on: object = None, supplier: str = "ACM") -> Receipt:
        return self.write(
            lambda session: receiving.draft_receipt(session, self.act, supplier=supplier, lines=lines, received_on=on)
        )

    def confirm(self, receipt: Receipt) -> Receipt:
        return self.write(lambda session: receiving.confirm_receipt(session, self.act, receipt.id))

    def receive(self, *lines: LineInput, on: object = None, supplier: str = "ACM") -> Receipt:
        return self.write(
            lambda session: receiving.receive(session, self.act, supplier=supplier, lines=lines, received_on=on)
        )

    def stock(self, sku: str, quantity: object, unit_cost: object = "1", *, on: object = None) -> Receipt:
        """A receipt of one line."""
        return self.receive(LineInput(sku=sku, quantity=quantity, unit_cost=unit_cost), on=on)

    def bom(self, sku: str, components: dict[str, object], *costs: CostInput, makes: object = "1") -> BomVersion:
        """``{"bolt": "4"}`` takes four bolts; see `save` for lines with more to say."""
        return self.save(
            sku, *(ComponentInput(sku=c, quantity=q) for c, q in components.items()), costs=costs, makes=makes
        )

    def save(
        self, sku: str, *components: ComponentInput, costs: Sequence[CostInput] = (), makes: object = "1"
    ) -> BomVersion:
        product_id = self.find(sku).id
        return self.write(
            lambda session: cataloguing.save_bom(
                session,
                self.act,
                product_id=product_id,
                components=components,
                cost_lines=costs,
                output_quantity=makes,
            )
        )

    def build(self, sku: str, quantity: object, *, on: object = None) -> Build:
        product_id = self.find(sku).id
        return self.write(
            lambda session: building.build_now(session, self.act, product_id=product_id, quantity=quantity, built_on=on)
        )

    def preview(self, sku: str, quantity: object, *, on: dt.date | None = None) -> Preview:
        with self.reading() as session:
            product = get_product_by_sku(session, sku)
            return building.preview_build(session, product_id=product.id, quantity=quantity, built_on=on)

    def view(self, sku: str) -> BomView:
        with self.reading() as session:
            found = cataloguing.view_bom(session, get_product_by_sku(session, sku).id)
        assert found is not None
        return found

    def find(self, sku: str) -> Product:
        with self.reading() as session:
            return get_product_by_sku(session, sku)

    def balance(self, sku: str) -> StockBalance:
        with self.reading() as session:
            product = get_product_by_sku(session, sku)
            return balances_of(session, [product.id])[product.id]

    def lots(self, sku: str) -> list[Lot]:
        """All lots of the product, in order of creation."""
        product_id = self.find(sku).id
        return self.rows(sa.select(Lot).where(Lot.product_id == product_id).order_by(Lot.id))

    def left(self, sku: str) -> list[tuple[str, Decimal, Decimal]]:
        """Number, quantity and cost left of each lot."""
        return [(lot.number, lot.quantity_left, lot.cost_left) for lot in self.lots(sku)]

    def rows(self, statement: sa.Select[T]) -> list[T]:
        with self.reading() as session:
            return list(session.scalars(statement))


def a_shop(engine: sa.Engine, *, currency: str = "NZD", decimals: int = 2) -> Shop:
    """A company with the supplier ACM and nothing else."""
    company = Company(name="Acme Assembly", currency=currency, decimals=decimals, timezone="UTC", created_at=NOW)

    def found(session: sa.orm.Session) -> int:
        session.add(company)
        session.flush()
        return company.id

    shop = Shop(engine=engine, company_id=database.write_anywhere(engine, found))
    shop.supplier()
    return shop


def a_line(sku: str, quantity: object = "10", **values: Any) -> LineInput:
    """A receipt line; without a cost it costs 5.00 in all."""
    if not values.keys() & {"unit_cost", "total_cost"}:
        values["total_cost"] = "5.00"
    return LineInput(sku=sku, quantity=quantity, **values)


def connect(
    shop: Shop, *, state: str = "active", roles: Sequence[AccountRole] = ROLES, one_account: bool = False
) -> Connection:
    """A connection whose roles have an account each (or share one), as if a backend had been asked."""
    return shop.write(lambda session: _connect(session, state, roles, one_account=one_account))


def _connect(session: CompanySession, state: str, roles: Sequence[AccountRole], *, one_account: bool) -> Connection:
    connection = Connection(
        backend="fake",
        organisation_id="org-1",
        organisation_name="Acme Books",
        base_currency="NZD",
        link_id="link-1",
        state=state,
        inventory_mode="journal_only",
        problem="",
        created_at=NOW,
    )
    session.add(connection)
    session.flush()
    accounts: dict[str, RemoteAccount] = {}
    for number, role in enumerate(roles, start=1):
        code = "600" if one_account else f"6{number:02d}"
        if code not in accounts:
            accounts[code] = an_account(connection.id, code)
            session.add(accounts[code])
            session.flush()
        session.add(AccountMapping(connection_id=connection.id, role=role, remote_account_id=accounts[code].id))
    return connection


def a_run(shop: Shop, connection_id: int, kind: str = "items") -> int:
    """A sync that has ended; its id."""
    run = SyncRun(
        connection_id=connection_id,
        kind=kind,
        cause="person",
        state="done",
        started_by="ann@example.com",
        started_at=NOW,
        ended_at=NOW,
    )

    def add(session: CompanySession) -> None:
        session.add(run)
        session.flush()

    shop.write(add)
    return run.id


def an_account(connection_id: int, code: str, *, is_usable: bool = True, why_not: str = "") -> RemoteAccount:
    return RemoteAccount(
        connection_id=connection_id,
        external_id=f"account-{code}",
        code=code,
        name=f"Account {code}",
        classification="asset",
        native_type="CURRENT",
        is_usable=is_usable,
        why_not=why_not,
        warning="",
        is_gone=False,
        synced_at=NOW,
    )


NOTED = ("seen_at", "used_at")
"""Written down by the doors, whoever comes: no work of anybody."""


def contents(shop: Shop) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the company in every table: what has to be the same before and after a refusal."""
    with database.reading_anywhere(shop.engine) as session:
        return {
            table.name: [
                tuple(row)
                for row in session.execute(
                    sa.select(*(c for c in table.c if c.name not in NOTED))
                    .where(table.c.company_id == shop.company_id)
                    .order_by(table.c.id)
                )
            ]
            for table in metadata.sorted_tables
            if "company_id" in table.c
        }


@contextmanager
def refused(
    shop: Shop, error: type[PartsembleError], code: str, *, field: str | None = None, says: str | None = None
) -> Iterator[pytest.ExceptionInfo[PartsembleError]]:
    """What is done inside is refused with exactly this class, code and field, and leaves no trace anywhere."""
    before = contents(shop)
    with pytest.raises(error, match=says) as caught:
        yield caught
    assert type(caught.value) is error
    assert caught.value.code == code
    assert getattr(caught.value, "field", None) == field
    assert str(caught.value).endswith("."), "a message is a sentence"
    assert contents(shop) == before


def in_threads(*calls: tuple[Any, ...]) -> None:
    """Runs each (function, argument, …) in a thread of its own, all at once, and waits for the last to end.

    What one of them raises is raised here.
    """
    with ThreadPoolExecutor(len(calls)) as pool:
        for future in [pool.submit(*call) for call in calls]:
            future.result(timeout=60)
