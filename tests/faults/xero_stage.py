"""A company, the real Xero plugin and the sandbox over real HTTP: sign-in, tokens and postings as in production."""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import sqlalchemy as sa

from partsemble_core import config
from partsemble_core.domain.exports import ExportState
from partsemble_core.domain.journals import REQUIRED_ROLES
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_api.types import JournalStep, Organisation, PostStep
from partsemble_core.plugin_host import PluginHost
from partsemble_core.services import connecting, mapping
from partsemble_core.services.acting import Act
from partsemble_core.services.addressing import context_of, token_for
from partsemble_core.services.draining import drain
from partsemble_core.services.house import House
from partsemble_core.services.posting import post_export
from partsemble_core.store.connections import Connection, Grant, RefreshTry, TokenSet, find_live
from partsemble_core.store.exports import Export, ExportAttempt
from partsemble_core.vault import Vault
from partsemble_core.wiring import utc_now
from partsemble_xero import plugin
from partsemble_xero.sandbox.testing import RunningSandbox, consent, start_sandbox
from tests.faults.stage import KEY, LONG_AGO, age, queue_receipt
from tests.services.makers import Shop, a_shop

ORGANISATION = "Demo Kits Ltd"
REDIRECT = "http://localhost:8000/integrations/callback"
SESSION = "the session of ann's browser"
ACCOUNT_CODES = ("621", "623", "622", "621")
"""The accounts of the four roles that every connection needs, in their order."""


@dataclass(slots=True)
class MovingClock:
    """The machine's clock, moved forward."""

    ahead: dt.timedelta = field(default_factory=dt.timedelta)

    def __call__(self) -> dt.datetime:
        return utc_now() + self.ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class XeroStage:
    house: House
    shop: Shop
    sandbox: RunningSandbox
    clock: MovingClock

    @property
    def company_id(self) -> int:
        return self.shop.company_id

    @property
    def act(self) -> Act:
        return Act(by="ann@example.com", at=self.clock(), today=self.clock().date())

    def begin(self, *, session_key: str = SESSION) -> str:
        """The address of the consent page."""
        url = connecting.begin(
            self.house, self.act, self.company_id, backend="xero", session_key=session_key, redirect_uri=REDIRECT
        )
        assert url is not None
        return url

    def complete(
        self, callback: str, *, session_key: str = SESSION, backend: str = "xero"
    ) -> tuple[int, tuple[Organisation, ...]]:
        """(grant, organisations), as the page behind the callback address does it."""
        return connecting.complete(
            self.house,
            self.act,
            self.company_id,
            backend=backend,
            session_key=session_key,
            params=params_of(callback),
        )

    def sign_in(self, organisation: str = ORGANISATION, *, user: str = "") -> tuple[int, tuple[Organisation, ...]]:
        return self.complete(consent(self.begin(), organisation=organisation, user=user))

    def connect(self, organisation: str = ORGANISATION, *, user: str = "") -> Connection:
        """Signs in, chooses the organisation and maps the required accounts."""
        grant_id, found = self.sign_in(organisation, user=user)
        chosen = next(each for each in found if each.name == organisation)
        connection = connecting.choose(
            self.house,
            self.act,
            self.company_id,
            backend="xero",
            organisation_id=chosen.external_id,
            grant_id=grant_id,
        )
        for role, code in zip(REQUIRED_ROLES, ACCOUNT_CODES, strict=True):
            self.map(connection, role, code)
        return connection

    def map(self, connection: Connection, role: str, code: str) -> None:
        self.house.write(
            self.company_id,
            lambda session: mapping.map_account(session, connection_id=connection.id, role=role, code=code),
        )

    def queue(self, *, cost: str = "12.50") -> int:
        """Receives goods for ``cost`` and returns the export that waits for it."""
        return queue_receipt(self.house, self.shop, cost=cost)

    def post(self, export_id: int) -> ExportState | None:
        return post_export(self.house, self.company_id, export_id)

    def export(self, export_id: int) -> Export:
        return self.shop.rows(sa.select(Export).where(Export.id == export_id))[0]

    def attempts(self, export_id: int) -> list[ExportAttempt]:
        statement = sa.select(ExportAttempt).where(ExportAttempt.export_id == export_id).order_by(ExportAttempt.id)
        return self.shop.rows(statement)

    def journals(self, *, token: str = "") -> list[dict[str, Any]]:
        """What Xero holds, or what it holds of the export with this token."""
        return [each for each in self.sandbox.books(ORGANISATION)["journals"] if token in each["narration"]]

    def drain(self) -> None:
        """Works on all that is due, as a worker's turn does."""
        drain(self.house, self.company_id)

    def advance(self, *, minutes: int) -> None:
        """Time passes for us and for Xero; leases and quarantines go by the database's clock, see `age`."""
        self.clock.ahead += dt.timedelta(minutes=minutes)
        self.sandbox.advance(minutes * 60)

    def age(self) -> None:
        """Half a day passes by the database's clock, and a minute by Xero's: its calls of a minute are new ones."""
        age(self.house.engine)
        self.sandbox.advance(60)

    def age_attempts(self) -> None:
        """All attempts were made half a day ago: nothing of them can still be on its way."""
        past = utc_now() - LONG_AGO
        self.shop.write(lambda session: session.execute(sa.update(ExportAttempt).values(sent_at=past)))

    def replay_creation(self, export_id: int) -> str:
        """A request of long ago arrives now: the id of the draft that comes of it."""
        with self.house.reading(self.company_id) as session:
            connection = find_live(session)
        assert connection is not None
        ctx = context_of(self.house, connection, token=token_for(self.house, connection))
        entry = entry_from_bytes(self.export(export_id).body)
        step = JournalStep(kind=PostStep.CREATE, key=secrets.token_hex(16))
        return self.house.host.post_journal("xero", ctx, entry=entry, step=step).external_id

    def connection(self) -> Connection:
        return self.shop.rows(sa.select(Connection))[0]

    def grant(self) -> Grant:
        return self.shop.rows(sa.select(Grant))[0]

    def token_sets(self) -> list[TokenSet]:
        return self.shop.rows(sa.select(TokenSet).order_by(TokenSet.sequence))

    def tries(self) -> list[str | None]:
        return [tried.outcome for tried in self.shop.rows(sa.select(RefreshTry).order_by(RefreshTry.id))]

    def token_requests(self) -> int:
        """How many token requests the sandbox has answered or dropped."""
        return sum(1 for request in self.sandbox.requests() if request["path"] == "/connect/token")


