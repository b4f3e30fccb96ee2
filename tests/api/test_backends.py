"""Settings of accounting systems over the API: a secret goes in and never comes out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.plugin_api.secret import Secret
from partsemble_core.services.configuring import settings_of
from partsemble_core.store.companies import Role
from partsemble_core.store.connections import Connection
from partsemble_xero import plugin as xero
from tests.api.callers import Firm, found_firm, serve
from tests.servers.databases import copy_of
from tests.services.makers import connect

PATH = "/backends/xero/settings"


@pytest.fixture
def xero_firm(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Firm]:
    """A firm of its own: settings are the whole installation's."""
    served = serve(copy_of(migrated_sqlite, tmp_path / "firm.sqlite3"), tmp_path)
    served.house.host.add(xero, "xero")
    yield found_firm(served)
    served.house.engine.dispose()


def test_an_app_is_entered_and_removed(xero_firm: Firm) -> None:
    values = {"client_id": "AN-APP", "client_secret": "A-SECRET-OF-IT"}
    shown = xero_firm.owner.send("PUT", PATH, {"values": values})
    by_name = {each["name"]: each for each in shown["settings"]}
    assert by_name["client_id"]["value"] == "AN-APP"
    assert (by_name["client_secret"]["value"], by_name["client_secret"]["source"]) == ("", "console")
    listed = xero_firm.owner.call("GET", "/backends")
    assert "A-SECRET-OF-IT" not in listed.text
    assert shown in listed.json["rows"]
    assert settings_of(xero_firm.served.house, "xero")["client_secret"] == Secret("A-SECRET-OF-IT")
    xero_firm.owner.send("PUT", PATH, {"values": {"client_secret": None}})
    assert set(settings_of(xero_firm.served.house, "xero")) == {"client_id"}


def test_what_is_wrong_is_refused_by_its_name(xero_firm: Firm) -> None:
    wrong = {"token_url": "https://x.example", "nonsense": "1", "daily_calls": "1e99"}
    for field, value in wrong.items():
        assert xero_firm.owner.refused("PUT", PATH, {"values": {field: value}}) == (422, "invalid", field)
    assert settings_of(xero_firm.served.house, "xero") == {}
    assert xero_firm.owner.refused("PUT", "/backends/nothing/settings", {"values": {}})[0] == 404


def test_owner_and_admin_alone(xero_firm: Firm) -> None:
    for role in (Role.ACCOUNTANT, Role.BUILDER, Role.VIEWER):
        caller = xero_firm.callers[role]
        assert caller.refused("GET", "/backends")[:2] == (403, "forbidden")
        assert caller.refused("PUT", PATH, {"values": {"client_id": "X"}})[:2] == (403, "forbidden")
    xero_firm.callers[Role.ADMIN].send("PUT", PATH, {"values": {"client_id": "X"}})


def test_a_company_of_others_is_not_decided_for(xero_firm: Firm) -> None:
    connect_like(xero_firm)
    stranger = found_firm(xero_firm.served)
    wanted = {"values": {"client_id": "X"}}
    assert stranger.owner.refused("PUT", PATH, wanted)[:2] == (409, "settings-shared")
    xero_firm.owner.send("PUT", PATH, wanted)


def connect_like(firm: Firm) -> None:
    """A connection to Xero's books, as far as the table goes."""
    connect(firm.shop)
    firm.shop.write(lambda session: session.execute(sa.update(Connection).values(backend="xero")))
