"""A shop whose events somebody listens to."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from partsemble_core import config
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_host import PluginHost
from partsemble_core.services.delivering import serve_endpoint
from partsemble_core.services.house import House
from partsemble_core.services.subscribing import add_endpoint
from partsemble_core.store.events import EventDelivery, EventEndpoint
from partsemble_core.vault import Vault
from partsemble_core.wiring import utc_now
from tests.services.makers import NOW, Shop, a_shop

KEY = "k1:" + "A" * 43 + "="
CONSOLE = "https://parts.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listened:
    """``shop`` acts at noon of `NOW`; the clock of deliveries is the database's."""

    house: House
    shop: Shop

    def listen(self, url: str, kinds: Sequence[str] | None = None) -> tuple[int, str]:
        """A new address; its id and its secret."""
        endpoint, secret = self.shop.write(
            lambda session: add_endpoint(self.house, session, self.shop.act, url=url, kinds=kinds)
        )
        return endpoint.id, secret.reveal()

    def serve(self, endpoint_id: int) -> int:
        return serve_endpoint(self.house, self.shop.company_id, endpoint_id)

    def deliveries(self) -> list[EventDelivery]:
        return self.shop.rows(sa.select(EventDelivery).order_by(EventDelivery.id))

    def endpoint(self, endpoint_id: int) -> EventEndpoint:
        return self.shop.rows(sa.select(EventEndpoint).where(EventEndpoint.id == endpoint_id))[0]

    def told(self) -> list[tuple[str, Any]]:
        """(kind, data) of all that was told."""
        return [(d.kind, json.loads(d.body)["data"]) for d in self.deliveries()]

    def pass_time(self) -> None:
        """Rests and leases end."""
        ago = utc_now() - dt.timedelta(hours=1)
        self.shop.write(lambda session: session.execute(sa.update(EventDelivery).values(not_before=ago)))
        self.shop.write(
            lambda session: session.execute(
                sa.update(EventDelivery).where(EventDelivery.lease_until.is_not(None)).values(lease_until=ago)
            )
        )


def listened(engine: sa.Engine, folder: Path, *, allow_private: bool = True) -> Listened:
    settings = config.load(
        {
            "DATABASE_URL": engine.url.render_as_string(hide_password=False),
            "PARTSEMBLE_KEYS": KEY,
            "PARTSEMBLE_SECRET_KEY": "s" * 32,
            "PARTSEMBLE_BASE_URL": CONSOLE,
            "PARTSEMBLE_EVENTS_ALLOW_PRIVATE": "1" if allow_private else "",
        },
        data_dir=folder,
    )
    house = House(
        settings=settings,
        engine=engine,
        host=PluginHost(),
        vault=Vault(Secret(KEY)),
        clock=lambda: NOW,
        ring=lambda company_id, export_id: None,
    )
    shop = a_shop(engine)
    return Listened(house=house, shop=dataclasses.replace(shop, act=dataclasses.replace(shop.act, console=CONSOLE)))