def params_of(callback: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(callback).query))


@contextmanager
def a_xero_stage(engine: sa.Engine, folder: Path, *, daily_calls: int = 5_000, **options: Any) -> Iterator[XeroStage]:
    """A company that nobody has connected yet, and a sandbox in ``folder`` with ``options``."""
    with start_sandbox(folder / "sandbox.sqlite3", redirect_uris=(REDIRECT,), **options) as sandbox:
        clock = MovingClock()
        host = PluginHost()
        host.add(plugin, "xero")
        house = House(
            settings=xero_settings(engine, folder, sandbox, daily_calls=daily_calls),
            engine=engine,
            host=host,
            vault=Vault(Secret(KEY)),
            clock=clock,
            ring=lambda company_id, export_id: None,
        )
        shop = a_shop(engine)
        act = Act(by="ann@example.com", at=utc_now() - dt.timedelta(minutes=1), today=utc_now().date())
        shop = dataclasses.replace(shop, act=act)
        shop.product("BOLT")
        yield XeroStage(house=house, shop=shop, sandbox=sandbox, clock=clock)


def xero_settings(
    engine: sa.Engine, folder: Path, sandbox: RunningSandbox, *, scopes: str = "", daily_calls: int = 5_000
) -> config.Settings:
    """``scopes`` are what the app asks for, where not the plugin's own."""
    chosen = {"PARTSEMBLE_PLUGIN_XERO_SCOPES": scopes} if scopes else {}
    return config.load(
        {
            "DATABASE_URL": engine.url.render_as_string(hide_password=False),
            "PARTSEMBLE_KEYS": KEY,
            "PARTSEMBLE_SECRET_KEY": "s" * 32,
            "PARTSEMBLE_PLUGINS": "xero",
            **{f"PARTSEMBLE_PLUGIN_{name.upper()}": value for name, value in sandbox.plugin_settings.items()},
            **chosen,
            "PARTSEMBLE_PLUGIN_XERO_DAILY_CALLS": str(daily_calls),
        },
        data_dir=folder,
    )
